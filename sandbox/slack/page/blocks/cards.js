// Cards, containers, alerts, and the plan of an agent's tasks.
import { Element } from "../elements/index.js";
import { Icon } from "../icons.js";
import { plain, Text } from "../mrkdwn.js";
import { html, useState } from "../view.js";
import { Blocks } from "./index.js";
import { RichText } from "./rich_text.js";

const line = (className, text) => text && html`<div class=${className}><${Text} of=${text} /></div>`;

export function Card({ block }) {
  return html`<article class="block card">
    ${block.hero_image && html`<img class="card-hero" src=${block.hero_image.image_url} alt=${block.hero_image.alt_text} />`}
    <div class="card-main">
      <div class="card-head">
        ${block.icon && html`<img class="card-icon" src=${block.icon.image_url} alt=${block.icon.alt_text} />`}
        <div>${line("card-title", block.title)}${line("card-subtitle", block.subtitle)}</div>
      </div>
      ${line("card-body", block.body)}
      ${
        block.actions &&
        html`<div class="actions">
          ${block.actions.map((element) => html`<${Element} key=${element.action_id} element=${element} block=${block} />`)}
        </div>`
      }
      ${line("card-subtext", block.subtext)}
    </div>
  </article>`;
}

export const Carousel = ({ block }) =>
  html`<div class="block carousel" role="group" aria-label="Cards" tabindex="0">
    ${block.elements.map((card) => html`<${Card} block=${{ block_id: block.block_id, ...card }} />`)}
  </div>`;

function ContainerHead({ block }) {
  const title = block.rich_text_title ? html`<${RichText} block=${block.rich_text_title} />` : plain(block.title.text);
  return html`${block.icon && html`<img class="card-icon" src=${block.icon.image_url} alt=${block.icon.alt_text} />`}
    <span>
      <span class="container-name">${title}</span>
      ${block.subtitle && html`<span class="card-subtitle"><${Text} of=${block.subtitle} /></span>`}
    </span>`;
}

/** A titled group of blocks that may fold. */
export function Container({ block }) {
  const [open, setOpen] = useState(!block.default_collapsed);
  return html`<section class=${`block container ${block.has_header_divider ? "has-line" : ""}`}>
    ${
      block.is_collapsible
        ? html`<button type="button" class="container-title" aria-expanded=${open} onClick=${() => setOpen(!open)}>
            <${Icon} name=${open ? "down" : "right"} /><${ContainerHead} block=${block} />
          </button>`
        : html`<div class="container-title"><${ContainerHead} block=${block} /></div>`
    }
    ${(open || !block.is_collapsible) && html`<${Blocks} blocks=${block.child_blocks} />`}
  </section>`;
}

export function Alert({ block }) {
  const level = block.level ?? "default";
  const icon = level === "success" ? "check" : level === "warning" || level === "error" ? "warn" : "info";
  return html`<div class=${`block alert alert-${level}`} role=${level === "error" ? "alert" : "status"}>
    <${Icon} name=${icon} />
    <div><${Text} of=${block.text} /></div>
  </div>`;
}

const TASK_STATES = { pending: "To do", in_progress: "In progress", complete: "Done", error: "Failed" };

export const TaskCard = ({ block }) =>
  html`<div class=${`block task task-${block.status}`}>
    <span class="task-mark" role="img" aria-label=${TASK_STATES[block.status] ?? "Task"}>
      ${
        block.status === "in_progress"
          ? html`<span class="spinner"></span>`
          : html`<${Icon} name=${{ complete: "check", error: "close" }[block.status] ?? "more"} />`
      }
    </span>
    <div>
      <div class="task-title">${plain(block.title)}</div>
      ${block.details && html`<${RichText} block=${block.details} />`}
      ${block.output && html`<${RichText} block=${block.output} />`}
      ${block.sources?.map((source) => html`<a href=${source.url} target="_blank" rel="noreferrer noopener">${source.text}</a> `)}
    </div>
  </div>`;

export const Plan = ({ block }) =>
  html`<section class="block container">
    <div class="container-title"><span class="container-name">${plain(block.title.text ?? block.title)}</span></div>
    ${(block.tasks ?? []).map((task) => html`<${TaskCard} block=${task} />`)}
  </section>`;
