// Tables that sort by any column and first show only a part of a long list.

const isNumeric = (column, rows) =>
  column.numeric ?? rows.some((row) => typeof column.value(row) === "number");

// Numbers by size, words alphabetically; absent values are last in both directions.
const compareValues = (a, b) => {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), "en", { numeric: true });
};

const sortRows = (rows, { value, direction }) => {
  const absent = (item) => item === null || item === undefined || item === "";
  return rows
    .map((row) => ({ row, key: value(row) }))
    .sort((a, b) => {
      if (absent(a.key) || absent(b.key)) return absent(a.key) - absent(b.key);
      return direction * compareValues(a.key, b.key);
    })
    .map(({ row }) => row);
};

const headCell = (table, column, place, draw) => {
  const { sort } = table;
  const chosen = sort?.place === place;
  const button = element("button", { type: "button" }, column.title);
  button.addEventListener("click", () => {
    const first = column.numeric && !column.smallFirst ? -1 : 1;
    table.sort = { place, value: column.value, direction: chosen ? -sort.direction : first };
    draw();
    table.box.querySelectorAll("th button")[place].focus();
  });
  const order = chosen ? (sort.direction > 0 ? "ascending" : "descending") : "none";
  return element("th", { scope: "col", "aria-sort": order, class: column.numeric && "number" }, button);
};

const bodyRow = (table, row) =>
  element(
    "tr",
    {},
    ...table.columns.map((column) => {
      const value = column.value(row);
      const shown = column.show ? column.show(value, row) : value === null || value === undefined ? nothing : value;
      return element("td", { class: column.numeric ? "number" : column.wraps && "wraps" }, shown);
    }),
  );

const moreButton = (table, hidden, draw) => {
  const more = element("button", { type: "button", class: "more" }, `Show all ${table.rows.length} rows`);
  more.addEventListener("click", () => {
    table.shown = Infinity;
    draw();
  });
  return element("p", {}, `${hidden} further rows. `, more);
};

// Fills the box with a table. A column has a title, value(row), and as it needs them show(value, row) → text or node,
// `numeric` (right-aligned; found out when absent), `smallFirst` (the first click sorts upwards) and `wraps`.
const makeTable = (box, columns, rows, rowsAtFirst = 50) => {
  const numeric = columns.map((column) => ({ ...column, numeric: isNumeric(column, rows) }));
  const table = { box, columns: numeric, rows, shown: rowsAtFirst, sort: null };
  const draw = () => {
    const sorted = table.sort ? sortRows(table.rows, table.sort) : table.rows;
    const shown = sorted.slice(0, table.shown);
    const head = element("tr", {}, ...table.columns.map((column, place) => headCell(table, column, place, draw)));
    const body = shown.map((row) => bodyRow(table, row));
    const made = element("table", {}, element("thead", {}, head), element("tbody", {}, ...body));
    const scroll = element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Table" }, made);
    const hidden = table.rows.length - shown.length;
    box.replaceChildren(scroll, ...(hidden > 0 ? [moreButton(table, hidden, draw)] : []));
  };
  draw();
};
