// How the chosen problem's times changed over the files of one device.

// Places of the files of the chosen file's device that have a date, oldest first.
const datedFiles = () => {
  const device = deviceName(data.files[selection.file]);
  const time = (place) => environmentOf(data.files[place]).time;
  return [...data.files.keys()]
    .filter((place) => deviceName(data.files[place]) === device && time(place))
    .sort((a, b) => time(a).localeCompare(time(b)));
};

// {file, own: the fastest variant, timed: all timed records} of each such file that has the problem.
const trendPoints = () => {
  const wanted = data.problems[selection.problem];
  const isWanted = ({ name, sizes }) => name === wanted.name && sizes === wanted.sizes;
  return datedFiles().flatMap((place) => {
    const places = new Set(data.problems.filter((one) => one.file === place && isWanted(one)).map(({ index }) => index));
    const timed = data.records.filter((record) => places.has(record.problem) && isTimed(record));
    const own = fastest(timed.filter((record) => !isPeer(record.family)));
    return own ? [{ file: data.files[place], own, timed }] : [];
  });
};

const dateText = (file) => environmentOf(file).time.slice(0, 16).replace("T", " ");
const commitText = (file) => environmentOf(file).git?.commit?.slice(0, 7) ?? "";

// Draws the 95 % interval of each point as an upright line.
const intervalLines = {
  id: "intervalLines",
  afterDatasetsDraw(chart) {
    const { ctx, scales } = chart;
    ctx.save();
    ctx.lineWidth = 2;
    chart.data.datasets.forEach((dataset, place) => {
      chart.getDatasetMeta(place).data.forEach((point, index) => {
        const interval = dataset.records[index] ? intervalOf(dataset.records[index], selection.clock) : [];
        if (interval.length < 2) return;
        ctx.strokeStyle = dataset.borderColor;
        ctx.beginPath();
        for (const end of interval) ctx.lineTo(point.x, scales.y.getPixelForValue(end));
        ctx.stroke();
      });
    });
    ctx.restore();
  },
};

const trendLine = (label, records, look) => ({
  ...look,
  label,
  records,
  data: records.map((record) => median(record)),
  spanGaps: true,
});

const trendChart = (points, chosen, variant) => ({
  type: "line",
  data: {
    labels: points.map(({ file }) => (narrow() ? commitText(file) : [dateText(file), commitText(file)])),
    datasets: [
      trendLine("fastest variant", points.map(({ own }) => own), {
        borderColor: styleOf("--text"),
        backgroundColor: styleOf("--text"),
        pointStyle: "rectRounded",
        pointRadius: 6,
        borderWidth: 2,
        clip: false,
      }),
      trendLine(variant, chosen, { ...markerStyle(variant.split("/")[0]), borderDash: [6, 4] }),
    ],
  },
  options: {
    scales: {
      x: axis("date and commit of the file", { offset: true, ticks: { maxRotation: 0 } }),
      y: axis(`${clockNames[selection.clock]} µs`, { grace: "10%" }),
    },
    plugins: { tooltip: { callbacks: recordTooltip } },
  },
  plugins: [intervalLines],
});

const trendColumns = (chosen, variant) => [
  { title: "date", value: ({ file }) => dateText(file) },
  {
    title: `fastest, ${clockNames[selection.clock]} µs`,
    value: ({ own }) => median(own),
    show: (_, { own }) => timeText(own),
    stays: true,
  },
  { title: "fastest variant", value: ({ own }) => own.variant, show: (_, { own }) => variantCell(own) },
  {
    title: `${variant}, ${clockNames[selection.clock]} µs`,
    value: (point) => median(chosen.get(point)),
    show: (_, point) => (chosen.get(point) ? timeText(chosen.get(point)) : nothing),
  },
  { title: "commit", value: ({ file }) => commitText(file) },
  { title: "file", value: ({ file }) => file.name },
];

// Those that most files have, and of these the fastest in the newest file, are first.
const trendVariants = (points) => {
  const byTime = [...points].reverse().flatMap(({ timed }) => [...timed].sort((a, b) => median(a) - median(b)));
  const files = groupBy(byTime, ({ variant }) => variant);
  return [...files.keys()].sort((a, b) => files.get(b).length - files.get(a).length);
};

const drawTrend = () => {
  const points = trendPoints();
  if (!showSection("trend", points.length > 1)) return;
  const variants = trendVariants(points);
  const variant = fillSelect(byId("trend-variant"), variants.map((name) => [name, name]));
  const chosen = new Map(points.map((point) => [point, fastest(point.timed.filter((one) => one.variant === variant))]));
  setCaption(
    "trend",
    `Medians on ${data.problems[selection.problem].sizes} in ${points.length} files of this device, with their 95 % ` +
      "intervals: the fastest variant of this project at each date, and the chosen variant (dashed).",
  );
  noteShort("trend", points.map(({ own }) => own));
  drawFigure("trend", {
    height: 340,
    label: `Lines: medians over ${points.length} dates, of the fastest variant and of ${variant}.`,
    columns: trendColumns(chosen, variant),
    rows: points,
    chart: trendChart(points, [...chosen.values()], variant),
  });
};
