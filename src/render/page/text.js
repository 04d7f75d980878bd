// Numbers as people read them, and elements of the page. Text of the data becomes text nodes, never markup.

const nothing = "–";
const spaced = (value, unit) => `${value}\u202f${unit}`;

// So many significant digits, without an exponent.
const significant = (value, digits = 3) => {
  if (value === null || value === undefined) return nothing;
  if (!Number.isFinite(value)) return String(value);
  if (value === 0) return "0";
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(decimals, 12));
};

const threeDigits = (value) => significant(value);
const fourDigits = (value) => significant(value, 4);
const wholeNumber = (value) => (value === null ? nothing : String(value));

// Two digits and a short exponent, "2.4e-4"; the words nan and inf as they are.
const errorText = (value) => {
  if (value === null || value === undefined) return nothing;
  return typeof value === "number" ? value.toExponential(1) : String(value);
};

const percent = (share, digits = 1) => (share === null ? nothing : spaced((100 * share).toFixed(digits), "%"));
const times = (ratio) => (ratio === null ? nothing : `${significant(ratio)}×`);
const kibibytes = (bytes) => (bytes ? spaced(significant(bytes / 1024), "KiB") : "0");

// The variant without dtype and head_dim, which its problem states: "q32 kv128 w8 s2".
const tileName = (record) => record.variant.replace(/^[^/]*\/[a-z0-9]+_d\d+_?/, "").replaceAll("_", " ");
const shortName = (record) => `${familyLabel(record.family)} ${tileName(record)}`.trim();

const element = (tag, attributes = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
};

const within = (id, selector) => document.querySelector(`#${id} ${selector}`);
const setCaption = (id, text) => {
  within(id, ".caption").textContent = text;
};

// Explains the sign at rows that fall short, below a section's table, when one of the records has it.
const noteShort = (id, records) => {
  const note = within(id, ".short-note");
  note.hidden = !records.some((record) => record?.falls_short);
  note.textContent = `‡ ${data.files[selection.file].falls_short_means}`;
};

// Ids of variants stay as they are.
const asSentence = (text) => `${/^[^ ]*\//.test(text) ? text[0] : text[0].toUpperCase()}${text.slice(1)}.`;

// A family's mark and colour before the text, as in the charts; not part of the text.
const chip = (family) =>
  element("span", { class: "chip", "data-mark": familyMark(family), style: `color: ${familyColor(family)}` });

// An id breaks behind its parts.
const breakable = (id) => id.split(/(?<=[_/])/).flatMap((part, place) => (place > 0 ? [element("wbr"), part] : [part]));
const variantCell = (record) =>
  element("span", { class: "variant" }, chip(record.family), ...breakable(record.variant));

// "5.483 ±0.4 %, n 15 ‡".
const timeText = (record, clock = selection.clock) => {
  const value = median(record, clock);
  if (value === null) return nothing;
  const half = halfInterval(record, clock);
  const spread = half === null ? "" : ` ±${(100 * half).toFixed(1)}\u202f%`;
  return `${significant(value, 4)}${spread}, n\u202f${sampleCount(record, clock)}${shortSign(record)}`;
};
