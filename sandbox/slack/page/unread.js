// What each person has read, remembered in this browser.
import { useEffect, useRef } from "./view.js";

const keyOf = (user) => `read ${user}`;
const load = (user) => JSON.parse(localStorage.getItem(keyOf(user)) ?? "{}");

/**
 * @returns {{of: (channel) => {any: boolean, mentions: number}, since: (id) => string | null}} what is unread in a channel, and
 * the last message that had been read when the open one was opened.
 */
export function useUnread(world, place) {
  const opened = useRef({ key: null, since: null });
  const read = load(world.user);
  const key = `${world.user} ${place}`;
  if (world.ready && opened.current.key !== key) opened.current = { key, since: read[place] ?? null };

  const last = world.ready ? world.messages(place).at(-1)?.ts : undefined;
  useEffect(() => {
    if (!last) return undefined;
    const mark = () => {
      if (!document.hidden)
        localStorage.setItem(keyOf(world.user), JSON.stringify({ ...load(world.user), [place]: last }));
    };
    mark();
    document.addEventListener("visibilitychange", mark);
    return () => document.removeEventListener("visibilitychange", mark);
  }, [world.user, place, last]);

  const of = (channel) => {
    if (channel.id === place) return { any: false, mentions: 0 };
    const fresh = world
      .messages(channel.id)
      .filter((one) => one.ts > (read[channel.id] ?? "0") && one.user !== world.user);
    const mentions = channel.is_im
      ? fresh.length
      : fresh.filter((one) => JSON.stringify(one).includes(`<@${world.user}>`)).length;
    return { any: fresh.length > 0, mentions };
  };
  return { of, since: () => opened.current.since };
}
