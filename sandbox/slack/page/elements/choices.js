// Radio buttons and checkboxes.
import { Text } from "../mrkdwn.js";
import { html } from "../view.js";
import { useConfirm } from "./confirm.js";

export function Choices({ element, value, enter, send, labels }) {
  const confirm = useConfirm();
  const many = element.type === "checkboxes";
  const chosen = many ? value.selected_options : [value.selected_option].filter(Boolean);
  const isChosen = (option) => chosen.some((one) => one.value === option.value);

  async function choose(option) {
    if (!(await confirm(element.confirm))) return;
    const rest = chosen.filter((one) => one.value !== option.value);
    const next = many ? { selected_options: isChosen(option) ? rest : [...rest, option] } : { selected_option: option };
    enter(next);
    send(next);
  }

  return html`<div
    class="choices"
    role=${many ? "group" : "radiogroup"}
    aria-label=${labels.label ?? "Options"}
    aria-describedby=${labels.describedBy}
  >
    ${element.options.map(
      (option) =>
        html`<label class="choice" key=${option.value}>
          <input
            type=${many ? "checkbox" : "radio"}
            name=${`${labels.id}-${element.action_id}`}
            checked=${isChosen(option)}
            onChange=${() => choose(option)}
          />
          <span>
            <${Text} of=${option.text} />
            ${option.description && html`<span class="choice-description"><${Text} of=${option.description} /></span>`}
          </span>
        </label>`,
    )}
  </div>`;
}
