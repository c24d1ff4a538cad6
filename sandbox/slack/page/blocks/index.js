// Block Kit, block by block.
import { Element } from "../elements/index.js";
import { mrkdwn, plain, Text } from "../mrkdwn.js";
import { html } from "../view.js";
import { Alert, Card, Carousel, Container, Plan, TaskCard } from "./cards.js";
import { Chart } from "./chart.js";
import { Input } from "./input.js";
import { Markdown } from "./markdown.js";
import { RichText } from "./rich_text.js";
import { DataTable, Table } from "./table.js";

function Section({ block }) {
  return html`<div class=${`block section ${block.accessory ? "has-accessory" : ""}`}>
    <div class="section-main">
      ${block.text && html`<div class="section-text"><${Text} of=${block.text} /></div>`}
      ${block.fields && html`<div class="section-fields">${block.fields.map((field) => html`<div><${Text} of=${field} /></div>`)}</div>`}
    </div>
    ${block.accessory && html`<div class="section-accessory"><${Element} element=${block.accessory} block=${block} /></div>`}
  </div>`;
}

const Context = ({ block }) =>
  html`<div class="block context">
    ${block.elements.map((one) =>
      one.type === "image"
        ? html`<img src=${one.image_url} alt=${one.alt_text} />`
        : html`<span><${Text} of=${one} /></span>`,
    )}
  </div>`;

const Actions = ({ block }) =>
  html`<div class="block actions">
    ${block.elements.map((element) => html`<${Element} key=${element.action_id} element=${element} block=${block} />`)}
  </div>`;

const Image = ({ block }) =>
  html`<figure class="block image">
    ${block.title && html`<figcaption>${plain(block.title.text)}</figcaption>`}
    <a href=${block.image_url ?? block.slack_file?.url} target="_blank" rel="noreferrer noopener" title="Open the picture">
      <img src=${block.image_url ?? block.slack_file?.url} alt=${block.alt_text} />
    </a>
  </figure>`;

/** A block of a type this page does not know still shows the words in it. */
function Unknown({ block }) {
  const words = [block.title, block.text, block.caption]
    .map((one) => one?.text ?? one)
    .filter((one) => typeof one === "string");
  return html`<div class="block unknown">
    ${words.length ? mrkdwn(words.join("\n")) : `Not shown here: ${block.type}`}
  </div>`;
}

const BY_TYPE = {
  section: Section,
  header: ({ block }) => html`<h2 class="block header">${plain(block.text.text)}</h2>`,
  divider: () => html`<hr class="block divider" />`,
  context: Context,
  actions: Actions,
  context_actions: Actions,
  image: Image,
  input: Input,
  rich_text: ({ block }) => html`<div class="block"><${RichText} block=${block} /></div>`,
  markdown: ({ block }) => html`<div class="block markdown"><${Markdown} text=${block.text} /></div>`,
  table: Table,
  data_table: DataTable,
  data_visualization: Chart,
  card: Card,
  carousel: Carousel,
  container: Container,
  alert: Alert,
  plan: Plan,
  task_card: TaskCard,
};

export function Blocks({ blocks }) {
  return html`<div class="blocks">
    ${blocks.map((block, at) => {
      const Kind = BY_TYPE[block.type] ?? Unknown;
      return html`<${Kind} key=${`${block.type} ${block.block_id ?? at}`} block=${block} />`;
    })}
  </div>`;
}
