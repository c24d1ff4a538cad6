// A modest set of emoji. Those that carry a status are drawn, so that they look the same where no emoji font is.
import { html } from "./view.js";

const GREEN = "#2b8a4b";
const RED = "#d13438";
const AMBER = "#e8a317";
const BLUE = "#2f7fd1";

const disc = (fill) => html`<circle cx="10" cy="10" r="8" fill=${fill} />`;
const white = (d) =>
  html`<path d=${d} fill="none" stroke="#fff" stroke-width="2.4" stroke-linecap="round" stroke-linejoin="round" />`;
const tile = (fill) => html`<rect x="1.5" y="1.5" width="17" height="17" rx="4" fill=${fill} />`;
const glass = html`<path d="M4 2h12M4 18h12" stroke="#9a6a2f" stroke-width="2.2" stroke-linecap="round" /><path
    d="M5.5 3v2.2c0 2 3.2 3.2 3.2 4.8s-3.2 2.8-3.2 4.8V17h9v-2.2c0-2-3.2-3.2-3.2-4.8s3.2-2.8 3.2-4.8V3z"
    fill="#bfe3ee" />
  <path d="M7 16.8c.3-1.7 1.9-1.6 3-3 1.1 1.4 2.7 1.3 3 3zM7.6 5.6h4.8L10 8.6z" fill=${AMBER} />`;

const DRAWN = {
  white_check_mark: [tile(GREEN), white("M5.5 10.5l3 3 6-7")],
  heavy_check_mark: html`<path
    d="M3 11l4.5 4.5L17 5"
    fill="none"
    stroke=${GREEN}
    stroke-width="3"
    stroke-linecap="round"
    stroke-linejoin="round"
  />`,
  x: html`<path d="M4 4l12 12M16 4L4 16" stroke=${RED} stroke-width="3.4" stroke-linecap="round" />`,
  warning: html`<path
      d="M10 2L19 18H1z"
      fill=${AMBER}
      stroke=${AMBER}
      stroke-width="1.5"
      stroke-linejoin="round" />
    <path d="M10 7.5v5M10 15.3v.1" stroke="#3b2a00" stroke-width="2.2" stroke-linecap="round" />`,
  hourglass: glass,
  hourglass_flowing_sand: glass,
  large_green_circle: disc(GREEN),
  large_yellow_circle: disc("#f2c230"),
  large_orange_circle: disc("#e8801a"),
  red_circle: disc(RED),
  large_blue_circle: disc(BLUE),
  white_circle: html`<circle cx="10" cy="10" r="7.3" fill="#f4f4f4" stroke="#8a8f94" stroke-width="1.4" />`,
  snowflake: [tile(BLUE), white("M10 4v12M4.8 7l10.4 6M15.2 7L4.8 13")],
  no_entry: [disc(RED), html`<rect x="5" y="8.5" width="10" height="3" rx=".6" fill="#fff" />`],
  octagonal_sign: html`<path d="M6.5 1.5h7l5 5v7l-5 5h-7l-5-5v-7z" fill=${RED} />`,
  information_source: [tile(BLUE), white("M10 9.5v5M10 5.8v.1")],
  black_square_for_stop: [tile("#5b6b7a"), html`<rect x="6.5" y="6.5" width="7" height="7" fill="#fff" />`],
  rewind: [tile(BLUE), html`<path d="M10 5.5v9L4 10zM16 5.5v9L10 10z" fill="#fff" />`],
  arrow_forward: [tile(BLUE), html`<path d="M7.5 5.5v9l7-4.5z" fill="#fff" />`],
  arrows_counterclockwise: [tile(BLUE), white("M14.5 8a5 5 0 0 0-9-.5M5 5v3h3M5.5 12a5 5 0 0 0 9 .5M15 15v-3h-3")],
  tada: html`<path d="M2 18L6.5 6.5l7 7z" fill=${AMBER} /><path
      d="M9 6c1-2 0-3 1-4M13 10c2-1 4 0 5-1M12 7l4-4"
      fill="none"
      stroke=${RED}
      stroke-width="1.8"
      stroke-linecap="round" />
    <g fill=${BLUE}><circle cx="15" cy="14" r="1.2" /><circle cx="6" cy="3" r="1.2" /></g>`,
  dart: [
    disc("#fff"),
    html`<circle cx="10" cy="10" r="7" fill="none" stroke=${RED} stroke-width="2.4" /><circle
        cx="10"
        cy="10"
        r="2.6"
        fill=${RED}
      />`,
  ],
  lock: html`<path d="M6.5 9V6.5a3.5 3.5 0 0 1 7 0V9" fill="none" stroke="#8a8f94" stroke-width="2" /><rect
      x="4"
      y="8.5"
      width="12"
      height="9.5"
      rx="2"
      fill=${AMBER}
    />`,
  chart_with_upwards_trend: [
    tile("#e9eef2"),
    html`<path
      d="M4 14l4-4 3 2 5-6"
      fill="none"
      stroke=${RED}
      stroke-width="2"
      stroke-linecap="round"
      stroke-linejoin="round"
    />`,
  ],
};

