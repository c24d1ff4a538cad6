// The registry: each model's versions with their figures, newest first.
import { ago, fullTime } from "/page/dates.js";
import { html } from "/page/view.js";
import { Curve, figure } from "./parts.js";

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

const Version = ({ found, isLatest }) =>
  html`<tr>
    <th scope="row">v${found.version}${isLatest && html` <span class="tag">latest</span>`}</th>
    ${found.figures.map((value, at) => html`<td key=${at} class="number">${figure(value)}</td>`)}
    <td class="soft hide-narrow">${found.dataset ?? ""}</td>
    <td class="soft when" title=${fullTime(found.at, zone)}>${ago(found.at)}</td>
  </tr>`;

function Model({ model }) {
  const history = model.versions.map((one) => one.figures[0]).filter((value) => value != null);
  return html`<article class="card model" aria-label=${model.name}>
    <header>
      <h4>${model.name}</h4>
      ${history.length > 1 && html`<${Curve} values=${history.reverse()} label="mAP by version" />`}
    </header>
    <div class="table-scroll" tabindex="0" role="group" aria-label=${`Versions of ${model.name}`}>
      <table class="table">
        <thead>
          <tr>
            <th scope="col">Version</th>
            <th scope="col" class="number">mAP</th>
            <th scope="col" class="number">Precision</th>
            <th scope="col" class="number">Recall</th>
            <th scope="col" class="hide-narrow">Dataset</th>
            <th scope="col" class="when">Registered</th>
          </tr>
        </thead>
        <tbody>
          ${model.versions.map((found, at) => html`<${Version} key=${found.version} found=${found} isLatest=${at === 0} />`)}
        </tbody>
      </table>
    </div>
  </article>`;
}

export const Models = ({ models }) =>
  html`<div class="models">
    ${models.map((model) => html`<${Model} key=${model.name} model=${model} />`)}
    ${!models.length && html`<p class="card none">No model is registered yet.</p>`}
  </div>`;
