// What a first visitor needs to know, until they dismiss it.
import { IconButton } from "./icons.js";
import { html, useContext, World } from "./view.js";

export function Welcome({ start, startTour, dismiss }) {
  const world = useContext(World);
  const bot = world.name(world.bot.user_id);
  return html`<section class="welcome" aria-label="Welcome">
    <${IconButton} icon="close" label="Dismiss the welcome" class="icon-button welcome-x" onClick=${dismiss} />
    <h2>Welcome to the sandbox</h2>
    <p>
      ${bot} is the bot you would run; this machine plays Slack, Azure and the factory, and really trains the models.
    </p>
    <p class="welcome-who">
      You are <b>${world.name(world.user)}</b>${world.me.title && html` (${world.me.title})`}. Become somebody else at
      the top.
      ${world.links.map((link) => html` Look behind Slack in <a href=${`${link.url}#/${world.user}`} target="_blank">${link.title.toLowerCase()}</a>.`)}
    </p>
    <p>${startTour ? "Follow five steps from labels to devices, or pick a command:" : "Pick a command to start:"}</p>
    <div class="welcome-commands">
      ${startTour && html`<button type="button" class="button button-primary button-small" onClick=${startTour}>Take the tour</button>`}
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
