"use strict";
// Everything that the page says stands in its HTML; this script sorts, filters, turns pages and draws curves.
(() => {
  const $ = (selector, from = document) => from.querySelector(selector);
  const $$ = (selector, from = document) => [...from.querySelectorAll(selector)];
  const SVG = "http://www.w3.org/2000/svg";

  function make(tag, attributes = {}, ...children) {
    const svg = ["svg", "path", "circle", "rect", "text", "title", "g", "line"].includes(tag);
    const node = svg ? document.createElementNS(SVG, tag) : document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children.filter((child) => child !== null && child !== undefined));
    return node;
  }

  // --- data: base64 of deflated JSON, unpacked when first asked for
  const unpacked = new Map();
  function load(name) {
    if (!unpacked.has(name)) unpacked.set(name, unpack($$("script.packed").find((s) => s.dataset.name === name)));
    return unpacked.get(name);
  }
  async function unpack(script) {
    if (!script) return null;
    const bytes = Uint8Array.from(atob(script.textContent), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Response(stream).json();
  }
  function values(steps, unit = 1) {
    let at = 0;
    return steps.map((step) => (at += step) * unit);
  }

  // --- numbers as the tables write them
  const minus = (text) => (text.startsWith("-") ? `−${text.slice(1)}` : text);
  const missing = (value) => value === null || value === undefined;
  const three = (value) => (missing(value) ? "–" : minus(Math.abs(value) >= 1000 || (value && Math.abs(value) < 1e-3) ? value.toExponential(2) : value.toPrecision(3)));
  const plain = (value) => (missing(value) ? "–" : minus(String(value)));
  const percent = (value) => three(missing(value) ? null : 100 * value);
  const times = (value) => (missing(value) ? "–" : `${three(value)}×`);
  function number(text) {
    const value = parseFloat(text.replace(/[\s  ]/g, "").replace("−", "-").replace("∞", "Infinity"));
    return Number.isNaN(value) ? null : value;
  }

  // --- tables: a button in every heading sorts by its column
  function sortable(table) {
    $$("thead th", table).forEach((heading) => {
      const words = [...heading.childNodes];
      heading.append(make("button", { type: "button", onclick: () => sort(table, heading) }, ...words));
    });
  }
  function sort(table, heading, direction) {
    const column = [...heading.parentNode.children].indexOf(heading);
    const numeric = heading.classList.contains("n");
    const order = direction ?? (heading.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending");
    const body = table.tBodies[0];
    const keyed = [...body.rows].map((row) => {
      const text = row.cells[column]?.textContent.trim() ?? "";
      return { row, key: numeric ? number(text) : text === "–" ? null : text };
    });
    const sign = order === "ascending" ? 1 : -1;
    keyed.sort((a, b) => {
      if (missing(a.key) || missing(b.key)) return missing(a.key) - missing(b.key); // what is missing comes last, always
      return sign * (numeric ? a.key - b.key : a.key.localeCompare(b.key));
    });
    body.append(...keyed.map(({ row }) => row));
    $$("th", heading.parentNode).forEach((other) => other.removeAttribute("aria-sort"));
    heading.setAttribute("aria-sort", order);
  }
  function table(label, columns, rows) {
    const head = make("tr", {}, ...columns.map(([name, , numeric, meaning]) => make("th", { scope: "col", class: numeric ? "n" : null, title: meaning }, name)));
    const body = rows.map((row) => make("tr", row.s ? { class: "muted" } : {}, ...columns.map(([, show, numeric]) => make("td", { class: numeric ? "n" : null }, show(row)))));
    const made = make("table", { class: "sortable" }, make("thead", {}, head), make("tbody", {}, ...body));
    sortable(made);
    return make("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": label }, made);
  }

  // --- filters of the boards
  const byFamily = JSON.parse($("#board-families").textContent);
  function filter() {
    const board = $("#f-board").value, family = $("#f-family").value, recipe = $("#f-recipe").value;
    const denied = $$(".f-input").filter((box) => !box.checked).map((box) => box.value);
    let shown = 0, all = 0;
    for (const section of $$(".board")) {
      const ratios = byFamily[section.dataset.board] ?? {};
      const has = !family || Object.values(ratios).some((row) => family in row);
      section.hidden = (board !== "" && board !== section.dataset.board) || !has;
      const rows = $$(".board-table tbody tr", section);
      for (const row of rows) {
        row.hidden = (recipe !== "" && row.dataset.recipe !== recipe) || row.dataset.needs.split(",").some((need) => denied.includes(need));
      }
      if (!section.hidden) { all += rows.length; shown += rows.filter((row) => !row.hidden).length; }
      const own = $(".board-table", section);
      if (own) familyColumn(own, has ? family : "", ratios);
    }
    $("#f-said").value = shown === all ? "" : `${shown} of ${all} lines`;
  }
  function familyColumn(own, family, ratios) {
    const had = $("th.family", own);
    if (had) { $$(".family", own).forEach((cell) => cell.remove()); sort(own, $("thead th", own), "ascending"); }
    if (!family) return;
    const heading = make("th", { class: "n family", scope: "col", title: "error relative to the baseline in this family of data alone" }, `× baseline, ${family}`);
    heading.replaceChildren(make("button", { type: "button", onclick: () => sort(own, heading) }, ...heading.childNodes));
    const at = 3;
    own.tHead.rows[0].insertBefore(heading, own.tHead.rows[0].children[at]);
    for (const row of own.tBodies[0].rows) row.insertBefore(make("td", { class: "n family" }, three(ratios[row.dataset.entry]?.[family])), row.children[at]);
    sort(own, heading, "ascending");
  }

  // --- charts
  const NARROW = 320, WIDE = 640, LEFT = 46, RIGHT = 8;
  const SUPER = "⁰¹²³⁴⁵⁶⁷⁸⁹";
  const power = (p) => `10${[...String(p)].map((d) => (d === "-" ? "⁻" : SUPER[d])).join("")}`;
  const big = (v) => (Math.abs(v) >= 1e6 ? `${+(v / 1e6).toPrecision(3)}M` : Math.abs(v) >= 1e4 ? `${+(v / 1e3).toPrecision(3)}k` : minus(String(+v.toPrecision(6))));
  function ticks(low, high, most = 5) {
    const raw = (high - low) / most || 1, base = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((m) => m * base).find((s) => s >= raw);
    const out = [];
    for (let v = Math.ceil(low / step - 1e-9) * step; v <= high + step * 1e-9; v += step) out.push(Math.abs(v) < step / 1e6 ? 0 : +v.toPrecision(12));
    return out;
  }
  const path = (x, y) => x.map((v, i) => `${i ? "L" : "M"}${v.toFixed(1)} ${y[i].toFixed(1)}`).join("");
  function frame(height, x, y, { foot, xLabel, yLabel, xTick = big, yTick = big, label, width: W = NARROW }) {
    const bottom = height - (foot ? 30 : 6), top = 6;
    const sx = (v) => LEFT + ((v - x[0]) / (x[1] - x[0] || 1)) * (W - LEFT - RIGHT);
    const sy = (v) => bottom - ((v - y[0]) / (y[1] - y[0] || 1)) * (bottom - top);
    const svg = make("svg", { viewBox: `0 0 ${W} ${height}`, role: "img", "aria-label": label });
    for (const v of ticks(y[0], y[1], 4)) {
      svg.append(make("line", { x1: LEFT, x2: W - RIGHT, y1: sy(v), y2: sy(v), stroke: "#ececec" }), make("text", { x: LEFT - 5, y: sy(v) + 3.5, "text-anchor": "end" }, yTick(v)));
    }
    for (const v of ticks(x[0], x[1], W > NARROW ? 8 : 4)) {
      svg.append(make("line", { x1: sx(v), x2: sx(v), y1: bottom, y2: bottom + 3, stroke: "#4a4a4a" }));
      if (foot) svg.append(make("text", { x: sx(v), y: bottom + 13, "text-anchor": "middle" }, xTick(v)));
    }
    svg.append(make("line", { x1: LEFT, x2: W - RIGHT, y1: bottom, y2: bottom, stroke: "#4a4a4a", "stroke-width": 0.6 }));
    if (foot) svg.append(make("text", { x: (LEFT + W - RIGHT) / 2, y: height - 3, "text-anchor": "middle" }, xLabel));
    svg.append(make("text", { x: -(top + bottom) / 2, y: 9, transform: "rotate(-90)", "text-anchor": "middle" }, yLabel));
    const inner = make("svg", { x: LEFT, y: top, width: W - LEFT - RIGHT, height: bottom - top, viewBox: `${LEFT} ${top} ${W - LEFT - RIGHT} ${bottom - top}`, style: "overflow:hidden" });
    svg.append(inner);
    return { svg, inner, sx, sy };
  }
  const padded = (low, high, share = 0.06) => [low - share * (high - low || Math.abs(high) || 1), high + share * (high - low || Math.abs(high) || 1)];
  function stroke(entry, width = 1.6) {
    const [, , colour, dash, , filled] = entry;
    return { fill: "none", stroke: colour, "stroke-dasharray": dash || null, "stroke-width": filled ? width : width * 0.65 };
  }
  function sample(entry) {
    const svg = make("svg", { viewBox: "0 0 28 10", "aria-hidden": "true" }, make("path", { d: "M0 5H28", ...stroke(entry, 2) }));
    return svg;
  }

  function panel(data, core, chosen) {
    const log = data.kind === "compute", x = values(data.x, log ? 1e-4 : 1), truth = values(data.y, 1e-4);
    const lines = chosen.filter((e) => e in data.lines).map((e) => {
      const residual = values(data.lines[e], 1e-5);
      return { e, entry: core.entries[e], loss: residual.map((r, i) => truth[i] * Math.exp(r)), off: residual.map((r) => 100 * Math.expm1(r)) };
    });
    const counted = data.counts.flatMap((length, i) => Array(length).fill(i % 2 === 1));
    const spanX = padded(Math.min(...x), Math.max(...x), 0.03);
    const low = Math.min(...truth), high = Math.max(...truth), wide = high - low || 0.05 * high;
    const ends = lines.flatMap((line) => line.loss);
    const spanY = padded(Math.max(low - wide / 2, Math.min(low, ...ends)), Math.min(high + wide / 2, Math.max(high, ...ends)));
    const largest = lines.map((line) => Math.max(...line.off.filter((_, i) => counted[i]).map(Math.abs), 0)).sort((a, b) => a - b);
    const reach = 1.25 * Math.max(largest[Math.ceil((largest.length - 1) / 2)] ?? 0, 100 * (data.floor ?? 0), 0.01);
    const words = { steps: "optimiser step", compute: "training compute 6ND (FLOP)", position: "position in the context" };
    const axis = { xLabel: words[data.kind], xTick: log ? (v) => (Number.isInteger(v) ? power(v) : `${+(10 ** (v % 1)).toPrecision(2)}·${power(Math.floor(v))}`) : big };
    const upper = frame(150, spanX, spanY, { ...axis, yLabel: "loss", label: `${data.title}: losses and predictions` });
    const lower = frame(122, spanX, [-reach, reach], { ...axis, foot: true, yLabel: "off, %", label: `${data.title}: prediction over observed loss, minus 1` });
    const until = counted.indexOf(true) < 0 ? x.length : counted.indexOf(true);
    if (until > 0 && data.kind === "steps") {
      for (const f of [upper, lower]) f.inner.append(make("rect", { x: f.sx(spanX[0]), y: 0, width: f.sx(x[until - 1]) - f.sx(spanX[0]), height: 200, fill: "#ececec" }));
    }
    if (data.floor) lower.inner.append(make("rect", { x: LEFT, width: NARROW, y: lower.sy(100 * data.floor), height: lower.sy(-100 * data.floor) - lower.sy(100 * data.floor), fill: "#c9dff0" }));
    lower.inner.append(make("line", { x1: LEFT, x2: NARROW, y1: lower.sy(0), y2: lower.sy(0), stroke: "#1a1a1a", "stroke-width": 0.6 }));
    for (const [f, field] of [[upper, "loss"], [lower, "off"]]) {
      for (const [i, line] of lines.entries()) {
        const points = log || x.length < 3, beside = points ? 4 * (i - (lines.length - 1) / 2) : 0; // side by side, or they hide each other
        const px = x.map((v) => f.sx(v) + beside), py = line[field].map(f.sy), name = make("title", {}, line.entry[0]);
        if (points) f.inner.append(make("g", {}, ...px.map((v, j) => make("circle", { cx: v, cy: py[j], r: 2.2, fill: line.entry[5] ? line.entry[2] : "#fff", stroke: line.entry[2] })), name));
        else f.inner.append(make("path", { d: path(px, py), ...stroke(line.entry) }, name));
      }
    }
    const every = log ? 1 : Math.max(1, Math.floor(x.length / 40));
    upper.inner.append(...x.map((v, i) => (i % every ? null : make("circle", { cx: upper.sx(v), cy: upper.sy(truth[i]), r: 1.7, fill: "#1a1a1a", stroke: "#fff", "stroke-width": 0.4 }))).filter(Boolean));
    return make("figure", {}, make("figcaption", {}, data.title), upper.svg, lower.svg);
  }
  function keys(core, chosen, extra = []) {
    const dot = make("svg", { viewBox: "0 0 28 10", "aria-hidden": "true" }, make("circle", { cx: 14, cy: 5, r: 3, fill: "#1a1a1a" }));
    return make("ul", { class: "key-list" }, make("li", {}, make("span", {}, dot, "observed")), ...chosen.map((e) => make("li", {}, make("span", {}, sample(core.entries[e]), core.entries[e][0]))), ...extra.map((text) => make("li", {}, text)));
  }
  const SAID = ["grey: does not count", "blue: noise floor"];

  function runsChart(data) {
    const lines = data.runs.map((run) => ({ name: run.name, x: values(run.x), y: values(run.y, 1e-4) }));
    const log = lines.length === 0 && data.points;
    if (log) lines.push({ name: "final losses", x: values(data.points.x, 1e-4), y: values(data.points.y, 1e-4) });
    if (!lines.length) return null;
    const xs = lines.flatMap((l) => l.x), ys = lines.flatMap((l) => l.y).sort((a, b) => a - b);
    const top = log ? ys[ys.length - 1] : ys[Math.floor(0.97 * (ys.length - 1))];
    const f = frame(window.innerWidth > 600 ? 300 : 190, padded(Math.min(...xs), Math.max(...xs), 0.02), padded(ys[0], top), {
      foot: true, xLabel: log ? "training compute 6ND (FLOP)" : "optimiser step", yLabel: "loss", xTick: log ? (v) => (Number.isInteger(v) ? power(v) : "") : big, label: "Observed losses", width: window.innerWidth > 600 ? WIDE : NARROW });
    for (const l of lines) {
      if (log) f.inner.append(...l.x.map((v, i) => make("circle", { cx: f.sx(v), cy: f.sy(l.y[i]), r: 1.8, fill: "#097ab2", "fill-opacity": 0.6 })));
      else f.inner.append(make("path", { d: path(l.x.map(f.sx), l.y.map(f.sy)), fill: "none", stroke: "#097ab2", "stroke-opacity": 0.65, "stroke-width": 0.8 }, make("title", {}, l.name)));
    }
    const said = log ? `${lines[0].x.length} runs of which the final loss is known.` : `${lines.length} of ${data.total} ${data.total === 1 ? "run" : "runs"}, thinned; the highest losses, at the start, are cut off.`;
    return make("figure", { class: "runs" }, f.svg, make("figcaption", {}, said));
  }

  // --- pages of entries and datasets
  const link = (id, text) => make("a", { href: `#${id}` }, text);
  const entryLink = (entry) => make("a", { class: "entry", href: `#${entry[1]}` }, make("span", { class: "key", style: `color:${entry[2]}`, "aria-hidden": "true" }, entry[4]), entry[0]);
  const taskLink = (core, t) => (core.tasks[t][7] ? link(core.tasks[t][7], core.tasks[t][0]) : core.tasks[t][0]);
  const floors = (core, cell) => { const floor = core.tasks[cell.t][3]; return floor && !missing(cell.err) ? cell.err / floor : null; };
  const field = (core, cell, name) => { const i = core.metrics.indexOf(name); return i >= 0 ? cell.m?.[i] : cell.c?.[core.certificate.indexOf(name)]; };
  const status = (cell) => (cell.s ? cell.s.replace("_", " ") : "ok");

  function unfold(title, fill, id) {
    const box = make("details", { id }, make("summary", {}, ...title));
    box.addEventListener("toggle", async () => {
      if (box.open && !box.dataset.full) { box.dataset.full = "1"; await fill(box); }
    });
    return box;
  }
  const CLOSED = "Points of this dataset may not be passed on: its page shows a picture.";

  function standings(id) {
    const rows = $$(`.board-table tr[data-entry="${id}"]`).map((row) => {
      const names = $$("thead th", row.closest("table")), cells = $$("td:not(.plot)", row), section = row.closest(".board");
      const get = (label) => { const i = names.findIndex((n) => n.textContent === label); return i < 0 ? "–" : cells[i].textContent.trim(); };
      const of = $$("tbody tr:not(.muted)", row.closest("table")).length;
      return { s: row.classList.contains("muted"), title: $("h2", section).textContent, id: section.id, of, get };
    });
    if (!rows.length) return make("p", {}, "It stands on no board.");
    const place = (r) => (r.get("rank") === "–" ? "not ranked" : `${r.get("rank")} of ${r.of}`);
    return table("Where it stands", [["board", (r) => link(r.id, r.title)], ["rank", place, true], ["skill", (r) => r.get("skill"), true], ["95 % interval", (r) => r.get("95 % interval")],
      ["× baseline", (r) => r.get("× baseline"), true], ["error, %", (r) => r.get("error, %"), true], ["× noise", (r) => r.get("× noise"), true]], rows);
  }

  const CERTIFICATE = (core) => [
    ["converged", (c) => (missing(c.conv) ? (c.c ? "no" : "–") : "yes")], ["objective", (c) => plain(field(core, c, "objective")), true], ["gradient", (c) => plain(field(core, c, "cert_gradient_norm")), true, "norm at the solution"],
    ["starts", (c) => plain(field(core, c, "cert_starts")), true], ["reached", (c) => plain(field(core, c, "cert_reached")), true, "share of starts that reached the best objective"],
    ["agreement", (c) => plain(field(core, c, "cert_agreement")), true, "relative difference of the two best starts"], ["condition", (c) => plain(field(core, c, "cert_condition")), true, "condition number of the Jacobian"],
    ["at a bound", (c) => c.bound ?? ""], ["not identified", (c) => c.free ?? ""], ["evaluations", (c) => plain(field(core, c, "cert_evaluations")), true], ["seconds", (c) => three(field(core, c, "seconds")), true]];

  async function entryPage(page) {
    const core = await load("core"), e = core.entries.findIndex((entry) => entry[0] === page.dataset.entry), into = $(".fill", page);
    const cells = core.cells.filter((cell) => cell.e === e);
    into.append(make("h3", {}, "Where it stands"), standings(page.id));
    if (!cells.length) { into.append(make("p", {}, "It is applicable to no task of this report.")); return; }
    const scored = cells.filter((cell) => !missing(cell.err)), failed = cells.filter((cell) => cell.s === "failed");
    const worst = scored.filter((cell) => !missing(cell.ratio)).sort((a, b) => b.ratio - a.ratio), better = worst.filter((cell) => cell.ratio < 1).length;
    into.append(make("h3", {}, "Where it fails"), make("p", {}, `Of ${cells.length} tasks it is scored on ${scored.length} and better than the baseline on ${better}. `,
      worst.length ? "It does worst, against the baseline, on " : "", ...worst.slice(0, 3).flatMap((cell, i) => [i ? ", " : "", taskLink(core, cell.t), ` (${times(cell.ratio)})`]), worst.length ? "." : ""));
    for (const cell of failed) into.append(make("p", { class: "problem" }, `Failed on ${core.tasks[cell.t][0]}: ${cell.why}`));
    const parameters = [...new Set(cells.flatMap((cell) => Object.keys(cell.p ?? {})))], alone = cells.some((cell) => cell.own);
    const name = (cell) => taskLink(core, cell.t);
    into.append(make("h3", {}, "Every task"), table("Every task", [["task", name], ["status", status], ["error, %", (c) => percent(c.err), true], ["× noise", (c) => three(floors(core, c)), true], ["× baseline", (c) => three(c.ratio), true],
      ["place", (c) => (missing(c.n) ? "–" : `${c.n} of ${c.of}`), true], ["reach", (c) => times(core.tasks[c.t][4]), true, "how far beyond the fitted steps, tokens or sizes"]], cells));
    into.append(make("h3", {}, "Fitted parameters"), alone ? make("p", { class: "small" }, "Parameters of single runs or positions are left out here.") : "",
      table("Fitted parameters", [["task", name], ...parameters.map((p) => [p, (c) => plain(c.p?.[p]), true])], cells.filter((cell) => cell.p)));
    into.append(make("h3", {}, "Certificates of its fits"), table("Certificates", [["task", name], ...CERTIFICATE(core)], cells.filter((cell) => cell.c)));
    into.append(make("h3", {}, "Predictions against truth"), make("p", { class: "small" }, "Worst first, against the baseline. Beside it the best entry of the task and the baseline, where it is another."));
    for (const cell of [...cells].sort((a, b) => (b.ratio ?? -1) - (a.ratio ?? -1))) {
      const [task, , dataset] = core.tasks[cell.t];
      const title = [task, " ", make("span", { class: "small" }, cell.s === "failed" ? "failed" : `${percent(cell.err)} %, ${times(cell.ratio)} baseline${missing(cell.n) ? "" : `, place ${cell.n} of ${cell.of}`}`)];
      into.append(unfold(title, async (box) => {
        const data = await load(dataset);
        if (!data) { box.append(make("p", { class: "small" }, CLOSED, " ", link($(`article[data-dataset="${dataset}"]`).id, dataset))); return; }
        draw(box, data, core, task, [...new Set([e, ...leaders(core, cell.t, 1), ...baseline(core, cell.t)])]);
      }));
    }
  }
  const leaders = (core, t, count) => core.cells.filter((cell) => cell.t === t && !missing(cell.n)).sort((a, b) => a.n - b.n).slice(0, count).map((cell) => cell.e);
  const baseline = (core, t) => core.entries.flatMap((entry, i) => (entry[0] === core.baselines[core.tasks[t][1]] ? [i] : []));
  function draw(box, data, core, task, chosen) {
    const panels = data.panels.filter((p) => p.task === task);
    if (!panels.length) { box.append(make("p", { class: "small" }, "No curves of it are at hand.")); return; }
    const there = chosen.filter((e) => panels.some((p) => e in p.lines));
    box.append(keys(core, there, SAID), make("div", { class: "panels" }, ...panels.map((p) => panel(p, core, there))));
  }

  async function datasetPage(page) {
    const core = await load("core"), name = page.dataset.dataset, data = await load(name), into = $(".fill", page);
    if (data?.runs) { const chart = runsChart(data); if (chart) into.append(make("h3", {}, "Curves"), chart); }
    into.append(make("h3", {}, "Every entry on every task"));
    core.tasks.forEach(([task, track, dataset], t) => {
      if (dataset !== name) return;
      const cells = core.cells.filter((cell) => cell.t === t), best = leaders(core, t, 1)[0];
      const title = [task, " ", make("span", { class: "small" }, best === undefined ? track : `${track}; best: ${core.entries[best][0]}`)];
      into.append(unfold(title, (box) => taskBox(box, core, data, t, cells), `${core.tasks[t][7] ?? task}-more`));
    });
  }
  function taskBox(box, core, data, t, cells) {
    const task = core.tasks[t][0];
    if (data) {
      const panels = data.panels.filter((p) => p.task === task), there = new Set(panels.flatMap((p) => Object.keys(p.lines).map(Number)));
      const chosen = new Set([...leaders(core, t, 4), ...baseline(core, t)]), drawing = make("div");
      const redraw = () => { drawing.replaceChildren(); draw(drawing, data, core, task, [...chosen].sort((a, b) => a - b)); };
      const boxes = core.entries.map((entry, e) => (there.has(e) ? make("label", {}, make("input", { type: "checkbox", checked: chosen.has(e), onchange: (event) => { chosen[event.target.checked ? "add" : "delete"](e); redraw(); } }), sample(entry), entry[0]) : null)).filter(Boolean);
      redraw();
      box.append(drawing, make("details", {}, make("summary", {}, "Choose what is drawn"), make("div", { class: "key-list" }, ...boxes)));
    }
    const metrics = core.metrics.map((metric, i) => [metric.replaceAll("_", " "), (c) => plain(c.m?.[i]), true]).filter((_, i) => cells.some((c) => !missing(c.m?.[i])));
    box.append(table(`Every metric on ${task}`, [["entry", (c) => entryLink(core.entries[c.e])], ["status", status], ["error, %", (c) => percent(c.err), true], ["× noise", (c) => three(floors(core, c)), true], ["× baseline", (c) => three(c.ratio), true], ...metrics], cells));
  }

  // --- turning pages
  const filled = new WeakSet();
  async function turn() {
    const id = decodeURIComponent(location.hash.slice(1)), target = id ? document.getElementById(id) : null, page = target?.closest(".page") ?? null;
    $$(".page").forEach((other) => other.classList.toggle("open", other === page));
    document.body.classList.toggle("detail", page !== null);
    if (page && !filled.has(page)) {
      filled.add(page);
      await (page.dataset.entry ? entryPage(page) : datasetPage(page));
    }
    const more = document.getElementById(`${id}-more`);
    if (more) more.open = true;
    if (target === page && page) { window.scrollTo(0, 0); $("h2", page).focus({ preventScroll: true }); }
    else if (more || target) (more ?? target).scrollIntoView();
    document.body.dataset.ready = id;
  }

  document.body.classList.add("js");
  $$("table.sortable").forEach(sortable);
  if ($("#filters")) {
    $("#filters").addEventListener("change", filter);
    $("#f-reset").addEventListener("click", () => { $$("#filters select").forEach((s) => { s.value = ""; }); $$(".f-input").forEach((b) => { b.checked = true; }); filter(); });
  }
  window.addEventListener("hashchange", turn);
  window.addEventListener("beforeprint", () => $$("#home .board details").forEach((box) => { box.open = true; }));
  turn();
})();
