// The top view of the modal stack.
import { Blocks } from "./blocks/index.js";
import { complaint } from "./elements/values.js";
import { Icon, IconButton } from "./icons.js";
import { plain } from "./mrkdwn.js";
import { SurfaceOf, statefulElements, useForm } from "./surface.js";
import { html, useContext, useEffect, useRef, useState, World } from "./view.js";

function complaints(view, form) {
  const out = {};
  for (const { block, element } of statefulElements(view.blocks)) {
    const problem = block.type === "input" && complaint(block, form.get(block.block_id, element));
    if (problem) out[block.block_id] = problem;
  }
  return out;
}

function useSubmit(view, form, dialog) {
  const world = useContext(World);
  const [busy, setBusy] = useState(false);
  const [errors, setErrors] = useState({});

  const refuse = (found) => {
    setErrors(found);
    const first = view.blocks.find((block) => found[block.block_id]);
    const at = first && dialog.current.querySelector(`[data-block-id="${CSS.escape(first.block_id)}"]`);
    (at?.querySelector("input, textarea") ?? dialog.current).focus();
  };
  const submit = async (event) => {
    event.preventDefault();
    if (busy) return;
    const found = complaints(view, form);
    if (Object.keys(found).length) return refuse(found);
    setBusy(true);
    setErrors({});
    const answer = await world.api.submit(view.id, form.values(view.blocks));
    setBusy(false);
    if (answer.errors) refuse(answer.errors);
    else if (!answer.ok) setErrors({ "": answer.message ?? answer.error });
  };
  return { busy, errors, submit };
}

export function Modal({ view, depth }) {
  const world = useContext(World);
  const dialog = useRef();
  const form = useForm(world.formOf(view));
  const { busy, errors, submit } = useSubmit(view, form, dialog);

  useEffect(() => {
    const before = document.activeElement;
    dialog.current.showModal();
    const first =
      dialog.current.querySelector("[autofocus]") ?? dialog.current.querySelector(".dialog-body :is(input, textarea)");
    (first ?? dialog.current.querySelector(".dialog-foot .button-primary") ?? dialog.current).focus();
    return () => before.focus();
  }, []);
  const problem = errors[""] ?? world.viewNotice;
  const close = () => world.told(world.api.close(view.id));

  return html`<dialog
    ref=${dialog}
    class="dialog"
    aria-labelledby="modal-title"
    tabindex="-1"
    onCancel=${(event) => {
      event.preventDefault();
      close();
    }}
  >
    <form onSubmit=${submit} novalidate>
      <header class="dialog-head">
        ${depth > 1 && html`<${IconButton} icon="left" label="Back" onClick=${close} />`}
        <h2 id="modal-title">${plain(view.title.text)}</h2>
        <${IconButton} icon="close" label="Close" onClick=${close} />
      </header>
      <div class="dialog-body" tabindex="-1">
        ${
          problem &&
          html`<div class="alert alert-error" role="alert">
            <${Icon} name="warn" />
            <div>${plain(problem)}</div>
          </div>`
        }
        <${SurfaceOf} container=${{ view_id: view.id }} blocks=${view.blocks} form=${form} errors=${errors}>
          <${Blocks} blocks=${view.blocks} />
        <//>
      </div>
      <footer class="dialog-foot">
        <button type="button" class="button" onClick=${close}>
          ${plain(view.close?.text ?? (view.submit ? "Cancel" : "Close"))}
        </button>
        ${
          view.submit &&
          html`<button type="submit" class="button button-primary" aria-busy=${busy}>
            <span class="button-text">${plain(view.submit.text)}
            </span>${busy && html`<span class="spinner" aria-hidden="true"></span>`}
          </button>`
        }
      </footer>
    </form>
  </dialog>`;
}
