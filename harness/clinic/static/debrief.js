/** The debrief, part by part: nothing of a part is here before it is released. */
import { at, draw, make, say, signed } from "./dom.js";

const TITLES = ["What happened", "What the readings can say", "What nobody could know", "Say it in your own words"];
const OPENED = 3;
const NARROW = 400;
const ANSWERS = ["rises", "no difference", "falls"];
const NUMERIC = ["Test", "Change", "95 % interval", "Minutes"];

export class Debrief {
  constructor(ask) {
    this.ask = ask;
    addEventListener("resize", () => this.drawAgain());
  }

  /** `mine` has what a student's window said itself. */
  show(page, mine) {
    const told = JSON.stringify([page.debrief, page.role, page.sayings, mine]);
    if (told === this.told) return;
    const released = page.debrief.released, before = this.released;
    this.told = told;
    this.released = released;
    this.page = page;
    this.mine = page.role === "student" ? mine.tests : null;
    say("debrief-h", released ? `Debrief ${released} of 4: ${TITLES[released - 1]}` : "The visit is over");
    say("debrief-lede", this.lede(page));
    this.body(page);
    this.buttons(page);
    if (before !== undefined && before !== released) at("debrief-h").focus();
  }

  lede(page) {
    const band = page.band;
    const verdict = `Verdict: ${band.change}. ${band.effect ? `Fresh pairs said ${band.effect} (${band.ci}).` : sentence(band.of)}`;
    const truth = page.debrief.parts[3];
    if (page.debrief.released < OPENED || !truth) return verdict;
    return `${verdict} The truth was ${signed(truth.true_gain_pct)} %.`;
  }

  drawAgain() {
    if (this.page && !at("debrief").hidden) this.body(this.page);
  }

  body(page) {
    const { released, parts } = page.debrief;
    const built = [];
    if (!released) built.push(make("p", {}, "Before anything is opened: what do you believe, and how sure are you? Say it to each other."));
    if (released === 1) built.push(happened(page, this.mine));
    if (released === 2) built.push(claims(parts[2]));
    if (released === OPENED) built.push(...revealed(page, parts[3], parts[2]));
    if (released > OPENED) built.push(this.words(page));
    if (released && !page.debrief.ready) built.push(make("p", { role: "status" }, page.debrief.broke ? "The answer could not be looked up; the log of the clinic says why." : "The answer is being looked up…"));
    const typed = at("debrief-body").querySelector("textarea");
    if (typed && released > OPENED) at("debrief-body").querySelector(".sayings").replaceWith(sayings(page));
    else at("debrief-body").replaceChildren(...built.filter(Boolean));
    for (const place of at("debrief-body").querySelectorAll(".chart")) place.redraw?.();
  }

  words(page) {
    const text = make("textarea", { id: "own-words", maxlength: 500 });
    const send = (event) => {
      event.preventDefault();
      if (text.value.trim()) this.ask({ do: "say", text: text.value.trim() });
      text.value = "";
    };
    const form = make("form", { onsubmit: send }, make("p", {}, make("label", { for: "own-words" }, "What would have changed your mind? What will you do otherwise next time?")), text, make("div", { class: "row" }, make("button", { class: "primary" }, "Say it")));
    const may = page.role !== "observer";
    return make("section", { class: "box" }, ...(may ? [form] : []), sayings(page));
  }

  buttons(page) {
    const { released, files, folder } = page.debrief;
    const leads = page.role === "alone" || page.role === "teacher";
    const row = [];
    if (leads && released < TITLES.length) {
      row.push(make("button", { type: "button", class: "primary", "data-name": "next", onclick: () => this.ask({ do: "release", part: released + 1 }) }, `Next: ${TITLES[released]}`));
    }
    const seat = location.hash.replace("#seat=", "");
    const link = (which, name, words) => make("a", { class: "button", href: `/visits/${seat}/${which}/${name}`, target: "_blank", rel: "noopener" }, words);
    if (files.includes("report")) row.push(link("report", "report.html", "Report with the key"), link("report", "report.pdf", "PDF"));
    if (files.includes("hand-out")) row.push(link("hand-out", "report.html", "Hand-out"), link("hand-out", "report.pdf", "Hand-out, PDF"));
    if (leads) row.push(this.again("Same patient again", false), this.again("New seed", true));
    if (folder) row.push(make("span", { class: "small wrap" }, `Written to the folder ${folder}`));
    const held = document.activeElement?.dataset?.name;
    at("debrief-row").replaceChildren(...row);
    if (held) at("debrief-row").querySelector(`[data-name="${held}"]`)?.focus();
  }

