// Block elements by type.
import { html, Surface, useContext } from "../view.js";
import { Button } from "./button.js";
import { Choices } from "./choices.js";
import { Overflow } from "./overflow.js";
import { Select } from "./select.js";
import { DateField, NumberField, TextField } from "./fields.js";

const BY_TYPE = {
  button: Button,
  workflow_button: Button,
  overflow: Overflow,
  radio_buttons: Choices,
  checkboxes: Choices,
  plain_text_input: TextField,
  email_text_input: TextField,
  url_text_input: TextField,
  rich_text_input: TextField,
  number_input: NumberField,
  datepicker: DateField,
  timepicker: DateField,
  datetimepicker: DateField,
  image: ({ element }) => html`<img class="accessory-image" src=${element.image_url} alt=${element.alt_text} />`,
};

for (const kind of ["static", "external", "users", "channels", "conversations"]) {
  BY_TYPE[`${kind}_select`] = Select;
  BY_TYPE[`multi_${kind}_select`] = Select;
}

/**
 * One element of a block. Inside an input block a change only enters the value (unless the block dispatches);
 * elsewhere it is sent at once. `labels` names it: `{id, label, describedBy, invalid}`.
 */
export function Element({ element, block, labels = {} }) {
  const surface = useContext(Surface);
  const Kind = BY_TYPE[element.type];
  if (!Kind) return html`<span class="unknown">Not shown here: ${element.type}</span>`;
  const sends = block.type !== "input" || block.dispatch_action;
  const control = {
    value: surface.form.get(block.block_id, element),
    enter: (value) => surface.form.set(block.block_id, element, value),
    send: (value) => sends && surface.click(block.block_id, element, value && { type: element.type, ...value }),
    sends,
    suggest: (text) => surface.suggest(block.block_id, element, text),
    labels,
  };
  return html`<${Kind} key=${element.action_id} element=${element} ...${control} />`;
}
