// Times as the viewer reads them: English words, the viewer's zone, and the browser's own 12 or 24 hours.

const hourCycle = new Intl.DateTimeFormat(navigator.language, { hour: "numeric" }).resolvedOptions().hourCycle;
const formatters = new Map();

function format(unix, zone, options) {
  const key = `${zone} ${JSON.stringify(options)}`;
  if (!formatters.has(key))
    formatters.set(key, new Intl.DateTimeFormat("en-US", { ...options, timeZone: zone || undefined }));
  return formatters.get(key).format(new Date(unix * 1000));
}

export const dayKey = (unix, zone) => format(unix, zone, { year: "numeric", month: "2-digit", day: "2-digit" });
export const clock = (unix, zone) => format(unix, zone, { hour: "numeric", minute: "2-digit", hourCycle });
export const shortClock = (unix, zone) => clock(unix, zone).replace(/ [AP]M$/, "");

const LONG = { weekday: "long", month: "long", day: "numeric", year: "numeric" };
const ordinal = (text) =>
  text.replace(
    /(\d{1,2})(?=,|$)/,
    (day) => day + (/1\d$/.test(day) ? "th" : ({ 1: "st", 2: "nd", 3: "rd" }[day.at(-1)] ?? "th")),
  );

function relative(unix, zone) {
  const now = Date.now() / 1000;
  for (const [offset, word] of [
    [0, "today"],
    [-86400, "yesterday"],
    [86400, "tomorrow"],
  ]) {
    if (dayKey(unix, zone) === dayKey(now + offset, zone)) return word;
  }
  return null;
}

const capital = (text) => text[0].toUpperCase() + text.slice(1);

export function dayName(unix, zone) {
  const near = relative(unix, zone);
  return near ? capital(near) : ordinal(format(unix, zone, { weekday: "long", month: "long", day: "numeric" }));
}

export function ago(unix) {
  const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  const seconds = unix - Date.now() / 1000;
  for (const [unit, size] of [
    ["year", 31557600],
    ["month", 2629800],
    ["day", 86400],
    ["hour", 3600],
    ["minute", 60],
  ]) {
    if (Math.abs(seconds) >= size) return words.format(Math.trunc(seconds / size), unit);
  }
  return "just now";
}

export const fullTime = (unix, zone) =>
  `${dayName(unix, zone)} at ${format(unix, zone, { hour: "numeric", minute: "2-digit", second: "2-digit", hourCycle })}`;

const TOKENS = {
  date_num: (unix, zone) =>
    format(unix, zone, { year: "numeric", month: "2-digit", day: "2-digit" }).replace(
      /(\d+)\/(\d+)\/(\d+)/,
      "$3-$1-$2",
    ),
  date: (unix, zone) => ordinal(format(unix, zone, { month: "long", day: "numeric", year: "numeric" })),
  date_short: (unix, zone) => format(unix, zone, { month: "short", day: "numeric", year: "numeric" }),
  date_long: (unix, zone) => ordinal(format(unix, zone, LONG)),
  date_pretty: (unix, zone) => relative(unix, zone) ?? TOKENS.date(unix, zone),
  date_short_pretty: (unix, zone) => relative(unix, zone) ?? TOKENS.date_short(unix, zone),
  date_long_pretty: (unix, zone) => relative(unix, zone) ?? TOKENS.date_long(unix, zone),
  day_divider_pretty: dayName,
  time: clock,
  time_secs: (unix, zone) => format(unix, zone, { hour: "numeric", minute: "2-digit", second: "2-digit", hourCycle }),
  ago: (unix) => ago(unix),
};

/** Slack's date format string, such as "{date_short_pretty} at {time}", as text; null when a token is unknown. */
export function dateText(pattern, unix, zone) {
  let known = true;
  const text = pattern.replace(/\{(\w+)\}/g, (whole, name) => {
    if (TOKENS[name]) return TOKENS[name](unix, zone);
    known = false;
    return whole;
  });
  return known ? text : null;
}
