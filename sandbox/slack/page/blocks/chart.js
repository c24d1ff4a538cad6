// data_visualization: line, bar, area and pie as SVG, with the figures in a table one press away.
import { plain } from "../mrkdwn.js";
import { html, useLayoutEffect, useRef, useState } from "../view.js";

const WIDTH = 560; // until it is known how much room there is
const HEIGHT = 250;
const PAD = { left: 52, right: 16, top: 14, bottom: 34 };
const DASHES = ["", "7 4", "2 4", "10 3 2 3"];

const colour = (index) => `var(--series-${index % 8})`;
const number = (value) =>
  Number(value).toLocaleString("en-US", { maximumFractionDigits: Math.abs(value) < 10 ? 3 : 1 });

/** Round tick values that cover the data: at most six, zero included for bars and areas. */
export function ticks(low, high) {
  const span = high - low || Math.abs(high) || 1;
  const raw = span / 4;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].find((one) => one * power >= raw) * power;
  const first = Math.floor(low / step) * step;
  const count = Math.ceil((high - first) / step - 1e-9);
  return Array.from({ length: Math.max(1, count) + 1 }, (_, at) => Number((first + at * step).toPrecision(12)));
}

const valueAt = (series, category, at) =>
  (series.data.find((point) => point.label === category) ?? series.data[at])?.value;

function scales(chart, categories, width) {
  const values = chart.series.flatMap((series) => series.data.map((point) => point.value));
  const fromZero = chart.type !== "line";
  const marks = ticks(
    fromZero ? Math.min(0, ...values) : Math.min(...values),
    fromZero ? Math.max(0, ...values) : Math.max(...values),
  );
  const [low, high] = [marks[0], marks.at(-1)];
  const inner = width - PAD.left - PAD.right;
  const band = inner / categories.length;
  return {
    width,
    marks,
    band,
    x: (at) => PAD.left + band * (at + 0.5),
    y: (value) => PAD.top + (1 - (value - low) / (high - low)) * (HEIGHT - PAD.top - PAD.bottom),
    base: Math.max(low, Math.min(0, high)),
  };
}

function Axes({ categories, scale }) {
  const labelWidth = Math.max(...categories.map((one) => one.length)) * 6.5 + 14;
  const every = Math.ceil(categories.length / Math.max(1, Math.floor((scale.width - PAD.left) / labelWidth)));
  return html`<g class="axes">
    ${scale.marks.map(
      (mark) =>
        html`<line x1=${PAD.left} x2=${scale.width - PAD.right} y1=${scale.y(mark)} y2=${scale.y(mark)} />
          <text x=${PAD.left - 8} y=${scale.y(mark)} text-anchor="end" dominant-baseline="central">
            ${number(mark)}
          </text>`,
    )}
    ${categories.map((label, at) => {
      if (at % every) return null;
      return html`<text x=${scale.x(at)} y=${HEIGHT - PAD.bottom + 18} text-anchor="middle">${label}</text>`;
    })}
  </g>`;
}

const hint = (name, label, value) => html`<title>${`${name}, ${label}: ${number(value)}`}</title>`;

function Marker({ index, shape = index, x, y, children }) {
  const shapes = [
    html`<circle cx=${x} cy=${y} r="4">${children}</circle>`,
    html`<rect x=${x - 3.6} y=${y - 3.6} width="7.2" height="7.2">${children}</rect>`,
    html`<path d=${`M${x} ${y - 4.8}L${x + 4.6} ${y + 3.4}H${x - 4.6}z`}>${children}</path>`,
    html`<path d=${`M${x} ${y - 5}L${x + 5} ${y}L${x} ${y + 5}L${x - 5} ${y}z`}>${children}</path>`,
  ];
  return html`<g fill=${colour(index)} class="marker">${shapes[shape % shapes.length]}</g>`;
}

