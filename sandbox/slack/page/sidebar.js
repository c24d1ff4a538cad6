// Channels, apps and people to go to, with marks where something is unread.
import { Avatar } from "./avatar.js";
import { Icon } from "./icons.js";
import { html, useContext, World } from "./view.js";

function Entry({ href, current, unread, mark, children }) {
  const count = unread?.mentions ?? 0;
  return html`<li>
    <a class=${`entry ${unread?.any ? "is-unread" : ""}`} href=${href} aria-current=${current ? "page" : undefined}>
      ${mark}<span class="entry-name">${children}</span>
      ${count > 0 && html`<span class="badge">${count}<span class="sr-only"> unread</span></span>`}
      ${!count && unread?.any && html`<span class="sr-only">unread</span>`}
    </a>
  </li>`;
}

const List = ({ title, children }) =>
  html`<section class="entries">
    <h2>${title}</h2>
    <ul>
      ${children}
    </ul>
  </section>`;

export function Sidebar({ place, unread, open, showWelcome, startTour }) {
  const world = useContext(World);
  const channels = [...world.channels.values()];
  const botDm = channels.find((one) => one.is_im && one.user === world.bot.user_id);
  const appPlace = place === "home" || place === botDm?.id;
  const at = (id) => `#/${world.user}/${id}`;
  return html`<nav id="sidebar" class=${`sidebar ${open ? "is-open" : ""}`} aria-label="Workspace">
    <header class="workspace-name">${world.team.name}<span>sandbox workspace</span></header>
    <div class="sidebar-scroll" tabindex="-1">
      <${List} title="Channels">
        ${channels
          .filter((one) => !one.is_im)
          .map(
            (one) =>
              html`<${Entry}
                key=${one.id}
                href=${at(one.id)}
                current=${place === one.id}
                unread=${unread(one)}
                mark=${html`<${Icon} name=${one.is_private ? "lock" : "hash"} />`}>
                ${one.name}
              <//>`,
          )}
      <//>
      <${List} title="Direct messages">
        ${channels
          .filter((one) => one.is_im && one !== botDm)
          .map(
            (one) =>
              html`<${Entry}
                key=${one.id}
                href=${at(one.id)}
                current=${place === one.id}
                unread=${unread(one)}
                mark=${html`<${Avatar} id=${one.user} size=${20} />`}>
                ${world.name(one.user)}
              <//>`,
          )}
        <li>
          <span class="entry entry-self">
            <${Avatar} id=${world.user} size=${20} /><span class="entry-name">${world.name(world.user)}
            </span><span class="you">you</span>
          </span>
        </li>
      <//>
      <${List} title="Apps">
        <${Entry}
          href=${at("home")}
          current=${appPlace}
          unread=${botDm && unread(botDm)}
          mark=${html`<${Avatar} id=${world.bot.user_id} size=${20} />`}>
          ${world.name(world.bot.user_id)}
        <//>
      <//>
    </div>
    <footer class="sidebar-foot">
      ${
        startTour &&
        html`<button type="button" class="entry" onClick=${startTour}>
          <${Icon} name="flag" /><span class="entry-name">Take the tour</span>
        </button>`
      }
      <button type="button" class="entry" onClick=${showWelcome}>
        <${Icon} name="info" /><span class="entry-name">What is this?</span>
      </button>
    </footer>
  </nav>`;
}
