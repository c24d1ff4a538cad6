// Troubles to make, to watch how Spotter copes. Each ends by itself.
import { Icon } from "/page/icons.js";
import { html, useContext } from "/page/view.js";
import { useNow } from "./parts.js";
import { clearTrouble, makeTrouble, Plant } from "./state.js";

function Left({ until }) {
  const left = Math.max(0, Math.round(until - useNow()));
  return html`${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")} left`;
}

/** In the top bar, for as long as something is wrong. */
export function TroubleSign({ troubles }) {
  const lasting = troubles.filter((one) => one.until);
  if (!lasting.length) return null;
  const names = lasting.map((one) => `${one.service}: ${one.title.toLowerCase()}`);
  return html`<a class="trouble-sign" href="#trouble" title=${names.join("\n")} onClick=${toTroubles}>
    <${Icon} name="bolt" /><span>${lasting.length > 1 ? `${lasting.length} troubles` : names[0]}</span>
  </a>`;
}

function toTroubles(event) {
  event.preventDefault(); // the address says who one is
  document.querySelector(".troubles").scrollIntoView({ behavior: "smooth", block: "center" });
}

function Trouble({ trouble }) {
  const plant = useContext(Plant);
  const press = async () => {
    const answer = await (trouble.until ? clearTrouble : makeTrouble)(trouble.key);
    if (!answer.ok) plant.tell(answer.message, true);
  };
  return html`<li>
    <button
      type="button"
      class="trouble"
      aria-pressed=${Boolean(trouble.until)}
      aria-label=${`${trouble.service}: ${trouble.title}`}
      title=${trouble.until ? "Press to end it now" : `Press to make it, for ${trouble.seconds} s`}
      onClick=${press}
    >
      <span class="trouble-title">${trouble.title}</span>
      <span class="trouble-left"
        >${trouble.until ? html`<${Left} until=${trouble.until} />` : `${trouble.seconds} s`}</span
      >
      <span class="trouble-means">${trouble.means}</span>
    </button>
  </li>`;
}

export function Troubles({ troubles }) {
  const services = [...new Set(troubles.map((one) => one.service))];
  return html`<div class="card troubles">
    ${services.map(
      (service) =>
        html`<div key=${service}>
          <h4>${service}</h4>
          <ul>
            ${troubles
              .filter((one) => one.service === service)
              .map((one) => html`<${Trouble} key=${one.key} trouble=${one} />`)}
          </ul>
        </div>`,
    )}
  </div>`;
}
