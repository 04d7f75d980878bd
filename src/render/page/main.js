// The choices at the top of the page, its contents, and the drawing of all sections.

const byId = (id) => document.getElementById(id);

const goTo = (id) => {
  byId(id).scrollIntoView();
  const title = within(id, "h2");
  title.tabIndex = -1;
  title.focus({ preventScroll: true });
};

const contentsEntry = (section) => {
  const link = element("button", { type: "button" }, section.querySelector("h2").textContent);
  link.addEventListener("click", () => goTo(section.id));
  return element("li", {}, link);
};

// Of the sections that have something to show.
const drawContents = () => {
  const sections = [...document.querySelectorAll("main section:not([hidden])")];
  within("contents", "ul").replaceChildren(...sections.map(contentsEntry));
};

const applyState = () => {
  const reported = data.files.filter(({ records }) => records > 0);
  const file = fillSelect(byId("file"), reported.map(({ name }) => [name, name]), richest(reported).name);
  selection.file = data.files.findIndex(({ name }) => name === file);
  byId("file-choice").hidden = reported.length < 2;
  const problems = fileProblems();
  const problem = fillSelect(byId("problem"), problems.map(({ key }) => [key, key]));
  selection.problem = problems.find(({ key }) => key === problem).index;
  const clocks = clocksOf(fileRecords()).map((clock) => [clock, `${clockNames[clock]} (${clock})`]);
  selection.clock = fillSelect(byId("clock"), clocks) ?? data.clocks[0].field;
  byId("ladder-all").checked = state.get("ladder-all") === "yes";
  byId("search").value = state.get("search") ?? "";
};

const drawAll = () => {
  applyState();
  drawHead();
  drawNotices();
  drawOverview();
  drawComparison();
  drawTrend();
  drawLadder();
  drawSequence();
  drawRoofline();
  drawTiles();
  drawErrors();
  drawResources();
  drawRecords();
  drawEnvironment();
  drawContents();
};

// Charts place their text once: they are drawn again when the width or the colour scheme changes.
const redrawOn = (query) => matchMedia(query).addEventListener("change", drawAll);

// What a change of a choice draws again.
const redraws = {
  file: drawAll,
  problem: drawAll,
  clock: drawAll,
  shape: drawSequence,
  "tile-family": drawTiles,
  "trend-variant": drawTrend,
};

const start = () => {
  document.body.addEventListener("submit", (event) => event.preventDefault());
  for (const [id, redraw] of Object.entries(redraws)) {
    byId(id).addEventListener("change", () => {
      setState(id, byId(id).value);
      redraw();
    });
  }
  byId("ladder-all").addEventListener("change", () => {
    setState("ladder-all", byId("ladder-all").checked ? "yes" : "");
    drawLadder();
  });
  byId("search").addEventListener("input", () => {
    setState("search", byId("search").value);
    drawRecords();
  });
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    goTo("overview");
  });
  addEventListener("hashchange", () => {
    state = new URLSearchParams(location.hash.slice(1));
    drawAll();
  });
  redrawOn("(prefers-color-scheme: dark)");
  redrawOn("(max-width: 639px)");
  offerDownloads();
  drawAll();
};

start();
