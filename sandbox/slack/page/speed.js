// Lets time run faster, where the plant is beside this page, and says what that does and what it does not.
import { get, post } from "./api.js";
import { Icon } from "./icons.js";
import { Popup } from "./popup.js";
import { html, useEffect, useRef, useState } from "./view.js";

const URL = "/plant/speed";

/** How many times shorter waiting is now; asked again whenever somebody comes back to this page. */
function useTimes() {
  const [times, setTimes] = useState(1);
  useEffect(() => {
    const ask = () => document.hidden || get(URL).then((answer) => answer.ok && setTimes(answer.times));
    ask();
    document.addEventListener("visibilitychange", ask);
    return () => document.removeEventListener("visibilitychange", ask);
  }, []);
  return [times, setTimes];
}

export function SpeedSwitch() {
  const [times, setTimes] = useTimes();
  const [told, setTold] = useState(false);
  const anchor = useRef();
  const isFast = times > 1;
  const press = async () => {
    const answer = await post(URL, { fast: !isFast });
    if (answer.ok) setTimes(answer.times);
    setTold(answer.ok);
  };
  return html`<button ref=${anchor} type="button" class="bar-link bar-toggle" aria-pressed=${isFast} onClick=${press}>
      <${Icon} name="fast" /><span class="bar-text">Let time run faster</span>
    </button>
    ${
      told &&
      html`<${Popup} anchor=${anchor} close=${() => setTold(false)} class="bar-note">
        <div role="status">
          ${
            isFast
              ? html`<p>
                    <b>Waiting is ${times} times shorter.</b> Nodes start sooner, so do pipeline agents; IoT Hub and its
                    devices look more often; people label faster.
                  </p>
                  <p>
                    Training is real and takes what this machine needs. Spotter's own clock, with its bake times and
                    reminders, goes as usual.
                  </p>`
              : html`<p><b>Time runs as usual again.</b></p>`
          }
        </div>
      <//>`
    }`;
}
