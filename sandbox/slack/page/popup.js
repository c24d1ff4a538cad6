// A box beside its anchor, above everything else, open dialogs included. Escape or a press elsewhere closes it.
import { html, useLayoutEffect, useRef } from "./view.js";

function place(box, anchor, matchWidth) {
  const gap = 4;
  const at = anchor.getBoundingClientRect();
  if (matchWidth) box.style.width = `${at.width}px`;
  const { offsetWidth: width, offsetHeight: height } = box;
  const below = innerHeight - at.bottom;
  const top = below < height + gap + 8 && at.top > below ? at.top - height - gap : at.bottom + gap;
  box.style.top = `${Math.max(8, top)}px`;
  box.style.left = `${Math.max(8, Math.min(at.left, innerWidth - width - 8))}px`;
}

export function Popup({ anchor, close, children, matchWidth, focusFirst, ...rest }) {
  const ref = useRef();
  const latestClose = useRef();
  latestClose.current = close;

  useLayoutEffect(() => place(ref.current, anchor.current, matchWidth));
  useLayoutEffect(() => {
    const box = ref.current;
    const button = anchor.current;
    const again = () => place(box, button, matchWidth);
    const press = ({ target }) => !box.contains(target) && !button.contains(target) && latestClose.current();
    const key = (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault(); // else an open dialog closes with it
      event.stopPropagation();
      if (box.contains(document.activeElement)) button.focus();
      latestClose.current();
    };
    const listeners = [
      ["resize", again],
      ["scroll", again, true],
      ["pointerdown", press],
      ["keydown", key, true],
    ];
    for (const listener of listeners) addEventListener(...listener);
    box.showPopover();
    again();
    if (focusFirst) box.querySelector("button, a, input")?.focus();
    return () => listeners.forEach((listener) => removeEventListener(...listener));
  }, []);

  return html`<div ref=${ref} popover="manual" ...${rest} class=${`popup ${rest.class ?? ""}`}>${children}</div>`;
}
