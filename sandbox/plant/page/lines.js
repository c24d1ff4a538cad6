// The lines: each device with the model it runs and the last picture it looked at, with what it found there.
import { moveInMenu } from "/page/elements/overflow.js";
import { Icon, IconButton } from "/page/icons.js";
import { Popup } from "/page/popup.js";
import { html, useContext, useEffect, useRef, useState } from "/page/view.js";
import { Dialog } from "./dialog.js";
import { Mark } from "./parts.js";
import { happen, pictureOf, Plant } from "./state.js";

/** A picture and its boxes change together, when the picture has come. */
function useShown(device) {
  const [shown, setShown] = useState(null);
  useEffect(() => {
    if (!device.seen) return undefined;
    let isWanted = true;
    const picture = new Image();
    picture.src = pictureOf(device.id, device.seen.frame);
    picture.decode().then(
      () => isWanted && setShown({ ...device.seen, url: picture.src }),
      () => {}, // the next one is on its way
    );
    return () => {
      isWanted = false;
    };
  }, [device.seen?.frame]);
  return shown;
}

const labelsOf = (boxes) => [...new Set(boxes.map((box) => box.label))].sort();

// A label has the same colour and dashes on all devices.
const known = new Set();
const styleOf = (label) => `box-${[...known].sort().indexOf(label) % 4}`;

const Box = ({ box }) =>
  html`<rect
    class=${`box ${styleOf(box.label)}`}
    x=${box.left * 320}
    y=${box.top * 240}
    width=${(box.right - box.left) * 320}
    height=${(box.bottom - box.top) * 240}
    ><title>${box.label} ${box.score.toFixed(2)}</title></rect
  >`;

const Score = ({ box }) =>
  html`<text class="score" x=${box.left * 320 + 1.5} y=${box.bottom * 240 + 8}>${box.score.toFixed(2)}</text>`;

const Key = ({ label, count }) =>
  html`<span class="key">
    <svg viewBox="0 0 14 14"><rect class=${`box ${styleOf(label)}`} x="2" y="2" width="10" height="10" /></svg>
    ${`${count} ${label}`}
  </span>`;

/** A picture with boxes, and with their scores where there is room. */
function Found({ device, shown, large }) {
  const counts = labelsOf(shown.boxes).map((label) => [label, shown.boxes.filter((box) => box.label === label).length]);
  const told = counts.map(([label, count]) => `${count} ${label}`).join(", ") || "nothing";
  return html`<img src=${shown.url} alt=${`Picture from ${device.id}; found: ${told}`} />
    <svg viewBox="0 0 320 240" preserveAspectRatio="none" aria-hidden="true">
      ${shown.boxes.map((box, at) => html`<${Box} key=${at} box=${box} />`)}
      ${large && shown.boxes.map((box, at) => html`<${Score} key=${at} box=${box} />`)}
    </svg>
    <span class="keys">
      ${counts.map(([label, count]) => html`<${Key} key=${label} ...${{ label, count }} />`)}
      ${!counts.length && "nothing found"}
    </span>`;
}

function Picture({ device }) {
  const shown = useShown(device);
  const [large, setLarge] = useState(false);
  if (!shown) return html`<div class="picture picture-none">${device.model ? "No picture yet" : "No model yet"}</div>`;
  return html`<button
      type="button"
      class="picture"
      onClick=${() => setLarge(true)}
      aria-label=${`Picture of ${device.id}, larger`}
    >
      <${Found} ...${{ device, shown }} />
    </button>
    ${
      large &&
      html`<${Dialog}
        title=${`${device.id}: what ${shown.model.replace(":", " v")} sees`}
        close=${() => setLarge(false)}
        wide
      >
        <div class="dialog-body">
          <div class="picture picture-large"><${Found} ...${{ device, shown }} large /></div>
        </div>
      <//>`
    }`;
}

function healthOf(device) {
  if (!device.online) return ["waiting", "No way to the hub"];
  if (device.changes) return ["running", "Takes another model"];
  return (
    {
      ok: ["done", "Works"],
      starting: ["running", "Starts"],
      failed: ["failed", device.reason || "Failed"],
    }[device.health] ?? ["planned", "Nothing is deployed"]
  );
}

const HAPPENINGS = [
  ["silent", "Cut its way to the hub", "The line goes on; nobody hears of it."],
  ["memory", "Run short of memory", "Any other model than this is killed here."],
  ["storage", "Damage its storage", "Any other model arrives broken."],
  ["mend", "Mend it", "Way, memory and storage are well again."],
];

function Happenings({ device }) {
  const plant = useContext(Plant);
  const [open, setOpen] = useState(false);
  const anchor = useRef();
  const pick = async (what) => {
    setOpen(false);
    anchor.current.querySelector("button").focus();
    const answer = await happen(device.id, what);
    if (!answer.ok) plant.tell(answer.message, true);
  };
  return html`<span ref=${anchor}>
    <${IconButton}
      icon="bolt"
      label=${`What may happen to ${device.id}`}
      aria-haspopup="menu"
      aria-expanded=${open}
      onClick=${() => setOpen(!open)}
    />
    ${
      open &&
      html`<${Popup} anchor=${anchor} close=${() => setOpen(false)} class="menu" focusFirst>
        <div role="menu" aria-label=${device.id} onKeyDown=${moveInMenu}>
          ${HAPPENINGS.map(
            ([what, title, means]) =>
              html`<button type="button" role="menuitem" class="menu-item" key=${what} onClick=${() => pick(what)}>
                <span>${title}<span class="menu-note">${means}</span></span>
              </button>`,
          )}
        </div>
      <//>`
    }
  </span>`;
}

function Device({ device, line }) {
  const [kind, label] = healthOf(device);
  const name = device.id.startsWith(`${line}-`) ? device.id.slice(line.length + 1) : device.id;
  return html`<li class="device" aria-label=${device.id}>
    <${Picture} device=${device} />
    <div class="device-name">
      <b title=${device.id}>${name}</b>${device.ring === "canary" && html`<span class="tag">canary</span>`}
      <${Happenings} device=${device} />
    </div>
    <p class="device-model" title=${device.model}>${device.model ? device.model.replace(":", " v") : "–"}</p>
    <p class="device-state">
      <${Mark} kind=${kind} label=${label} /><span title=${label}
        >${label}${device.restarts > 0 && `, ended ${device.restarts} ×`}</span
      >
    </p>
  </li>`;
}

export function Lines({ lines }) {
  for (const { seen } of lines.flatMap((line) => line.devices)) seen?.boxes.forEach((box) => known.add(box.label));
  return html`<div class="lines">
    ${lines.map(
      (line) =>
        html`<section
          class="card line-card"
          key=${line.name}
          aria-label=${line.name}
          style=${`--devices:${line.devices.length}`}
        >
          <h3><${Icon} name="factory" />${line.name}</h3>
          <ul class="devices">
            ${line.devices.map((device) => html`<${Device} key=${device.id} device=${device} line=${line.name} />`)}
          </ul>
        </section>`,
    )}
  </div>`;
}
