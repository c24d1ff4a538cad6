// The box to write in: commands and names complete, Enter sends.
import { Avatar } from "./avatar.js";
import { completed, completionFor } from "./completion.js";
import { IconButton } from "./icons.js";
import { html, useContext, useEffect, useLayoutEffect, useRef, useState, World } from "./view.js";

const STYLES = [
  ["bold", "*", "Bold"],
  ["italic", "_", "Italic"],
  ["strike", "~", "Strikethrough"],
  ["code", "`", "Code"],
];

function CommandItem({ item }) {
  return html`<span class="complete-main"><b>${item.command}</b> <span class="usage">${item.usage_hint}</span></span>
    <span class="complete-note">${item.description}</span>`;
}

function PersonItem({ item }) {
  return html`<span class="complete-main">
      <${Avatar} id=${item.id} size=${22} /><b>${item.real_name || item.name}</b>
      <span class="usage">@${item.name}</span> ${item.is_bot && html`<span class="app-badge">APP</span>`}
    </span><span class="complete-note">${item.title}</span>`;
}

function Completion({ id, completion, active, pick }) {
  const Item = completion.kind === "person" ? PersonItem : CommandItem;
  if (completion.kind === "usage")
    return html`<div class="complete complete-usage">
      <div class="complete-item"><${Item} item=${completion.items[0]} /></div>
    </div>`;
  return html`<div class="complete">
    <div class="complete-head" aria-hidden="true">
      ${completion.kind === "command" ? "Commands" : "People"}<span>
        <kbd>↑</kbd> <kbd>↓</kbd> choose <kbd>Enter</kbd> take
      </span>
    </div>
    <div
      id=${id}
      role="listbox"
      tabindex="0"
      aria-label=${completion.kind === "command" ? "Commands" : "People"}
      onMouseDown=${(event) => event.preventDefault()}
    >
      ${completion.items.map(
        (item, at) =>
          html`<div
            role="option"
            id=${`${id}-${at}`}
            aria-selected=${at === active}
            key=${item.command ?? item.id}
            class=${`complete-item ${at === active ? "is-active" : ""}`}
            onClick=${() => pick(item)}
          >
            <${Item} item=${item} />
          </div>`,
      )}
    </div>
  </div>`;
}

function useTyped(world, channel, threadTs, draft) {
  const area = useRef();
  const key = `${channel}/${threadTs ?? ""}`;
  const [text, setText] = useState(world.drafts.get(key) ?? "");
  const [caret, setCaret] = useState(0);
  const caretTo = useRef(null);

  const put = (next, at = next.length) => {
    world.drafts.set(key, next);
    caretTo.current = at;
    setText(next);
    setCaret(at);
  };
  useLayoutEffect(() => {
    area.current.style.height = "auto";
    area.current.style.height = `${Math.min(area.current.scrollHeight, 220)}px`;
    if (caretTo.current === null) return;
    area.current.setSelectionRange(caretTo.current, caretTo.current);
    caretTo.current = null;
  }, [text]);
  useEffect(() => {
    if (!draft || draft.taken) return;
    draft.taken = true; // else the next channel's box would begin with it
    put(draft.text);
    area.current.focus();
  }, [draft]);
  useEffect(() => {
    if (matchMedia("(hover: hover)").matches) area.current.focus();
  }, []);
  return { area, text, caret, setCaret, put };
}

export function Composer({ channel, threadTs, label, draft }) {
  const world = useContext(World);
  const { area, text, caret, setCaret, put } = useTyped(world, channel, threadTs, draft);
  const [active, setActive] = useState(0);
  const [hidden, setHidden] = useState(null); // the text whose completion was closed with Escape
  const id = useRef(`complete-${Math.random().toString(36).slice(2)}`).current;
  const completion = hidden === text ? null : completionFor(world, text, caret, Boolean(threadTs));
  const choices = completion && completion.kind !== "usage" ? completion.items : [];
  const at = Math.min(active, choices.length - 1);

  useEffect(() => document.getElementById(`${id}-${at}`)?.scrollIntoView({ block: "nearest" }), [at]);

  function pick(item) {
    const done = text.slice(0, completion.start) + completed(completion.kind, item);
    put(done + text.slice(caret).trimStart(), done.length);
    setActive(0);
    area.current.focus();
  }

  async function send() {
    const typed = text.trim();
    if (!typed) return;
    put("");
    const answer = await world.say(channel, typed, threadTs);
    if (!answer.ok && answer.error === "unreachable") put(typed);
  }

  function onKeyDown(event) {
    const { key } = event;
    const exact = choices.some((one) => completed(completion.kind, one).trim() === text.slice(completion.start, caret));
    if (choices.length && (key === "ArrowDown" || key === "ArrowUp")) {
      event.preventDefault();
      setActive((at + (key === "ArrowDown" ? 1 : -1) + choices.length) % choices.length);
    } else if (choices.length && (key === "Tab" || (key === "Enter" && !event.shiftKey && !exact))) {
      event.preventDefault();
      pick(choices[at]);
    } else if (key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      send();
    } else if (key === "Escape" && completion) {
      event.preventDefault();
      setHidden(text);
    }
  }

  function wrap(mark) {
    const { selectionStart: from, selectionEnd: to } = area.current;
    put(text.slice(0, from) + mark + text.slice(from, to) + mark + text.slice(to), to + (from === to ? 1 : 2));
    area.current.focus();
  }

  function begin(character) {
    put(
      character === "/" ? `/${text.replace(/^\//, "")}` : `${text}${text && !text.endsWith(" ") ? " " : ""}@`,
      character === "/" ? 1 : undefined,
    );
    area.current.focus();
  }

  const onInput = ({ currentTarget }) => {
    put(currentTarget.value, currentTarget.selectionStart);
    setActive(0);
  };
  return html`<div class="composer">
    ${completion && html`<${Completion} id=${id} completion=${completion} active=${at} pick=${pick} />`}
    <div class="composer-box">
      <textarea
        ref=${area}
        rows="1"
        value=${text}
        placeholder=${label}
        aria-label=${label}
        spellcheck="false"
        aria-controls=${choices.length ? id : undefined}
        aria-activedescendant=${choices.length ? `${id}-${at}` : undefined}
        onInput=${onInput}
        onKeyDown=${onKeyDown}
        onSelect=${({ currentTarget }) => setCaret(currentTarget.selectionStart)}
      ></textarea>
      <div class="composer-tools">
        ${!threadTs && html`<${IconButton} icon="slash" label="Commands" onClick=${() => begin("/")} />`}
        <${IconButton} icon="at" label="Mention someone" onClick=${() => begin("@")} />
        <span class="composer-gap"></span>
        ${STYLES.map(([icon, mark, label]) => html`<${IconButton} icon=${icon} label=${label} onClick=${() => wrap(mark)} />`)}
        <span class="composer-fill"></span>
        <${IconButton} icon="send" label="Send" class="send" disabled=${!text.trim()} onClick=${send} />
      </div>
    </div>
  </div>`;
}
