// The plant: what goes on in Azure, Azure DevOps and on the lines, and what the person at the screen can do there.
// The address says who that is: #/person.
import { SpeedSwitch } from "/page/speed.js";
import { applyStoredTheme, BarLink, PeopleSwitch, ThemeToggle } from "/page/topbar.js";
import { html, render, useEffect, useState, World } from "/page/view.js";
import { Clusters } from "./clusters.js";
import { Deployments } from "./deployments.js";
import { Jobs } from "./jobs.js";
import { Exports, Projects } from "./labeling.js";
import { Lines } from "./lines.js";
import { LogDialog } from "./log.js";
import { Models } from "./models.js";
import { Section } from "./parts.js";
import { Pipelines } from "./pipelines.js";
import { Runs } from "./runs.js";
import { act, follow, Plant } from "./state.js";
import { Troubles, TroubleSign } from "./trouble.js";

const readUser = () => decodeURIComponent(location.hash.split("/")[1] ?? "");

function useUser() {
  const [user, setUser] = useState(readUser());
  useEffect(() => {
    const read = () => setUser(readUser());
    addEventListener("hashchange", read);
    return () => removeEventListener("hashchange", read);
  }, []);
  return user;
}

function useTwins() {
  const [state, setState] = useState(null);
  const [connected, setConnected] = useState(true);
  useEffect(() => follow({ changed: setState, connected: setConnected }), []);
  return { state, connected };
}

function Bar({ state, user }) {
  const choose = (id) => {
    location.hash = `#/${id}`;
  };
  return html`<header class="topbar">
    <h1 class="plant-name">The plant</h1>
    <span class="bar-fill"></span>
    <${PeopleSwitch} choose=${choose} />
    <span class="bar-fill"></span>
    <${TroubleSign} troubles=${state.troubles} />
    <${SpeedSwitch} />
    <${BarLink} icon="chat" title="Slack" url=${`/#/${user}`} />
    <${ThemeToggle} />
  </header>`;
}

const Hall = ({ edge }) =>
  html`<section class="hall" aria-label="Lines">
    <header class="wing-head">
      <h2>Lines</h2>
      <p>${edge.host}</p>
    </header>
    <${Lines} lines=${edge.lines} />
  </section>`;

const Azure = ({ azure }) =>
  html`<div class="wing">
    <header class="wing-head">
      <h2>Azure Machine Learning</h2>
      <p>${azure.name} · ${azure.region}</p>
    </header>
    <${Section} title="Compute clusters"><${Clusters} clusters=${azure.clusters} /><//>
    <${Section} title="Jobs"><${Jobs} jobs=${azure.jobs} /><//>
    <${Section} title="Registered models"><${Models} models=${azure.models} /><//>
    <${Section} title="Labeling projects"><${Projects} projects=${azure.projects} /><//>
    <${Section} title="Labeling exports"><${Exports} exports=${azure.exports} /><//>
  </div>`;

const DevOps = ({ devops, edge, troubles }) =>
  html`<div class="wing">
    <header class="wing-head">
      <h2>Azure DevOps</h2>
      <p>${devops.organisation} · ${devops.project}</p>
    </header>
    <${Section} title="Pipelines"><${Pipelines} devops=${devops} /><//>
    <${Section} title="Runs"><${Runs} runs=${devops.runs} /><//>
    <${Section} title="Edge deployments"><${Deployments} deployments=${edge.deployments} /><//>
    <${Section} title="Trouble"><${Troubles} troubles=${troubles} /><//>
  </div>`;

function useToast() {
  const [toast, setToast] = useState(null);
  useEffect(() => {
    if (!toast) return undefined;
    const timer = setTimeout(() => setToast(null), 9000);
    return () => clearTimeout(timer);
  }, [toast]);
  return [toast, setToast];
}

function Page({ state, connected, user }) {
  const [toast, setToast] = useToast();
  const [log, setLog] = useState(null);
  const plant = {
    user,
    openLog: setLog,
    tell: (text, bad = false) => setToast({ text, bad }),
    try: (what, given) => act(user, what, given),
    /** Does it as the person at the screen; says so when it is refused. */
    async act(what, given) {
      const answer = await act(user, what, given);
      if (!answer.ok) setToast({ text: answer.message, bad: true });
      return answer;
    },
  };
  const people = new Map(state.people.map((one) => [one.id, one]));
  const world = { user, people, me: people.get(user) };
  return html`<${World.Provider} value=${world}>
    <${Plant.Provider} value=${plant}>
      <div class="plant">
        <${Bar} ...${{ state, user }} />
        <main class="floor">
          ${!connected && html`<p class="lost" role="status">Connection lost. Trying again…</p>`}
          <${Hall} edge=${state.edge} />
          <div class="wings">
            <${Azure} azure=${state.azure} />
            <${DevOps} devops=${state.devops} edge=${state.edge} troubles=${state.troubles} />
          </div>
        </main>
        <p class=${`toast ${toast?.bad ? "is-bad" : ""}`} role="status">${toast?.text}</p>
        ${log && html`<${LogDialog} key=${log.url} ...${log} close=${() => setLog(null)} />`}
      </div>
    <//>
  <//>`;
}

function App() {
  const user = useUser();
  const { state, connected } = useTwins();
  const isKnown = state?.people.some((one) => one.id === user);
  useEffect(() => {
    if (!state) return;
    if (isKnown) localStorage.setItem("user", user);
    else {
      const stored = localStorage.getItem("user");
      const first = state.people.find((one) => one.id === stored) ?? state.people[0];
      location.replace(`#/${first.id}`);
    }
  }, [state === null, user]);
  if (!state || !isKnown) {
    return html`<p class="boot" role="status">
      ${connected ? "Opening the plant…" : "The sandbox does not answer. Is it still running?"}
    </p>`;
  }
  return html`<${Page} ...${{ state, connected, user }} />`;
}

applyStoredTheme();
const root = document.getElementById("app");
root.replaceChildren();
render(html`<${App} />`, root);
