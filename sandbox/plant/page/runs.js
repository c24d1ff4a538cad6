// Runs of pipelines: their stages as pills in a row; the open stage's jobs and steps; what a stage waits for.
import { ago } from "/page/dates.js";
import { Icon, IconButton } from "/page/icons.js";
import { html, useContext, useState } from "/page/view.js";
import { RecordMark, Took } from "./parts.js";
import { logOfStep, Plant } from "./state.js";

const KINDS = { endpoint: "service connection", environment: "environment", queue: "agent pool" };
const REASONS = { manual: "by hand", individualCI: "by a push" };

const pending = (stage) => stage.approvals.filter((one) => one.status === "pending");
const asking = (stage) => stage.checks.filter((one) => one.state === "inProgress");
const kept = (stage) => stage.checks.filter((one) => ["failed", "skipped"].includes(one.result));
export const waits = (stage) => stage.needs.length + pending(stage).length + asking(stage).length > 0;

function Permission({ run, need }) {
  const plant = useContext(Plant);
  return html`<div class="ask">
    <${Icon} name="lock" />
    <p class="ask-text">Needs permission to use the ${KINDS[need.kind]} <b>${need.name}</b>.</p>
    <button
      type="button"
      class="button button-primary button-small"
      onClick=${() => plant.act("permit", { run: run.id, ...need })}
    >
      Permit
    </button>
  </div>`;
}

function Approval({ approval }) {
  const plant = useContext(Plant);
  const [comment, setComment] = useState("");
  const answer = (what) => plant.act(what, { approval: approval.id, comment });
  const asked = approval.asked.map((one) => one.name + (one.status === "pending" ? "" : ` (${one.status})`)).join(", ");
  const some = approval.needed < approval.asked.length ? `, ${approval.needed} of them` : "";
  return html`<div class="ask ask-approval">
    <${Icon} name="eye" />
    <p class="ask-text">
      Waits for approval by <b>${asked}</b>${some}.
      ${approval.instructions && html`<span class="soft"> ${approval.instructions}</span>`}
    </p>
    <input
      class="field field-small"
      aria-label="Comment"
      placeholder="Comment"
      value=${comment}
      onInput=${(event) => setComment(event.target.value)}
    />
    <button type="button" class="button button-small" onClick=${() => answer("reject")}>Reject</button>
    <button type="button" class="button button-primary button-small" onClick=${() => answer("approve")}>Approve</button>
  </div>`;
}

function Check({ run, stage, check }) {
  const plant = useContext(Plant);
  const open = () => plant.openLog({ title: `Check before ${stage.name}`, url: logOfStep(run.id, check.log) });
  return html`<div class="ask">
    <${Icon} name="eye" />
    <p class="ask-text">Waits for a check that asks another service.</p>
    <button type="button" class="button button-small" onClick=${open}>Log</button>
  </div>`;
}

function Kept({ run, stage, check }) {
  const plant = useContext(Plant);
  const open = () => plant.openLog({ title: `Check before ${stage.name}`, url: logOfStep(run.id, check.log) });
  return html`<div class="ask">
    <${Icon} name="lock" />
    <p class="ask-text">
      ${`${stage.name} was not begun: its check did not let this run in.`}
      <span class="soft"> ${check.heard || check.issues.at(-1)}</span>
    </p>
    ${check.log && html`<button type="button" class="button button-small" onClick=${open}>Log</button>`}
  </div>`;
}

function Step({ run, job, step }) {
  const plant = useContext(Plant);
  const open = () => plant.openLog({ title: `${job.name} · ${step.name}`, url: logOfStep(run.id, step.log) });
  const inside = html`<${RecordMark} record=${step} />
    <span class="row-name">${step.name}</span>
    <span class="row-about" title=${step.issues.join("\n")}
      >${step.issues.length > 0 && html`<span class="note">${step.issues.at(-1)}</span>`}</span
    >
    <${Took} started=${step.started} ended=${step.ended} />`;
  return html`<li>
    ${
      step.log
        ? html`<button type="button" class="row row-step" onClick=${open} title=${`Log of ${step.name}`}>
            ${inside}
          </button>`
        : html`<div class="row row-step">${inside}</div>`
    }
  </li>`;
}

