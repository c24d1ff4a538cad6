// Every select menu: one or many, from a fixed list, from the app, from people or channels.
import { Icon } from "../icons.js";
import { plain } from "../mrkdwn.js";
import { Popup } from "../popup.js";
import { html, useContext, useEffect, useRef, useState, World } from "../view.js";
import { useConfirm } from "./confirm.js";
import { entityOption, useOptions } from "./options.js";

const FIELDS = {
  users: ["selected_user", "selected_users"],
  channels: ["selected_channel", "selected_channels"],
  conversations: ["selected_conversation", "selected_conversations"],
};

/** How a select's value is read as options and written back. */
function codec(world, element) {
  const many = element.type.startsWith("multi_");
  const kind = element.type.replace(/^multi_/, "").replace(/_select$/, "");
  const entity = kind in FIELDS;
  const [one, all] = FIELDS[kind] ?? ["selected_option", "selected_options"];
  const toOption = (held) => (entity ? entityOption(world, kind, held) : held);
  const fromOption = (option) => (entity ? option.value : option);
  return {
    many,
    read: (value) => (many ? value[all] : [value[one]].filter(Boolean)).map(toOption),
    write: (options) =>
      many ? { [all]: options.map(fromOption) } : { [one]: options.length ? fromOption(options[0]) : null },
  };
}

const same = (a, b) => a.value === b.value;

function OptionList({ groups, note, loading, active, chosen, pick, id }) {
  let index = -1;
  return html`<div
    id=${id}
    role="listbox"
    class="options"
    aria-label="Options"
    aria-busy=${loading}
    onMouseDown=${(event) => event.preventDefault()}
  >
    ${note && html`<div class="options-note" role="option" aria-disabled="true" aria-selected="false">${note}</div>`}
    ${groups.map(
      (group) =>
        html`<div role="group" aria-label=${group.label ?? "Options"}>
          ${group.label && html`<div class="options-label" aria-hidden="true">${plain(group.label)}</div>`}
          ${group.options.map((option) => {
            index += 1;
            const isChosen = chosen.some((one) => same(one, option));
            return html`<div
              role="option"
              id=${`${id}-${index}`}
              key=${option.value}
              aria-selected=${isChosen}
              class=${`option ${index === active ? "is-active" : ""}`}
              onClick=${() => pick(option)}
            >
              <span class="option-check">${isChosen && html`<${Icon} name="check" />`}</span>
              <span class="option-text">
                ${plain(option.text.text)}
                ${option.description && html`<span class="option-description">${plain(option.description.text)}</span>`}
              </span>
            </div>`;
          })}
        </div>`,
    )}
  </div>`;
}

export function Select({ element, value, enter, send, suggest, labels }) {
  const world = useContext(World);
  const confirm = useConfirm();
  const { many, read, write } = codec(world, element);
  const chosen = read(value);
  const [open, setOpen] = useState(false);
  const [query, setQuery] = useState("");
  const [active, setActive] = useState(0);
  const anchor = useRef();
  const input = useRef();
  const listId = useRef(`list-${Math.random().toString(36).slice(2)}`).current;
  const { groups, note, loading } = useOptions(element, suggest, query, open);
  const flat = groups.flatMap((group) => group.options);
  const full = many && element.max_selected_items && chosen.length >= element.max_selected_items;

  useEffect(() => setActive(0), [query]);
  useEffect(() => {
    if (open) document.getElementById(`${listId}-${active}`)?.scrollIntoView({ block: "nearest" });
  }, [active, open]);

  function close() {
    setOpen(false);
    setQuery("");
  }

  async function change(options) {
    if (!many) close();
    if (!(await confirm(element.confirm))) return;
    const next = write(options);
    enter(next);
    if (many || options.length) send(next);
  }

  function pick(option) {
    setQuery("");
    if (!many) return change([option]);
    const without = chosen.filter((one) => !same(one, option));
    if (without.length === chosen.length && full) return undefined;
    return change(without.length < chosen.length ? without : [...chosen, option]);
  }

  function onKeyDown(event) {
    const { key } = event;
    if (key === "ArrowDown" || key === "ArrowUp") {
      event.preventDefault();
      if (!open) setOpen(true);
      else if (flat.length) setActive((active + (key === "ArrowDown" ? 1 : -1) + flat.length) % flat.length);
    } else if (key === "Enter") {
      event.preventDefault();
      if (!open) setOpen(true);
      else if (flat[active] && !(loading && query)) pick(flat[active]);
    } else if (key === "Backspace" && !query && chosen.length) change(chosen.slice(0, -1));
    else if (key === "Tab") close();
  }

  const single = !many && chosen[0];
  const shown = open || !single ? query : single.text.text;
  const placeholder = single
    ? single.text.text
    : chosen.length
      ? ""
      : (element.placeholder?.text ?? "Choose an option");
  return html`<div class=${`select ${many ? "select-many" : ""}`} ref=${anchor} onClick=${() => input.current.focus()}>
    ${
      many &&
      chosen.map(
        (option) =>
          html`<span class="chip" key=${option.value}>
            ${plain(option.text.text)}
            <button
              type="button"
              aria-label=${`Remove ${option.text.text}`}
              onClick=${(event) => {
                event.stopPropagation();
                change(chosen.filter((one) => !same(one, option)));
              }}
            >
              <${Icon} name="close" />
          </button></span>`,
      )
    }
    <input
      ref=${input}
      type="text"
      role="combobox"
      autocomplete="off"
      spellcheck="false"
      id=${labels.id}
      aria-label=${labels.id ? undefined : (labels.label ?? element.placeholder?.text ?? "Choose an option")}
      aria-describedby=${labels.describedBy}
      aria-invalid=${labels.invalid || undefined}
      aria-expanded=${open}
      aria-controls=${open ? listId : undefined}
      aria-autocomplete="list"
      aria-activedescendant=${open && flat.length ? `${listId}-${active}` : undefined}
      placeholder=${placeholder}
      value=${shown}
      autofocus=${element.focus_on_load}
      onClick=${() => setOpen(true)}
      onKeyDown=${onKeyDown}
      onBlur=${close}
      onInput=${({ currentTarget }) => {
        setQuery(currentTarget.value);
        setOpen(true);
      }}
    />
    <span class="select-arrow" aria-hidden="true">
      ${loading && open ? html`<span class="spinner"></span>` : html`<${Icon} name="down" />`}
    </span>
    ${
      open &&
      html`<${Popup} anchor=${anchor} close=${close} matchWidth class="options-popup">
        <${OptionList} id=${listId} ...${{ groups, note, loading, active, chosen, pick }} />
      <//>`
    }
  </div>`;
}
