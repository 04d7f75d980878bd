// Tables that sort by any column, first show only a part of a long list, and open rows. Their first columns stay in view.

const isNumeric = (column, rows) =>
  column.numeric ?? rows.some((row) => typeof column.value(row) === "number");

// Numbers by size, words alphabetically; absent values are last in both directions.
const compareValues = (a, b) => {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), "en", { numeric: true });
};

const sortRows = (rows, { column, direction }) => {
  const absent = (item) => item === null || item === undefined || item === "";
  return rows
    .map((row) => ({ row, key: column.value(row) }))
    .sort((a, b) => {
      if (absent(a.key) || absent(b.key)) return absent(a.key) - absent(b.key);
      return direction * compareValues(a.key, b.key);
    })
    .map(({ row }) => row);
};

// The column and the direction that the state names; null without one.
const sortOf = (table) => {
  const [, title, way] = /^(.*):(up|down)$/.exec(state.get(`sort.${table.id}`) ?? "") ?? [];
  const column = table.columns.find((one) => one.title === title);
  return column ? { column, direction: way === "up" ? 1 : -1 } : null;
};

const headCell = (table, column, place) => {
  const sort = sortOf(table);
  const chosen = sort?.column === column;
  const button = element("button", { type: "button" }, column.title);
  button.addEventListener("click", () => {
    const first = column.numeric && !column.smallFirst ? -1 : 1;
    const direction = chosen ? -sort.direction : first;
    setState(`sort.${table.id}`, `${column.title}:${direction > 0 ? "up" : "down"}`);
    drawTable(table);
    table.box.querySelectorAll("th button")[place].focus();
  });
  const order = chosen ? (sort.direction > 0 ? "ascending" : "descending") : "none";
  return element("th", { scope: "col", "aria-sort": order, class: column.numeric && "number" }, button);
};

const cellClass = (column) => [column.numeric && "number", column.wraps && "wraps"].filter(Boolean).join(" ") || null;

const bodyCell = (column, row) => {
  const value = column.value(row);
  const shown = column.show ? column.show(value, row) : (value ?? nothing);
  return element("td", { class: cellClass(column) }, shown);
};

const detailRow = (table, row, id) => {
  const inside = element("div", { class: "inside" }, table.detail(row));
  return element("tr", { class: "detail", id }, element("td", { colspan: table.columns.length }, inside));
};

// A row that opens: its first cell is a button, and a click elsewhere in the row does the same.
const openingRow = (table, row, cells) => {
  const id = `${table.id}-${row.key}`;
  const button = element("button", { type: "button", class: "opens", "aria-controls": id });
  button.append(...cells[0].childNodes);
  cells[0].replaceChildren(button);
  const made = element("tr", { class: "opening" }, ...cells);
  const opened = () => isOpen(table.id, row.key);
  const show = () => {
    button.setAttribute("aria-expanded", String(opened()));
    if (made.nextElementSibling?.id === id) made.nextElementSibling.remove();
    if (opened()) made.after(detailRow(table, row, id));
  };
  made.addEventListener("click", () => {
    if (String(getSelection()) !== "") return; // text was marked
    setOpen(table.id, row.key, !opened());
    show();
  });
  button.setAttribute("aria-expanded", String(opened()));
  return opened() ? [made, detailRow(table, row, id)] : [made];
};

const bodyRows = (table, row) => {
  const cells = table.columns.map((column) => bodyCell(column, row));
  return table.detail ? openingRow(table, row, cells) : [element("tr", {}, ...cells)];
};

const moreButton = (table, hidden) => {
  const more = element("button", { type: "button", class: "more" }, `Show all ${table.rows.length} rows`);
  more.addEventListener("click", () => {
    setState(`rows.${table.id}`, "all");
    drawTable(table);
  });
  return element("p", {}, `${hidden} further rows. `, more);
};

// The second column stays beside the first, and opened rows are as wide as what is seen of the table.
const keepInView = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const scroll = target.closest(".scroll");
    scroll.style.setProperty("--first", `${scroll.querySelector("th").offsetWidth}px`);
    scroll.style.setProperty("--seen", `${scroll.clientWidth}px`);
  }
});

const drawTable = (table) => {
  const { box } = table;
  const sort = sortOf(table);
  const sorted = sort ? sortRows(table.rows, sort) : table.rows;
  // An opened row is among the shown ones.
  const most = state.get(`rows.${table.id}`) === "all" ? Infinity : table.rowsAtFirst;
  const shown = sorted.filter((row, place) => place < most || (table.detail && isOpen(table.id, row.key)));
  const head = element("tr", {}, ...table.columns.map((column, place) => headCell(table, column, place)));
  const body = shown.flatMap((row) => bodyRows(table, row));
  const made = element("table", {}, element("thead", {}, head), element("tbody", {}, ...body));
  const kept = table.columns[1]?.stays ? "scroll two" : "scroll";
  const label = `Table: ${within(table.id, "h2").textContent}`;
  const scroll = element("div", { class: kept, tabindex: "0", role: "region", "aria-label": label }, made);
  const hidden = table.rows.length - shown.length;
  box.replaceChildren(scroll, ...(hidden > 0 ? [moreButton(table, hidden)] : []));
  keepInView.observe(scroll);
  keepInView.observe(head.firstElementChild);
};

// Fills the table of a section. A column has a title, value(row), and as it needs them show(value, row) → text or node,
// `numeric` (right-aligned; found out when absent), `smallFirst` (the first click sorts upwards), `wraps`, and, if it is
// the second, `stays` (in view, beside the first). With detail(row) → node, rows open; each then has a `key` of its own.
const makeTable = (id, columns, rows, { rowsAtFirst = 50, detail = null } = {}) => {
  const known = columns.map((column) => ({ ...column, numeric: isNumeric(column, rows) }));
  drawTable({ id, box: within(id, ".table"), columns: known, rows, rowsAtFirst, detail });
};

// Columns that several tables have.
const variantColumn = { title: "variant", value: (record) => record.variant, show: (_, record) => variantCell(record) };
const problemColumn = { title: "problem", value: (record) => problemName(problemOf(record)) };
const timeColumn = (clock = selection.clock) => ({
  title: `${clockNames[clock]} µs`,
  value: (record) => median(record, clock),
  show: (_, record) => timeText(record, clock),
  smallFirst: true,
});
