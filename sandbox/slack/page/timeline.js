// A list of messages that stays where its reader is: at the end when at the end, else still.
import { dayKey, dayName } from "./dates.js";
import { Icon } from "./icons.js";
import { authorOf, Message } from "./message.js";
import { html, useContext, useEffect, useLayoutEffect, useRef, useState, World } from "./view.js";

const GROUP_SECONDS = 300;
const AT_END_PX = 60;

function isFollowUp(world, before, message) {
  if (!before || before.ephemeral || message.ephemeral || before.reply_count) return false;
  if (message.bot_id && message.blocks) return false; // a card stands for itself
  const sameAuthor = authorOf(world, before) === authorOf(world, message) && before.username === message.username;
  return sameAuthor && Number(message.ts) - Number(before.ts) < GROUP_SECONDS;
}

const replies = (count) => `${count} ${count === 1 ? "reply" : "replies"}`;

function threadRows(world, [parent, ...rest]) {
  if (!parent) return [];
  const below = rest.length
    ? [{ key: "replies", count: replies(rest.length) }, ...rows(world, rest, null).filter((row) => row.message)]
    : [];
  return [{ key: parent.ts, message: parent }, ...below];
}

function rows(world, messages, newSince) {
  const out = [];
  let before = null;
  for (const message of messages) {
    const newDay = !before || dayKey(before.ts, world.me.tz) !== dayKey(message.ts, world.me.tz);
    const firstNew =
      newSince !== null && message.ts > newSince && (!before || before.ts <= newSince) && message.user !== world.user;
    if (newDay)
      out.push({ key: `day ${dayKey(message.ts, world.me.tz)}`, day: dayName(Number(message.ts), world.me.tz) });
    if (firstNew && before) out.push({ key: "new", fresh: true });
    out.push({ key: message.ts, message, follows: !newDay && !firstNew && isFollowUp(world, before, message) });
    before = message;
  }
  return out;
}

function Divider({ row }) {
  if (row.fresh)
    return html`<div class="divider-row divider-new" role="separator" aria-label="New messages"><span>New</span></div>`;
  if (row.count)
    return html`<div class="divider-row divider-replies" role="separator" aria-label=${row.count}>
      <span>${row.count}</span>
    </div>`;
  return html`<div class="divider-row" role="separator" aria-label=${row.day}><span>${row.day}</span></div>`;
}

/** Keeps the end in view while the reader is there, or waits for an answer; else counts what arrives below. */
function useEnd(messages, isAwaited) {
  const box = useRef();
  const atEnd = useRef(true);
  const seen = useRef(messages.length);
  const lastTop = useRef(0);
  const [missed, setMissed] = useState(null); // null at the end, else how many arrived below

  const toEnd = (behavior = "instant") => box.current?.scrollTo({ top: box.current.scrollHeight, behavior });
  const onScroll = () => {
    const { scrollHeight, scrollTop, clientHeight } = box.current;
    const isAtEnd = scrollHeight - scrollTop - clientHeight < AT_END_PX;
    if (isAtEnd) atEnd.current = true;
    else if (scrollTop < lastTop.current) atEnd.current = false; // else what is above has grown: nobody scrolled away
    lastTop.current = scrollTop;
    if (atEnd.current) setMissed(null);
    else setMissed((count) => count ?? 0);
  };

  useLayoutEffect(() => {
    const added = messages.length - seen.current;
    seen.current = messages.length;
    if (atEnd.current || (added > 0 && isAwaited(messages.at(-1)))) toEnd();
    else if (added > 0) setMissed((count) => (count ?? 0) + added);
  }, [messages]);
  useEffect(() => {
    const watch = new ResizeObserver(() => atEnd.current && toEnd());
    watch.observe(box.current);
    watch.observe(box.current.firstElementChild);
    return () => watch.disconnect();
  }, []);
  return { box, onScroll, missed, toEnd };
}

export function Timeline({ label, channel, messages, newSince = null, intro, openThread, isThread }) {
  const world = useContext(World);
  const { box, onScroll, missed, toEnd } = useEnd(messages, (message) => world.isAwaited(channel, message));
  return html`<div class="timeline-box">
    <div class="timeline" ref=${box} onScroll=${onScroll} tabindex="0" role="log" aria-label=${label}>
      <div class="timeline-inner">
        ${intro}
        ${(isThread ? threadRows(world, messages) : rows(world, messages, newSince)).map((row) =>
          row.message
            ? html`<${Message}
                key=${row.key}
                message=${row.message}
                channel=${channel}
                follows=${row.follows}
                openThread=${openThread}
              />`
            : html`<${Divider} key=${row.key} row=${row} />`,
        )}
      </div>
    </div>
    ${
      missed !== null &&
      html`<button type="button" class="jump" onClick=${() => toEnd("smooth")}>
        <${Icon} name="down" />${missed ? `${missed} new ${missed === 1 ? "message" : "messages"}` : "Jump to latest"}
      </button>`
    }
  </div>`;
}
