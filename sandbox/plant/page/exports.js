// What Data Labeling has exported, newest first: pictures, and boxes by label.
import { ago, fullTime } from "/page/dates.js";
import { html } from "/page/view.js";

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

function Boxes({ boxes }) {
  const all = Object.entries(boxes);
  if (!all.length) return html`<span class="soft">none</span>`;
  return all.map(([label, count]) => html`<span class="setting" key=${label}>${label} <b>${count}</b></span>`);
}

const Row = ({ found }) =>
  html`<tr>
    <th scope="row"><span class="project">${found.project}</span><span class="soft export-name">${found.name}</span></th>
    <td class="soft hide-narrow">${found.format}</td>
    <td class="number">${found.pictures ?? "–"}</td>
    <td class="boxes"><${Boxes} boxes=${found.boxes} /></td>
    <td class="soft when" title=${fullTime(found.at, zone)}>${ago(found.at)}</td>
  </tr>`;

export const Exports = ({ exports }) =>
  html`<div class="card table-scroll">
    <table class="table">
      <thead>
        <tr>
          <th scope="col">Project</th>
          <th scope="col" class="hide-narrow">Format</th>
          <th scope="col" class="number">Pictures</th>
          <th scope="col">Boxes</th>
          <th scope="col" class="when">Exported</th>
        </tr>
      </thead>
      <tbody>
        ${exports.map((found) => html`<${Row} key=${`${found.name}:${found.version}`} found=${found} />`)}
      </tbody>
    </table>
    ${!exports.length && html`<p class="none">Nothing has been exported yet.</p>`}
  </div>`;
