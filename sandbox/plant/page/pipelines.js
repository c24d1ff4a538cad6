// Pipelines and the repository they are in: run one by hand, push a change.
import { Icon, IconButton } from "/page/icons.js";
import { html, useContext, useEffect, useState } from "/page/view.js";
import { Dialog, Field, Form } from "./dialog.js";
import { RecordMark } from "./parts.js";
import { waits } from "./runs.js";
import { file, files, Plant } from "./state.js";

function Parameter({ parameter }) {
  const { name, values } = parameter;
  const given = parameter.default == null ? "" : String(parameter.default);
  const choices = parameter.type === "boolean" ? ["true", "false"] : values;
  return html`<${Field} label=${name}>
    ${
      choices.length
        ? html`<select class="field" name=${`parameter ${name}`} required>
            ${choices.map((one) => html`<option key=${one} selected=${one === given}>${one}</option>`)}
          </select>`
        : html`<input class="field" name=${`parameter ${name}`} defaultValue=${given} required=${given === ""} />`
    }
  <//>`;
}

const Branch = ({ branches, choose }) =>
  html`<${Field} label="Branch">
    <select class="field" name="branch" onChange=${(event) => choose?.(event.target.value)}>
      ${branches.map((one) => html`<option key=${one.name}>${one.name}</option>`)}
    </select>
  <//>`;

/** Does what a dialog asks for; it stays open with the reason when that is refused. */
function useAct(close) {
  const plant = useContext(Plant);
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  async function perform(what, given, told) {
    setBusy(true);
    const answer = await plant.try(what, given);
    setBusy(false);
    if (!answer.ok) return setProblem(answer.message);
    plant.tell(told(answer));
    return close();
  }
  return { problem, busy, perform };
}

function RunDialog({ pipeline, branches, close }) {
  const { problem, busy, perform } = useAct(close);
  function submit(form) {
    const parameters = Object.fromEntries(pipeline.parameters.map(({ name }) => [name, form.get(`parameter ${name}`)]));
    return perform(
      "run",
      { pipeline: pipeline.name, branch: form.get("branch"), parameters },
      () => `${pipeline.name} is queued.`,
    );
  }
  return html`<${Dialog} title=${`Run ${pipeline.name}`} close=${close}>
    <${Form} ...${{ submit, close, problem, busy }} verb="Run">
      <${Branch} branches=${branches} />
      ${pipeline.parameters.map((one) => html`<${Parameter} key=${one.name} parameter=${one} />`)}
    <//>
  <//>`;
}

function useFile(branch) {
  const [paths, setPaths] = useState([]);
  const [path, setPath] = useState(null);
  const [text, setText] = useState("");
  useEffect(() => {
    files(branch).then((answer) => {
      if (!answer.ok) return;
      setPaths(answer.files);
      setPath((before) =>
        answer.files.includes(before) ? before : (answer.files.find((one) => one.endsWith(".yml")) ?? answer.files[0]),
      );
    });
  }, [branch]);
  useEffect(() => {
    if (path) file(branch, path).then((answer) => answer.ok && setText(answer.text));
  }, [branch, path]);
  return { paths, path, setPath, text, setText };
}

function EditDialog({ branches, close }) {
  const { problem, busy, perform } = useAct(close);
  const [branch, setBranch] = useState(branches[0].name);
  const { paths, path, setPath, text, setText } = useFile(branch);
  const submit = (form) =>
    perform(
      "push",
      { branch, path, text, message: form.get("message") },
      ({ commit }) => `Pushed ${commit} to ${branch}.`,
    );
  return html`<${Dialog} title="Edit a file" close=${close} wide>
    <${Form} ...${{ submit, close, problem, busy }} verb="Commit and push">
      <div class="beside">
        <${Branch} branches=${branches} choose=${setBranch} />
        <${Field} label="File">
          <select class="field" onChange=${(event) => setPath(event.target.value)}>
            ${paths.map((one) => html`<option key=${one} value=${one} selected=${one === path}>${one}</option>`)}
          </select>
        <//>
      </div>
      <${Field} label="Content">
        <textarea
          class="field code"
          rows="14"
          spellcheck="false"
          value=${text}
          onInput=${(event) => setText(event.target.value)}
        ></textarea>
      <//>
      <${Field} label="Commit message">
        <input class="field" name="message" placeholder=${path ? `Update ${path.split("/").at(-1)}` : ""} />
      <//>
    <//>
  <//>`;
}

function Agents({ agents }) {
  const online = agents.filter((agent) => agent.online);
  const busy = online.filter((agent) => agent.runs);
  const text = online.length ? `${busy.length} of ${agents.length} agents busy` : "All agents are offline";
  return html`<span
    class=${online.length ? "soft" : "note"}
    title=${busy.map((agent) => `${agent.name}: ${agent.runs}`).join("\n")}
    >${text}</span
  >`;
}

const Last = ({ run }) =>
  run ? html`<${RecordMark} record=${run} waits=${run.stages.some(waits)} />` : html`<span class="mark"></span>`;

export function Pipelines({ devops }) {
  const [running, setRunning] = useState(null);
  const [editing, setEditing] = useState(false);
  const main = devops.branches[0];
  return html`<div class="card">
    <ul class="pipelines">
      ${devops.pipelines.map(
        (pipeline) =>
          html`<li class="pipeline" key=${pipeline.id}>
            <${Last} run=${devops.runs.find((run) => run.pipeline === pipeline.name)} />
            <span class="row-name">${pipeline.name}</span>
            <span class="row-about">${pipeline.path}</span>
            <button
              type="button"
              class="button button-small"
              onClick=${() => setRunning(pipeline)}
              aria-label=${`Run ${pipeline.name}`}
            >
              <${Icon} name="play" />Run
            </button>
          </li>`,
      )}
      ${!devops.pipelines.length && html`<li class="none">No pipelines yet.</li>`}
    </ul>
    <footer class="card-foot">
      ${
        main &&
        html`<p class="commit" title=${main.message}>
            <b>${devops.repository}</b> ${main.name} <code>${main.commit}</code> ${main.message}
          </p>
          <${IconButton} icon="pencil" label="Edit a file and push it" onClick=${() => setEditing(true)} />`
      }
      ${!main && html`<p class="soft commit">Nothing is pushed yet.</p>`}
      <${Agents} agents=${devops.agents} />
    </footer>
    ${running && html`<${RunDialog} pipeline=${running} branches=${devops.branches} close=${() => setRunning(null)} />`}
    ${editing && html`<${EditDialog} branches=${devops.branches} close=${() => setEditing(false)} />`}
  </div>`;
}
