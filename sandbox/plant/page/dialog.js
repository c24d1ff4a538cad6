// A dialog above the page. Escape or its cross closes it; focus returns to where it was.
import { IconButton } from "/page/icons.js";
import { html, useEffect, useRef } from "/page/view.js";

export function Dialog({ title, close, wide, children }) {
  const ref = useRef();
  useEffect(() => {
    const before = document.activeElement;
    ref.current.showModal();
    return () => before?.focus?.();
  }, []);
  return html`<dialog
    ref=${ref}
    class=${`dialog ${wide ? "dialog-wide" : ""}`}
    aria-labelledby="dialog-title"
    onCancel=${(event) => {
      event.preventDefault();
      close();
    }}
  >
    <header class="dialog-head">
      <h2 id="dialog-title">${title}</h2>
      <${IconButton} icon="close" label="Close" onClick=${close} />
    </header>
    ${children}
  </dialog>`;
}

/** The dialog's form: what it asks, its refusal in words, Cancel and the one thing to do. */
export const Form = ({ submit, close, problem, verb, busy, children }) =>
  html`<form
    onSubmit=${(event) => {
      event.preventDefault();
      submit(new FormData(event.target));
    }}
  >
    <div class="dialog-body">${children}${problem && html`<p class="field-error" role="alert">${problem}</p>`}</div>
    <footer class="dialog-foot">
      <button type="button" class="button" onClick=${close}>Cancel</button>
      <button type="submit" class="button button-primary" disabled=${busy}>${verb}</button>
    </footer>
  </form>`;

export const Field = ({ label, hint, children }) =>
  html`<label class="input"
    ><span class="label">${label}</span>${children}${hint && html`<span class="hint">${hint}</span>`}</label
  >`;
