/* The drill-down: choose a prompt, see its clips side by side, and below them all scores with their evidence. */

const DATA = JSON.parse(document.getElementById("run-data").textContent);
const evidenceOf = (index) => JSON.parse(document.getElementById(`evidence-${index}`).textContent);
const state = { prompt: 0, seed: DATA.seeds[0], task: "", tags: new Map(), column: "", metric: "", words: "", hidden: new Set(), opened: new Set() };
let clock = new Clock();
let urls = [];

DATA.cells.forEach((cell, index) => (cell.index = index));

const cellsOf = (prompt, seed) => DATA.cells.filter((cell) => cell.p === prompt && cell.s === seed);
const scoreOf = (cell, column) => cell.scores.find((score) => score.c === column);
const valuesOf = (prompt, tag) => (Object.hasOwn(prompt.tags, tag) ? prompt.tags[tag] : []);
const metricOf = (column) => DATA.columns[column].name.split(".")[0];

/** Indices of the prompts that match the filters, in suite order or, with a measure chosen, by the spread of its values. */
function chosenPrompts() {
  const words = state.words.trim().toLowerCase();
  const matches = DATA.prompts.map((_, index) => index).filter((index) => {
    const prompt = DATA.prompts[index];
    const tagged = [...state.tags].every(([tag, value]) => !value || valuesOf(prompt, tag).includes(value));
    return tagged && (!state.task || prompt.task === state.task) && (!words || `${prompt.id} ${prompt.text}`.toLowerCase().includes(words));
  });
  if (state.column === "") return matches;
  const spread = (prompt) => {
    const range = extent(cellsOf(prompt, state.seed).filter((cell) => !state.hidden.has(cell.g)).map((cell) => scoreOf(cell, Number(state.column))?.v));
    return range ? range[1] - range[0] : -1;
  };
  return matches.sort((a, b) => spread(b) - spread(a));
}

function choice(label, options, value, change) {
  const select = el("select", { onchange: (event) => change(event.target.value) }, options.map(([key, text]) => el("option", { value: key, selected: key === value }, text)));
  return el("label", {}, label, select);
}

function filters() {
  const tasks = [...new Set(DATA.prompts.map((prompt) => prompt.task))];
  const tags = DATA.tags.map((tag) => [tag, [...new Set(DATA.prompts.flatMap((prompt) => valuesOf(prompt, tag)))]]);
  const metrics = [...new Map(DATA.columns.map((column, i) => [metricOf(i), column.metric_title]))];
  const scored = DATA.columns.map((column, i) => [String(i), `${column.title}${DATA.columns.filter((other) => other.name === column.name).length > 1 ? ` (${column.backend})` : ""}`]);
  const parts = [
    el("label", {}, "Find a prompt", el("input", { type: "search", placeholder: "id or words", oninput: (event) => { state.words = event.target.value; list(); } })),
    choice("Task", [["", "all tasks"], ...tasks.map((task) => [task, task.replace("_", " ")])], state.task, (value) => { state.task = value; list(); }),
    ...tags.map(([tag, values]) => choice(tag, [["", "all"], ...values.map((value) => [value, value])], "", (value) => { state.tags.set(tag, value); list(); })),
    choice("Metric shown", [["", "all metrics"], ...metrics], state.metric, (value) => { state.metric = value; show(); }),
    choice("Order of prompts", [["", "as in the suite"], ...scored.map(([key, text]) => [key, `largest difference: ${text}`])], state.column, (value) => { state.column = value; list(); }),
  ];
  if (DATA.seeds.length > 1) parts.push(choice("Seed", DATA.seeds.map((seed) => [String(seed), String(seed)]), String(state.seed), (value) => { state.seed = Number(value); list(); show(); }));
  const toggles = DATA.generators.map((generator, g) => el("button", {
    type: "button", class: "toggle", "aria-pressed": "true", onclick: (event) => {
      if (!state.hidden.delete(g)) state.hidden.add(g);
      event.currentTarget.setAttribute("aria-pressed", String(!state.hidden.has(g)));
      list();
      show();
    },
  }, el("span", { class: `swatch ${generator.css}`, "aria-hidden": "true" }), generator.label));
  parts.push(el("fieldset", {}, el("legend", {}, "Generators"), el("div", {}, toggles)));
  return el("div", { class: "filters" }, parts);
}

