// Everything that the page says stands in its HTML; this script sorts, filters and turns pages.

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
  const estimate = (v) => (Array.isArray(v) ? `${plain(v[0])} (${plain(v[1])} to ${plain(v[2])})` : plain(v));
  const parameters = [...new Set(cells.flatMap((cell) => Object.keys(cell.p ?? {})))], alone = cells.some((cell) => cell.own);
  const name = (cell) => taskLink(core, cell.t);
  into.append(make("h3", {}, "Every task"), table("Every task", [["task", name], ["status", status], ["error, %", (c) => percent(c.err), true], ["× noise", (c) => three(floors(core, c)), true], ["× baseline", (c) => three(c.ratio), true],
    ["place", (c) => (missing(c.n) ? "–" : `${c.n} of ${c.of}`), true], ["reach", (c) => times(core.tasks[c.t][4]), true, "how far beyond the fitted steps, tokens or sizes"]], cells));
  into.append(make("h3", {}, "Fitted parameters"), alone ? make("p", { class: "small" }, "Parameters of single runs or positions are left out here.") : "",
    table("Fitted parameters", [["task", name], ...parameters.map((p) => [p, (c) => estimate(c.p?.[p]), true])], cells.filter((cell) => cell.p)));
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
