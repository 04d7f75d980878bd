// Colours, markers and patterns: a family looks alike in every chart, and differs by more than its colour.

const isDark = () => matchMedia("(prefers-color-scheme: dark)").matches;
const styleOf = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// The one table of looks. A family keeps its look on every page; one without a row gets a free one. Families that share
// a row run on different devices. Colours are told apart with any of the usual colour-vision deficiencies (after Okabe and
// Ito, "Color Universal Design", 2008), darkened or lightened until each has a contrast of 4.5 against the page and
// against a row under the pointer. Marks are text: filled, and open for peers.
const looks = [
  { of: ["wgmma", "cpu_fused"], light: "#00669e", dark: "#5cb8ee", marker: "circle", filled: "●", open: "○" },
  { of: ["mma"], light: "#b34700", dark: "#ff9a5c", marker: "rect", filled: "■", open: "□" },
  { of: ["peer_cudnn"], light: "#00735a", dark: "#35c79c", marker: "triangle", filled: "▲", open: "△" },
  { of: ["peer_fa3"], light: "#9c3f7f", dark: "#e39cc6", marker: "rectRot", filled: "◆", open: "◇" },
  { of: ["peer_fa4"], light: "#7a5c00", dark: "#e8d44d", marker: "circle", filled: "●", open: "○" },
  { of: ["scalar", "cpu_scalar"], light: "#4a4f57", dark: "#b9c0ca", marker: "rect", filled: "■", open: "□" },
  { of: ["wmma"], light: "#5b48b5", dark: "#b3a5ff", marker: "triangle", filled: "▲", open: "△" },
  { of: ["wgmma_fp8"], light: "#a3263a", dark: "#ff8f9c", marker: "rectRot", filled: "◆", open: "◇" },
  { of: ["peer_torch_cudnn"], light: "#006d77", dark: "#6fd3dc", marker: "rect", filled: "■", open: "□" },
  { of: ["wmma_async"], light: "#8a4b00", dark: "#d9a066", marker: "triangle", filled: "▲", open: "△" },
  { of: ["peer_torch_flash"], light: "#3d6b00", dark: "#a3d65c", marker: "rectRot", filled: "◆", open: "◇" },
  { of: ["mma_fp8"], light: "#7b2d8e", dark: "#d79bf0", marker: "circle", filled: "●", open: "○" },
];

const lookOf = (() => {
  const known = new Map(looks.flatMap((look) => look.of.map((family) => [family, look])));
  const used = new Set(families.map((family) => known.get(family)));
  const free = [...looks.filter((look) => !used.has(look)), ...looks];
  const others = families.filter((family) => !known.has(family));
  others.forEach((family, place) => known.set(family, free[place % free.length]));
  return known;
})();

const familyLook = (family) => lookOf.get(family) ?? looks[0];
const familyColor = (family) => familyLook(family)[isDark() ? "dark" : "light"];
const familyMark = (family) => familyLook(family)[isPeer(family) ? "open" : "filled"];

// Diagonal stripes for peers, so that colour is not needed to recognise them.
const striped = (color) => {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 8;
  const context = tile.getContext("2d");
  context.strokeStyle = color;
  context.lineWidth = 2;
  for (const offset of [-8, 0, 8]) {
    context.moveTo(offset, 8);
    context.lineTo(offset + 8, 0);
  }
  context.stroke();
  return context.createPattern(tile, "repeat");
};

const barFill = (family) => (isPeer(family) ? striped(familyColor(family)) : familyColor(family));

// Filled markers and solid lines are this project's; open markers and dashed lines are peers'.
const markerStyle = (family) => ({
  borderColor: familyColor(family),
  backgroundColor: isPeer(family) ? styleOf("--page") : familyColor(family),
  pointStyle: familyLook(family).marker,
  clip: false, // a marker at the edge is drawn whole
  pointRadius: 5,
  pointHoverRadius: 7,
  pointBorderWidth: 2,
  borderWidth: 2,
  borderDash: isPeer(family) ? [6, 4] : [],
});

// Relative luminance and contrast as WCAG 2.1 defines them.
const luminance = (rgb) => {
  const [red, green, blue] = rgb.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};

// Shades of one hue, ordered by lightness. Either black or white text has a contrast of 4.5 or more on each.
const heatStyle = (share) => {
  const [from, to] = isDark()
    ? [[26, 37, 48], [124, 196, 242]]
    : [[238, 244, 249], [8, 66, 110]];
  const color = from.map((part, place) => Math.round(part + share * (to[place] - part)));
  const light = luminance(color);
  return {
    background: `rgb(${color.join(" ")})`,
    color: (light + 0.05) / 0.05 > 1.05 / (light + 0.05) ? "#000000" : "#ffffff",
  };
};
