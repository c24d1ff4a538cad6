// Line icons on a 20 × 20 grid.
import { html } from "./view.js";

const PATHS = {
  hash: "M7.5 3L6 17M14 3l-1.5 14M3.5 7.5h13M3 12.5h13",
  lock: "M6.5 9V6.5a3.5 3.5 0 0 1 7 0V9M4.5 9h11v8h-11z",
  home: "M3 9.5L10 3l7 6.5M5 8v9h10V8",
  chat: "M3 4h14v10H9l-4 3.5V14H3z",
  down: "M5.5 8l4.5 4.5L14.5 8",
  right: "M8 5.5l4.5 4.5L8 14.5",
  left: "M12 5.5L7.5 10l4.5 4.5",
  close: "M5 5l10 10M15 5L5 15",
  check: "M4.5 10.5l3.5 3.5 7.5-8",
  more: "M4.5 10h.01M10 10h.01M15.5 10h.01",
  thread: "M3 4h14v9H9.5L6 16.5V13H3zM6.5 7.5h7M6.5 10h4.5",
  trash: "M4 5.5h12M8 5.5V3.5h4v2M5.5 5.5l.8 11h7.4l.8-11M8.5 8.5v5M11.5 8.5v5",
  send: "M3.5 10L3 3.5 17.5 10 3 16.5zM3.5 10H10",
  slash: "M12.5 4l-5 12M2.5 2.5h15v15h-15z",
  at: "M13 10a3 3 0 1 1-6 0 3 3 0 0 1 6 0zM13 7v4a2 2 0 0 0 4 0v-1a7 7 0 1 0-2.8 5.6",
  bold: "M6 3.5h4.5a3.2 3.2 0 0 1 0 6.4H6zM6 9.9h5.3a3.3 3.3 0 0 1 0 6.6H6z",
  italic: "M8.5 3.5h6M5.5 16.5h6M11.5 3.5l-3 13",
  strike:
    "M3 10h14M14 6c-.5-1.6-2-2.5-4-2.5-2.3 0-4 1.1-4 3 0 1 .5 1.8 1.3 2.3M6 13.5c.4 1.9 2 3 4 3 2.4 0 4-1.2 4-3.2 0-.5-.1-.9-.3-1.3",
  code: "M7 5.5L2.5 10 7 14.5M13 5.5l4.5 4.5-4.5 4.5",
  sun: "M10 6.5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7zM10 1.5v2M10 16.5v2M1.5 10h2M16.5 10h2M4 4l1.4 1.4M14.6 14.6L16 16M16 4l-1.4 1.4M5.4 14.6L4 16",
  moon: "M16.5 12A7 7 0 0 1 8 3.5a7 7 0 1 0 8.5 8.5z",
  menu: "M3 5.5h14M3 10h14M3 14.5h14",
  flag: "M5 17.5V3M5 3.8c3.2-1.6 5.8 1.8 10 0v7.4c-4.2 1.8-6.8-1.6-10 0",
  fast: "M3.5 5v10l6.5-5zM10.5 5v10l6.5-5z",
  eye: "M1.5 10S4.5 4.5 10 4.5 18.5 10 18.5 10 15.5 15.5 10 15.5 1.5 10 1.5 10zM12.5 10a2.5 2.5 0 1 1-5 0 2.5 2.5 0 0 1 5 0z",
  factory: "M2.5 17V8l4.5 3V8l4.5 3V3h3l.8 5 2.2 9z",
  open: "M11 3.5h5.5V9M16.5 3.5L9 11M14 11.5v5H3.5V6h5",
  sort: "M6.5 8L10 4.5 13.5 8M6.5 12l3.5 3.5 3.5-3.5",
  info: "M10 2.5a7.5 7.5 0 1 1 0 15 7.5 7.5 0 0 1 0-15zM10 9.2v4.6M10 6.2v.1",
  lines: "M3.5 5h13M3.5 10h13M3.5 15h8",
  play: "M6.5 4v12l9.5-6z",
  pencil: "M12.5 4.5l3 3L7 16H4v-3zM10.5 6.5l3 3",
  bolt: "M11 2.5L4.5 11H10l-1 6.5L15.5 9H10z",
  warn: "M10 3l7.5 13.5h-15zM10 8v4M10 14.2v.1",
};

export const Icon = ({ name }) =>
  html`<svg class=${`icon icon-${name}`} viewBox="0 0 20 20" aria-hidden="true"><path d=${PATHS[name]} /></svg>`;

/** A button that shows only an icon; `label` is its name for everyone who cannot see it. */
export const IconButton = ({ icon, label, class: kind = "icon-button", ...rest }) =>
  html`<button type="button" class=${kind} title=${label} aria-label=${label} ...${rest}><${Icon} name=${icon} /></button>`;
