// Heat maps of one family on one problem: the best throughput of each block_q and block_kv over all else.

const drawTiles = () => {
  const tiled = problemRecords().filter((record) => record.spec?.block_q > 0 && record.spec?.block_kv > 0);
  const tiledFamilies = [...groupBy(tiled, (record) => record.family).keys()];
  const best = fastest(tiled);
  if (!showSection("tiles", best !== null)) return;
  const family = fillSelect(byId("tile-family"), tiledFamilies.map((name) => [name, name]), best.family);
  const records = tiled.filter((record) => record.family === family);
  setCaption(
    "tiles",
    `TFLOP/s of ${family} on ${data.problems[selection.problem].sizes}: the best variant of each ` +
      `tile over its other parameters, by the ${clockNames[selection.clock]} clock. The ★ marks the best.`,
  );
  within("tiles", ".heat-map").replaceChildren(heatMap(records));
};

const heatMap = (records) => {
  const timed = records.filter((record) => isTimed(record));
  if (timed.length === 0) return element("p", { class: "empty" }, "No tile of this problem was timed.");
  const sizes = (name) => [...new Set(records.map((record) => record.spec[name]))].sort((a, b) => a - b);
  const widths = sizes("block_kv");
  const best = fastest(timed);
  const head = widths.map((width) => element("th", { scope: "col" }, String(width)));
  const rows = sizes("block_q").map((height) => {
    const cells = widths.map((width) => {
      const here = records.filter((record) => record.spec.block_q === height && record.spec.block_kv === width);
      return heatCell(here, best);
    });
    return element("tr", {}, element("th", { scope: "row" }, String(height)), ...cells);
  });
  return element(
    "table",
    {},
    element("caption", {}, "TFLOP/s; rows block_q, columns block_kv"),
    element("thead", {}, element("tr", {}, element("td"), ...head)),
    element("tbody", {}, ...rows),
  );
};

const heatCell = (records, best) => {
  if (records.length === 0) return element("td", { class: "missing" }, "");
  const here = fastest(records);
  if (here === null) {
    return element("td", { class: "missing", title: records[0].reason ?? "" }, records[0].status);
  }
  const cell = element(
    "td",
    { title: here.variant },
    element("strong", {}, `${here === best ? "★ " : ""}${significant(tflops(here))}`),
    element("small", {}, tileName(here).replace(/^q\d+ kv\d+ ?/, "")),
  );
  Object.assign(cell.style, heatStyle(tflops(here) / tflops(best)));
  return cell;
};
