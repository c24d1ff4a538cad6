// The "…" menu of an actions block or section.
import { Icon } from "../icons.js";
import { plain } from "../mrkdwn.js";
import { Popup } from "../popup.js";
import { html, useRef, useState } from "../view.js";
import { useConfirm } from "./confirm.js";

/** Arrow keys, Home and End among the menu items that the event's target is one of. */
export function moveInMenu(event) {
  const items = [...event.currentTarget.querySelectorAll("[role^=menuitem]")];
  const at = items.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1 + (at < 0 ? items.length + 1 : 0), Home: 0, End: items.length - 1 }[
    event.key
  ];
  if (to === undefined) return;
  event.preventDefault();
  items[(to + items.length) % items.length].focus();
}

export function Overflow({ element, send }) {
  const [open, setOpen] = useState(false);
  const anchor = useRef();
  const confirm = useConfirm();

  async function pick(option) {
    setOpen(false);
    anchor.current.focus();
    if (!(await confirm(element.confirm))) return;
    if (option.url) window.open(option.url, "_blank", "noopener");
    send({ selected_option: option });
  }

  return html`<button
      ref=${anchor}
      type="button"
      class="button button-icon"
      aria-label="More actions"
      aria-haspopup="menu"
      aria-expanded=${open}
      onClick=${() => setOpen(!open)}
    >
      <${Icon} name="more" />
    </button>
    ${
      open &&
      html`<${Popup} anchor=${anchor} close=${() => setOpen(false)} class="menu" focusFirst>
        <div role="menu" onKeyDown=${moveInMenu}>
          ${element.options.map(
            (option) =>
              html`<button
                type="button"
                role="menuitem"
                class="menu-item"
                key=${option.value}
                onClick=${() => pick(option)}
              >
                ${plain(option.text.text)}
              </button>`,
          )}
        </div>
      <//>`
    }`;
}