/** One line with a dot for each generator's value on the chosen measure, all prompts on one scale. */
function strip(prompt, range) {
  const column = Number(state.column);
  const picture = svg("svg", { viewBox: "0 0 220 12", "aria-hidden": "true" }, svg("line", { class: "strip-line", x1: 4, x2: 216, y1: 6, y2: 6 }));
  for (const cell of cellsOf(prompt, state.seed)) {
    const value = scoreOf(cell, column)?.v;
    if (value === undefined || state.hidden.has(cell.g)) continue;
    const x = 6 + 208 * ((value - range[0]) / (range[1] - range[0] || 1));
    picture.append(svg("circle", { class: `strip-dot ${DATA.generators[cell.g].css}`, cx: x, cy: 6, r: 4 }));
  }
  return picture;
}

function list() {
  const matches = chosenPrompts();
  const range = state.column === "" ? null : extent(DATA.cells.map((cell) => scoreOf(cell, Number(state.column))?.v));
  const items = matches.map((index) => {
    const prompt = DATA.prompts[index];
    const poster = cellsOf(index, state.seed).find((cell) => cell.clip.poster)?.clip.poster;
    const picture = poster ? el("img", { src: `data:image/jpeg;base64,${poster}`, alt: "", loading: "lazy" }) : el("span", { class: "blank" });
    return el("li", {}, el("button", { type: "button", "aria-current": index === state.prompt ? "true" : null, "data-index": index, onclick: () => open(index) },
      picture, el("span", { class: "id" }, prompt.id), el("span", { class: "task" }, prompt.task.replace("_", " ")), range ? strip(index, range) : null));
  });
  document.getElementById("prompts").replaceChildren(...(items.length ? items : [el("li", { class: "none" }, "No prompt matches these filters.")]));
}

