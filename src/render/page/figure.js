// A chart in its section, with a description for screen readers and its figures as a table.

const charts = new Map(); // by the section's id

const narrow = () => innerWidth < 640;

const axis = (title, options = {}) => ({
  ...options,
  title: { display: true, text: title, color: styleOf("--text") },
  grid: { color: styleOf("--grid"), borderColor: styleOf("--faint"), ...options.grid },
  ticks: { color: styleOf("--text"), ...options.ticks },
});

// Logarithmic, labelled at 1, 2 and 5 of each decade, or only at its powers when space is short.
const logarithmicAxis = (title, low, high, label = (value) => String(value)) => {
  const steps = high / low > (narrow() ? 30 : 300) ? [1] : [1, 2, 5];
  return axis(title, {
    type: "logarithmic",
    min: low,
    max: high,
    ticks: {
      maxRotation: 0,
      callback: (value) => (steps.includes(Number(value.toExponential(6).split("e")[0])) ? label(value) : null),
    },
  });
};

// The nearest 1, 2 or 5 of a decade below and above all values, for such an axis.
const logarithmicRange = (values) => {
  const nice = (value, step) => {
    const decade = 10 ** Math.floor(Math.log10(value));
    return decade * step(value / decade);
  };
  const below = (digits) => [5, 2, 1].find((digit) => digit <= digits);
  const above = (digits) => [1, 2, 5, 10].find((digit) => digit >= digits);
  return [nice(Math.min(...values) / 1.1, below), nice(Math.max(...values) * 1.1, above)];
};

const chartDefaults = () => ({
  animation: false,
  responsive: true,
  maintainAspectRatio: false,
  layout: { padding: 4 },
  interaction: { mode: "nearest", intersect: true },
  plugins: {
    legend: {
      position: "bottom",
      labels: { color: styleOf("--text"), usePointStyle: true, boxWidth: 12, boxHeight: 6, padding: 14 },
    },
  },
});

// A chart's options over the defaults: plugins are merged, other options replaced.
const chartOptions = (options) => {
  const defaults = chartDefaults();
  return { ...defaults, ...options, plugins: { ...defaults.plugins, ...options.plugins } };
};

// Shows or hides a section; nothing is drawn in a hidden one.
const showSection = (id, shown) => {
  byId(id).hidden = !shown;
  if (!shown) {
    charts.get(id)?.destroy();
    charts.delete(id);
  }
  return shown;
};

// Draws a section's chart again.
//   figure.chart    null where only the table has figures
//   figure.height   of the drawing, in CSS pixels
//   figure.label    what the chart shows, in a sentence
//   figure.columns, figure.rows   the same figures as a table, see makeTable
const drawFigure = (id, figure) => {
  charts.get(id)?.destroy();
  makeTable(id, figure.columns, figure.rows);
  charts.delete(id);
  const box = within(id, ".chart");
  box.hidden = figure.chart === null;
  if (box.hidden) return;
  box.style.height = `${figure.height}px`;
  const canvas = box.querySelector("canvas");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", figure.label);
  const { type, data: datasets, options, plugins } = figure.chart;
  charts.set(id, new Chart(canvas, { type, data: datasets, options: chartOptions(options), plugins }));
};

Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
