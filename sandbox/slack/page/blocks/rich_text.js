import { Emoji, withEmoji } from "../emoji.js";
import { Broadcast, ChannelMention, DateMention, GroupMention, Link, UserMention } from "../mrkdwn.js";
import { html } from "../view.js";

const STYLES = { code: "code", bold: "b", italic: "i", strike: "s", underline: "u" };

function styled(style, children) {
  return Object.entries(STYLES).reduce(
    (inner, [name, tag]) => (style?.[name] ? html`<${tag}>${inner}<//>` : inner),
    children,
  );
}

const lines = (text) =>
  text.split("\n").flatMap((one, at) => (at ? [html`<br />`, ...withEmoji(one)] : withEmoji(one)));

const INLINE = {
  text: (one) => lines(one.text),
  link: (one) => html`<${Link} url=${one.url}>${one.text ?? one.url}<//>`,
  emoji: (one) => html`<${Emoji} name=${one.name} />`,
  user: (one) => html`<${UserMention} id=${one.user_id} />`,
  usergroup: (one) => html`<${GroupMention} id=${one.usergroup_id} />`,
  channel: (one) => html`<${ChannelMention} id=${one.channel_id} />`,
  broadcast: (one) => html`<${Broadcast} range=${one.range} />`,
  date: (one) =>
    html`<${DateMention} unix=${one.timestamp} pattern=${one.format} url=${one.url} fallback=${one.fallback} />`,
  color: (one) => html`<code>${one.value}</code>`,
};

const inline = (elements) => elements.map((one) => styled(one.style, INLINE[one.type]?.(one) ?? one.text ?? ""));

function List({ part }) {
  const tag = part.style === "ordered" ? "ol" : "ul";
  return html`<${tag} class=${`indent-${part.indent ?? 0}`} start=${part.offset ? part.offset + 1 : undefined}>
    ${part.elements.map((item) => html`<li>${inline(item.elements)}</li>`)}
  <//>`;
}

const PARTS = {
  rich_text_section: (part) => html`<div>${inline(part.elements)}</div>`,
  rich_text_list: (part) => html`<${List} part=${part} />`,
  rich_text_preformatted: (part) => html`<pre tabindex="0">${inline(part.elements)}</pre>`,
  rich_text_quote: (part) => html`<blockquote>${inline(part.elements)}</blockquote>`,
};

export const RichText = ({ block }) =>
  html`<div class="rich-text">${block.elements.map((part) => PARTS[part.type]?.(part))}</div>`;
