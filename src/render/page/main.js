// The choices at the top of the page, and the drawing of all sections.

const byId = (id) => document.getElementById(id);

const drawAll = () => {
  drawHead();
  drawConclusion();
  drawNotices();
  drawOverview();
  drawLadder();
  drawSequence();
  drawRoofline();
  drawTiles();
  drawErrors();
  drawResources();
  drawRecords();
};

const chooseProblem = () => {
  selection.problem = Number(byId("problem").value);
  fillSelect(
    byId("clock"),
    clocksOf(fileRecords()).map((clock) => [clock, `${clockNames[clock]} (${clock})`]),
  );
  selection.clock = byId("clock").value || data.clocks[0].field;
  drawAll();
};

const chooseFile = () => {
  selection.file = Number(byId("file").value);
  fillSelect(
    byId("problem"),
    fileProblems().map((problem) => [problem.index, problemName(problem)]),
  );
  chooseProblem();
};

// Charts place their text once: they are drawn again when the width or the colour scheme changes.
const redrawOn = (query) => matchMedia(query).addEventListener("change", drawAll);

const start = () => {
  const reported = data.files.map((file, index) => [index, file.name]).filter(([index]) =>
    data.problems.some((problem) => problem.file === index),
  );
  fillSelect(byId("file"), reported);
  byId("file-choice").hidden = reported.length < 2;
  byId("controls").addEventListener("submit", (event) => event.preventDefault());
  byId("file").addEventListener("change", chooseFile);
  byId("problem").addEventListener("change", chooseProblem);
  byId("clock").addEventListener("change", chooseProblem);
  byId("shape").addEventListener("change", drawSequence);
  byId("tile-family").addEventListener("change", drawTiles);
  byId("ladder-all").addEventListener("change", drawLadder);
  byId("search").addEventListener("input", drawRecords);
  redrawOn("(prefers-color-scheme: dark)");
  redrawOn("(max-width: 639px)");
  drawEnvironment();
  drawComparison();
  chooseFile();
};

start();
