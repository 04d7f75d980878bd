// TFLOP/s against sequence length: the fastest variant of each family on problems that differ only in length.

// Problems whose curves have the same name differ in nothing else.
const sequenceShapes = (problems) => {
  const lengths = (group) => new Set(group.map((problem) => problem.seq_kv)).size;
  return ["same_batch", "same_tokens"]
    .flatMap((curve) => [...groupBy(problems, (problem) => problem.curves[curve])])
    .map(([name, group]) => ({ name, problems: group, lengths: lengths(group) }))
    .filter((shape) => shape.lengths > 1)
    .sort((a, b) => b.lengths - a.lengths);
};

const sequenceSeries = (shape) => {
  const wanted = new Set(shape.problems.map((problem) => problem.index));
  const timed = fileRecords().filter((record) => wanted.has(record.problem) && isTimed(record));
  return [...groupBy(timed, (record) => record.family)].map(([family, records]) => ({
    family,
    points: [...groupBy(records, (record) => problemOf(record).seq_kv).values()]
      .map((sameLength) => fastest(sameLength))
      .sort((a, b) => problemOf(a).seq_kv - problemOf(b).seq_kv),
  }));
};

const sequenceChart = (series) => {
  const lengths = series.flatMap(({ points }) => points.map((record) => Math.log2(problemOf(record).seq_kv)));
  return {
    type: "line",
    data: {
      datasets: series.map(({ family, points }) => ({
        ...markerStyle(family),
        label: familyLabel(family),
        records: points,
        data: points.map((record) => ({ x: Math.log2(problemOf(record).seq_kv), y: tflops(record) })),
      })),
    },
    options: {
      scales: {
        x: axis("sequence length seq_kv, log2 scale", {
          type: "linear",
          min: Math.floor(Math.min(...lengths)),
          max: Math.ceil(Math.max(...lengths)),
          ticks: { stepSize: 1, maxRotation: 0, callback: (power) => (Number.isInteger(power) ? 2 ** power : null) },
        }),
        y: axis("TFLOP/s", { beginAtZero: true }),
      },
      plugins: { tooltip: { callbacks: recordTooltip } },
    },
  };
};

// For charts whose datasets carry the records of their points.
const recordTooltip = {
  title: ([item]) => item.dataset.records?.[item.dataIndex].variant ?? item.dataset.label,
  label: (item) => {
    const record = item.dataset.records?.[item.dataIndex];
    if (!record) return "";
    return [
      problemName(problemOf(record)),
      `${significant(median(record), 4)} µs (${clockNames[selection.clock]}), ${significant(tflops(record))} TFLOP/s`,
    ];
  },
};

const sequenceColumns = () => [
  { title: "seq_kv", value: (record) => problemOf(record).seq_kv },
  { title: "family", value: (record) => familyLabel(record.family) },
  { ...variantColumn, title: "fastest variant" },
  timeColumn(),
  { title: "TFLOP/s", value: (record) => tflops(record), show: threeDigits },
];

const drawSequence = () => {
  const shapes = sequenceShapes(fileProblems());
  const chosen = fillSelect(byId("shape"), shapes.map(({ name, lengths }) => [name, `${name} (${lengths} lengths)`]));
  const shape = shapes.find(({ name }) => name === chosen);
  const series = shape ? sequenceSeries(shape) : [];
  if (!showSection("sequence", series.length > 0)) return;
  setCaption(
    "sequence",
    `The fastest right variant of each family at each length, by the ${clockNames[selection.clock]} clock. ` +
      "Solid lines with filled markers are this project's, dashed lines with open markers are peers.",
  );
  drawFigure("sequence", {
    height: 420,
    label: `Lines: TFLOP/s against sequence length for ${series.map(({ family }) => family).join(", ")}.`,
    columns: sequenceColumns(),
    rows: series.flatMap(({ points }) => points),
    chart: sequenceChart(series),
  });
};
