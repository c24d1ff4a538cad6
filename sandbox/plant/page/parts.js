// Small parts that appear everywhere: sections, marks of state, durations, lines of a chart.
import { html, useEffect, useState } from "/page/view.js";

export const Section = ({ title, aside, children }) =>
  html`<section class="section" aria-label=${title}>
    <header class="section-head">
      <h3>${title}</h3>
      ${aside}
    </header>
    ${children}
  </section>`;

/** Seconds since 1970, moving on while this is shown. */
export function useNow() {
  const [now, setNow] = useState(Date.now() / 1000);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now() / 1000), 1000);
    return () => clearInterval(timer);
  }, []);
  return now;
}

export function span(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
  return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, "0")} min`;
}

function Ticking({ since }) {
  return html`<span class="span">${span(useNow() - since)}</span>`;
}

/** How long something has taken, or takes so far. */
export const Took = ({ started, ended }) => {
  if (!started) return html`<span class="span"></span>`;
  return ended ? html`<span class="span">${span(ended - started)}</span>` : html`<${Ticking} since=${started} />`;
};

const SHAPES = {
  done: html`<circle cx="10" cy="10" r="8" class="fill" /><path d="M6.2 10.4l2.6 2.6 5-5.6" class="on" />`,
  failed: html`<path d="M6.7 2h6.6L18 6.7v6.6L13.3 18H6.7L2 13.3V6.7z" class="fill" /><path
      d="M7 7l6 6M13 7l-6 6"
      class="on"
    />`,
  warned: html`<path d="M10 2l8.5 15.5h-17z" class="fill" /><path d="M10 8v4.4M10 14.8v.1" class="on" />`,
  running: html`<circle cx="10" cy="10" r="7.3" class="faint" /><path
      d="M10 2.7a7.3 7.3 0 0 1 7.3 7.3"
      class="turning"
    />`,
  waiting: html`<path
    d="M5 2.5h10M5 17.5h10M6 2.5c0 4.5 3 5.5 4 7.5 1-2 4-3 4-7.5M6 17.5c0-4.5 3-5.5 4-7.5 1 2 4 3 4 7.5"
  />`,
  canceled: html`<circle cx="10" cy="10" r="7.3" /><path d="M4.9 15.1L15.1 4.9" />`,
  skipped: html`<circle cx="10" cy="10" r="7.3" /><path d="M6.5 10h6.5M10.5 7l3 3-3 3" />`,
  planned: html`<circle cx="10" cy="10" r="7.3" class="dashed" />`,
};

/** A state by shape and colour, and by name for who sees neither. */
export const Mark = ({ kind, label }) =>
  html`<svg class=${`mark mark-${kind}`} viewBox="0 0 20 20" role="img" aria-label=${label}>
    <title>${label}</title>
    ${SHAPES[kind]}
  </svg>`;

const JOB_KINDS = {
  Completed: "done",
  Failed: "failed",
  Canceled: "canceled",
  CancelRequested: "canceled",
  Queued: "waiting",
  NotStarted: "planned",
};
export const JobMark = ({ status }) =>
  html`<${Mark} kind=${JOB_KINDS[status] ?? "running"} label=${status.replace(/(?<=[a-z])(?=[A-Z])/g, " ")} />`;

const RESULTS = {
  succeeded: ["done", "Succeeded"],
  succeededWithIssues: ["warned", "Succeeded with issues"],
  partiallySucceeded: ["warned", "Partially succeeded"],
  failed: ["failed", "Failed"],
  canceled: ["canceled", "Canceled"],
  skipped: ["skipped", "Skipped"],
};
/** Of a run, stage, job or step: what it is in, or how it ended. */
export function RecordMark({ record, waits }) {
  if (waits) return html`<${Mark} kind="waiting" label="Waiting" />`;
  const state = record.state ?? record.status;
  const [kind, label] = RESULTS[record.result] ??
    { inProgress: ["running", "Running"], cancelling: ["canceled", "Canceling"] }[state] ?? ["planned", "Not started"];
  return html`<${Mark} kind=${kind} label=${label} />`;
}

export const figure = (value) => (value == null ? "–" : value.toFixed(3));

/** Measured values from 0 to 1 in their order, as a small line. */
export function Curve({ values, label }) {
  const [width, height, pad] = [72, 20, 2.5];
  const step = values.length > 1 ? (width - 2 * pad) / (values.length - 1) : 0;
  const points = values.map((value, at) => [pad + at * step, height - pad - value * (height - 2 * pad)]);
  const last = points.at(-1);
  const shown = values.length ? `${label}: ${values.map((value) => value.toFixed(2)).join(", ")}` : label;
  return html`<svg class="curve" viewBox=${`0 0 ${width} ${height}`} role="img" aria-label=${shown}>
    <title>${shown}</title>
    ${last && html`<path d=${`M0 ${height - 0.5}H${width}`} class="curve-ground" />`}
    <polyline points=${points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ")} />
    ${last && html`<circle cx=${last[0]} cy=${last[1]} r="2.2" />`}
  </svg>`;
}
