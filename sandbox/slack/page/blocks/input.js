import { Element } from "../elements/index.js";
import { plain } from "../mrkdwn.js";
import { html, Surface, useContext, useRef } from "../view.js";

export function Input({ block }) {
  const { errors } = useContext(Surface);
  const id = useRef(`input-${Math.random().toString(36).slice(2)}`).current;
  const error = errors[block.block_id];
  const grouped = ["radio_buttons", "checkboxes"].includes(block.element.type);
  const describedBy = [error && `${id}-error`, block.hint && `${id}-hint`].filter(Boolean).join(" ") || undefined;
  const labels = { id, label: block.label.text, describedBy, invalid: Boolean(error) };
  const name = html`${plain(block.label.text)}${block.optional && html`<span class="optional"> (optional)</span>`}`;
  return html`<div class=${`block input ${error ? "has-error" : ""}`} data-block-id=${block.block_id}>
    ${grouped ? html`<div class="label">${name}</div>` : html`<label class="label" for=${id}>${name}</label>`}
    <${Element} element=${block.element} block=${block} labels=${labels} />
    ${error && html`<p class="field-error" id=${`${id}-error`} role="alert">${plain(error)}</p>`}
    ${block.hint && html`<p class="hint" id=${`${id}-hint`}>${plain(block.hint.text)}</p>`}
  </div>`;
}
