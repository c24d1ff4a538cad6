// What a first visitor needs to know, until they dismiss it.
import { IconButton } from "./icons.js";
import { html, useContext, World } from "./view.js";

export function Welcome({ start, dismiss }) {
  const world = useContext(World);
  const bot = world.name(world.bot.user_id);
  const has = (command) => world.commands.some((one) => one.command === command);
  return html`<section class="welcome" aria-label="Welcome">
    <${IconButton} icon="close" label="Dismiss the welcome" class="icon-button welcome-x" onClick=${dismiss} />
    <h2>Welcome to the sandbox</h2>
    <p>
      Everything here is real but Slack and Azure: ${bot} is the bot you would run, and the models it announces are
      really trained on this machine.
      ${world.links.map((link) => html` Watch it at work in <a href=${`${link.url}#/${world.user}`} target="_blank">${link.title.toLowerCase()}</a>.`)}
    </p>
    <p class="welcome-who">
      You are <b>${world.name(world.user)}</b>${world.me.title && html` (${world.me.title})`}. Switch to another person
      at the top to see what they see.
    </p>
    <p>
      ${has("/train") ? html`Type <code>/train</code> below to start, or pick any command:` : "Pick a command to start:"}
    </p>
    <div class="welcome-commands">
      ${world.commands.map(
        (one) =>
          html`<button
            type="button"
            class="command-chip"
            key=${one.command}
            title=${one.description}
            onClick=${() => start(`${one.command} `)}
          >
            ${one.command}
          </button>`,
      )}
    </div>
  </section>`;
}
