// One message, as its readers see it.
import { Avatar } from "./avatar.js";
import { Blocks } from "./blocks/index.js";
import { ago, clock, fullTime, shortClock } from "./dates.js";
import { Icon, IconButton } from "./icons.js";
import { mrkdwn } from "./mrkdwn.js";
import { SurfaceOf, useForm } from "./surface.js";
import { html, useContext, useEffect, useRef, World } from "./view.js";

export const authorOf = (world, message) => message.user ?? (message.bot_id && world.bot.user_id);

function authorName(world, message) {
  if (message.user === "USLACKBOT") return "Sandbox";
  return message.username ?? world.name(authorOf(world, message)) ?? message.bot_profile?.name;
}

function Attachment({ attachment, channel, ts, form }) {
  const { blocks, title, title_link: link, text, fallback, color } = attachment;
  return html`<div class="attachment" style=${color ? `--bar:#${color.replace("#", "")}` : ""}>
    ${title && html`<b>${link ? html`<a href=${link} target="_blank" rel="noreferrer noopener">${title}</a>` : title}</b>`}
    ${
      blocks
        ? html`<${SurfaceOf} container=${{ channel, ts }} blocks=${blocks} form=${form}>
            <${Blocks} blocks=${blocks} />
          <//>`
        : html`<div class="text">${mrkdwn(text ?? fallback ?? "")}</div>`
    }
  </div>`;
}

function File({ file }) {
  const url = file.url_private ?? file.permalink;
  if (file.mimetype?.startsWith("image/"))
    return html`<figure class="block image">
      <figcaption>${file.title ?? file.name}</figcaption>
      <img src=${url} alt=${file.alt_txt ?? file.title ?? file.name} />
    </figure>`;
  return html`<a class="file" href=${url} target="_blank" rel="noreferrer noopener">
    <${Icon} name="open" />${file.title ?? file.name}
  </a>`;
}

// People's own blocks hold what they typed; its markup is in the text.
const blocksOf = (message) => (message.bot_id && message.blocks) || [];

function Body({ message, channel }) {
  const form = useForm();
  const blocks = blocksOf(message);
  return html`${
    blocks.length
      ? html`<${SurfaceOf} container=${{ channel, ts: message.ts }} blocks=${blocks} form=${form}>
          <${Blocks} blocks=${blocks} />
        <//>`
      : message.text && html`<div class="text">${mrkdwn(message.text)}</div>`
  }
  ${message.edited && html`<span class="edited" title="Changed after it was posted">(edited)</span>`}
  ${message.attachments?.map(
    (one) => html`<${Attachment} attachment=${one} channel=${channel} ts=${message.ts} form=${form} />`,
  )}
  ${message.files?.map((file) => html`<${File} file=${file} />`)}`;
}

function Reactions({ reactions }) {
  return html`<div class="reactions">
    ${reactions.map((one) => html`<span class="reaction">${mrkdwn(`:${one.name}:`)} ${one.count}</span>`)}
  </div>`;
}

function ReplyBar({ message, open }) {
  const faces = (message.reply_users ?? []).slice(0, 4);
  return html`<button type="button" class="reply-bar" onClick=${open}>
    ${faces.map((id) => html`<${Avatar} id=${id} size=${22} />`)}
    <b>${message.reply_count} ${message.reply_count === 1 ? "reply" : "replies"}</b>
    ${message.latest_reply && html`<span>Last reply ${ago(Number(message.latest_reply))}</span>`}
  </button>`;
}

function Tools({ message, channel, openThread }) {
  const world = useContext(World);
  const own = message.user === world.user && !message.ephemeral;
  if (!own && !openThread) return null;
  const remove = () => world.told(world.api.remove(channel, message.ts));
  return html`<div class="tools" role="group" aria-label="Message actions">
    ${openThread && html`<${IconButton} icon="thread" label="Reply in thread" onClick=${openThread} />`}
    ${own && html`<${IconButton} icon="trash" label="Delete message" onClick=${remove} />`}
  </div>`;
}

/** Light a message up briefly when its content changes under the reader's eyes. */
function useChangeLight(message) {
  const ref = useRef();
  const { text, blocks, attachments } = message;
  const shown = JSON.stringify([text, blocks, attachments]);
  const before = useRef(shown);
  useEffect(() => {
    if (before.current !== shown && !matchMedia("(prefers-reduced-motion: reduce)").matches) {
      ref.current.animate([{ backgroundColor: "var(--changed)" }, {}], { duration: 1400, easing: "ease-out" });
    }
    before.current = shown;
  }, [shown]);
  return ref;
}

function Time({ ts, short }) {
  const { tz } = useContext(World).me;
  const unix = Number(ts);
  return html`<time class="time" datetime=${new Date(unix * 1000).toISOString()} title=${fullTime(unix, tz)}>
    ${(short ? shortClock : clock)(unix, tz)}
  </time>`;
}

function Byline({ message }) {
  const world = useContext(World);
  const person = world.people.get(authorOf(world, message));
  return html`<div class="byline">
    <b class="author">${authorName(world, message)}</b>
    ${(person?.is_bot || message.bot_id) && html`<span class="app-badge">APP</span>`}
    <${Time} ts=${message.ts} />
  </div>`;
}

const Private = ({ dismiss }) =>
  html`<div class="private">
    <${Icon} name="eye" />Only visible to you <span aria-hidden="true">·</span>
    <button type="button" class="link-button" onClick=${dismiss}>Dismiss message</button>
  </div>`;

export function Message({ message, channel, follows, openThread }) {
  const world = useContext(World);
  const ref = useChangeLight(message);
  const kinds = ["message", follows && "follows", message.ephemeral && "is-private"].filter(Boolean);
  if (message.subtype === "channel_join") kinds.push("is-system");
  const threadable = openThread && !message.ephemeral ? () => openThread(message.thread_ts ?? message.ts) : null;
  return html`<article
    ref=${ref}
    class=${kinds.join(" ")}
    data-ts=${message.ts}
    aria-label=${`${authorName(world, message)}, ${fullTime(Number(message.ts), world.me.tz)}`}
  >
    <div class="gutter">
      ${follows ? html`<${Time} ts=${message.ts} short />` : html`<${Avatar} id=${authorOf(world, message)} />`}
    </div>
    <div class="content">
      ${message.ephemeral && html`<${Private} dismiss=${() => world.dismiss(channel, message.ts)} />`}
      ${!follows && html`<${Byline} message=${message} />`}
      <${Body} message=${message} channel=${channel} />
      ${message.reactions?.length > 0 && html`<${Reactions} reactions=${message.reactions} />`}
      ${threadable && message.reply_count > 0 && html`<${ReplyBar} message=${message} open=${threadable} />`}
    </div>
    <${Tools} message=${message} channel=${channel} openThread=${threadable} />
  </article>`;
}
