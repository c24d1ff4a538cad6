// What every component is written with: Preact, htm's tagged templates, and the two contexts.
import { createContext, h } from "preact";
import htm from "htm";

export { Fragment, render } from "preact";
export { useContext, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";

export const html = htm.bind(h);

// The workspace as the person at the screen sees it: see workspace.js.
export const World = createContext(null);

// The message, modal or Home tab that a block belongs to: see surface.js.
export const Surface = createContext(null);
