// Colours, markers and patterns: a family looks alike in every chart, and differs by more than its colour.

const isDark = () => matchMedia("(prefers-color-scheme: dark)").matches;
const styleOf = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// Told apart with any of the usual colour-vision deficiencies (after Okabe and Ito, "Color Universal Design",
// 2008); darkened or lightened until each has a contrast of 4.5 against the page.
const lightPalette = ["#00669e", "#b34700", "#00735a", "#9c3f7f", "#7a5c00", "#4a4f57", "#5b48b5", "#a3263a"];
const darkPalette = ["#5cb8ee", "#ff9a5c", "#35c79c", "#e39cc6", "#e8d44d", "#b9c0ca", "#b3a5ff", "#ff8f9c"];
const markers = ["circle", "rect", "triangle", "rectRot", "rectRounded"];

const familyPlace = (family) => Math.max(0, families.indexOf(family));

const familyColor = (family) => {
  const palette = isDark() ? darkPalette : lightPalette;
  return palette[familyPlace(family) % palette.length];
};

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
  pointStyle: markers[familyPlace(family) % markers.length],
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
