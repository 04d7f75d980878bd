// The answer in a sentence, and each problem: this project's fastest variant beside every peer.

const outcomeMarks = { won: "▲", tied: "=", lost: "▼" };

const bestOf = (records) => {
  const own = fastest(records.filter((record) => !isPeer(record.family)));
  const peers = bestOfFamilies(records.filter((record) => isPeer(record.family)));
  return { own, peers, peer: fastest(peers) };
};

const overviewRow = (problem, records) => {
  const row = { key: problem.key, problem, records, ...bestOf(records) };
  row.rival = row.peer ?? baselineOf(problem);
  // The conclusion stands for the timing mode that it is of.
  row.standing = problem.standing?.clock === selection.clock ? problem.standing : null;
  return row;
};

const ratioOf = (row, rival) => {
  const [own, other] = [median(row.own), median(rival)];
  return own === null || other === null ? null : other / own;
};

const standingText = (ratio, { standing, own, rival }) => {
  if (ratio === null) return nothing;
  const short = own.falls_short || rival.falls_short ? " ‡" : "";
  if (!standing) return `${times(ratio)}${short}`;
  const [shown, half] = standing.text.split(" ± ");
  const spread = element("span", { class: "spread" }, `${half ? ` ±${half}` : ""}${short}`);
  const { outcome } = standing;
  const words = element("span", { class: "unseen" }, ` ${outcome}`);
  const mark = element("span", { class: `outcome ${outcome}`, title: outcome }, outcomeMarks[outcome], words);
  return element("span", {}, mark, ` ${shown}×`, spread);
};

const peerColumn = (family) => ({
  title: `over ${familyLabel(family)}`,
  value: (row) => ratioOf(row, row.peers.find((record) => record.family === family)),
  show: (ratio, row) => `${row.peer?.family === family ? "★ " : ""}${times(ratio)}`,
  numeric: true,
});

const overviewColumns = (rows) => {
  const present = families.filter((family) => rows.some((row) => row.peers.some((record) => record.family === family)));
  return [
    { title: "problem", value: (row) => problemName(row.problem) },
    {
      title: "speed-up",
      value: (row) => row.standing?.ratio ?? ratioOf(row, row.rival),
      show: standingText,
      numeric: true,
      stays: true,
    },
    {
      title: `${clockNames[selection.clock]} µs`,
      value: (row) => median(row.own),
      show: (_, row) => (row.own ? timeText(row.own) : nothing),
      smallFirst: true,
    },
    ...present.map(peerColumn),
    { title: "TFLOP/s", value: (row) => row.own && tflops(row.own), show: threeDigits },
    {
      title: "fastest variant",
      value: (row) => row.own?.variant,
      show: (_, row) => (row.own ? variantCell(row.own) : nothing),
      wraps: true,
    },
  ];
};

// Chooses the problem for the charts.
const chartsButton = (problem) => {
  const button = element("button", { type: "button" }, "Show this problem in the charts");
  button.addEventListener("click", () => {
    setState("problem", problem.key);
    drawAll();
    goTo("ladder");
  });
  return button;
};

const overviewDetail = (row) => {
  const timed = bestOfFamilies(row.records).sort((a, b) => median(a) - median(b));
  const said = row.problem.conclusion ? asSentence(row.problem.conclusion) : "";
  const named = timed.map((record) => ({ record, clock: selection.clock, name: variantCell(record) }));
  return element(
    "div",
    {},
    element("p", {}, said),
    element("p", { class: "caption" }, `${asSentence(row.problem.sizes)} The fastest right variant of each family:`),
    timed.length > 0 ? strips(named) : element("p", {}, "No right variant was timed."),
    chartsButton(row.problem),
  );
};

const drawOverview = () => {
  const groups = groupBy(fileRecords(), (record) => record.problem);
  const rows = fileProblems().map((problem) => overviewRow(problem, groups.get(problem.index) ?? []));
  const hasPeers = rows.some((row) => row.peer);
  setCaption(
    "overview",
    `The speed-up of this project's fastest right variant over ${hasPeers ? "the fastest peer (★)" : "the baseline"}. ` +
      `${rows.some((row) => row.standing) ? "▲ won, = tied, ▼ lost. " : ""}A row opens with its samples.`,
  );
  noteShort("overview", rows.flatMap((row) => [row.own, row.rival]));
  makeTable("overview", overviewColumns(rows), rows, { rowsAtFirst: 40, detail: overviewDetail });
};
