// A log in a dialog, growing while it is open; it stays at its end unless one has scrolled up.
import { html, useEffect, useLayoutEffect, useRef, useState } from "/page/view.js";
import { Dialog } from "./dialog.js";
import { readLog } from "./state.js";

const READ_MS = 1000;

function useLog(url) {
  const [log, setLog] = useState({ lines: null, problem: null });
  useEffect(() => {
    let timer = null;
    let isOpen = true;
    async function read() {
      const answer = await readLog(url);
      if (!isOpen) return;
      if (!answer.ok) setLog({ lines: null, problem: answer.message });
      else
        setLog((before) =>
          before.lines?.length === answer.lines.length && before.lines.at(-1) === answer.lines.at(-1) ? before : answer,
        );
      timer = setTimeout(read, READ_MS);
    }
    read();
    return () => {
      isOpen = false;
      clearTimeout(timer);
    };
  }, [url]);
  return log;
}

// Azure DevOps begins each line with its time, to seven decimals.
const STAMP = /^\d{4}-\d\d-\d\dT(\d\d:\d\d:\d\d)\.\d+Z /;
const COMMANDS = /^##\[(\w+)\]/;

function Line({ text }) {
  const time = STAMP.exec(text)?.[1];
  const said = text.replace(STAMP, "");
  const kind = COMMANDS.exec(said)?.[1];
  return html`<span class=${`line ${kind ? `line-${kind}` : ""}`}
    >${time && html`<span class="line-time">${time} </span>`}${said.replace(COMMANDS, "")}${"\n"}</span
  >`;
}

export function LogDialog({ title, url, close }) {
  const { lines, problem } = useLog(url);
  const box = useRef();
  const atEnd = useRef(true);
  useLayoutEffect(() => {
    if (atEnd.current && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [lines]);
  const scrolled = ({ target }) => {
    atEnd.current = target.scrollHeight - target.scrollTop - target.clientHeight < 24;
  };
  return html`<${Dialog} title=${title} close=${close} wide>
    <pre class="log" ref=${box} tabindex="0" aria-label="Log" onScroll=${scrolled}>
${
        problem ?? lines?.map((text, at) => html`<${Line} key=${at} text=${text} />`) ?? "Reading…"
      }${lines?.length === 0 ? "Nothing is written yet." : ""}</pre>
  <//>`;
}
