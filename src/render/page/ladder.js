// Speed-ups over one baseline on one problem, as bars.

// Writes each bar's figures behind its end.
const barLabels = {
  id: "barLabels",
  afterDatasetsDraw(chart) {
    const { ctx } = chart;
    ctx.save();
    ctx.fillStyle = styleOf("--text");
    ctx.font = `12px ${Chart.defaults.font.family}`;
    ctx.textBaseline = "middle";
    chart.getDatasetMeta(0).data.forEach((bar, place) => {
      ctx.fillText(chart.data.datasets[0].labels[place], bar.x + 6, bar.y);
    });
    ctx.restore();
  },
};

const ladderColumns = () => [
  variantColumn,
  { title: "speed-up", value: (record) => speedUp(record), show: times },
  timeColumn(),
  { title: "TFLOP/s", value: (record) => tflops(record), show: threeDigits },
];

const ladderChart = (records) => ({
  type: "bar",
  data: {
    labels: records.map((record) => (narrow() && !ladderShowsAll() ? familyLabel(record.family) : shortName(record))),
    datasets: [
      {
        data: records.map((record) => speedUp(record)),
        labels: records.map((record) => `${times(speedUp(record))}  ${significant(median(record))} µs`),
        backgroundColor: records.map((record) => barFill(record.family)),
        borderColor: records.map((record) => familyColor(record.family)),
        borderWidth: 1,
        maxBarThickness: 22,
      },
    ],
  },
  options: {
    indexAxis: "y",
    layout: { padding: { right: 110 } },
    scales: {
      x: axis("speed-up over the baseline", { beginAtZero: true, ticks: { callback: (value) => `${value}×` } }),
      y: axis("", { grid: { display: false }, title: { display: false }, ticks: { autoSkip: false } }),
    },
    plugins: {
      legend: { display: false },
      tooltip: {
        callbacks: {
          title: ([item]) => records[item.dataIndex].variant,
          label: (item) => `${times(item.raw)}, ${significant(tflops(records[item.dataIndex]))} TFLOP/s`,
        },
      },
    },
  },
  plugins: [barLabels],
});

const ladderShowsAll = () => document.getElementById("ladder-all").checked;

const drawLadder = () => {
  const timed = problemRecords().filter((record) => isTimed(record));
  const baseline = baselineOf(data.problems[selection.problem]);
  const records = (ladderShowsAll() ? timed : bestOfFamilies(timed)).filter((record) => speedUp(record) !== null);
  const clock = clockNames[selection.clock];
  setCaption(
    "ladder",
    baseline
      ? `Speed-up over ${baseline.variant} on ${data.problems[selection.problem].sizes}, by the median of the ${clock} ` +
          "clock. Striped bars are peers."
      : "",
  );
  noteShort("ladder", records);
  if (!showSection("ladder", records.length > 0)) return;
  drawFigure("ladder", {
    height: 70 + 30 * records.length,
    label: `Bars: speed-up of ${records.length} variants over ${baseline?.variant}.`,
    columns: ladderColumns(),
    rows: records,
    chart: ladderChart(records),
  });
};
