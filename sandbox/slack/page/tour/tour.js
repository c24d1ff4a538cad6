// A tour in five steps, told above the channel, so that it covers nothing. It looks at the channel to know which is next.
import { Icon, IconButton } from "../icons.js";
import { html, useContext, useState, World } from "../view.js";
import { findFirst, usePointer } from "./pointer.js";
import { STEPS } from "./steps.js";
import { storyOf } from "./story.js";

/** Whether the tour is open, remembered in this browser. */
export function useTour() {
  const [isOpen, setOpen] = useState(localStorage.getItem("tour") === "open");
  const put = (open) => {
    localStorage.setItem("tour", open ? "open" : "closed");
    setOpen(open);
  };
  return { isOpen, open: () => put(true), close: () => put(false) };
}

export const canBeToured = (world) => ["/train", "/deploy"].every((name) => world.commands.some((one) => one.command === name));

function Progress({ at }) {
  return html`<ol class="tour-steps" aria-label="Steps">
    ${STEPS.map((step, number) => {
      const state = number < at ? "done" : number === at ? "now" : "to come";
      return html`<li
        key=${step.title}
        class=${`tour-step is-${state.replace(" ", "-")}`}
        aria-current=${state === "now" ? "step" : undefined}
      >
        <span class="tour-mark" aria-hidden="true">
          ${state === "done" ? html`<${Icon} name="check" />` : number + 1}
        </span>
        <span class="tour-title">${step.title}</span>${state === "done" && html`<span class="sr-only"> (done)</span>`}
      </li>`;
    })}
  </ol>`;
}

function show(places) {
  const found = findFirst(places);
  found?.scrollIntoView({ block: "center", behavior: "smooth" });
  (found?.querySelector("textarea") ?? found)?.focus({ preventScroll: true });
}

export function Tour({ close, draft }) {
  const world = useContext(World);
  const story = storyOf(world);
  const at = STEPS.findLastIndex((step) => step.isDone(story)) + 1;
  const step = STEPS[at];
  const given = { story, world };
  const places = step?.look(given) ?? [];
  usePointer(places);
  const help = () => {
    if (step.draft && !document.querySelector("dialog[open]")) draft(step.draft);
    show(places);
  };
  return html`<aside class="tour" aria-label="Tour">
    <${Progress} at=${at} />
    <div class="tour-now">
      <p role="status">
        ${step ? html`<b>${at + 1} of ${STEPS.length}: ${step.title}.</b> ` : html`<b>From labels to devices.</b> `}
        <span class="tour-text">
          ${
            step
              ? step.text(given)
              : html`Your model runs on the line. Try <code>/digest</code>, the Home tab, or make trouble in the plant.`
          }
        </span>
      </p>
      ${
        step &&
        html`<button type="button" class="button button-small" onClick=${help}>
          ${step.draft ? "Type it for me" : "Show me where"}
        </button>`
      }
    </div>
    <${IconButton} icon="close" label="Close the tour" class="icon-button tour-x" onClick=${close} />
  </aside>`;
}

