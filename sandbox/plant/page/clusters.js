// Compute clusters: a bay for each node that a cluster may have, with who runs there.
import { html } from "/page/view.js";

const MOST_BAYS = 6;
const STATES = {
  running: "busy",
  idle: "idle",
  preparing: "starting",
  leaving: "leaving",
  unusable: "broken",
  preempted: "taken away",
};
const short = (size) => size.replace(/^STANDARD_/, "").replaceAll("_", " ");

const Bay = ({ node }) =>
  html`<li class=${`bay bay-${node ? node.state : "none"}`}>
    <span class="bay-mark"></span>
    <span class="bay-text" title=${node?.runs}>${node ? (node.runs ?? STATES[node.state]) : ""}</span>
    ${!node && html`<span class="sr-only">no node</span>`}
    ${node?.runs && html`<span class="sr-only"> (${STATES[node.state]})</span>`}
  </li>`;

function counted(cluster) {
  const of = (state) => cluster.nodes.filter((node) => node.state === state).length;
  const told = ["running", "preparing", "idle", "unusable"]
    .filter((state) => of(state))
    .map((state) => `${of(state)} ${STATES[state]}`);
  return told.join(", ") || "no nodes now";
}

function Cluster({ cluster }) {
  const bays = Array.from({ length: Math.min(MOST_BAYS, Math.max(cluster.maximum, cluster.nodes.length)) });
  const waiting = cluster.waiting.length;
  const foot = cluster.problem ?? (waiting ? `${waiting} waiting: ${cluster.waiting.join(", ")}` : "");
  return html`<article class="card cluster" aria-label=${cluster.name}>
    <header>
      <h4>${cluster.name}</h4>
      <p class="soft" title=${cluster.size}>
        ${short(cluster.size)} · ${cluster.gpus ? `${cluster.gpus} GPU` : `${cluster.vcpus} cores`}
      </p>
    </header>
    <ul class="bays" aria-label="Nodes">
      ${bays.map((_, at) => html`<${Bay} key=${at} node=${cluster.nodes[at]} />`)}
    </ul>
    <p class="soft cluster-count">
      ${cluster.maximum ? `${counted(cluster)} · ${cluster.minimum} to ${cluster.maximum}` : "may have no nodes"}
    </p>
    <p class=${`cluster-foot ${cluster.problem ? "is-problem" : ""}`} title=${foot}>${foot}</p>
  </article>`;
}

export const Clusters = ({ clusters }) =>
  html`<div class="clusters">
    ${clusters.map((cluster) => html`<${Cluster} key=${cluster.name} cluster=${cluster} />`)}
    ${!clusters.length && html`<p class="none">No clusters yet.</p>`}
  </div>`;
