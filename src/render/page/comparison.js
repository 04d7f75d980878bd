// The verdicts of a comparison with a base, if the page has one.

const verdictOrder = ["broken", "slower", "missing", "unclear", "faster", "new", "same"];
const verdictSigns = { broken: "✖", slower: "▼", missing: "∅", unclear: "?", faster: "▲", new: "+", same: "=" };
const outcomeTexts = { fine: "No regression", regression: "A regression", cannot_tell: "Cannot tell" };

const change = (ratio) => `${ratio < 1 ? "−" : "+"}${(100 * Math.abs(ratio - 1)).toFixed(1)}\u202f%`;
const shownChange = (ratio) => (ratio === null || ratio === undefined ? nothing : change(ratio));

const verdictMark = (rank) => {
  const verdict = verdictOrder[rank];
  return element("span", { class: `verdict ${verdict}` }, `${verdictSigns[verdict]} ${verdict}`);
};

const comparisonColumns = [
  {
    title: "variant",
    value: (row) => row.variant,
    show: (variant) => variantCell({ variant, family: variant.split("/")[0] }),
  },
  {
    title: "verdict",
    value: (row) => verdictOrder.indexOf(row.verdict),
    show: verdictMark,
    numeric: false,
    stays: true,
  },
  { title: "base µs", value: (row) => finite(row.base_us), show: fourDigits, smallFirst: true },
  { title: "new µs", value: (row) => finite(row.new_us), show: fourDigits, smallFirst: true },
  { title: "change", value: (row) => row.ratio?.value, show: shownChange, numeric: true },
  {
    title: "interval",
    value: (row) => row.ratio?.low,
    show: (low, row) => (row.ratio ? `${change(low)} … ${change(row.ratio.high)}` : nothing),
    numeric: true,
  },
  { title: "problem", value: (row) => row.problem },
  { title: "note", value: (row) => row.note, show: (note) => note ?? "", wraps: true },
];

const drawComparison = () => {
  const { comparison } = data;
  if (!showSection("comparison", Boolean(comparison))) return;
  const counts = Object.entries(comparison.counts).filter(([, count]) => count > 0);
  const reasons = comparison.reasons.length > 0 ? `: ${comparison.reasons.join("; ")}` : "";
  setCaption(
    "comparison",
    `${outcomeTexts[comparison.outcome]}${reasons}. ${counts.map(([verdict, n]) => `${n} ${verdict}`).join(", ")}. ` +
      "A change is the new time over the base; its interval has the confidence of the verdict.",
  );
  within("comparison", ".differences").replaceChildren(...comparison.differences.map((text) => element("li", {}, text)));
  const rank = (row) => verdictOrder.indexOf(row.verdict);
  const rows = [...comparison.rows].sort((a, b) => rank(a) - rank(b));
  makeTable("comparison", comparisonColumns, rows, { rowsAtFirst: 12 });
};
