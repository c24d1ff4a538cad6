// Labeling: the projects people work on, and what they have exported, newest first.
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
    <th scope="row">
      <span class="project">${found.project}</span><span class="soft export-name">${found.name}</span>
    </th>
    <td class="soft hide-narrow">${found.format}</td>
    <td class="number">${found.pictures ?? "–"}</td>
    <td class="boxes"><${Boxes} boxes=${found.boxes} /></td>
    <td class="soft when" title=${fullTime(found.at, zone)}>${ago(found.at)}</td>
  </tr>`;

const Project = ({ project }) =>
  html`<li class="card labeling" aria-label=${project.title}>
    <h4>${project.title}</h4>
    <p class="soft">${project.classes.join(", ")}</p>
    <progress max=${project.pictures} value=${project.labelled + project.skipped} aria-label="Labelled"></progress>
    <p class="soft labelled">
      <b>${project.labelled}</b> of ${project.pictures} pictures
      labelled${project.skipped > 0 && `, ${project.skipped} skipped`}
    </p>
  </li>`;

export const Projects = ({ projects }) =>
  html`<ul class="projects">
    ${projects.map((project) => html`<${Project} key=${project.name} project=${project} />`)}
    ${!projects.length && html`<li class="card none">No labeling projects yet.</li>`}
  </ul>`;

export const Exports = ({ exports }) =>
  html`<div class="card table-scroll" tabindex="0" role="group" aria-label="Table of labeling exports">
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
