// Registers, shared memory and occupancy of each variant, on the chosen problem.

const resourcesOf = (record) => record.resources ?? {};
const takesResources = (record) => resourcesOf(record).registers > 0;

const resourceChart = (records) => {
  const spills = records.filter((record) => record.resources.spill_bytes > 0);
  const place = (record) => ({ x: record.resources.smem_bytes / 1024, y: record.resources.registers });
  const datasets = [...groupBy(records, (record) => record.family)].map(([family, group]) => ({
    ...markerStyle(family),
    label: familyLabel(family),
    records: group,
    data: group.map(place),
  }));
  if (spills.length > 0) {
    datasets.push({
      label: "spills registers",
      records: spills,
      data: spills.map(place),
      pointStyle: "crossRot",
      pointRadius: 10,
      pointBorderWidth: 2,
      borderColor: styleOf("--bad"),
      backgroundColor: styleOf("--bad"),
    });
  }
  return {
    type: "scatter",
    data: { datasets },
    options: {
      scales: {
        x: axis("shared memory, KiB a block", { beginAtZero: true }),
        y: axis("registers a thread", { beginAtZero: true, suggestedMax: 256, ticks: { stepSize: 32 } }),
      },
      plugins: {
        tooltip: {
          callbacks: {
            ...recordTooltip,
            label: (item) => {
              const { registers, smem_bytes: smem, occupancy } = item.dataset.records[item.dataIndex].resources;
              return `${registers} registers, ${kibibytes(smem)}, occupancy ${percent(finite(occupancy), 0)}`;
            },
          },
        },
      },
    },
  };
};

const resource = (name) => (record) => finite(resourcesOf(record)[name]);

const resourceColumns = () => [
  variantColumn,
  { title: "registers", value: resource("registers"), show: wholeNumber },
  { title: "smem", value: resource("smem_bytes"), show: kibibytes },
  { title: "spills, bytes", value: resource("spill_bytes"), show: wholeNumber },
  { title: "threads", value: resource("threads"), show: wholeNumber },
  { title: "blocks an SM", value: resource("blocks_per_sm"), show: wholeNumber },
  { title: "occupancy", value: resource("occupancy"), show: (share) => percent(share, 0) },
  { title: "waves", value: resource("waves"), show: threeDigits },
  { title: "TFLOP/s", value: (record) => tflops(record), show: threeDigits },
];

const drawResources = () => {
  const records = problemRecords().filter(takesResources);
  if (!showSection("resources", records.length > 0)) return;
  setCaption(
    "resources",
    `Registers and shared memory of each variant on ${data.problems[selection.problem].sizes}. Peers and kernels of ` +
      "the CPU report none.",
  );
  drawFigure("resources", {
    height: 380,
    label: `Dots: registers against shared memory of ${records.length} variants.`,
    columns: resourceColumns(),
    rows: records,
    chart: resourceChart(records),
  });
};
