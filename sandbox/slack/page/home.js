// The bot's Home tab.
import { Avatar } from "./avatar.js";
import { Blocks } from "./blocks/index.js";
import { Message } from "./message.js";
import { SurfaceOf, useForm } from "./surface.js";
import { html, useContext, useEffect, World } from "./view.js";

export function AppTabs({ user, dm, current }) {
  const tab = (name, href, label) =>
    html`<a href=${href} aria-current=${current === name ? "page" : undefined}>${label}</a>`;
  return html`<nav class="tabs" aria-label="App">
    ${tab("home", `#/${user}/home`, "Home")}${dm && tab("messages", `#/${user}/${dm}`, "Messages")}
  </nav>`;
}

function View({ view }) {
  const form = useForm();
  return html`<${SurfaceOf} container=${{ view_id: view.id }} blocks=${view.blocks} form=${form}>
    <${Blocks} blocks=${view.blocks} />
  <//>`;
}

export function Home({ tabs }) {
  const world = useContext(World);
  const name = world.name(world.bot.user_id);
  useEffect(() => {
    world.told(world.api.home()).then(() => world.reload()); // opening Home may begin the direct messages
  }, [world]);
  return html`<section class="view" aria-label=${`${name} home`}>
    <header class="view-head">
      <h1 class="view-title"><${Avatar} id=${world.bot.user_id} size=${22} /><span>${name}</span></h1>
    </header>
    ${tabs}
    <div class="home" tabindex="0" role="region" aria-label="Home">
      <div class="home-inner">
        ${world.messages("home").map((notice) => html`<${Message} key=${notice.ts} message=${notice} channel="home" />`)}
        ${
          world.home
            ? html`<${View} key=${world.home.id} view=${world.home} />`
            : html`<div class="empty">
                <${Avatar} id=${world.bot.user_id} size=${56} />
                <h2>Nothing here yet</h2>
                <p>${name}'s Home appears as soon as ${name} publishes it.</p>
              </div>`
        }
      </div>
    </div>
  </section>`;
}
