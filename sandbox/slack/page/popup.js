// A box beside its anchor, above everything else, open dialogs included. Escape or a press elsewhere closes it.
import { html, useEffect, useLayoutEffect, useRef } from "./view.js";

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

  useLayoutEffect(() => {
    ref.current.showPopover();
    if (focusFirst) ref.current.querySelector("button, a, input")?.focus();
  }, []);
  useLayoutEffect(() => place(ref.current, anchor.current, matchWidth));
  useEffect(() => {
    const again = () => ref.current && anchor.current && place(ref.current, anchor.current, matchWidth);
    const press = ({ target }) => !ref.current.contains(target) && !anchor.current.contains(target) && close();
    const key = (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault(); // else an open dialog closes with it
      event.stopPropagation();
      if (ref.current.contains(document.activeElement)) anchor.current.focus();
      close();
    };
    addEventListener("resize", again);
    addEventListener("scroll", again, true);
    addEventListener("pointerdown", press);
    addEventListener("keydown", key, true);
    return () => {
      removeEventListener("resize", again);
      removeEventListener("scroll", again, true);
      removeEventListener("pointerdown", press);
      removeEventListener("keydown", key, true);
    };
  }, [close]);

  return html`<div ref=${ref} popover="manual" ...${rest} class=${`popup ${rest.class ?? ""}`}>${children}</div>`;
}
