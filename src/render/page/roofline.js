// The roofline: TFLOP/s against arithmetic intensity under the ceilings that the run measured (Williams, Waterman,
// Patterson, "Roofline", 2009), with the exponential unit as a further ceiling.

const rooflineTflops = (record) => tflops(record, rooflineClock(record));
const intensity = (record) => problemOf(record).flops / problemOf(record).bytes;

// Ceilings follow from the floors of the records: work over the shortest time that it can take. Equal ones, up to
// rounding, become one.
const ceilings = (records, workOf, floorName) => {
  const groups = groupBy(
    records.filter((record) => finite(record.roofline?.[floorName]) > 0),
    (record) => (workOf(problemOf(record)) / record.roofline[floorName] / 1e6).toPrecision(2),
  );
  return [...groups.values()].map((group) => ({
    value: workOf(problemOf(group[0])) / group[0].roofline[floorName] / 1e6,
    families: [...new Set(group.map((record) => record.family))],
  }));
};

const roofLine = (label, points, dash) => ({
  type: "line",
  label,
  data: points,
  borderColor: styleOf(dash ? "--faint" : "--text"),
  backgroundColor: styleOf(dash ? "--faint" : "--text"),
  borderDash: dash,
  borderWidth: 1.5,
  pointRadius: 0,
  pointHitRadius: 0,
  pointStyle: "line",
});

// The slope of the memory ceiling up to where it meets the roof, then the roof.
const underRoof = (roof, bandwidth, [low, high]) => {
  const ridge = bandwidth ? roof / bandwidth : low;
  if (ridge <= low) return [{ x: low, y: roof }, { x: high, y: roof }];
  if (ridge >= high) return [{ x: low, y: bandwidth * low }, { x: high, y: bandwidth * high }];
  return [{ x: low, y: bandwidth * low }, { x: ridge, y: roof }, { x: high, y: roof }];
};

const roofs = (records, range) => {
  const memory = ceilings(records, (problem) => problem.bytes, "memory_floor_us")[0]?.value;
  const arithmetic = ceilings(records, (problem) => problem.flops, "arithmetic_floor_us").map((roof, place, all) => {
    const whose = all.length > 1 ? ` of ${roof.families.join(", ")}` : "";
    return roofLine(`arithmetic${whose}: ${significant(roof.value)} TFLOP/s`, underRoof(roof.value, memory, range));
  });
  // The FLOPs an exponential stands for grow with head_dim.
  const size = data.problems[selection.problem].head_dim;
  const alike = records.filter((record) => problemOf(record).head_dim === size);
  const exponential = ceilings(alike, (problem) => problem.flops, "exponential_floor_us").map((roof) =>
    roofLine(
      `exponentials (dashed), head_dim ${size}: ${significant(roof.value)} TFLOP/s`,
      underRoof(roof.value, memory, range),
      [3, 3],
    ),
  );
  return [...arithmetic, ...exponential];
};

const rooflinePoints = (records) =>
  [...groupBy(records, (record) => record.family)].map(([family, points]) => ({
    ...markerStyle(family),
    type: "scatter",
    label: familyLabel(family),
    records: points,
    data: points.map((record) => ({ x: intensity(record), y: rooflineTflops(record) })),
    pointRadius: points.map((record) => (record.problem === selection.problem ? 6.5 : 3.5)),
  }));

const rooflineChart = (records) => {
  const range = logarithmicRange(records.map(intensity));
  const datasets = roofs(records, range);
  const points = rooflinePoints(records);
  const heights = [...points, ...datasets].flatMap((set) => set.data.map(({ y }) => y));
  const [low, high] = logarithmicRange(heights);
  return {
    type: "scatter",
    data: { datasets: [...points, ...datasets] },
    options: {
      scales: {
        x: logarithmicAxis("arithmetic intensity, FLOP a byte", ...range),
        y: logarithmicAxis("TFLOP/s", low, high, (value) => significant(value, 1)),
      },
      plugins: {
        tooltip: {
          callbacks: {
            ...recordTooltip,
            label: (item) => {
              const record = item.dataset.records?.[item.dataIndex];
              if (!record) return "";
              const reached = finite(record.roofline.percent_of_floor);
              return [
                problemName(problemOf(record)),
                `${significant(item.parsed.y)} TFLOP/s (${clockNames[rooflineClock(record)]})`,
                `${significant(reached)} % of the ${record.roofline.bound} ceiling`,
              ];
            },
          },
        },
      },
    },
  };
};

const rooflineColumns = () => [
  variantColumn,
  problemColumn,
  { title: "FLOP a byte", value: intensity, show: threeDigits },
  { title: "TFLOP/s", value: rooflineTflops, show: threeDigits },
  { title: "bound by", value: (record) => record.roofline.bound },
  { title: "% of ceiling", value: (record) => finite(record.roofline.percent_of_floor), show: threeDigits },
];

const drawRoofline = () => {
  const timed = fileRecords().filter((record) => isRight(record) && record.roofline && rooflineClock(record));
  const records = [...groupBy(timed, (record) => record.problem).values()].flatMap((ofProblem) =>
    bestOfFamilies(ofProblem, rooflineClock(ofProblem[0])),
  );
  if (!showSection("roofline", records.length > 0)) return;
  const memory = ceilings(records, (problem) => problem.bytes, "memory_floor_us")[0]?.value;
  setCaption(
    "roofline",
    "The fastest right variant of each family on each problem, timed with cold inputs where that was done, under the " +
      `ceilings of the device${memory ? `; the slope is its memory at ${significant(memory)} TB/s` : ""}. Large ` +
      "markers are the chosen problem, open ones peers. Bytes are the compulsory ones: each tensor once.",
  );
  drawFigure("roofline", {
    height: 480,
    label: `Roofline: ${records.length} records under the ceilings of arithmetic, exponentials and memory.`,
    columns: rooflineColumns(),
    rows: records,
    chart: rooflineChart(records),
  });
};
