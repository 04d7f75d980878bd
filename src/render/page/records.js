// All records, each with its fields and samples, and the environments.

// {a: {b: 1}} as [["a.b", "1"]].
const flatten = (value, path = "") => {
  if (value === null || typeof value !== "object") return [[path, String(value)]];
  if (Array.isArray(value)) return [[path, value.map(String).join(" ")]];
  return Object.entries(value).flatMap(([key, inner]) => flatten(inner, path ? `${path}.${key}` : key));
};

const hasEnergy = (record) => finite(record.energy_per_call_j) !== null;

const energyColumns = [
  { title: "mJ", value: (record) => (hasEnergy(record) ? 1000 * record.energy_per_call_j : null), show: threeDigits },
  { title: "Pareto set", value: (record) => (record.pareto ? "time and energy" : null), show: (text) => text ?? "" },
];

const recordColumns = (records) => [
  variantColumn,
  { title: "speed-up", value: (record) => speedUp(record), show: times, stays: true, numeric: true },
  problemColumn,
  { title: "status", value: (record) => record.status },
  ...clocksOf(records).map(timeColumn),
  { title: "TFLOP/s", value: (record) => tflops(record), show: threeDigits },
  { title: "% of peak", value: (record) => finite(record.percent_of_peak), show: threeDigits },
  ...(records.some(hasEnergy) ? energyColumns : []),
  { title: "rel_l2", value: (record) => record.check?.rel_l2, show: errorText, numeric: true },
  { title: "reason", value: (record) => record.reason, show: (reason) => reason ?? "", wraps: true },
];

// What the page adds to a record, or shows as strips.
const notListed = new Set(["problem", "index", "key", "falls_short", "pareto"]);

const recordFields = (record) => {
  const fields = flatten(Object.fromEntries(Object.entries(record).filter(([name]) => !notListed.has(name))));
  const listed = [["problem", problemOf(record).sizes], ...fields.filter(([name]) => !name.endsWith(".samples"))];
  return element("dl", {}, ...listed.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]));
};

const recordDetail = (record) => {
  const clocks = Object.keys(clockNames).filter((clock) => median(record, clock) !== null);
  const drawn = clocks.map((clock) => strips([{ record, clock, name: element("span", {}, `${clockNames[clock]} µs`) }]));
  return element("div", {}, ...drawn, recordFields(record));
};

const drawRecords = () => {
  const words = (state.get("search") ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const text = (record) =>
    [problemName(problemOf(record)), record.variant, record.status, record.reason ?? ""].join(" ").toLowerCase();
  const records = fileRecords().filter((record) => words.every((word) => text(record).includes(word)));
  makeTable("records", recordColumns(fileRecords()), records, { detail: recordDetail });
  noteShort("records", records);
};

const drawEnvironment = () => {
  const flat = data.files.map((file) => new Map([["file", file.name], ...flatten(environmentOf(file))]));
  const keys = [...new Set(flat.flatMap((file) => [...file.keys()]))];
  const columns = [
    { title: "field", value: (key) => key },
    ...flat.map((file, place) => ({
      title: data.files.length > 1 ? `file ${place + 1}` : "value",
      value: (key) => file.get(key),
      numeric: false,
      wraps: true,
    })),
  ];
  makeTable("environment", columns, keys, { rowsAtFirst: Infinity });
};
