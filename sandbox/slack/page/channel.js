// A channel or direct message, and the thread beside it.
import { Avatar } from "./avatar.js";
import { Composer } from "./composer.js";
import { Icon, IconButton } from "./icons.js";
import { plain } from "./mrkdwn.js";
import { Timeline } from "./timeline.js";
import { html, useContext, useEffect, useRef, World } from "./view.js";

export const channelTitle = (world, channel) => (channel.is_im ? world.name(channel.user) : channel.name);

function Title({ channel }) {
  const world = useContext(World);
  const mark = channel.is_im
    ? html`<${Avatar} id=${channel.user} size=${22} />`
    : html`<${Icon} name=${channel.is_private ? "lock" : "hash"} />`;
  return html`<h1 class="view-title">${mark}<span>${channelTitle(world, channel)}</span></h1>`;
}

function Intro({ channel }) {
  const world = useContext(World);
  const name = channelTitle(world, channel);
  if (channel.is_im && channel.user === world.bot.user_id) {
    return html`<div class="intro">
      <${Avatar} id=${channel.user} size=${56} />
      <h2>${name}</h2>
      <p>
        What ${name} tells only you arrives here. Everything it can do starts with a <code>/</code> in the box below.
      </p>
    </div>`;
  }
  if (channel.is_im)
    return html`<div class="intro">
      <${Avatar} id=${channel.user} size=${56} />
      <h2>${name}</h2>
      <p>Just the two of you.</p>
    </div>`;
  return html`<div class="intro">
    <span class="intro-mark"><${Icon} name=${channel.is_private ? "lock" : "hash"} /></span>
    <h2>${name}</h2>
    <p>This is the very beginning of ${channel.is_private ? "this private channel" : "the channel"}.</p>
  </div>`;
}

export function Channel({ channel, newSince, openThread, lead, tabs, draft }) {
  const world = useContext(World);
  const name = channelTitle(world, channel);
  const messages = world.messages(channel.id);
  return html`<section class="view" aria-label=${name}>
    <header class="view-head">
      <${Title} channel=${channel} />
      ${channel.topic && html`<p class="topic" title=${channel.topic}>${plain(channel.topic)}</p>`}
    </header>
    ${tabs} ${lead}
    <${Timeline}
      key=${channel.id}
      label=${`Messages in ${name}`}
      channel=${channel.id}
      messages=${messages}
      newSince=${newSince}
      openThread=${openThread}
      intro=${html`<${Intro} channel=${channel} />`}
    />
    ${
      channel.is_im || channel.is_member
        ? html`<${Composer}
            key=${channel.id}
            channel=${channel.id}
            draft=${draft}
            label=${`Message ${channel.is_im ? "" : "#"}${name}`}
          />`
        : html`<p class="not-member">You are not a member of this channel.</p>`
    }
  </section>`;
}

export function Thread({ channel, ts, close }) {
  const world = useContext(World);
  const pane = useRef();
  useEffect(() => {
    world.read(channel.id, ts);
    pane.current.querySelector("textarea")?.focus();
  }, [world, channel.id, ts]);
  const messages = world.messages(channel.id, ts);
  return html`<aside
    class="thread"
    ref=${pane}
    aria-label="Thread"
    onKeyDown=${(event) => event.key === "Escape" && !event.defaultPrevented && close()}
  >
    <header class="view-head">
      <h1 class="view-title">
        Thread <span class="thread-of">${channel.is_im ? "" : "#"}${channelTitle(world, channel)}</span>
      </h1>
      <${IconButton} icon="close" label="Close thread" onClick=${close} />
    </header>
    <${Timeline} key=${ts} label="Replies" channel=${channel.id} messages=${messages} isThread />
    <${Composer} key=${`${channel.id}/${ts}`} channel=${channel.id} threadTs=${ts} label="Reply…" />
  </aside>`;
}
