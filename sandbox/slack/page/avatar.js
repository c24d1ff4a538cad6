// Faces: initials for people, a target for the bot.
import { html, useContext, World } from "./view.js";

const HUES = ["#4b6bbf", "#a2497f", "#8a5a1c", "#2f7d5b", "#7a52b3", "#b0503c", "#2b7a8c", "#6b6f1f"];

const colourOf = (world, id) => HUES[Math.max(0, [...world.people.keys()].indexOf(id)) % HUES.length];

const initials = (name) => {
  const words = name.split(/[\s_-]+/).filter(Boolean);
  return (words.length > 1 ? words[0][0] + words[1][0] : name.slice(0, 2)).toUpperCase();
};

const SPOTTER = html`<rect width="36" height="36" fill="#0d3b3f" /><g
    fill="none"
    stroke="#ffc24b"
    stroke-width="2.8"
    stroke-linecap="round"
    stroke-linejoin="round">
    <path d="M9 14V9h5M22 9h5v5M27 22v5h-5M14 27H9v-5" />
  </g><circle cx="18" cy="18" r="4" fill="#ffc24b" />`;
const HELPER = html`<rect width="36" height="36" fill="#5a6672" /><circle
    cx="18"
    cy="18"
    r="8"
    fill="none"
    stroke="#fff"
    stroke-width="2.6" />
  <path d="M18 17v5M18 13.4v.2" stroke="#fff" stroke-width="2.8" stroke-linecap="round" />`;

export function Avatar({ id, size = 36 }) {
  const world = useContext(World);
  const one = world.people.get(id);
  const name = one?.real_name || one?.name || id || "?";
  const drawing =
    id === "USLACKBOT"
      ? HELPER
      : one?.is_bot || id === world.bot?.user_id
        ? SPOTTER
        : html` <rect width="36" height="36" fill=${colourOf(world, id)} /><text
              x="18"
              y="18.5"
              text-anchor="middle"
              dominant-baseline="central"
              fill="#fff"
              font-size="14"
              font-weight="700">
              ${initials(name)}
            </text>`;
  return html`<svg class="avatar" style=${`--size:${size}px`} viewBox="0 0 36 36" aria-hidden="true">${drawing}</svg>`;
}
