// The page's data, the current selection, and values derived from a record.

const data = JSON.parse(document.getElementById("data").textContent);

// By the names of the fields, which are those of result files.
const clockNames = Object.fromEntries(data.clocks.map(({ field, name }) => [field, name]));

// Places in the data's lists, and the field of a timing mode.
const selection = { file: 0, problem: 0, clock: data.clocks[0].field };

// Result files write nan and infinities as words.
const finite = (value) => (typeof value === "number" && Number.isFinite(value) ? value : null);

const problemOf = (record) => data.problems[record.problem];
const problemName = (problem) => problem.name || problem.sizes;
const roles = new Map(data.families.map(({ name, role }) => [name, role]));
const isPeer = (family) => roles.get(family) === "peer";
const isRight = (record) => record.status === "ok";

const median = (record, clock = selection.clock) => {
  const value = finite(record?.timing?.[clock]?.median);
  return value !== null && value > 0 ? value : null;
};

// Half the width of the median's 95 % interval, as a share of the median.
const halfInterval = (record, clock = selection.clock) => {
  const [low, high] = (record.timing?.[clock]?.ci95 ?? []).map(finite);
  const middle = median(record, clock);
  return middle === null || !Number.isFinite(low) || !Number.isFinite(high) ? null : (high - low) / 2 / middle;
};

const sampleCount = (record, clock = selection.clock) => record.timing?.[clock]?.n ?? null;

// The sign at rows that fall short of the run's stopping rule.
const shortSign = (record) => (record?.falls_short ? " ‡" : "");

const isTimed = (record, clock = selection.clock) => isRight(record) && median(record, clock) !== null;

// TFLOP/s by the FLOP convention of the problem.
const tflops = (record, clock = selection.clock) => {
  const time = median(record, clock);
  return time === null ? null : problemOf(record).flops / time / 1e6;
};

const fileProblems = () => data.problems.filter((problem) => problem.file === selection.file);
const fileRecords = () => data.records.filter((record) => problemOf(record).file === selection.file);
const problemRecords = () => data.records.filter((record) => record.problem === selection.problem);
const baselineOf = (problem) => (problem.baseline === null ? null : data.records[problem.baseline]);

const speedUp = (record, clock = selection.clock) => {
  const base = median(baselineOf(problemOf(record)), clock);
  const time = median(record, clock);
  return base === null || time === null ? null : base / time;
};

const fastest = (records, clock = selection.clock) =>
  records.reduce(
    (best, record) =>
      isTimed(record, clock) && (best === null || median(record, clock) < median(best, clock)) ? record : best,
    null,
  );

// In the order in which the values first appear.
const groupBy = (items, keyOf) => {
  const groups = new Map();
  for (const item of items) {
    const key = keyOf(item);
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(item);
  }
  return groups;
};

// The fastest right record of each family, in ladder order.
const bestOfFamilies = (records, clock = selection.clock) =>
  [...groupBy(records, (record) => record.family).values()]
    .map((ofFamily) => fastest(ofFamily, clock))
    .filter((record) => record !== null);

// The clocks of which any of the records has a time.
const clocksOf = (records) => Object.keys(clockNames).filter((clock) => records.some((r) => median(r, clock) !== null));

// The clock that the roofline is compared with.
const rooflineClock = (record) => record.roofline.clock;

// Each item gets its place in the list and a key that no other item has, from its name.
const number = (items, nameOf) => {
  const turns = new Map();
  items.forEach((item, index) => {
    const name = nameOf(item);
    turns.set(name, (turns.get(name) ?? 0) + 1);
    item.index = index;
    item.key = turns.get(name) === 1 ? name : `${name} (${turns.get(name)})`;
  });
};
for (const file of data.files.keys()) number(data.problems.filter((problem) => problem.file === file), problemName);
data.problems.forEach((problem, index) => {
  problem.index = index;
});
number(data.records, (record) => `${problemOf(record).file} ${problemOf(record).key}/${record.variant}`);
data.records.forEach((record) => {
  record.key = record.key.slice(record.key.indexOf(" ") + 1);
});

const families = data.families.map(({ name }) => name);
const labels = new Map(data.families.map(({ name, label }) => [name, label]));
const familyLabel = (family) => labels.get(family) ?? family;
