// The page's data as files, made in the page.

const save = (name, type, text) => {
  const address = URL.createObjectURL(new Blob([text], { type }));
  element("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
};

// By RFC 4180; a text that a spreadsheet would take for a formula gets an apostrophe in front.
const csvCell = (value) => {
  if (typeof value === "number") return String(value);
  const text = /^[=+\-@]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

// Fields of one record, nested ones joined by dots; samples share a cell, separated by spaces.
const csvFields = (value, path) => {
  if (Array.isArray(value) && !path.endsWith(".samples")) return value.map((item, place) => [`${path}.${place}`, item]);
  if (Array.isArray(value)) return [[path, value.join(" ")]];
  if (value === null || typeof value !== "object") return [[path, value ?? ""]];
  return Object.entries(value).flatMap(([name, inner]) => csvFields(inner, path ? `${path}.${name}` : name));
};

const notInCsv = new Set(["file", "curves", "conclusion", "baseline", "standing", "index", "key"]);
const csvProblem = (problem) => Object.fromEntries(Object.entries(problem).filter(([name]) => !notInCsv.has(name)));

const csvRow = (record) => {
  const { index, key, problem, ...fields } = record;
  const file = data.files[data.problems[problem].file].name;
  return new Map(csvFields({ file, problem: csvProblem(data.problems[problem]), ...fields }, ""));
};

// A row per record, with the column names of result files.
const csvText = () => {
  const rows = data.records.map(csvRow);
  const columns = [...new Set(rows.flatMap((row) => [...row.keys()]))];
  const lines = rows.map((row) => columns.map((column) => csvCell(row.get(column) ?? "")));
  return [columns.map(csvCell), ...lines].map((line) => `${line.join(",")}\r\n`).join("");
};

const downloadName = (extension) => {
  const name = data.files.length === 1 ? data.files[0].name.split("/").at(-1).replace(/\.json$/, "") : "results";
  return `${name}.page.${extension}`;
};

const offerDownloads = () => {
  byId("save-json").addEventListener("click", () =>
    save(downloadName("json"), "application/json", byId("data").textContent));
  byId("save-csv").addEventListener("click", () => save(downloadName("csv"), "text/csv", csvText()));
};
