// The people's side of the twin: what a person at the screen can read and do.

async function answer(response) {
  if (!response.ok) return { ok: false, error: "http_error", message: `The sandbox answered ${response.status}.` };
  return response.json();
}

async function request(path, options) {
  try {
    return await answer(await fetch(path, options));
  } catch {
    return { ok: false, error: "unreachable", message: "The sandbox does not answer. Is it still running?" };
  }
}

export const get = (path) => request(path, { headers: { accept: "application/json" } });

export const post = (path, body = {}) =>
  request(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

/** One person's calls. Every answer is `{ok: true, …}` or `{ok: false, error, message}`; nothing here throws. */
export function person(user) {
  const at = (what) => `/people/${encodeURIComponent(user)}/${what}`;
  return {
    state: () => get(at("state")),
    messages(channel, threadTs) {
      const query = new URLSearchParams(threadTs ? { channel, thread_ts: threadTs } : { channel });
      return get(`${at("messages")}?${query}`);
    },
    type: (channel, text, threadTs) => post(at("type"), { channel, text, ...(threadTs && { thread_ts: threadTs }) }),
    click: (body) => post(at("click"), body),
    suggest: (body) => post(at("suggest"), body),
    submit: (viewId, values) => post(at("submit"), { view_id: viewId, values }),
    close: (viewId) => post(at("close"), { view_id: viewId }),
    home: () => post(at("home")),
    remove: (channel, ts) => post(at("delete"), { channel, ts }),
    events: (handlers) => listen(at("events"), handlers),
  };
}

const RETRY_MS = [500, 1000, 2000, 4000];

/**
 * Follow server-sent events for as long as the page is open. A break is reported once through `lost`; every
 * (re)connection through `open`, upon which the caller reads again what it may have missed. Returns a stop function.
 */
export function listen(url, { event, open, lost }) {
  let source = null;
  let timer = null;
  let failures = 0;

  function connect() {
    source = new EventSource(url);
    source.onopen = () => {
      failures = 0;
      open();
    };
    source.onmessage = ({ data }) => event(JSON.parse(data));
    source.onerror = () => {
      source.close();
      lost();
      timer = setTimeout(connect, RETRY_MS[Math.min(failures, RETRY_MS.length - 1)]);
      failures += 1;
    };
  }

  connect();
  return () => {
    clearTimeout(timer);
    source.close();
  };
}
