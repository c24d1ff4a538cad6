// Inputs that are typed into.
import { html } from "../view.js";

const attributes = (labels) => ({
  id: labels.id,
  "aria-label": labels.id ? undefined : (labels.label ?? "Text"),
  "aria-describedby": labels.describedBy,
  "aria-invalid": labels.invalid || undefined,
});

const INPUT_TYPE = { email_text_input: "email", url_text_input: "url" };

const grow = (area) => {
  area.style.height = "auto";
  area.style.height = `${area.scrollHeight + 2}px`;
};

export function TextField({ element, value, enter, send, sends, labels }) {
  const text = value.value ?? "";
  const triggers = element.dispatch_action_config?.trigger_actions_on ?? ["on_enter_pressed"];
  const multiline = element.multiline || element.type === "rich_text_input";
  const left = element.max_length ? element.max_length - text.length : Infinity;

  const onInput = ({ currentTarget }) => {
    if (multiline) grow(currentTarget);
    const next = { value: currentTarget.value || null };
    enter(next);
    if (sends && triggers.includes("on_character_entered")) send(next);
  };
  const onKeyDown = (event) => {
    if (event.key !== "Enter" || multiline || !sends || !triggers.includes("on_enter_pressed")) return;
    event.preventDefault();
    send({ value: text || null });
  };

  const shared = {
    ...attributes(labels),
    class: "field",
    placeholder: element.placeholder?.text,
    value: text,
    onInput,
    onKeyDown,
    autofocus: element.focus_on_load,
    spellcheck: multiline,
  };
  return html`<div class="field-box">
    ${
      multiline
        ? html`<textarea rows="3" ...${shared}></textarea>`
        : html`<input type=${INPUT_TYPE[element.type] ?? "text"} autocomplete="off" ...${shared} />`
    }
    ${left <= 20 && html`<span class=${`field-left ${left < 0 ? "is-over" : ""}`} role="status">${left}</span>`}
  </div>`;
}

export function NumberField({ element, value, enter, send, sends, labels }) {
  return html`<input
    class="field"
    type="text"
    inputmode=${element.is_decimal_allowed ? "decimal" : "numeric"}
    autocomplete="off"
    ...${attributes(labels)}
    placeholder=${element.placeholder?.text}
    value=${value.value ?? ""}
    onInput=${({ currentTarget }) => enter({ value: currentTarget.value.trim() || null })}
    onKeyDown=${(event) => event.key === "Enter" && sends && send({ value: value.value })}
  />`;
}

const PICKERS = {
  datepicker: { type: "date", field: "selected_date", read: (held) => held ?? "", write: (text) => text || null },
  timepicker: { type: "time", field: "selected_time", read: (held) => held ?? "", write: (text) => text || null },
  datetimepicker: {
    type: "datetime-local",
    field: "selected_date_time",
    read(held) {
      if (!held) return "";
      const local = new Date(held * 1000 - new Date(held * 1000).getTimezoneOffset() * 60000);
      return local.toISOString().slice(0, 16);
    },
    write: (text) => (text ? Math.floor(new Date(text).getTime() / 1000) : null),
  },
};

export function DateField({ element, value, enter, send, labels }) {
  const { type, field, read, write } = PICKERS[element.type];
  return html`<input
    class="field field-date"
    type=${type}
    ...${attributes(labels)}
    value=${read(value[field])}
    onChange=${({ currentTarget }) => {
      const next = { [field]: write(currentTarget.value) };
      enter(next);
      if (next[field]) send(next);
    }}
  />`;
}
