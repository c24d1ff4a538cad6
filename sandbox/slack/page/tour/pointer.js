// Lights up where to press next, wherever on the page that is; follows the page as it changes.
import { useEffect, useRef } from "../view.js";

const canBeSeen = (element) => element.checkVisibility({ visibilityProperty: true });

export function findFirst(places) {
  for (const place of places.filter(Boolean)) {
    const element = place();
    if (element && canBeSeen(element)) return element;
  }
  return null;
}

/** Marks the first visible place with `data-tour`, which the stylesheet lights up. */
export function usePointer(places) {
  const latest = useRef();
  latest.current = places;
  const mark = useRef(() => {});
  useEffect(() => {
    let marked = null;
    let planned = 0;
    mark.current = () => {
      planned = 0;
      const found = findFirst(latest.current);
      if (found === marked) return;
      marked?.removeAttribute("data-tour");
      found?.setAttribute("data-tour", "");
      marked = found;
    };
    const plan = () => {
      planned ||= requestAnimationFrame(mark.current);
    };
    const watch = new MutationObserver(plan);
    watch.observe(document.body, { childList: true, subtree: true, attributeFilter: ["class", "open"] });
    addEventListener("input", plan);
    plan();
    return () => {
      removeEventListener("input", plan);
      watch.disconnect();
      cancelAnimationFrame(planned);
      marked?.removeAttribute("data-tour");
    };
  }, []);
  useEffect(() => mark.current());
}
