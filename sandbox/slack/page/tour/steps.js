// The five steps of the tour: what each says, when it is done, and where to look or press next.
import { html } from "../view.js";

const one = (selector) => () => document.querySelector(selector);
const inMessage = (message, action) => message && one(`[data-ts="${message.ts}"] [data-action="${action}"]`);
const channelLink = (message) => message && one(`.sidebar a[href$="/${message.channel}"]`);
const person = (name) => () =>
  [...document.querySelectorAll("[role=menuitemradio]")].find((item) => item.textContent.includes(name));

// An open form or question comes first: nothing else can be pressed.
const DIALOG = () => {
  const dialog = [...document.querySelectorAll("dialog[open]")].at(-1);
  const isEmpty = (input) => !input.querySelector(".optional") && input.querySelector("input, textarea")?.value === "";
  const empty = [...(dialog?.querySelectorAll(".input") ?? [])].find(isEmpty);
  return empty?.querySelector(".select, .field") ?? dialog?.querySelector(".dialog-foot :is(.button-primary, .button-danger)");
};
const COMPOSER = one(".composer-box");
const PLANT = one(".bar-link[href^='/plant']");
const SWITCH = one(".switch");
const DRAWER = one(".drawer-button");

const DRAFT = "/train Cap_Detection_Model";
const MAY_APPROVE = "First approver";

/** Each step's `text` and `look` get `{story, world}`; `look` lists places, of which the first that can be seen counts. */
export const STEPS = [
  {
    title: "Train a model",
    text: () =>
      html`Write <code>${DRAFT}</code> below and press <kbd>Enter</kbd>: a form opens. Choose
        <code>caps_20261102_081530</code>, the smallest labeling export, and a GPU cluster, then press <b>Start training</b>.`,
    isDone: (story) => story.training,
    look: () => [DIALOG, COMPOSER, one(".sidebar a.entry"), DRAWER],
    draft: DRAFT,
  },
  {
    title: "Watch it learn",
    text: () =>
      html`One message follows the training and keeps itself up to date: why it waits, each trial, the best so far. What
        runs is real, so the first figure takes a minute.`,
    isDone: (story) => story.measured,
    look: ({ story }) => [DIALOG, story.training && one(`[data-ts="${story.training.ts}"] .header`), channelLink(story.training), DRAWER],
  },
  {
    title: "Read the announcement",
    text: () =>
      html`When the trials are over, the best one is registered and announced, measured on pictures that it never saw.
        Until then, see nodes and jobs at work in the plant.`,
    isDone: (story) => story.announced,
    look: () => [DIALOG, PLANT],
  },
  {
    title: "Ask to deploy it",
    text: () =>
      html`Press <b>Deploy …</b> under the announcement, choose <code>line-2</code>, where one approval is enough, say why,
        and press <b>Ask for approval</b>.`,
    isDone: (story) => story.asked,
    look: ({ story }) => [DIALOG, inMessage(story.announced, "deploy.ask"), channelLink(story.announced), DRAWER],
  },
  {
    title: "Approve it as somebody else",
    text: ({ story }) =>
      story.approved
        ? html`Approved. It goes to one device first, is watched there for half a minute, then goes to the rest. See it
            arrive in the plant.`
        : html`Nobody approves what they asked for. Become <b>${MAY_APPROVE}</b> at the top and press <b>Approve</b> under
            the request.`,
    isDone: (story) => story.shipped,
    look({ story, world }) {
      if (story.approved) return [DIALOG, PLANT];
      const isApprover = world.name(world.user) === MAY_APPROVE;
      return isApprover
        ? [DIALOG, inMessage(story.asked, "deploy.approve"), channelLink(story.asked), DRAWER]
        : [DIALOG, person(MAY_APPROVE), SWITCH];
    },
  },
];
