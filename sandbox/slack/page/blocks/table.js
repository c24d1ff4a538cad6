// The plain table, and the data table that sorts and pages.
import { Icon, IconButton } from "../icons.js";
import { plain } from "../mrkdwn.js";
import { html, useState } from "../view.js";
import { RichText } from "./rich_text.js";

const isNumber = (cell) => cell.type === "raw_number";

const Cell = ({ cell }) => (cell?.type === "rich_text" ? html`<${RichText} block=${cell} />` : plain(cell?.text ?? ""));

function alignOf(settings, rows, column) {
  return (
    settings?.[column]?.align ??
    (rows.length && rows.every((row) => row[column] && isNumber(row[column])) ? "right" : "left")
  );
}

const cellClass = (settings, rows, column) =>
  `align-${alignOf(settings, rows, column)} ${settings?.[column]?.is_wrapped ? "" : "no-wrap"}`;

function Row({ row, header, rows, settings }) {
  return html`<tr>
    ${row.map((cell, column) =>
      column === header
        ? html`<th scope="row" class=${cellClass(settings, rows, column)}><${Cell} cell=${cell} /></th>`
        : html`<td class=${cellClass(settings, rows, column)}><${Cell} cell=${cell} /></td>`,
    )}
  </tr>`;
}

export function Table({ block }) {
  const [head, ...rows] = block.rows;
  const settings = block.column_settings;
  return html`<div class="block table-scroll" tabindex="0" role="group" aria-label="Table">
    <table class="grid">
      <thead>
        <tr>
          ${head.map((cell, column) => html`<th scope="col" class=${cellClass(settings, rows, column)}><${Cell} cell=${cell} /></th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map((row) => html`<${Row} ...${{ row, rows, settings }} />`)}
      </tbody>
    </table>
  </div>`;
}

const textOf = (cell) => cell.text ?? JSON.stringify(cell.elements ?? "");

function sorted(rows, { column, descending }) {
  if (column === null) return rows;
  const numeric = rows.every((row) => isNumber(row[column]));
  const order = (a, b) =>
    numeric ? a[column].value - b[column].value : textOf(a[column]).localeCompare(textOf(b[column]));
  return rows.toSorted((a, b) => (descending ? -order(a, b) : order(a, b)));
}

function Pager({ page, pages, from, to, total, turn }) {
  return html`<div class="pager">
    <span role="status">${from}–${to} of ${total}</span>
    <${IconButton} icon="left" label="Previous page" class="button button-icon" disabled=${page === 0} onClick=${() => turn(page - 1)} />
    <${IconButton} icon="right" label="Next page" class="button button-icon" disabled=${page === pages - 1} onClick=${() => turn(page + 1)} />
  </div>`;
}

export function DataTable({ block }) {
  const [page, setPage] = useState(0);
  const [sort, setSort] = useState({ column: null, descending: false });
  const [head, ...rows] = block.rows;
  const size = block.page_size ?? 5;
  const pages = Math.max(1, Math.ceil(rows.length / size));
  const at = Math.min(page, pages - 1);
  const shown = sorted(rows, sort).slice(at * size, (at + 1) * size);
  const caption = block.caption.text ?? block.caption;

  const sortBy = (column) => {
    setSort({ column, descending: sort.column === column && !sort.descending });
    setPage(0);
  };
  const direction = (column) => (sort.column !== column ? "none" : sort.descending ? "descending" : "ascending");

  return html`<div class="block data-table">
    <div class="table-scroll" tabindex="0" role="group" aria-label=${caption}>
      <table class="grid">
        <caption>
          ${plain(caption)}
        </caption>
        <thead>
          <tr>
            ${head.map(
              (cell, column) =>
                html`<th scope="col" class=${cellClass(null, rows, column)} aria-sort=${direction(column)}>
                  <button type="button" class=${`sort sort-${direction(column)}`} onClick=${() => sortBy(column)}>
                    ${plain(cell.text)}<${Icon} name="sort" />
                  </button>
                </th>`,
            )}
          </tr>
        </thead>
        <tbody>
          ${shown.map((row) => html`<${Row} row=${row} rows=${rows} header=${block.row_header_column_index ?? 0} />`)}
        </tbody>
      </table>
    </div>
    ${
      pages > 1 &&
      html`<${Pager}
        page=${at}
        pages=${pages}
        from=${at * size + 1}
        to=${at * size + shown.length}
        total=${rows.length}
        turn=${setPage}
      />`
    }
  </div>`;
}
