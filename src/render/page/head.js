// The head of the page: the answer of each device, what the chosen file is, and what makes its times less certain.

const environmentOf = (file) => file.environment ?? {};
const deviceName = (file) => environmentOf(file).device?.name ?? "unknown device";

// The file with the most records; of several, the newest.
const richest = (files) => {
  const time = (file) => environmentOf(file).time ?? "";
  return files.reduce((best, file) =>
    file.records > best.records || (file.records === best.records && time(file) > time(best)) ? file : best,
  );
};

// The chosen file, then the richest of each other device.
const headlineFiles = () => {
  const chosen = data.files[selection.file];
  const others = data.files.filter((file) => file.records > 0 && deviceName(file) !== deviceName(chosen));
  return [chosen, ...[...groupBy(others, deviceName).values()].map(richest)];
};

const drawHeadlines = () => {
  const outcome = data.comparison?.outcome;
  const verdict = data.verdict ? [element("p", { class: `headline ${outcome}` }, asSentence(data.verdict))] : [];
  const files = headlineFiles();
  const answers = files.map((file) => {
    const from = files.length > 1 ? [" ", element("small", {}, `(${file.name})`)] : [];
    return element("p", { class: verdict.length > 0 ? "second" : "headline" }, asSentence(file.headline), ...from);
  });
  byId("headlines").replaceChildren(...verdict, ...answers);
};

const drawHead = () => {
  drawHeadlines();
  const file = data.files[selection.file];
  const { time, git } = environmentOf(file);
  const inPage = fileRecords().length;
  const statuses = Object.entries(file.statuses).map(([status, count]) => `${count} ${status}`);
  const further = file.conclusion.filter((sentence) => !file.headline.endsWith(sentence));
  byId("means").replaceChildren(...further.map((sentence) => element("p", {}, asSentence(sentence))));
  byId("summary").textContent = [
    file.name,
    `${file.records} records (${statuses.join(", ")})`,
    inPage < file.records && `${inPage} of them in this page: the fastest of each family, baselines and failures`,
    `${fileProblems().length} problems`,
    time && `taken ${time}`,
    git?.commit && `commit ${git.commit.slice(0, 12)}`,
  ]
    .filter(Boolean)
    .join(" · ");
};

// Warnings about the chosen file.
const notices = () => {
  const file = data.files[selection.file];
  const wrong = Object.entries(file.statuses).filter(([status]) => !["ok", "unsupported"].includes(status));
  const devices = new Set(data.files.map(deviceName));
  return [
    ...wrong.map(([status, count]) => `${count} of ${file.records} records failed: ${status}.`),
    environmentOf(file).git?.dirty && "The program was built from files that are not in its commit.",
    ...file.cautions.map(asSentence),
    devices.size > 1 && `The files come from different devices: ${[...devices].join(", ")}.`,
  ].filter(Boolean);
};

const drawNotices = () => {
  const texts = notices();
  byId("notices").hidden = texts.length === 0;
  within("notices", "summary").textContent = texts.length === 1 ? "One caution" : `${texts.length} cautions`;
  within("notices", "ul").replaceChildren(...texts.map((text) => element("li", {}, text)));
};
