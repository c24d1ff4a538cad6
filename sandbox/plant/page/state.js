// Where the page gets what it shows, and where it sends what people do.
import { createContext } from "preact";
import { get, listen, post } from "/page/api.js";

// What every part may need: {user, act, try, tell, openLog}.
export const Plant = createContext(null);

/** Each event is the whole plant as it is now. */
export function follow({ changed, connected }) {
  return listen("/plant/events", {
    event(state) {
      changed(state);
      connected(true);
    },
    open: () => connected(true),
    lost: () => connected(false),
  });
}

export const act = (user, what, given) => post(`/plant/people/${user}/${what}`, given);

export const makeTrouble = (key) => post(`/plant/troubles/${key}/make`);
export const clearTrouble = (key) => post(`/plant/troubles/${key}/clear`);

export const pictureOf = (device, frame) => `/plant/devices/${device}/picture?${new URLSearchParams({ frame })}`;
export const happen = (device, what) => post(`/plant/devices/${device}/${what}`);

export const files = (branch) => get(`/plant/files?${new URLSearchParams({ branch })}`);
export const file = (branch, path) => get(`/plant/file?${new URLSearchParams({ branch, path })}`);

export const logOfJob = (id) => `/plant/jobs/${encodeURIComponent(id)}/log`;
export const logOfStep = (run, log) => `/plant/runs/${run}/logs/${log}`;
export const readLog = get;
