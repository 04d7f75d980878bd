// Relative L2 errors of every checked variant against the limit of its problem.

const mostErrorRows = 60;

const relL2 = (record) => finite(record.check?.rel_l2);
const relL2Limit = (record) => finite(record.check?.limit?.rel_l2);
const limitShare = (record) => {
  const limit = relL2Limit(record);
  return relL2(record) === null || !limit ? null : relL2(record) / limit;
};

// The problems to show with their checked records: all, or those nearest to their limit when there are many.
const errorRows = (records) => {
  const worst = (group) => Math.max(...group.map((record) => limitShare(record) ?? 0));
  const groups = [...groupBy(records, (record) => record.problem).values()];
  if (groups.length <= mostErrorRows) return groups;
  const byShare = groups.map((group) => ({ group, share: worst(group) })).sort((a, b) => b.share - a.share);
  return byShare.slice(0, mostErrorRows).map(({ group }) => group);
};

// Each family has its own height within a problem's row, so that none hides another.
const lane = (place, count) => 0.7 * ((place + 0.5) / count - 0.5);

const errorPoints = (rows) => {
  const placed = rows.flatMap((group, row) =>
    group.filter((record) => relL2(record) > 0).map((record) => ({ record, row })),
  );
  const groups = [...groupBy(placed, ({ record }) => record.family)];
  return groups.map(([family, points], place) => ({
    ...markerStyle(family),
    label: familyLabel(family),
    records: points.map(({ record }) => record),
    data: points.map(({ record, row }) => ({ x: relL2(record), y: row + lane(place, groups.length) })),
    pointRadius: 3.5,
  }));
};

const limitMarks = (rows) => ({
  label: "limit",
  data: rows.flatMap((group, row) =>
    [...new Set(group.map(relL2Limit).filter((limit) => limit > 0))].map((limit) => ({ x: limit, y: row })),
  ),
  pointStyle: "line",
  rotation: 90,
  pointRadius: 9,
  pointHoverRadius: 9,
  borderColor: styleOf("--bad"),
  backgroundColor: styleOf("--bad"),
  pointBorderWidth: 3,
});

const errorChart = (rows) => {
  const datasets = [...errorPoints(rows), limitMarks(rows)];
  const range = logarithmicRange(datasets.flatMap((set) => set.data.map(({ x }) => x)));
  const label = (row) => {
    const name = rows[row] ? problemName(problemOf(rows[row][0])) : "";
    const most = narrow() ? 14 : 34;
    return name.length > most ? `${name.slice(0, most - 1)}…` : name;
  };
  return {
    type: "scatter",
    data: { datasets },
    options: {
      scales: {
        x: logarithmicAxis("rel_l2", ...range, (value) => value.toExponential(0)),
        y: axis("", {
          min: -0.6,
          max: rows.length - 0.4,
          reverse: true,
          afterBuildTicks: (scale) => {
            scale.ticks = rows.map((_, value) => ({ value }));
          },
          title: { display: false },
          ticks: { autoSkip: false, callback: label },
        }),
      },
      plugins: {
        tooltip: {
          callbacks: {
            ...recordTooltip,
            label: (item) => {
              const record = item.dataset.records?.[item.dataIndex];
              if (!record) return `rel_l2 ${errorText(item.parsed.x)}`;
              return `rel_l2 ${errorText(relL2(record))}, ${percent(limitShare(record), 0)} of the limit`;
            },
          },
        },
      },
    },
  };
};

const errorColumns = () => [
  variantColumn,
  { title: "rel_l2", value: (record) => record.check.rel_l2, show: errorText, numeric: true },
  { title: "limit", value: (record) => record.check.limit?.rel_l2, show: errorText, numeric: true },
  { title: "of limit", value: limitShare, show: (share) => percent(share, 0), numeric: true },
  problemColumn,
  { title: "max_abs", value: (record) => record.check.max_abs, show: errorText, numeric: true },
  { title: "status", value: (record) => record.status },
];

const drawErrors = () => {
  const checked = fileRecords().filter((record) => record.check);
  const rows = errorRows(checked);
  const drawable = rows.some((group) => group.some((record) => relL2(record) > 0));
  const undrawn = checked.filter((record) => relL2(record) === null).length;
  const all = new Set(checked.map((record) => record.problem)).size;
  if (!showSection("errors", checked.length > 0)) return;
  setCaption(
    "errors",
    "Relative L2 error of every checked variant against attention in FP32 on the same inputs; a variant left of its " +
      "problem's upright bar passes. The limit is twice the error of an unfused attention in the same dtype, plus a small " +
      "floor." +
      (undrawn > 0 ? ` ${undrawn} records have no finite error and are only in the table.` : "") +
      (all > rows.length ? ` The ${rows.length} of ${all} problems nearest to their limit are drawn.` : ""),
  );
  drawFigure("errors", {
    height: drawable ? 110 + 24 * rows.length : 0,
    label: `Dots: relative L2 error of ${checked.length} records, with the limit of each problem.`,
    columns: errorColumns(),
    rows: checked,
    chart: drawable ? errorChart(rows) : null,
  });
};
