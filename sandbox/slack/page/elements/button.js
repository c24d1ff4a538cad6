import { plain } from "../mrkdwn.js";
import { html, useState } from "../view.js";
import { useConfirm } from "./confirm.js";

export function Button({ element, send }) {
  const [busy, setBusy] = useState(false);
  const confirm = useConfirm();

  async function act() {
    if (busy || !(await confirm(element.confirm))) return;
    if (element.url) window.open(element.url, "_blank", "noopener");
    setBusy(true);
    await send();
    setBusy(false);
  }

  const style = element.style ? `button-${element.style}` : "";
  return html`<button
    type="button"
    class=${`button ${style}`}
    data-action=${element.action_id}
    aria-label=${element.accessibility_label}
    aria-busy=${busy}
    aria-disabled=${busy}
    onClick=${act}
  >
    <span class="button-text">${plain(element.text.text)}</span>
    ${busy && html`<span class="spinner" aria-hidden="true"></span>`}
  </button>`;
}