function Lines({ chart, categories, scale }) {
  return chart.series.map((series, index) => {
    const points = categories.map((label, at) => [
      scale.x(at),
      scale.y(valueAt(series, label, at)),
      label,
      valueAt(series, label, at),
    ]);
    const line = points.map(([x, y]) => `${x} ${y}`).join("L");
    const floor = scale.y(scale.base);
    const under = `M${points[0][0]} ${floor}L${line}L${points.at(-1)[0]} ${floor}z`;
    return html`<g>
      ${chart.type === "area" && html`<path class="area" fill=${colour(index)} d=${under} />`}
      <path class="line" stroke=${colour(index)} stroke-dasharray=${DASHES[index % DASHES.length]} d=${`M${line}`} />
      ${points.map(([x, y, label, value]) => html`<${Marker} index=${index} x=${x} y=${y}>${hint(series.name, label, value)}<//>`)}
    </g>`;
  });
}

function Bars({ chart, categories, scale }) {
  const width = Math.min(46, (scale.band * 0.74) / chart.series.length);
  return chart.series.map((series, index) =>
    categories.map((label, at) => {
      const value = valueAt(series, label, at);
      const x = scale.x(at) + (index - chart.series.length / 2) * width + 1;
      const [top, bottom] = [scale.y(Math.max(value, scale.base)), scale.y(Math.min(value, scale.base))];
      return html`<rect
        class="bar"
        x=${x}
        y=${top}
        width=${width - 2}
        height=${Math.max(1, bottom - top)}
        rx="2"
        fill=${colour(index)}>
        ${hint(series.name, label, value)}
      </rect>`;
    }),
  );
}

function Pie({ segments, width }) {
  const total = segments.reduce((sum, one) => sum + one.value, 0);
  const [cx, cy, r] = [width / 2, HEIGHT / 2, Math.min(width, HEIGHT) / 2 - 10];
  let turned = 0;
  const point = (share) => [cx + r * Math.sin(share * 2 * Math.PI), cy - r * Math.cos(share * 2 * Math.PI)];
  return segments.map((one, index) => {
    const share = one.value / total;
    const [from, to] = [point(turned), point(turned + share)];
    turned += share;
    const title = html`<title>${`${one.label}: ${number(one.value)} (${Math.round(share * 100)} %)`}</title>`;
    if (share > 0.9999)
      return html`<circle class="slice" cx=${cx} cy=${cy} r=${r} fill=${colour(index)}>${title}</circle>`;
    return html`<path
      class="slice"
      fill=${colour(index)}
      d=${`M${cx} ${cy}L${from.join(" ")}A${r} ${r} 0 ${share > 0.5 ? 1 : 0} 1 ${to.join(" ")}z`}>
      ${title}
    </path>`;
  });
}

/** Header and rows of the same figures. */
function figures(chart) {
  if (chart.type === "pie") return [["", "Value"], ...chart.segments.map((one) => [one.label, number(one.value)])];
  const categories = chart.axis_config.categories;
  return [
    [chart.axis_config.x_label ?? "", ...chart.series.map((series) => series.name)],
    ...categories.map((label, at) => [label, ...chart.series.map((series) => number(valueAt(series, label, at)))]),
  ];
}

function inWords(chart) {
  if (chart.type === "pie")
    return `Pie chart. ${chart.segments.map((one) => `${one.label}: ${number(one.value)}`).join("; ")}.`;
  const ends = chart.series.map(
    (series) => `${series.name} from ${number(series.data[0].value)} to ${number(series.data.at(-1).value)}`,
  );
  const { x_label: across = "category", y_label: up = "values" } = chart.axis_config;
  return `${chart.type[0].toUpperCase()}${chart.type.slice(1)} chart of ${up} by ${across}. ${ends.join("; ")}.`;
}

function Plot({ chart, width }) {
  if (chart.type === "pie") return html`<${Pie} segments=${chart.segments} width=${width} />`;
  const categories = chart.axis_config.categories;
  const scale = scales(chart, categories, width);
  const Marks = chart.type === "bar" ? Bars : Lines;
  return html`<${Axes} categories=${categories} scale=${scale} /><${Marks}
      chart=${chart}
      categories=${categories}
      scale=${scale}
    />`;
}

function Figures({ chart, title }) {
  const [head, ...rows] = figures(chart);
  return html`<div class="table-scroll" tabindex="0" role="group" aria-label=${`Figures of ${title}`}>
    <table class="grid">
      <thead>
        <tr>
          ${head.map((cell) => html`<th scope="col">${cell || "Label"}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          ([label, ...values]) =>
            html`<tr>
              <th scope="row">${label}</th>
              ${values.map((value) => html`<td class="align-right">${value}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

/** How wide an element is drawn, in CSS pixels, so that what is written in it keeps its size on a phone. */
function useWidth() {
  const ref = useRef();
  const [width, setWidth] = useState(WIDTH);
  useLayoutEffect(() => {
    const measure = () => ref.current.clientWidth && setWidth(ref.current.clientWidth);
    measure();
    const watch = new ResizeObserver(measure);
    watch.observe(ref.current);
    return () => watch.disconnect();
  }, []);
  return [ref, width];
}

export function Chart({ block }) {
  const [ref, width] = useWidth();
  const [open, setOpen] = useState(false);
  const { chart } = block;
  const title = block.title.text ?? block.title;
  const legend =
    chart.type === "pie" ? chart.segments.map((one) => one.label) : chart.series.map((series) => series.name);
  return html`<figure class="block chart">
    <figcaption>${plain(title)}</figcaption>
    ${chart.axis_config?.y_label && html`<div class="chart-axis">${chart.axis_config.y_label}</div>`}
    <svg ref=${ref} viewBox=${`0 0 ${width} ${HEIGHT}`} role="img" aria-label=${`${title}. ${inWords(chart)}`}>
      <${Plot} chart=${chart} width=${width} />
    </svg>
    ${chart.axis_config?.x_label && html`<div class="chart-axis chart-axis-x">${chart.axis_config.x_label}</div>`}
    <div class="chart-foot">
      <ul class="legend">
        ${legend.map(
          (name, index) =>
            html`<li>
              <svg viewBox="0 0 12 12" aria-hidden="true">
                <${Marker} index=${index} shape=${["pie", "bar"].includes(chart.type) ? 1 : index} x=${6} y=${6} />
              </svg>${name}
            </li>`,
        )}
      </ul>
      <button type="button" class="link-button" aria-expanded=${open} onClick=${() => setOpen(!open)}>
        ${open ? "Hide figures" : "Show figures"}
      </button>
    </div>
    ${open && html`<${Figures} chart=${chart} title=${title} />`}
  </figure>`;
}
