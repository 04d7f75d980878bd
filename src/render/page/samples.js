// The distribution of samples: a strip per timing, with all samples as dots, on one axis.

const svg = (tag, attributes, ...children) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
};

// A timing that takes so many times the fastest one is named, but not drawn: it would press the others together.
const mostTimes = 3;

const samplesOf = (record, clock) => (record.timing?.[clock]?.samples ?? []).map(finite).filter((us) => us !== null);
const intervalOf = (record, clock) => (record.timing?.[clock]?.ci95 ?? []).map(finite).filter((us) => us !== null);

const axisOf = (timings) => {
  const values = timings.flatMap(({ record, clock }) => [
    ...samplesOf(record, clock),
    ...intervalOf(record, clock),
    median(record, clock),
  ]);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = (high - low || high) * 0.04;
  const place = (us) => `${((100 * (us - low + room)) / (high - low + 2 * room)).toFixed(2)}%`;
  return { low, high, place, share: (from, to) => `${((100 * (to - from)) / (high - low + 2 * room)).toFixed(2)}%` };
};

const stripLabel = (record, clock) => {
  const samples = samplesOf(record, clock);
  const [low, high] = intervalOf(record, clock);
  const [least, most] = [Math.min(...samples), Math.max(...samples)];
  const range = samples.length > 0 ? `${samples.length} samples from ${fourDigits(least)} to ${fourDigits(most)} µs, ` : "";
  const interval = `95 % interval ${fourDigits(low)} to ${fourDigits(high)} µs`;
  return `${range}median ${fourDigits(median(record, clock))} µs, ${interval}`;
};

const strip = ({ record, clock }, axis) => {
  const color = familyColor(record.family);
  const parts = [];
  const [low, high] = intervalOf(record, clock);
  if (high !== undefined) {
    const width = axis.share(low, high);
    parts.push(svg("rect", { x: axis.place(low), width, y: 3, height: 22, fill: color, opacity: 0.25 }));
  }
  // Side by side in height, so that equal samples are seen as several.
  samplesOf(record, clock).forEach((us, turn) => {
    parts.push(svg("circle", { cx: axis.place(us), cy: 14 + 3 * ((turn % 5) - 2), r: 2.5, fill: color, opacity: 0.8 }));
  });
  const middle = axis.place(median(record, clock));
  parts.push(svg("line", { x1: middle, x2: middle, y1: 0, y2: 28, stroke: "currentColor", "stroke-width": 2 }));
  return svg("svg", { class: "strip", role: "img", "aria-label": stripLabel(record, clock) }, ...parts);
};

const stripRow = (timing, axis, isNear) => {
  const { record, clock, name } = timing;
  const drawn = isNear ? strip(timing, axis) : element("span", { class: "faint" }, "beyond this axis");
  return element("div", { class: "strip-row" }, name, drawn, element("span", {}, `${timeText(record, clock)}`));
};

const stripNote = (timings) => {
  const without = timings.filter(({ record, clock }) => samplesOf(record, clock).length === 0).length;
  const short = timings.some(({ record }) => record.falls_short);
  return [
    "Dots are samples in µs, the bar is the median, its field the 95 % interval of the median.",
    without > 0 &&
      `The samples of ${without} timings are not in this page, which would be too large; result files have them.`,
    short && `‡ ${data.files[selection.file].falls_short_means}.`,
  ]
    .filter(Boolean)
    .join(" ");
};

// Timings {record, clock, name: node}, on one axis.
const strips = (timings) => {
  const best = Math.min(...timings.map(({ record, clock }) => median(record, clock)));
  const isNear = ({ record, clock }) => median(record, clock) <= mostTimes * best;
  const axis = axisOf(timings.filter(isNear));
  const ends = element("div", { class: "strip-axis" }, ...[axis.low, (axis.low + axis.high) / 2, axis.high].map(
    (us) => element("span", {}, `${fourDigits(us)} µs`)));
  const rows = timings.map((timing) => stripRow(timing, axis, isNear(timing)));
  return element("div", { class: "strips" }, ...rows, element("div", { class: "strip-row" }, "", ends, ""),
    element("p", { class: "caption" }, stripNote(timings)));
};
