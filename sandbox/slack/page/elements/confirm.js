// Slack's confirmation dialog, asked before an element acts.
import { plain, Text } from "../mrkdwn.js";
import { html, render, useEffect, useRef, useContext, World } from "../view.js";

function Confirm({ dialog, done }) {
  const ref = useRef();
  useEffect(() => ref.current.showModal(), []);
  const close = (answer) => {
    ref.current.close();
    done(answer);
  };
  return html`<dialog
    ref=${ref}
    class="dialog dialog-small"
    aria-labelledby="confirm-title"
    onCancel=${(event) => {
      event.preventDefault();
      close(false);
    }}
  >
    <header class="dialog-head"><h2 id="confirm-title">${plain(dialog.title?.text ?? "Are you sure?")}</h2></header>
    <div class="dialog-body"><${Text} of=${dialog.text ?? { type: "plain_text", text: "" }} /></div>
    <footer class="dialog-foot">
      <button type="button" class="button" onClick=${() => close(false)}>${dialog.deny?.text ?? "Cancel"}</button>
      <button
        type="button"
        class=${`button button-${dialog.style === "danger" ? "danger" : "primary"}`}
        autofocus
        onClick=${() => close(true)}
      >
        ${dialog.confirm?.text ?? "Yes"}
      </button>
    </footer>
  </dialog>`;
}

/** A function that asks: resolves to true at once when there is nothing to confirm. */
export function useConfirm() {
  const world = useContext(World);
  return (dialog) => {
    if (!dialog) return Promise.resolve(true);
    return new Promise((resolve) => {
      const host = document.body.appendChild(document.createElement("div"));
      const done = (answer) => {
        render(null, host);
        host.remove();
        resolve(answer);
      };
      render(html`<${World.Provider} value=${world}><${Confirm} dialog=${dialog} done=${done} /><//>`, host);
    });
  };
}
