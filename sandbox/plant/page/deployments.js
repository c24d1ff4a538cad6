// IoT Hub's deployments, the strongest first: which devices each is for, and how many have taken it.
import { html } from "/page/view.js";

const Row = ({ deployment }) =>
  html`<tr>
    <th scope="row"><span class="project">${deployment.id}</span><code class="soft">${deployment.target}</code></th>
    <td class="number">${deployment.priority}</td>
    <td class="number">${deployment.applied} of ${deployment.targeted}</td>
    <td class=${`number ${deployment.failed ? "is-bad" : "soft"}`}>${deployment.failed}</td>
  </tr>`;

export const Deployments = ({ deployments }) =>
  html`<div class="card table-scroll" tabindex="0" role="group" aria-label="Table of edge deployments">
    <table class="table deployments">
      <thead>
        <tr>
          <th scope="col">Deployment</th>
          <th scope="col" class="number">Priority</th>
          <th scope="col" class="number">Applied</th>
          <th scope="col" class="number">Failed</th>
        </tr>
      </thead>
      <tbody>
        ${deployments.map((deployment) => html`<${Row} key=${deployment.id} deployment=${deployment} />`)}
      </tbody>
    </table>
  </div>`;