  again(name, fresh) {
    return make("button", { type: "button", onclick: () => this.ask({ do: "again", new_seed: fresh }) }, name);
  }
}

/** Part 1: predictions against readings; a student's own beside those of the room. */
function happened(page, mine) {
  const said = [bornOut("at the programmer", page.tests, (test) => [test.predicted])];
  if (mine) said.unshift(bornOut("of yours", page.tests, (test) => [mine[test.number]]));
  const heads = ["Test", "Settings", "Predicted", "The reading showed", "Change", "95 % interval", "Minutes"];
  const rows = page.tests.map((test) => [
    num(test.number),
    test.values.filter(Boolean).join(" · "),
    test.predicted || `– (${test.by || "nobody asked"})`,
    test.says || test.reason,
    num(test.gain === null ? "–" : `${signed(test.gain)} %`),
    num(test.gain === null ? "–" : `${signed(test.low)} to ${signed(test.high)}`),
    num(test.minutes.toFixed(1)),
  ]);
  const insert = (head, cell) => {
    heads.splice(3, 0, head);
    rows.forEach((row, n) => row.splice(3, 0, cell(page.tests[n])));
  };
  if (page.tests.some((test) => test.class.length)) {
    said.push(bornOut("by the class", page.tests, (test) => ANSWERS.flatMap((answer, n) => Array(test.class[n] ?? 0).fill(answer))));
    insert("Class: rises, no difference, falls", (test) => test.class.join(", ") || "–");
  }
  if (mine) insert("You predicted", (test) => mine[test.number] ?? "–");
  const told = said.filter(Boolean);
  const words = told.length ? `${told.join("; ")}: so many predictions were what the reading showed. A reading shows a rise or a fall only where its interval leaves zero out.` : "Nothing was predicted.";
  const numeric = heads.flatMap((head, n) => (NUMERIC.includes(head) ? [n] : []));
  return make("section", { class: "box" }, make("h2", {}, "Predictions against readings"), make("p", {}, words), table(heads, rows, numeric));
}

/** How many predictions of one sort a reading bore out; nothing where there are none. */
function bornOut(whose, tests, said) {
  const pairs = tests.filter((test) => test.says).flatMap((test) => said(test).filter(Boolean).map((answer) => answer === test.says));
  return pairs.length ? `${pairs.filter(Boolean).length} of ${pairs.length} ${whose}` : "";
}

/** Part 2: how sure each way of reading is, and what it costs the patient. */
function claims(told) {
  if (!told) return null;
  const place = make("div", { class: "chart" });
  place.redraw = () => intervals(place, told);
  const rows = told.map((claim) => [claim.name, num(percent(claim.gain_pct)), num(limits(claim)), num(claim.minutes.toFixed(1))]);
  return make(
    "div",
    { class: "figures" },
    make("section", { class: "box" }, make("h2", {}, "Intervals: what could be true"), place),
    make("section", { class: "box" }, make("h2", {}, "What each costs the patient"), table(["Reading", "Change", "95 % interval", "Minutes"], rows, [1, 2, 3])),
  );
}

/** Part 3: the truth. */
function revealed(page, told, read) {
  if (!told) return [];
  const seen = make("div", { class: "chart" }), drawn = make("div", { class: "chart" });
  const truth = { name: "the truth", gain_pct: told.true_gain_pct, true: true };
  seen.redraw = () => intervals(seen, [...(read ?? []).filter((claim) => !claim.name.startsWith("sham")), truth]);
  drawn.redraw = () => loops(drawn, [told.reference_loop, told.final_loop]);
  const rows = told.rows.map((row) => [
    row.who,
    row.settings,
    num(percent(row.true_gain_pct)),
    num(row.lost_points.toFixed(1)),
    row.tolerated ? "yes" : "no",
    num(`${(100 * row.energy_frac).toFixed(0)} %`),
  ]);
  return [
    make("div", { class: "figures" }, make("section", { class: "box" }, make("h2", {}, "Seen, verified, true"), seen), make("section", { class: "box" }, make("h2", {}, "True loop: reference (dashes), chosen (line)"), drawn)),
    make("section", { class: "box" }, make("h2", {}, "Who would choose what, and the points lost by it"), table(["Who", "Settings", "True change", "Points lost", "Tolerated", "Energy a day"], rows, [2, 3, 5])),
    make("section", { class: "box" }, make("h2", {}, "The key"), make("p", {}, told.facts.map(([name, value]) => `${name}: ${value}`).join(" · "))),
  ];
}

function sayings(page) {
  return make("ul", { class: "sayings" }, ...page.sayings.map((text) => make("li", {}, `“${text}”`)));
}

