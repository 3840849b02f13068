// Charts as SVG, from the numbers that the page carries.

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