const Job = ({ run, job }) =>
  html`<li>
    <div class="row row-step row-work">
      <${RecordMark} record=${job} />
      <span class="row-name">${job.name}</span>
      <span class="row-about" title=${job.issues.join("\n")}
        >${job.issues.length > 0 ? html`<span class="note">${job.issues.at(-1)}</span>` : (job.agent ?? "")}</span
      >
      <${Took} started=${job.started} ended=${job.ended} />
    </div>
    <ul class="tree">
      ${job.steps.map((step) => html`<${Step} key=${step.id} ...${{ run, job, step }} />`)}
    </ul>
  </li>`;

const Pill = ({ stage, open, toggle }) =>
  html`<li class="stage">
    <button type="button" class="pill" aria-expanded=${open} onClick=${toggle}>
      <${RecordMark} record=${stage} waits=${waits(stage)} /><span class="pill-name">${stage.name}</span>
      <${Took} started=${stage.started} ended=${stage.ended} />
    </button>
  </li>`;

function Cancel({ run }) {
  const plant = useContext(Plant);
  if (run.status === "completed") return html`<span class="log-space"></span>`;
  return html`<${IconButton}
    icon="close"
    label=${`Cancel ${run.pipeline} ${run.number}`}
    disabled=${run.status === "cancelling"}
    onClick=${() => plant.act("cancel", { run: run.id })}
  />`;
}

function Run({ run }) {
  const [open, setOpen] = useState(null);
  const shown = run.stages.find((stage) => stage.id === open);
  const told = [run.by, REASONS[run.reason] ?? run.reason, ago(run.queued)].filter(Boolean).join(", ");
  return html`<li class="card run" aria-label=${`${run.pipeline} ${run.number}`}>
    <header class="run-head">
      <${RecordMark} record=${run} waits=${run.stages.some(waits)} />
      <div class="run-title">
        <h4>${run.pipeline} <span class="soft">#${run.number}</span></h4>
        <p class="soft">${run.branch} <code>${run.commit}</code> · ${told}</p>
      </div>
      <${Took} started=${run.started} ended=${run.ended} />
      <${Cancel} run=${run} />
    </header>
    ${run.problems.map((problem) => html`<p class="ask note" key=${problem}>${problem}</p>`)}
    <ol class="stages" aria-label="Stages">
      ${run.stages.map(
        (stage) =>
          html`<${Pill}
            key=${stage.id}
            stage=${stage}
            open=${open === stage.id}
            toggle=${() => setOpen(open === stage.id ? null : stage.id)}
          />`,
      )}
    </ol>
    ${run.stages.map((stage) => [
      ...stage.needs.map(
        (need) => html`<${Permission} key=${`${stage.id} ${need.kind} ${need.name}`} ...${{ run, need }} />`,
      ),
      ...pending(stage).map((approval) => html`<${Approval} key=${approval.id} approval=${approval} />`),
      ...kept(stage).map((check) => html`<${Kept} key=${check.id} ...${{ run, stage, check }} />`),
      ...asking(stage).map((check) => html`<${Check} key=${check.id} ...${{ run, stage, check }} />`),
    ])}
    ${
      shown &&
      html`<ul class="tree stage-jobs">
        ${shown.issues.map((issue) => html`<li class="note" key=${issue}>${issue}</li>`)}
        ${shown.jobs.map((job) => html`<${Job} key=${job.id} ...${{ run, job }} />`)}
        ${!shown.jobs.length && html`<li class="none">No job of this stage has begun.</li>`}
      </ul>`
    }
  </li>`;
}

export const Runs = ({ runs }) =>
  html`<ul class="runs">
    ${runs.map((run) => html`<${Run} key=${run.id} run=${run} />`)}
    ${!runs.length && html`<li class="card none">No runs yet. Run a pipeline above, or type /publish in Slack.</li>`}
  </ul>`;