const sentence = (text) => (text ? `${text.charAt(0).toUpperCase()}${text.slice(1).replace(/[.]?$/, ".")}` : "");
const num = (text) => ({ text: String(text) });
const percent = (value) => (value === null ? "–" : `${signed(value)} %`);
const limits = (claim) => (claim.low_pct === null ? "–" : `${signed(claim.low_pct)} to ${signed(claim.high_pct)}`);

function table(heads, rows, numeric) {
  const cls = (n) => (numeric.includes(n) ? "n" : null);
  const head = make("tr", {}, ...heads.map((name, n) => make("th", { scope: "col", class: cls(n) ?? (name === "Settings" ? "n" : null) }, name)));
  const body = rows.map((row) => make("tr", {}, ...row.map((cell, n) => make("td", { class: cls(n) ?? (heads[n] === "Settings" ? "whole" : null), "data-head": heads[n] }, cell.text ?? cell))));
  return make("div", { class: "debrief-table scroll", tabindex: "0", role: "region", "aria-label": heads.join(", ") }, make("table", {}, make("thead", {}, head), make("tbody", {}, ...body)));
}

function canvasOf(place, label) {
  const wide = place.clientWidth, high = place.clientHeight;
  return { wide, high, svg: draw("svg", { width: wide, height: high, role: "img", "aria-label": label }) };
}

/** Rows of intervals: names above them; the numbers too, where there is room for both. */
function intervals(place, told) {
  const { wide, high, svg } = canvasOf(place, told.map((c) => `${c.name}: ${percent(c.gain_pct)}`).join("; "));
  const ends = told.flatMap((c) => [c.gain_pct, c.low_pct, c.high_pct]).filter((v) => v !== null && v !== undefined);
  const reach = Math.max(4, ...ends.map(Math.abs)) * 1.08;
  const x = (value) => 12 + ((value + reach) / (2 * reach)) * (wide - 24);
  const step = (high - 24) / told.length;
  for (const value of [-1, 0, 1].map((side) => side * Math.floor(0.8 * reach))) {
    svg.append(draw("line", { class: value ? "grid" : "zero", x1: x(value), x2: x(value), y1: 4, y2: high - 22 }), draw("text", { x: x(value), y: high - 6, "text-anchor": "middle" }, `${signed(value, 0)} %`));
  }
  told.forEach((claim, n) => {
    const y = 8 + (n + 0.62) * step;
    svg.append(draw("text", { x: 4, y: y - 14, class: claim.true ? "true" : "" }, wide < NARROW ? claim.name : `${claim.name}: ${percent(claim.gain_pct)}`));
    if (claim.low_pct !== undefined && claim.low_pct !== null) svg.append(draw("line", { class: "bar", x1: x(claim.low_pct), x2: x(claim.high_pct), y1: y, y2: y }));
    if (claim.gain_pct !== null) svg.append(claim.true ? draw("path", { class: "true", d: `M${x(claim.gain_pct)} ${y - 9}l9 9-9 9-9-9z` }) : draw("circle", { class: "dot", cx: x(claim.gain_pct), cy: y, r: 7 }));
  });
  place.replaceChildren(svg);
}

/** The true loops: a reference in dashes, another in a line. */
export function loops(place, all) {
  const { wide, high, svg } = canvasOf(place, "Pressure-volume loops of the left ventricle at the reference and at the chosen settings");
  const volumes = all.flatMap((l) => l.volume_ml), pressures = all.flatMap((l) => l.pressure_mmhg);
  const low = Math.min(...volumes) - 8, top = Math.max(...volumes) + 8, peak = Math.max(...pressures) * 1.08;
  const x = (v) => 52 + ((v - low) / (top - low)) * (wide - 64);
  const y = (p) => high - 40 - (p / peak) * (high - 52);
  for (let p = 0; p <= peak; p += 40) svg.append(draw("line", { class: "grid", x1: 52, x2: wide - 12, y1: y(p), y2: y(p) }), draw("text", { x: 46, y: y(p) + 4, "text-anchor": "end" }, String(p)));
  for (let v = Math.ceil(low / 20) * 20; v <= top; v += 20) svg.append(draw("text", { x: x(v), y: high - 24, "text-anchor": "middle" }, String(v)));
  svg.append(draw("text", { x: 52, y: high - 6 }, "across ml, up mmHg"));
  all.forEach((loop, n) => {
    const points = loop.volume_ml.map((v, k) => `${x(v).toFixed(1)},${y(loop.pressure_mmhg[k]).toFixed(1)}`).join(" ");
    svg.append(draw("polygon", { class: n ? "loop" : "loop ref", points }));
  });
  place.replaceChildren(svg);
}
