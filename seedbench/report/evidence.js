"use strict";
/* Draws evidence panels by their kind. Text enters the page through textContent only. */

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element: properties (`class`, `on*`, attributes) and children (nodes or text; null is skipped). */
function el(tag, properties = {}, ...children) {
  return filled(document.createElement(tag), properties, children);
}

/** The same for SVG. */
function svg(tag, properties = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), properties, children);
}

function filled(node, properties, children) {
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

/** A number with four significant digits and a true minus sign. */
function digits(value) {
  if (value === null || value === undefined) return "no value";
  const text = Math.abs(value) >= 1e5 || (value && Math.abs(value) < 1e-4) ? value.toExponential(2) : String(Number(value.toPrecision(4)));
  return text.replace("-", "\u2212");
}

/** About `count` round numbers within low..high. */
function niceTicks(low, high, count) {
  if (!(high > low)) return [low];
  const raw = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((size) => size >= raw * 0.999);
  const ticks = [];
  for (let i = Math.ceil(low / step - 1e-9); i <= high / step + 1e-9; i++) ticks.push(Number((i * step).toPrecision(10)));
  return ticks;
}

/** Smallest and largest of the numbers in a list, null where there are none. */
function extent(values) {
  let low = Infinity, high = -Infinity;
  for (const value of values) {
    if (value === null || value === undefined) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return low <= high ? [low, high] : null;
}

/** Whether the x axis of a curve is the clip's own time in seconds, so that the curve can follow the players and seek in them. */
function overTime(panel) {
  return /\btime\b/i.test(panel.x_label) && !/\bms\b/.test(panel.x_label);
}

/** Calls `draw(width)` now and whenever the node gets another width. */
function drawnToWidth(node, draw) {
  let last = 0;
  new ResizeObserver((entries) => {
    const width = Math.round(entries[0].contentRect.width);
    if (width > 0 && width !== last) draw((last = width));
  }).observe(node);
  return node;
}

/** Positions of the labels of marks above a plot of `width`: each in the first row where it overlaps no other label. */
function placeMarks(marks, px, width) {
  const ends = [];
  const placed = [...marks].sort((a, b) => a.x - b.x).map((mark) => {
    const x = px(mark.x), wide = 5.8 * mark.label.length + 6, flip = x + wide > width;
    const from = flip ? x - wide : x;
    let row = ends.findIndex((end) => end <= from);
    if (row < 0) row = ends.length;
    ends[row] = from + wide;
    return { mark, x, flip, row };
  });
  return { marks: placed, rows: ends.length };
}

/**
 * Lines over a common axis. `domains` fixes the axes ({x: [low, high], y: [low, high]}), so that neighbours can be compared;
 * `clock` is the players' clock or null. A readout follows pointer and arrow keys.
 */
function curvePanel(panel, { domains, clock }) {
  const timed = clock && overTime(panel);
  const [x0, x1] = domains.x, [y0, y1] = domains.y;
  const series = panel.series.map((line, i) => ({ ...line, css: `g${i % 8}` }));
  const legend = el("ul", { class: "legend" });
  const readouts = series.map((line) => {
    const value = el("span");
    legend.append(el("li", { class: line.css }, el("span", {}, line.name), " ", value));
    return value;
  });
  const where = el("span");
  legend.append(el("li", { class: "plainly" }, where));
  const marks = panel.marks.length ? `; marked: ${panel.marks.map((mark) => `${mark.label} at ${digits(mark.x)}`).join(", ")}` : "";
  const label = `${panel.title}: ${panel.y_label} over ${panel.x_label}; ${series.map((line) => line.name).join(", ")}${marks}. Arrow keys read values.`;
  const plot = el("div", { class: "plot", tabindex: "0", role: "img", "aria-label": label });
  const all = [...new Set(series.flatMap((line) => line.x))].sort((a, b) => a - b);
  let cursor = null, head = null, px = null, at = -1, points = [];

  function read(index) {
    at = Math.max(0, Math.min(all.length - 1, index));
    const x = all[at];
    if (x === undefined || !px) return;
    cursor.setAttribute("x1", px(x)); cursor.setAttribute("x2", px(x)); cursor.setAttribute("visibility", "visible");
    where.textContent = `at ${digits(x)}`;
    series.forEach((line, i) => {
      const position = line.x.indexOf(x);
      const y = position < 0 ? null : line.y[position];
      readouts[i].textContent = position < 0 ? "" : digits(y);
      points[i].setAttribute("visibility", y === null ? "hidden" : "visible");
      if (y !== null) { points[i].setAttribute("cx", px(x)); points[i].setAttribute("cy", px.y(y)); }
    });
  }
  function unread() {
    at = -1;
    where.textContent = "";
    readouts.forEach((node) => (node.textContent = ""));
    if (cursor) [cursor, ...points].forEach((node) => node.setAttribute("visibility", "hidden"));
  }
  function nearest(event) {
    const box = plot.getBoundingClientRect();
    const x = px.inverse(event.clientX - box.left);
    let best = 0;
    for (let i = 1; i < all.length; i++) if (Math.abs(all[i] - x) < Math.abs(all[best] - x)) best = i;
    return best;
  }

  drawnToWidth(plot, (width) => {
    const yTicks = niceTicks(y0, y1, 3);
    const left = 8 + 6.2 * Math.max(...yTicks.map((tick) => digits(tick).length)), right = width - 8;
    const placed = placeMarks(panel.marks, (x) => left + ((x - x0) / (x1 - x0 || 1)) * (right - left), width);
    const top = 20 + 11 * placed.rows, height = top + Math.round(Math.min(260, Math.max(96, width * 0.42))) + 32, bottom = height - 32;
    px = (x) => left + ((x - x0) / (x1 - x0 || 1)) * (right - left);
    px.inverse = (pixel) => x0 + ((pixel - left) / (right - left)) * (x1 - x0);
    px.y = (y) => bottom - ((y - y0) / (y1 - y0 || 1)) * (bottom - top);
    const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
    for (const tick of yTicks) {
      picture.append(svg("line", { class: "grid", x1: left, x2: right, y1: px.y(tick), y2: px.y(tick) }));
      picture.append(svg("text", { class: "tick", x: left - 5, y: px.y(tick) + 3.5, "text-anchor": "end" }, digits(tick)));
    }
    for (const tick of niceTicks(x0, x1, Math.max(2, Math.round(width / 75)))) {
      picture.append(svg("line", { class: "axis", x1: px(tick), x2: px(tick), y1: bottom, y2: bottom + 4 }));
      picture.append(svg("text", { class: "tick", x: px(tick), y: bottom + 15, "text-anchor": "middle" }, digits(tick)));
    }
    picture.append(svg("line", { class: "axis", x1: left, x2: right, y1: bottom, y2: bottom }));
    picture.append(svg("text", { class: "tick", x: right, y: height - 4, "text-anchor": "end" }, panel.x_label));
    picture.append(svg("text", { class: "tick", x: 0, y: 9 }, panel.y_label));
    for (const line of series) {
      let d = "", pen = false;
      line.x.forEach((x, i) => {
        const y = line.y[i];
        if (y === null) { pen = false; return; }
        const alone = !pen && (i + 1 >= line.y.length || line.y[i + 1] === null);
        if (alone) picture.append(svg("circle", { class: `lone ${line.css}`, cx: px(x), cy: px.y(y), r: 1.8 }));
        d += `${pen ? "L" : "M"}${px(x).toFixed(1)} ${px.y(y).toFixed(1)}`;
        pen = true;
      });
      picture.append(svg("path", { class: `line ${line.css}`, d }));
    }
    for (const { mark, x, flip, row } of placed.marks) {
      picture.append(svg("line", { class: "mark", x1: x, x2: x, y1: 17 + 11 * row, y2: bottom }));
      picture.append(svg("text", { class: "mark-label", x: flip ? x - 3 : x + 3, y: 25 + 11 * row, "text-anchor": flip ? "end" : "start" }, mark.label));
    }
    cursor = svg("line", { class: "cursor", y1: top, y2: bottom, visibility: "hidden" });
    points = series.map((line) => svg("circle", { class: `read ${line.css}`, r: 3.5, visibility: "hidden" }));
    head = timed ? svg("line", { class: "head", y1: top, y2: bottom, x1: px(x0), x2: px(x0) }) : null;
    picture.append(cursor, ...points, ...(head ? [head] : []));
    plot.replaceChildren(picture);
    if (at >= 0) read(at);
    if (timed) follow(clock.time());
  });
  function follow(time) {
    if (!head) return;
    const x = px(Math.max(x0, Math.min(x1, time)));
    head.setAttribute("x1", x);
    head.setAttribute("x2", x);
  }
  if (timed) clock.onTime(follow);
  plot.addEventListener("pointermove", (event) => px && read(nearest(event)));
  plot.addEventListener("pointerleave", unread);
  plot.addEventListener("blur", unread);
  plot.addEventListener("click", (event) => timed && px && clock.seek(px.inverse(event.clientX - plot.getBoundingClientRect().left)));
  plot.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    read(at < 0 ? (step > 0 ? 0 : all.length - 1) : at + step);
    if (timed) clock.seek(all[at]);
  });
  return [plot, legend];
}

