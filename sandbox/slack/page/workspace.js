// Everything one person sees, kept up to date by events. Components read it and call its methods; it tells
// `changed` after each change. Message lists keep the identity of messages that did not change.
import { person } from "./api.js";

const threadKey = (channel, ts) => `${channel}/${ts}`;
const ANSWER_SECONDS = 15;
const isReply = (message) => message.thread_ts && message.thread_ts !== message.ts;

export const inChannel = (message) => !isReply(message) || message.subtype === "thread_broadcast";

function merged(messages, message) {
  const at = messages.findIndex((one) => one.ts === message.ts);
  if (at >= 0)
    return messages.with(at, JSON.stringify(messages[at]) === JSON.stringify(message) ? messages[at] : message);
  return [...messages, message].sort((a, b) => (a.ts < b.ts ? -1 : 1));
}

export class Workspace {
  constructor(user, changed) {
    this.user = user;
    this.api = person(user);
    this.changed = changed;
    this.problem = null;
    this.isUnknown = false; // is there no such person in this workspace?
    this.ready = false;
    this.connected = true;
    this.heard = 0; // changes to messages so far
    this.lists = new Map(); // channel id, or channel id/thread ts → messages, oldest first
    this.views = []; // the modal stack, its top last
    this.viewNotice = null;
    this.forms = new Map(); // view id → what was entered there
    this.home = null;
    this.localNotices = [];
    this.people = new Map();
    this.groups = new Map();
    this.channels = new Map();
    this.commands = [];
    this.commanded = false; // has this person run a command since the page was opened?
    this.typedAt = new Map(); // channel → when this person last wrote something there, in seconds
    this.drafts = new Map(); // channel/thread → what is typed there
  }

  start() {
    this.stop = this.api.events({
      event: (event) => this.receive(event),
      open: () => this.reload(),
      lost: () => {
        this.connected = false;
        this.changed();
        if (!this.ready) this.reload(); // says why there is nothing to follow
      },
    });
  }

  async reload() {
    const homeBefore = this.home;
    const state = await this.api.state();
    if (this.home !== homeBefore) state.home = this.home; // published meanwhile, and newer
    if (!state.ok) {
      this.problem = state.message;
      this.isUnknown = state.error === "user_not_found";
      return this.changed();
    }
    this.take(state);
    await Promise.all([
      ...state.channels.map((channel) => this.read(channel.id)),
      ...[...this.lists.keys()].filter((key) => key.includes("/")).map((key) => this.read(...key.split("/"))),
    ]);
    this.connected = true;
    this.problem = null;
    this.ready = true;
    return this.changed();
  }

  take(state) {
    this.team = state.team;
    this.me = state.me;
    this.people = new Map(state.people.map((one) => [one.id, one]));
    this.groups = new Map(state.groups.map((one) => [one.id, one]));
    this.channels = new Map(state.channels.map((one) => [one.id, one]));
    this.commands = state.commands;
    this.bot = state.bot;
    this.home = state.home;
    this.views = state.views;
    this.links = state.links ?? [];
  }

  async read(channel, threadTs) {
    const before = this.heard;
    const answer = await this.api.messages(channel, threadTs);
    if (!answer.ok) return undefined;
    if (this.heard !== before) return this.read(channel, threadTs); // else what was said meanwhile would be lost
    const key = threadTs ? threadKey(channel, threadTs) : channel;
    const known = this.lists.get(key) ?? [];
    this.lists.set(
      key,
      answer.messages.map((message) => {
        const before = known.find((one) => one.ts === message.ts);
        return before && JSON.stringify(before) === JSON.stringify(message) ? before : message;
      }),
    );
    return this.changed();
  }

  receive(event) {
    const { type } = event;
    if (type.startsWith("message")) this.heard += 1;
    if (type === "message" || type === "message_changed") this.place(event.channel, event.message);
    else if (type === "message_deleted") this.drop(event.channel, event.ts);
    else if (type === "view") this.show(event.view);
    else if (type === "views") this.stack(event.views);
    else if (type === "home") this.home = event.view;
    else if (type === "notice") this.notice(event.text);
    else if (type === "channels") this.reload();
    this.changed();
  }

  place(channel, message) {
    if (!this.channels.has(channel)) return this.reload(); // direct messages that have just begun
    const thread = threadKey(channel, message.thread_ts ?? message.ts);
    if (this.lists.has(thread)) this.lists.set(thread, merged(this.lists.get(thread), message));
    if (inChannel(message)) this.lists.set(channel, merged(this.lists.get(channel) ?? [], message));
    return undefined;
  }

  drop(channel, ts) {
    for (const [key, messages] of this.lists) {
      if (key !== channel && !key.startsWith(`${channel}/`)) continue;
      const gone = messages.find((one) => one.ts === ts);
      if (gone)
        this.lists.set(
          key,
          messages.filter((one) => one.ts !== ts),
        );
      if (gone && isReply(gone)) this.read(channel);
    }
  }

  show(view) {
    const at = this.views.findIndex((one) => one.id === view.id);
    this.stack(at >= 0 ? [...this.views.slice(0, at), view] : [...this.views, view]);
  }

  stack(views) {
    this.views = views;
    for (const id of this.forms.keys()) if (!views.some((one) => one.id === id)) this.forms.delete(id);
    this.viewNotice = null;
  }

  /** An answer only this person sees, said by the workspace itself: in the modal or channel that is open. */
  notice(text, channel = this.openChannel) {
    if (this.views.length) {
      this.viewNotice = text;
      return this.changed();
    }
    const ts = (Date.now() / 1000).toFixed(6);
    this.localNotices.push({ channel, message: { type: "message", ts, user: "USLACKBOT", text, ephemeral: true } });
    return this.changed();
  }

  messages(channel, threadTs) {
    const key = threadTs ? threadKey(channel, threadTs) : channel;
    const said = (this.lists.get(key) ?? []).filter((one) => threadTs || inChannel(one));
    const notices = threadTs
      ? []
      : this.localNotices.filter((one) => one.channel === channel).map((one) => one.message);
    return notices.length ? [...said, ...notices].sort((a, b) => (a.ts < b.ts ? -1 : 1)) : said;
  }

  /** Take a private message away, from the workspace or, when it was only said here, from here. */
  dismiss(channel, ts) {
    const local = this.localNotices.filter((one) => one.message.ts !== ts);
    if (local.length === this.localNotices.length) this.told(this.api.remove(channel, ts));
    this.localNotices = local;
    this.changed();
  }

  async say(channel, text, threadTs) {
    this.commanded ||= text.startsWith("/");
    this.typedAt.set(channel, Date.now() / 1000);
    const answer = await this.api.type(channel, text, threadTs);
    if (!answer.ok) this.notice(answer.message ?? answer.error, channel);
    return answer;
  }

  /** Is this message what the person just wrote, or the private answer to it? */
  isAwaited(channel, message) {
    const since = Number(message.ts) - (this.typedAt.get(channel) ?? 0);
    return (message.ephemeral || message.user === this.user) && since < ANSWER_SECONDS;
  }

  /** Tell the person when something they did was refused; hand the answer on. */
  async told(promise) {
    const answer = await promise;
    if (!answer.ok) this.notice(answer.message ?? answer.error);
    return answer;
  }

  /** What has been entered in a view, for as long as it is in the stack. */
  formOf(view) {
    if (!this.forms.has(view.id)) this.forms.set(view.id, { entered: {} });
    return this.forms.get(view.id);
  }

  name(id) {
    const one = this.people.get(id);
    return one ? one.real_name || one.name : id;
  }
}
