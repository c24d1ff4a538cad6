// What the blocks of one message, modal or Home tab share: where they are, what has been entered, and how to act.
import { html, Surface, useContext, useMemo, useRef, useState, World } from "./view.js";
import { initialValue } from "./elements/values.js";

const keyOf = (blockId, actionId) => `${blockId}\n${actionId}`;

/** The elements of blocks that hold a value, with their blocks. */
export function statefulElements(blocks) {
  return blocks.flatMap((block) => {
    const elements = { input: [block.element], actions: block.elements, section: [block.accessory] }[block.type] ?? [];
    const nested = block.type === "container" ? statefulElements(block.child_blocks) : [];
    return [
      ...elements.filter((one) => one?.action_id && initialValue(one)).map((element) => ({ block, element })),
      ...nested,
    ];
  });
}

/**
 * Entered values by block and action; what is not entered is the element's initial value. `kept` is where they
 * outlive the component, if they must.
 */
export function useForm(kept) {
  const own = useRef({ entered: {} });
  const held = kept ?? own.current;
  const [, redraw] = useState(0);
  const form = useMemo(
    () => ({
      set(blockId, element, value) {
        held.entered[keyOf(blockId, element.action_id)] = { type: element.type, ...value };
        redraw((count) => count + 1);
      },
      get(blockId, element) {
        const value = held.entered[keyOf(blockId, element.action_id)];
        return value?.type === element.type ? value : initialValue(element);
      },
      values(blocks) {
        const out = {};
        for (const { block, element } of statefulElements(blocks)) {
          (out[block.block_id] ??= {})[element.action_id] = form.get(block.block_id, element);
        }
        return out;
      },
    }),
    [held],
  );
  return form;
}

/** Give blocks a place to act from. `container` is `{channel, ts}` or `{view_id}`. */
export function SurfaceOf({ container, blocks, form, errors, children }) {
  const world = useContext(World);
  const surface = {
    container,
    blocks,
    form,
    errors: errors ?? {},
    click: (blockId, element, payload = {}) =>
      world.told(
        world.api.click({
          container,
          block_id: blockId,
          action_id: element.action_id,
          payload,
          values: form.values(blocks),
        }),
      ),
    suggest: (blockId, element, value) =>
      world.api.suggest({
        container,
        block_id: blockId,
        action_id: element.action_id,
        value,
        values: form.values(blocks),
      }),
  };
  return html`<${Surface.Provider} value=${surface}>${children}<//>`;
}
