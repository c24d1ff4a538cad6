// The markdown block: the common subset that Slack renders, line by line.
import { withEmoji } from "../emoji.js";
import { Link } from "../mrkdwn.js";
import { html } from "../view.js";

const INLINE =
  /`([^`]+)`|!?\[([^\]]*)\]\(([^()\s]+(?:\([^()\s]*\))?)\)|(https?:\/\/[^\s<>]+[^\s<>.,;:!?)'"])|(\*\*|__)(?=\S)(.+?\S?)\5|(?<![\w*])([*_])(?=\S)(.+?)\7(?!\w)|~~(.+?)~~/;

function inline(text) {
  const out = [];
  let rest = text;
  for (let found = INLINE.exec(rest); found; found = INLINE.exec(rest)) {
    const [whole, code, label, target, url, , strong, , em, strike] = found;
    out.push(...withEmoji(rest.slice(0, found.index)));
    if (code !== undefined) out.push(html`<code>${code}</code>`);
    else if (target !== undefined) out.push(html`<${Link} url=${target}>${inline(label)}<//>`);
    else if (url !== undefined) out.push(html`<${Link} url=${url}>${url}<//>`);
    else if (strong !== undefined) out.push(html`<b>${inline(strong)}</b>`);
    else if (em !== undefined) out.push(html`<i>${inline(em)}</i>`);
    else out.push(html`<s>${inline(strike)}</s>`);
    rest = rest.slice(found.index + whole.length);
  }
  return [...out, ...withEmoji(rest)];
}

const cells = (row) =>
  row
    .replace(/^\s*\||\|\s*$/g, "")
    .split("|")
    .map((cell) => cell.trim());
const ITEM = /^(\s*)([-*+]|\d+[.)])\s+(.*)$/;

function list(items) {
  const tag = /\d/.test(items[0][2]) ? "ol" : "ul";
  return html`<${tag}>
    ${items.map(([, indent, , text]) => html`<li class=${indent.length >= 2 ? "indent-1" : ""}>${inline(text)}</li>`)}
  <//>`;
}

function table([head, , ...body]) {
  return html`<div class="table-scroll" tabindex="0" role="group" aria-label="Table">
    <table class="grid">
      <thead>
        <tr>
          ${cells(head).map((cell) => html`<th scope="col">${inline(cell)}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${body.map(
          (row) =>
            html`<tr>
              ${cells(row).map((cell) => html`<td>${inline(cell)}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

// Each kind of passage: does a line start it, does a following line belong to it, and how its lines are shown.
const KINDS = [
  [
    /^#{1,6}\s/,
    () => false,
    ([line]) => html`<h3 class=${`heading-${line.match(/^#+/)[0].length}`}>${inline(line.replace(/^#+\s+/, ""))}</h3>`,
  ],
  [/^\s*([-*_])(\s*\1){2,}\s*$/, () => false, () => html`<hr class="divider" />`],
  [
    /^>/,
    (line) => line.startsWith(">"),
    (lines) =>
      html`<blockquote>${lines.map((line) => html`<div>${inline(line.replace(/^>\s?/, ""))}</div>`)}</blockquote>`,
  ],
  [ITEM, (line) => ITEM.test(line), (lines) => list(lines.map((line) => line.match(ITEM)))],
  [/^\s*\|.*\|\s*$/, (line) => /^\s*\|/.test(line), (lines) => (lines.length > 1 ? table(lines) : inline(lines[0]))],
];

function passages(text) {
  const out = [];
  const rest = text.split("\n");
  while (rest.length) {
    const line = rest.shift();
    if (!line.trim()) continue;
    const [, belongs, show] = KINDS.find(([starts]) => starts.test(line)) ?? [
      null,
      (next) => next.trim() && !KINDS.some(([starts]) => starts.test(next)),
      (lines) => html`<p>${lines.flatMap((one, at) => (at ? [html`<br />`, ...inline(one)] : inline(one)))}</p>`,
    ];
    const taken = [line];
    while (rest.length && belongs(rest[0])) taken.push(rest.shift());
    out.push(show(taken));
  }
  return out;
}

export function Markdown({ text }) {
  return text
    .split(/^```\w*\n([\s\S]*?)\n?```$/m)
    .flatMap((part, at) => (at % 2 ? [html`<pre tabindex="0">${part}</pre>`] : passages(part)));
}
