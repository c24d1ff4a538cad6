// Jobs as a tree: a pipeline, its nodes, the trials of a sweep; with what was measured so far.
import { Icon, IconButton } from "/page/icons.js";
import { html, useContext, useRef, useState } from "/page/view.js";
import { Curve, figure, JobMark, Took } from "./parts.js";
import { logOfJob, Plant } from "./state.js";

const OVER = ["Completed", "Failed", "Canceled"];
const isOver = (job) => OVER.includes(job.status);

function LogButton({ run, name, status }) {
  const plant = useContext(Plant);
  const open = () => plant.openLog({ title: name, url: logOfJob(run) });
  if (["NotStarted", "Queued"].includes(status)) return html`<span class="log-space"></span>`;
  return html`<${IconButton} icon="lines" label=${`Log of ${name}`} onClick=${open} />`;
}

const settings = (part) =>
  Object.entries(part.settings).map(
    ([name, value]) =>
      html`<span class="setting" key=${name} title=${`${name} = ${value}`}>${short(name)} <b>${value}</b></span>`,
  );
const short = (name) =>
  ({ learning_rate: "rate", model_size: "size", image_size: "image" })[name] ?? name.replaceAll("_", " ");

const Best = ({ value, is }) =>
  html`<span class=${`best ${is ? "is-best" : ""}`}>
    ${value != null && html`<span class="sr-only">mAP </span>${figure(value)}`}
    ${is && html`<span class="sr-only"> (the best)</span>`}
  </span>`;

const Trial = ({ trial, job, isBest }) =>
  html`<li class="row row-trial">
    <${JobMark} status=${trial.status} />
    <span class="row-name">${trial.name}</span>
    ${
      trial.note && !trial.curve.length
        ? html`<span class="row-about is-wide" title=${trial.note}><span class="note">${trial.note}</span></span>`
        : html`<span class="row-about" title=${trial.note}
              >${trial.note ? html`<span class=${trial.status === "Failed" ? "note" : ""}>${trial.note}</span>` : settings(trial)}</span
            >
            <${Curve} values=${trial.curve} label="mAP by epoch" />`
    }
    <${Best} value=${trial.best} is=${isBest} />
    <${Took} started=${trial.started} ended=${trial.ended} />
    <${LogButton} run=${trial.id} name=${`${job} · ${trial.name}`} status=${trial.status} />
  </li>`;

function Node({ node, job }) {
  const trials = node.parts.filter((part) => part.kind === "trial");
  const done = trials.filter(isOver).length;
  const about = node.planned ? `AutoML sweep, ${done} of ${node.planned} trials` : node.kind;
  return html`<li>
    <div class="row row-node">
      <${JobMark} status=${node.status} />
      <span class="row-name">${node.name}</span>
      <span class="row-about" title=${node.note}
        >${node.note ? html`<span class="note">${node.note}</span>` : about}</span
      >
      <span class="row-space"></span>
      <${Best} value=${node.best} />
      <${Took} started=${node.started} ended=${node.ended} />
      ${
        node.kind === "command"
          ? html`<${LogButton} run=${node.id} name=${`${job} · ${node.name}`} status=${node.status} />`
          : html`<span class="log-space"></span>`
      }
    </div>
    ${
      trials.length > 0 &&
      html`<ul class="tree">
        ${trials.map(
          (trial) => html`<${Trial} key=${trial.id} ...${{ trial, job }} isBest=${node.bestPart === trial.id} />`,
        )}
      </ul>`
    }
  </li>`;
}

function Job({ job, open, toggle }) {
  return html`<li class="job">
    <button type="button" class="row row-job" aria-expanded=${open} onClick=${toggle}>
      <${JobMark} status=${job.status} />
      <span class="row-name">${job.name}</span>
      <span class="row-about" title=${job.note || job.id}>
        ${job.note && job.status !== "Completed" ? html`<span class="note">${job.note}</span>` : job.cluster}
      </span>
      <span class="row-space"></span>
      <${Best} value=${job.best} />
      <${Took} started=${job.created} ended=${job.ended} />
      <${Icon} name=${open ? "down" : "right"} />
    </button>
    ${
      open &&
      html`<ul class="tree">
        ${job.parts.map((node) => html`<${Node} key=${node.id} node=${node} job=${job.name} />`)}
        ${!job.parts.length && html`<li class="none">Nothing has started yet.</li>`}
      </ul>`
    }
  </li>`;
}

/** Open is what the person opened; else what ran, or was the newest, when it was first seen. */
export function Jobs({ jobs }) {
  const [toggled, setToggled] = useState({});
  const first = useRef(new Map());
  for (const [at, job] of jobs.entries()) {
    if (!first.current.has(job.id)) first.current.set(job.id, at === 0 || !isOver(job));
  }
  const isOpen = (job) => toggled[job.id] ?? first.current.get(job.id);
  return html`<ul class="card jobs">
    ${jobs.map(
      (job) =>
        html`<${Job}
          key=${job.id}
          job=${job}
          open=${isOpen(job)}
          toggle=${() => setToggled({ ...toggled, [job.id]: !isOpen(job) })}
        />`,
    )}
    ${!jobs.length && html`<li class="none">No jobs yet. Type /train in Slack to start one.</li>`}
  </ul>`;
}