/** Images side by side, by group. */
function galleryPanel(panel) {
  const groups = new Map();
  for (const picture of panel.pictures) groups.set(picture.group, [...(groups.get(picture.group) ?? []), picture]);
  const sections = [...groups].map(([name, pictures]) =>
    el("section", {}, name ? el("h5", {}, name) : null, el("div", {}, pictures.map((picture) =>
      el("figure", {}, el("img", { src: `data:image/jpeg;base64,${picture.jpeg_base64}`, alt: `${name} ${picture.caption}`.trim() }),
        el("figcaption", {}, picture.caption))))));
  return [el("div", { class: "gallery" }, sections)];
}

/** Tracks over one frame of the clip; a dot on each track follows the players' clock. */
function overlayPanel(panel, { clock }) {
  const box = el("div", { class: "overlay" });
  const image = el("img", { src: `data:image/jpeg;base64,${panel.background_jpeg_base64}`, alt: panel.title });
  const legend = el("ul", { class: "legend" }, panel.paths.map((path, i) => el("li", { class: `g${i % 8}` }, el("span", {}, path.label))));
  box.append(image);
  const dots = [];
  drawnToWidth(box, (width) => {
    const height = image.naturalWidth ? (width * image.naturalHeight) / image.naturalWidth : width * 0.5625;
    const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" });
    dots.length = 0;
    panel.paths.forEach((path, i) => {
      const d = path.points.map(([, x, y], k) => `${k ? "L" : "M"}${(x * width).toFixed(1)} ${(y * height).toFixed(1)}`).join("");
      picture.append(svg("path", { class: "halo", d }), svg("path", { class: `line g${i % 8}`, d }));
    });
    for (const [, x, y, label] of panel.marks) {
      picture.append(svg("circle", { class: "spot", cx: x * width, cy: y * height, r: 3 }));
      picture.append(svg("text", { x: x * width, y: Math.max(11, y * height - 7), "text-anchor": x > 0.7 ? "end" : x < 0.3 ? "start" : "middle" }, label));
    }
    panel.paths.forEach((path, i) => {
      const dot = svg("circle", { class: `now g${i % 8}`, r: 4.5, visibility: "hidden" });
      picture.append(dot);
      dots.push({ dot, points: path.points, width, height });
    });
    box.querySelector("svg")?.remove();
    box.append(picture);
    if (clock) follow(clock.time());
  });
  function follow(time) {
    for (const { dot, points, width, height } of dots) {
      const next = points.findIndex(([t]) => t >= time - 1e-6);
      const inside = points.length && time >= points[0][0] - 0.05 && next >= 0;
      dot.setAttribute("visibility", inside ? "visible" : "hidden");
      if (!inside) continue;
      const [t1, x1, y1] = points[next], [t0, x0, y0] = points[Math.max(0, next - 1)];
      const part = t1 > t0 ? (time - t0) / (t1 - t0) : 1;
      dot.setAttribute("cx", (x0 + (x1 - x0) * part) * width);
      dot.setAttribute("cy", (y0 + (y1 - y0) * part) * height);
    }
  }
  if (clock) clock.onTime(follow);
  return [box, panel.paths.length > 1 || panel.paths[0]?.label ? legend : null];
}

