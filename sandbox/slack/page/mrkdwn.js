// Slack's own markup, and plain text, as elements. Nothing is ever put in as HTML, so no text can be more than text.
import { dateText } from "./dates.js";
import { withEmoji } from "./emoji.js";
import { html, useContext, World } from "./view.js";

const unescape = (text) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
const safe = (url) => /^(https?|mailto|tel):/i.test(url);

export const Link = ({ url, children }) =>
  safe(url)
    ? html`<a href=${url} target="_blank" rel="noreferrer noopener">${children}</a>`
    : html`<span>${children}</span>`;

export function UserMention({ id, label }) {
  const world = useContext(World);
  return html`<span class=${`mention ${id === world.me.id ? "mention-me" : ""}`}>@${label ?? world.name(id)}</span>`;
}

export function GroupMention({ id, label }) {
  const world = useContext(World);
  return html`<span class="mention">${label ?? `@${world.groups.get(id)?.handle ?? id}`}</span>`;
}

export function ChannelMention({ id, label }) {
  const world = useContext(World);
  const name = world.channels.get(id)?.name ?? label ?? id;
  return html`<a class="mention" href=${`#/${world.user}/${id}`}>#${name}</a>`;
}

export function DateMention({ unix, pattern, url, fallback, first }) {
  const world = useContext(World);
  const said = dateText(pattern, Number(unix), world.me.tz) ?? fallback ?? "";
  const text = first ? said.replace(/^./, (letter) => letter.toUpperCase()) : said;
  const time = html`<time datetime=${new Date(Number(unix) * 1000).toISOString()} title=${fallback}>${text}</time>`;
  return url ? html`<${Link} url=${url}>${time}<//>` : time;
}

export const Broadcast = ({ range }) => html`<span class="mention mention-me">@${range}</span>`;

function token(inside, first) {
  const [target, label] = inside.split(/\|(.*)/s);
  const text = label === undefined ? undefined : unescape(label);
  if (target.startsWith("@")) return html`<${UserMention} id=${target.slice(1)} label=${text} />`;
  if (target.startsWith("#")) return html`<${ChannelMention} id=${target.slice(1)} label=${text} />`;
  if (target.startsWith("!date^")) {
    const [, unix, pattern, url] = target.split("^");
    return html`<${DateMention}
      unix=${unix}
      pattern=${pattern}
      url=${url && unescape(url)}
      fallback=${text}
      first=${first}
    />`;
  }
  if (target.startsWith("!subteam^")) return html`<${GroupMention} id=${target.slice(9)} label=${text} />`;
  if (/^!(here|channel|everyone)$/.test(target)) return html`<${Broadcast} range=${target.slice(1)} />`;
  if (target.startsWith("!")) return text ?? target;
  const url = unescape(target);
  return html`<${Link} url=${url}>${text === undefined ? url.replace(/^mailto:/, "") : withEmoji(text)}<//>`;
}

// In order: code, <…> token, a bare address, and the three styles, which must hug their words.
const INLINE =
  /`([^`\n]+)`|<([^<>\n]+)>|(https?:\/\/[^\s<>|]+[^\s<>|.,;:!?)'"])|(?<![\w*])\*(?=\S)([^*\n]*\S)\*(?![\w*])|(?<![\w_])_(?=\S)([^\n]*?\S)_(?![\w_])|(?<![\w~])~(?=\S)([^~\n]*\S)~(?![\w~])/;

function inline(text) {
  const out = [];
  let rest = text;
  for (let found = INLINE.exec(rest); found; found = INLINE.exec(rest)) {
    out.push(...withEmoji(unescape(rest.slice(0, found.index))));
    const [whole, code, inside, url, bold, italic, strike] = found;
    if (code !== undefined) out.push(html`<code>${unescape(code)}</code>`);
    else if (inside !== undefined) out.push(token(inside, out.length === 0));
    else if (url !== undefined) out.push(html`<${Link} url=${unescape(url)}>${unescape(url)}<//>`);
    else if (bold !== undefined) out.push(html`<b>${inline(bold)}</b>`);
    else if (italic !== undefined) out.push(html`<i>${inline(italic)}</i>`);
    else out.push(html`<s>${inline(strike)}</s>`);
    rest = rest.slice(found.index + whole.length);
  }
  out.push(...withEmoji(unescape(rest)));
  return out;
}

const lines = (text, render) =>
  text.split("\n").flatMap((line, at) => (at ? [html`<br />`, ...render(line)] : render(line)));

function paragraphs(text) {
  const out = [];
  for (const part of text.split(/((?:^(?:&gt;|>) ?.*(?:\n|$))+)/m)) {
    if (/^(&gt;|>)/.test(part)) {
      const quoted = part.replace(/\n$/, "").replace(/^(&gt;|>) ?/gm, "");
      out.push(html`<blockquote>${lines(quoted, inline)}</blockquote>`);
    } else if (part) out.push(...lines(part, inline));
  }
  return out;
}

/** mrkdwn text as elements. */
export function mrkdwn(text) {
  return text.split(/```\n?([\s\S]+?)\n?```\n?/).flatMap((part, at) => {
    if (at % 2) return [html`<pre tabindex="0">${unescape(part).replace(/<([^|>]+\|)?([^>]+)>/g, "$2")}</pre>`];
    return part ? paragraphs(part) : [];
  });
}

export const plain = (text) => lines(unescape(text), withEmoji);

/** A text object, `{type: "mrkdwn" | "plain_text", text}`. */
export const Text = ({ of }) =>
  html`<span class="text">${of.type === "mrkdwn" ? mrkdwn(of.text) : plain(of.text)}</span>`;
