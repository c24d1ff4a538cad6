// The bar above everything: who one is, and light or dark.
import { Avatar } from "./avatar.js";
import { moveInMenu } from "./elements/overflow.js";
import { Icon, IconButton } from "./icons.js";
import { Popup } from "./popup.js";
import { SpeedSwitch } from "./speed.js";
import { html, useContext, useRef, useState, World } from "./view.js";

const label = (one) => one.real_name || one.name;

export function PeopleSwitch({ choose }) {
  const world = useContext(World);
  const [open, setOpen] = useState(false);
  const anchor = useRef();
  const people = [...world.people.values()].filter((one) => !one.is_bot);
  const pick = (id) => {
    setOpen(false);
    anchor.current.focus();
    if (id !== world.user) choose(id);
  };
  return html`<button
      ref=${anchor}
      type="button"
      class="switch"
      aria-haspopup="menu"
      aria-expanded=${open}
      onClick=${() => setOpen(!open)}
    >
      <${Avatar} id=${world.user} size=${24} /><span class="switch-you">You are:</span> <b>${label(world.me)}
      </b><${Icon} name="down" />
    </button>
    ${
      open &&
      html`<${Popup} anchor=${anchor} close=${() => setOpen(false)} class="menu menu-people" focusFirst>
        <p class="menu-head">Be someone else. Each person has their own rights, private answers and Home.</p>
        <div role="menu" aria-label="People" onKeyDown=${moveInMenu}>
          ${people.map(
            (one) =>
              html`<button
                type="button"
                role="menuitemradio"
                aria-checked=${one.id === world.user}
                class="menu-item menu-person"
                key=${one.id}
                onClick=${() => pick(one.id)}
              >
                <${Avatar} id=${one.id} size=${32} /><span>
                  <b>${label(one)}</b>${one.title && html`<span class="menu-note">${one.title}</span>`}
                </span>
                ${one.id === world.user && html`<${Icon} name="check" />`}
              </button>`,
          )}
        </div>
      <//>`
    }`;
}

const isDark = () =>
  (document.documentElement.dataset.theme ??
    (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";

export function applyStoredTheme() {
  const stored = localStorage.getItem("theme");
  if (stored) document.documentElement.dataset.theme = stored;
}

export function ThemeToggle() {
  const [dark, setDark] = useState(isDark());
  const toggle = () => {
    const theme = dark ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    localStorage.setItem("theme", theme);
    setDark(!dark);
  };
  const label = dark ? "Use light colours" : "Use dark colours";
  return html`<${IconButton} icon=${dark ? "sun" : "moon"} label=${label} class="bar-button" onClick=${toggle} />`;
}

/** To a page beside this one, in a tab of its own. */
export const BarLink = ({ icon, title, url }) =>
  html`<a class="bar-link" href=${url} target="_blank" title=${`${title} (opens a new tab)`}>
    <${Icon} name=${icon} /><span class="bar-text">${title}</span><span class="sr-only"> (opens a new tab)</span>
  </a>`;

export function TopBar({ drawer, toggleDrawer, choose }) {
  const world = useContext(World);
  return html`<header class="topbar">
    <${IconButton}
      icon="menu"
      label="Channels"
      class="bar-button drawer-button"
      aria-expanded=${drawer}
      aria-controls="sidebar"
      onClick=${toggleDrawer}
    />
    <span class="bar-fill"></span>
    <${PeopleSwitch} choose=${choose} />
    <span class="bar-fill"></span>
    ${world.links.some((link) => link.url === "/plant") && html`<${SpeedSwitch} />`}
    ${world.links.map((link) => html`<${BarLink} key=${link.url} icon="factory" title=${link.title} url=${`${link.url}#/${world.user}`} />`)}
    <${ThemeToggle} />
  </header>`;
}