/** A small table of named values. */
function factsPanel(panel) {
  return [el("table", { class: "table" }, el("tbody", {}, panel.rows.map(([name, value]) => el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, value)))))];
}

const KINDS = { curve: curvePanel, gallery: galleryPanel, overlay: overlayPanel, facts: factsPanel };

/** One panel with its title and a button that enlarges it; a kind that this page does not know is shown as its JSON. */
function evidencePanel(panel, options) {
  const draw = KINDS[panel.kind];
  const body = draw ? draw(panel, options) : [el("p", {}, `This page cannot draw evidence of the kind “${panel.kind}”; its data:`), el("pre", {}, JSON.stringify(panel, null, 1))];
  const caption = el("figcaption", {}, el("span", {}, panel.title ?? panel.kind));
  if (draw && panel.kind !== "facts" && !options.large) {
    caption.append(el("button", { type: "button", "aria-label": `Enlarge: ${panel.title}`, onclick: () => enlarge(panel, options) }, "⤢"));
  }
  return el("figure", { class: "panel" }, caption, body);
}

function enlarge(panel, options) {
  const dialog = document.getElementById("large");
  const close = el("button", { type: "button", onclick: () => dialog.close() }, "Close");
  dialog.replaceChildren(close, el("p", { class: "quiet" }, options.owner ?? ""), evidencePanel(panel, { ...options, large: true }));
  dialog.showModal();
}

/** Common axes for all curves of one title, so that they can be compared. */
function sharedDomains(panels) {
  const shared = new Map();
  for (const title of new Set(panels.filter((panel) => panel.kind === "curve").map((panel) => panel.title))) {
    const same = panels.filter((panel) => panel.kind === "curve" && panel.title === title);
    const x = extent(same.flatMap((panel) => [...panel.series.flatMap((line) => line.x), ...panel.marks.map((mark) => mark.x)])) ?? [0, 1];
    const y = extent(same.flatMap((panel) => panel.series.flatMap((line) => line.y))) ?? [0, 1];
    const pad = 0.06 * (y[1] - y[0] || Math.abs(y[1]) || 1);
    shared.set(title, { x, y: [y[0] - pad, y[1] + pad] });
  }
  return shared;
}