/** Opens a prompt (and seed) and puts it into the address, so that it can be linked to. */
function open(prompt, seed = state.seed) {
  state.prompt = prompt;
  state.seed = seed;
  history.replaceState(null, "", `#clips/${encodeURIComponent(DATA.prompts[prompt].id)}/${seed}`);
  for (const button of document.querySelectorAll("#prompts button")) {
    if (Number(button.dataset.index) === prompt) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
  show();
}

function owner(cell) {
  const generator = DATA.generators[cell.g];
  return [el("span", { class: `swatch ${generator.css}`, "aria-hidden": "true" }), el("b", {}, generator.label + (generator.role === "ceiling" ? " (ceiling)" : ""))];
}

function clipBox(cell) {
  const box = el("article", { class: `clip ${DATA.generators[cell.g].css}` }, el("header", {}, owner(cell)));
  const note = el("footer", {});
  if (cell.clip.id === undefined) {
    box.append(el("p", { class: "absent" }, el("span", {}, cell.status === "succeeded" ? null : el("b", {}, cell.status), cell.clip.reason)));
  } else {
    const url = clipURL(cell.clip.id);
    urls.push(url);
    const video = el("video", { src: url, playsinline: true, preload: "auto", poster: `data:image/jpeg;base64,${cell.clip.poster}`, "aria-label": `Clip of ${DATA.generators[cell.g].label}` });
    video.addEventListener("click", () => clock.toggle());
    box.append(video);
    if (cell.clip.audio) note.append(el("button", { type: "button", class: "hear", "aria-pressed": "false", onclick: () => (clock.heard === video ? clock.silence() : clock.hear(video)) }, "Sound"));
    else note.append("no sound");
    clock.add(video, cell.clip.audio);
    box.video = video;
  }
  note.append(...cell.facts.map((fact) => el("span", {}, fact)));
  if (cell.clip.original) note.append(el("span", { title: "The file itself, as it was scored" }, "original file"));
  else if (cell.clip.id !== undefined) note.append(el("span", { title: "A smaller copy; the scores were computed on the original file" }, "smaller copy"));
  if (cell.notes.length) note.append(el("ul", { class: "unusual", "aria-label": "What is unusual about the file" }, cell.notes.map((text) => el("li", {}, text))));
  box.append(note);
  return box;
}

function controls(boxes) {
  const play = el("button", { type: "button", class: "play", onclick: () => clock.toggle() }, "Play all");
  const range = el("input", { type: "range", min: 0, max: 1, step: 0.001, value: 0, "aria-label": "Time", oninput: (event) => clock.seek(Number(event.target.value)) });
  const time = el("output", {}, "0.00 s");
  const showTime = () => {
    const end = clock.duration();
    range.max = end || 1;
    range.value = clock.time();
    time.textContent = `${clock.time().toFixed(2)} of ${end.toFixed(2)} s`;
  };
  clock.onTime(showTime);
  for (const box of boxes) box.video?.addEventListener("loadedmetadata", () => { box.video.playbackRate = clock.rate; showTime(); });
  clock.onState(() => {
    play.textContent = clock.playing ? "Pause all" : "Play all";
    for (const box of boxes) {
      const heard = box.video !== undefined && clock.heard === box.video;
      box.classList.toggle("audible", heard);
      box.querySelector(".hear")?.setAttribute("aria-pressed", String(heard));
      const hear = box.querySelector(".hear");
      if (hear) hear.textContent = heard ? "Sound on" : "Sound";
    }
  });
  const speed = el("select", { "aria-label": "Speed", onchange: (event) => clock.speed(Number(event.target.value)) },
    [0.1, 0.25, 0.5, 1].map((rate) => el("option", { value: rate, selected: rate === 1 }, `${rate}×`)));
  const loop = el("input", { type: "checkbox", checked: true, onchange: (event) => { clock.loop = event.target.checked; } });
  const back = el("button", { type: "button", "aria-label": "One frame back", onclick: () => clock.step(-1) }, "◂");
  const on = el("button", { type: "button", "aria-label": "One frame forward", onclick: () => clock.step(1) }, "▸");
  if (!clock.players.length) for (const node of [play, range, back, on]) node.disabled = true;
  return el("div", { class: "controls", role: "group", "aria-label": "Players" }, play, back, on, range, time, speed, el("label", {}, loop, "loop"));
}

/** One generator's scores on one metric, its evidence below. */
function result(cell, metric, loaded, shared) {
  const scores = cell.scores.map((score, i) => ({ ...score, ...loaded.scores[i] })).filter((score) => metricOf(score.c) === metric);
  const box = el("div", { class: "result" }, el("div", { class: "owner" }, owner(cell)));
  if (!scores.length) {
    box.classList.add("bare");
    box.append(el("div", {}, cell.status === "succeeded" ? "not applicable to this prompt" : `no clip: ${cell.status}`));
    return box;
  }
  const rows = scores.filter((score) => score.v !== undefined).map((score) => {
    const column = DATA.columns[score.c];
    const small = [score.interval, score.n ? `from ${score.n}` : null].filter(Boolean).join(" · ");
    return el("div", {}, el("dt", { title: [column.name, column.backend, column.direction, column.sign].filter(Boolean).join(", ") }, `${column.title} ${column.arrow}`),
      el("dd", {}, el("b", {}, score.text), column.unit ? ` ${column.unit}` : ""), small ? el("dd", { class: "more" }, small) : null);
  });
  const missing = new Map();
  for (const score of scores.filter((score) => score.v === undefined)) {
    const reason = `${score.status === "failed" ? "Metric failed" : "No answer"}: ${score.reason}`;
    missing.set(reason, [...(missing.get(reason) ?? []), DATA.columns[score.c].title]);
  }
  for (const [reason, titles] of missing) {
    const what = titles.length === scores.length ? null : el("dt", {}, titles.join(", "));
    rows.push(el("div", { class: "missing" }, what, el("dd", { class: "reason" }, reason)));
  }
  box.append(el("dl", {}, rows));
  const label = DATA.generators[cell.g].label;
  for (const score of scores) for (const panel of score.panels) {
    box.append(evidencePanel(panel, { domains: shared.get(panel.title), clock, owner: `${label}, ${DATA.prompts[cell.p].id}` }));
  }
  const details = scores.filter((score) => Object.keys(score.details).length);
  if (details.length) {
    const text = details.map((score) => `${DATA.columns[score.c].title}: ${JSON.stringify(score.details, null, 1)}`).join("\n");
    box.append(el("details", {}, el("summary", {}, "Details"), el("pre", {}, text)));
  }
  return box;
}

/** Boxes in a row, one for each generator; the row is as wide as their number needs. */
function sideBySide(name, boxes, properties = {}) {
  const row = el("div", { class: `side ${name}`, ...properties }, boxes);
  row.style.setProperty("--n", boxes.length);
  return row;
}

/** All metrics of the opened prompt, with the scores of its cells. */
function metrics(cells) {
  const loaded = new Map(cells.map((cell) => [cell.index, evidenceOf(cell.index)]));
  const names = [...new Set(cells.flatMap((cell) => cell.scores.map((score) => metricOf(score.c))))].filter((name) => !state.metric || name === state.metric);
  return names.map((name) => {
    const panels = cells.flatMap((cell) => cell.scores.flatMap((score, i) => (metricOf(score.c) === name ? loaded.get(cell.index).scores[i].panels : [])));
    const shared = sharedDomains(panels);
    const title = DATA.columns.find((_, i) => metricOf(i) === name).metric_title;
    const results = cells.map((cell) => result(cell, name, loaded.get(cell.index), shared));
    const rows = Math.max(...results.map((box) => box.childElementCount));
    for (const box of results) box.style.setProperty("--rows", rows);
    return el("section", { class: "metric" }, el("h4", {}, title), sideBySide("results", results, { tabindex: "0", role: "region", "aria-label": `${title}, by generator` }));
  });
}

function show() {
  clock.end();
  for (const url of urls) URL.revokeObjectURL(url);
  urls = [];
  clock = new Clock();
  const prompt = DATA.prompts[state.prompt];
  const cells = cellsOf(state.prompt, state.seed).filter((cell) => !state.hidden.has(cell.g));
  const boxes = cells.map(clipBox);
  const seed = DATA.seeds.length > 1 ? `seed ${state.seed}` : null;
  const drawn = metrics(cells);
  document.getElementById("shown").replaceChildren(
    el("div", { class: "prompt-head" }, el("h3", {}, prompt.id), el("span", { class: "quiet" }, [prompt.task.replace("_", " "), seed].filter(Boolean).join(", "))),
    el("p", { class: "prompt-text" }, prompt.text),
    controls(boxes),
    cells.length ? sideBySide("videos", boxes) : el("p", { class: "empty" }, "Every generator is hidden, or this seed was not planned for this prompt."),
    ...(cells.length && !drawn.length ? [el("p", { class: "empty" }, "This metric does not apply to this prompt.")] : drawn),
  );
  if (boxes.length) clock.changed?.();
}

/** `#clips/PROMPT/SEED` in the address opens that prompt. */
function fromAddress() {
  const [where, id, seed] = location.hash.slice(1).split("/");
  const index = where === "clips" && id !== undefined ? DATA.prompts.findIndex((prompt) => prompt.id === decodeURIComponent(id)) : -1;
  if (index < 0) return false;
  state.prompt = index;
  if (DATA.seeds.includes(Number(seed))) state.seed = Number(seed);
  return true;
}

function goToClips() {
  document.getElementById("clips").scrollIntoView();
}

function start() {
  const browser = document.getElementById("browser");
  if (!DATA.cells.length) {
    browser.replaceWith(el("p", { class: "empty" }, "This run has no clips."));
    return;
  }
  browser.hidden = false;
  const linked = fromAddress();
  browser.append(filters(), el("ul", { class: "prompts", id: "prompts", "aria-label": "Prompts" }), el("div", { class: "shown", id: "shown" }));
  list();
  show();
  if (linked) goToClips();
  window.addEventListener("hashchange", () => { if (fromAddress()) { list(); show(); goToClips(); } });
  for (const chart of document.querySelectorAll(".forest")) {
    chart.addEventListener("click", (event) => {
      const dot = event.target.closest(".dot");
      if (!dot) return;
      open(DATA.prompts.findIndex((prompt) => prompt.id === dot.dataset.prompt), Number(dot.dataset.seed));
      goToClips();
    });
  }
  document.getElementById("shown").addEventListener("keydown", (event) => {
    if (event.target.closest("input, select, summary, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === " " && !event.target.closest("button")) clock.toggle();
    else if (event.key === "ArrowLeft") clock.step(-1);
    else if (event.key === "ArrowRight") clock.step(1);
    else return;
    event.preventDefault();
  });
  window.addEventListener("beforeprint", () => { for (const node of document.querySelectorAll("main > section details")) node.open = true; });
}

start();
