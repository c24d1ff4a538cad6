// The page: who is looking, at what, and the panes that show it. The address says both: #/person/place/thread.
import { Channel, channelTitle, Thread } from "./channel.js";
import { AppTabs, Home } from "./home.js";
import { Modal } from "./modal.js";
import { Sidebar } from "./sidebar.js";
import { applyStoredTheme, TopBar } from "./topbar.js";
import { canBeToured, Tour, useTour } from "./tour/tour.js";
import { useUnread } from "./unread.js";
import { html, render, useEffect, useRef, useState, World } from "./view.js";
import { Welcome } from "./welcome.js";
import { Workspace } from "./workspace.js";

const firstPerson = document.querySelector("meta[name=first-person]").content;

const readPlace = () => {
  const [, user, place, thread] = location.hash.split("/").map(decodeURIComponent);
  return { user, place, thread };
};

const go = (...parts) => {
  location.hash = `#/${parts.filter(Boolean).join("/")}`;
};

function useAddress() {
  const [place, setPlace] = useState(readPlace());
  useEffect(() => {
    const read = () => setPlace(readPlace());
    addEventListener("hashchange", read);
    return () => removeEventListener("hashchange", read);
  }, []);
  return place;
}

function useWorkspace(user) {
  const [, redraw] = useState(0);
  const current = useRef(null);
  if (current.current?.user !== user) {
    current.current?.stop?.();
    let planned = false;
    current.current = new Workspace(user, () => {
      if (planned) return;
      planned = true;
      requestAnimationFrame(() => {
        planned = false;
        redraw((count) => count + 1);
      });
    });
  }
  useEffect(() => {
    current.current.start();
    return () => current.current.stop?.();
  }, [user]);
  return current.current;
}

function firstChannel(world) {
  const stored = localStorage.getItem("channel");
  const channels = [...world.channels.values()].filter((one) => one.is_member);
  return (channels.find((one) => one.id === stored) ?? channels.find((one) => !one.is_im) ?? channels[0])?.id ?? "home";
}

function Main({ world, place, thread, unread, welcome, tour, draft, startDraft }) {
  const botDm = [...world.channels.values()].find((one) => one.is_im && one.user === world.bot.user_id);
  const isApp = place === "home" || place === botDm?.id;
  const tabs =
    isApp && html`<${AppTabs} user=${world.user} dm=${botDm?.id} current=${place === "home" ? "home" : "messages"} />`;
  const channel = world.channels.get(place);
  if (place === "home") return html`<${Home} tabs=${tabs} />`;
  if (!channel)
    return html`<section class="view">
      <div class="empty">
        <h2>Nothing here</h2>
        <p>${world.name(world.user)} cannot see this place, or it does not exist.</p>
      </div>
    </section>`;
  const startTour = canBeToured(world) && tour.open;
  const lead = welcome.shown && !thread && !tour.isOpen && html`<${Welcome} dismiss=${welcome.hide} start=${startDraft} startTour=${startTour} />`;
  return html`<${Channel}
      key=${channel.id}
      channel=${channel}
      newSince=${unread.since(channel.id)}
      lead=${lead}
      tabs=${tabs}
      draft=${draft}
      openThread=${(ts) => go(world.user, channel.id, ts)}
    />
    ${thread && html`<${Thread} channel=${channel} ts=${thread} close=${() => go(world.user, channel.id)} />`}`;
}

function useWelcome(commanded) {
  const [shown, setShown] = useState(!localStorage.getItem("welcomed"));
  const hide = () => {
    localStorage.setItem("welcomed", "yes");
    setShown(false);
  };
  useEffect(() => {
    if (commanded) hide();
  }, [commanded]);
  return { shown, hide, show: () => setShown(true) };
}

function Person({ user, place, thread }) {
  const world = useWorkspace(user);
  const unread = useUnread(world, place);
  const tour = useTour();
  const welcome = useWelcome(world.commanded || tour.isOpen);
  const [drawer, setDrawer] = useState(false);
  const [draft, setDraft] = useState(null);
  world.openChannel = place;

  useEffect(() => setDrawer(false), [place, thread, user]);
  useEffect(() => {
    if (world.ready && !place) location.replace(`#/${user}/${firstChannel(world)}`);
    else if (world.channels.get(place)?.is_im === false) localStorage.setItem("channel", place);
  }, [world.ready, place]);
  useEffect(() => {
    if (!world.isUnknown || user === firstPerson) return;
    localStorage.removeItem("user");
    location.replace("#/");
  }, [world.isUnknown]);
  useEffect(() => {
    const channel = world.channels.get(place);
    const name = channel ? `${channel.is_im ? "" : "#"}${channelTitle(world, channel)}` : "Home";
    document.title = `${name} · Spotter sandbox`;
  }, [world.ready, place]);
  if (!world.ready || !place) {
    return html`<p class="boot" role="status">${world.problem ?? "Opening the sandbox…"}</p>`;
  }

  const switchTo = (id) => go(id, world.channels.get(place)?.is_im ? undefined : place);
  const startDraft = (text) => setDraft({ text });
  const toFirstChannel = () => go(user, firstChannel(world));
  const isToured = tour.isOpen && canBeToured(world);
  const top = world.views.at(-1);
  return html`<${World.Provider} value=${world}>
    <div class="shell" onKeyDown=${(event) => event.key === "Escape" && setDrawer(false)}>
      <${TopBar} drawer=${drawer} toggleDrawer=${() => setDrawer(!drawer)} choose=${switchTo} />
      <${Sidebar}
        place=${place}
        unread=${unread.of}
        open=${drawer}
        showWelcome=${() => {
          tour.close();
          welcome.show();
          toFirstChannel();
        }}
        startTour=${!isToured && canBeToured(world) && tour.open}
      />
      ${drawer && html`<div class="shade" onClick=${() => setDrawer(false)}></div>`}
      <main class=${`main ${thread ? "has-thread" : ""} ${isToured ? "has-tour" : ""}`}>
        ${!world.connected && html`<p class="lost" role="status">Connection lost. Trying again…</p>`}
        ${isToured && html`<${Tour} close=${tour.close} draft=${startDraft} />`}
        <${Main} key=${user} ...${{ world, place, thread, unread, welcome, tour, draft, startDraft }} />
      </main>
    </div>
    ${top && html`<${Modal} key=${top.id} view=${top} depth=${world.views.length} />`}
  <//>`;
}

function App() {
  const { user, place, thread } = useAddress();
  useEffect(() => {
    if (user) localStorage.setItem("user", user);
    else location.replace(`#/${localStorage.getItem("user") ?? firstPerson}`);
  }, [user]);
  return user && html`<${Person} ...${{ user, place, thread }} />`;
}

applyStoredTheme();
const root = document.getElementById("app");
root.replaceChildren();
render(html`<${App} />`, root);