const CHARACTERS = {
  rocket: "🚀",
  eyes: "👀",
  wave: "👋",
  bell: "🔔",
  no_bell: "🔕",
  bulb: "💡",
  mag: "🔍",
  gear: "⚙️",
  package: "📦",
  clipboard: "📋",
  memo: "📝",
  robot_face: "🤖",
  stopwatch: "⏱️",
  alarm_clock: "⏰",
  calendar: "📅",
  camera: "📷",
  thumbsup: "👍",
  "+1": "👍",
  thumbsdown: "👎",
  "-1": "👎",
  sparkles: "✨",
  fire: "🔥",
  link: "🔗",
  trophy: "🏆",
  bar_chart: "📊",
  hammer_and_wrench: "🛠️",
  factory: "🏭",
  label: "🏷️",
  key: "🔑",
  shield: "🛡️",
  star: "⭐",
  zzz: "💤",
  point_right: "👉",
  heart: "❤️",
  smile: "😄",
  slightly_smiling_face: "🙂",
  thinking_face: "🤔",
  pray: "🙏",
  speech_balloon: "💬",
  moneybag: "💰",
  snail: "🐌",
  construction: "🚧",
  computer: "💻",
  pushpin: "📌",
  seedling: "🌱",
};

const ALIASES = {
  "✅": "white_check_mark",
  "❌": "x",
  "⚠️": "warning",
  "⚠": "warning",
  "⏳": "hourglass_flowing_sand",
  "🟢": "large_green_circle",
  "🟡": "large_yellow_circle",
  "🔴": "red_circle",
  "🔵": "large_blue_circle",
  "🎉": "tada",
  ℹ️: "information_source",
  "⛔": "no_entry",
  "⏪": "rewind",
  "❄️": "snowflake",
  "🎯": "dart",
  "🔒": "lock",
  "📈": "chart_with_upwards_trend",
};

const TOKEN = new RegExp(`:([a-z0-9_+-]+):|${Object.keys(ALIASES).join("|")}`, "g");

const words = (name) => `${name.replaceAll("_", " ")} emoji`;

export function Emoji({ name }) {
  if (DRAWN[name])
    return html`<svg class="emoji" viewBox="0 0 20 20" role="img" aria-label=${words(name)}>${DRAWN[name]}</svg>`;
  if (CHARACTERS[name])
    return html`<span class="emoji-char" role="img" aria-label=${words(name)}>${CHARACTERS[name]}</span>`;
  return `:${name}:`;
}

/** Text with its shortcodes replaced: an array of strings and emoji. */
export function withEmoji(text) {
  const out = [];
  let end = 0;
  for (const found of text.matchAll(TOKEN)) {
    const name = found[1] ?? ALIASES[found[0]];
    if (!DRAWN[name] && !CHARACTERS[name]) continue;
    out.push(text.slice(end, found.index), html`<${Emoji} name=${name} />`);
    end = found.index + found[0].length;
  }
  out.push(text.slice(end));
  return out.filter((part) => part !== "");
}
