// The head of the page, its notices, the best of each problem, all records, and the environments.

const environmentOf = (file) => file.environment ?? {};
const deviceName = (file) => environmentOf(file).device?.name ?? "unknown device";

// {a: {b: 1}} as [["a.b", "1"]].
const flatten = (value, path = "") => {
  if (value === null || typeof value !== "object") return [[path, String(value)]];
  if (Array.isArray(value)) return [[path, value.map(String).join(" ")]];
  return Object.entries(value).flatMap(([key, inner]) => flatten(inner, path ? `${path}.${key}` : key));
};

const drawHead = () => {
  const records = fileRecords();
  const count = (status) => records.filter((record) => record.status === status).length;
  const statuses = [...groupBy(records, (record) => record.status).keys()];
  const environment = environmentOf(data.files[selection.file]);
  document.getElementById("device").textContent = `on ${deviceName(data.files[selection.file])}`;
  document.getElementById("summary").textContent = [
    `${records.length} records (${statuses.map((status) => `${count(status)} ${status}`).join(", ")})`,
    `${fileProblems().length} problems`,
    environment.time && `taken ${environment.time}`,
    environment.git?.commit && `commit ${environment.git.commit.slice(0, 12)}`,
  ]
    .filter(Boolean)
    .join(" · ");
};

// Warnings about the chosen file.
const notices = () => {
  const records = fileRecords();
  const wrong = records.filter((record) => !["ok", "unsupported"].includes(record.status));
  const devices = new Set(data.files.map(deviceName));
  return [
    environmentOf(data.files[selection.file]).git?.dirty && "The program was built from files that are not in its commit.",
    ...data.files[selection.file].cautions.map(asSentence),
    wrong.length > 0 && `${wrong.length} records failed: ${[...new Set(wrong.map(({ status }) => status))].join(", ")}.`,
    devices.size > 1 && `The files come from different devices: ${[...devices].join(", ")}.`,
  ].filter(Boolean);
};

const drawNotices = () => {
  const box = document.getElementById("notices");
  box.replaceChildren(...notices().map((text) => element("p", { class: "notice" }, text)));
};

// Of many problems the list is folded.
const drawConclusion = () => {
  const items = (texts) => texts.map((text) => element("li", {}, text));
  const concluded = fileProblems().filter((problem) => problem.conclusion);
  const means = data.files[selection.file].conclusion;
  byId("conclusion").hidden = concluded.length === 0;
  within("conclusion", ".means").replaceChildren(...items(means.map(asSentence)));
  within("conclusion", ".problems").replaceChildren(
    ...items(concluded.map((problem) => `${problemName(problem)}: ${problem.conclusion}`)),
  );
  within("conclusion", "details").open = concluded.length <= 10;
  noteShort("conclusion", fileRecords());
};

const overviewColumns = () => [
  { title: "problem", value: (row) => problemName(row.problem) },
  { title: "best variant", value: (row) => row.best?.variant },
  {
    title: `${clockNames[selection.clock]} µs`,
    value: (row) => median(row.best),
    show: (value, row) => `${fourDigits(value)}${shortSign(row.best)}`,
    smallFirst: true,
  },
  { title: "TFLOP/s", value: (row) => row.best && tflops(row.best), show: threeDigits },
  { title: "fastest peer", value: (row) => row.peer?.variant, ofPeer: true },
  { title: "peer TFLOP/s", value: (row) => row.peer && tflops(row.peer), show: threeDigits, ofPeer: true },
  {
    title: "over the peer",
    value: (row) => (row.best && row.peer ? median(row.peer) / median(row.best) : null),
    show: times,
    ofPeer: true,
  },
  { title: "sizes", value: (row) => row.problem.sizes },
];

const drawOverview = () => {
  const groups = groupBy(fileRecords(), (record) => record.problem);
  const rows = fileProblems().map((problem) => {
    const records = groups.get(problem.index);
    return {
      problem,
      best: fastest(records.filter((record) => !isPeer(record.family))),
      peer: fastest(records.filter((record) => isPeer(record.family))),
    };
  });
  const hasPeers = rows.some((row) => row.peer);
  const columns = overviewColumns();
  noteShort("overview", rows.map((row) => row.best));
  makeTable(within("overview", ".table"), hasPeers ? columns : columns.filter(({ ofPeer }) => !ofPeer), rows, 12);
};

const withInterval = (clock, sign) => (value, record) => {
  if (value === null) return nothing;
  const half = halfInterval(record, clock);
  const spread = half === null ? "" : ` ±${(100 * half).toFixed(1)}\u202f%, n ${sampleCount(record, clock)}`;
  return `${significant(value, 4)}${spread}${sign(record)}`;
};

const recordColumns = (records) => [
  { title: "problem", value: (record) => problemName(problemOf(record)) },
  { title: "variant", value: (record) => record.variant },
  { title: "status", value: (record) => record.status },
  ...clocksOf(records).map((clock, place) => ({
    title: `${clockNames[clock]} µs`,
    value: (record) => median(record, clock),
    show: withInterval(clock, place === 0 ? shortSign : () => ""),
    smallFirst: true,
  })),
  { title: "speed-up", value: (record) => speedUp(record), show: times },
  { title: "TFLOP/s", value: (record) => tflops(record), show: threeDigits },
  { title: "% of peak", value: (record) => finite(record.percent_of_peak), show: threeDigits },
  { title: "rel_l2", value: (record) => record.check?.rel_l2, show: errorText, numeric: true },
  { title: "reason", value: (record) => record.reason, show: (reason) => reason ?? "", wraps: true },
];

const drawRecords = () => {
  const words = document.getElementById("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const text = (record) =>
    [problemName(problemOf(record)), record.variant, record.status, record.reason ?? ""].join(" ").toLowerCase();
  const records = fileRecords().filter((record) => words.every((word) => text(record).includes(word)));
  makeTable(within("records", ".table"), recordColumns(fileRecords()), records);
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
  makeTable(within("environment", ".table"), columns, keys);
};
