/** Every test so far: a chart with intervals, and the same as a table. */
import { at, draw, make, say, show, signed } from "./dom.js";

const LEFT = 58, RIGHT = 10, TOP = 8;
const LEAST = 10, WIDE = 52; // pixels of a test: the least, and from where its values stand below it
const NAMES_FRAC = 0.42; // of a chart's height, at most, goes into the names below it
const WORDS = { felt: "felt", stopped: "stopped", refused: "refused", void: "void" };

export class Tests {
  constructor() {
    this.rows = [];
    this.place = at("tests-chart");
    new ResizeObserver(() => this.draw()).observe(this.place);
    const button = at("as-table");
    button.addEventListener("click", () => {
      const table = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(table));
      show("tests-table", table);
      show("tests-chart", !table);
    });
  }

  /** Take all tests, which quantity they read, and a student's own predictions. */
  take(rows, axes, quantity, own) {
    const told = JSON.stringify([rows, axes, quantity, own]);
    if (told === this.told) return;
    this.told = told;
    this.rows = rows;
    this.own = own;
    this.open = rows.some((row) => row.true !== undefined);
    this.axes = axes;
    say("tests-h", `Every test so far: ${quantity}, 95 % interval`);
    say("tests-why", this.unread());
    this.draw();
    this.table();
  }

  /** Why the last tests without a reading have none. */
  unread() {
    const told = this.rows.filter((row) => row.gain === null).slice(-1);
    return told.map((row) => shortened(`#${row.number} ${WORDS[row.ended]}: ${row.reason}`)).join(" · ");
  }

  draw() {
    const wide = this.place.clientWidth, high = this.place.clientHeight;
    if (!wide || !high) return;
    const svg = draw("svg", { width: wide, height: high, role: "img", "aria-label": this.inWords() });
    if (this.rows.length) this.chart(svg, wide, high);
    else svg.append(draw("text", { class: "note", x: 12, y: 34 }, "Nothing has been tested yet."));
    this.place.replaceChildren(svg);
  }

  chart(svg, wide, high) {
    const room = wide - LEFT - RIGHT;
    const rows = this.rows.slice(-Math.max(1, Math.floor(room / LEAST)));
    const step = Math.min(76, room / Math.max(rows.length, Math.min(8, room / 40)));
    const values = step >= WIDE ? this.named(rows, high) : [];
    const every = Math.ceil(32 / step);
    const bottom = high - 8 - (values.length + 1) * 15;
    const reach = this.reach();
    const y = (value) => TOP + ((reach - value) / (2 * reach)) * (bottom - TOP);
    for (const value of [-reach / 2, 0, reach / 2]) {
      svg.append(draw("line", { class: value ? "grid" : "zero", x1: LEFT, x2: wide - RIGHT, y1: y(value), y2: y(value) }));
      svg.append(draw("text", { x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, `${signed(value, 0)} %`));
    }
    rows.forEach((row, n) => {
      const x = LEFT + (n + 0.5) * step, numbered = (rows.length - 1 - n) % every === 0;
      const labels = [...values.map((value) => row.values[value]), numbered ? `#${row.number}` : ""];
      svg.append(this.mark(row, x, step, y, bottom, labels, row === this.rows.at(-1), reach));
    });
  }

  /** Which values stand below a test: where there is little room those alone by which tests differ. */
  named(rows, high) {
    const most = Math.floor((NAMES_FRAC * high) / 15) - 1;
    const all = this.axes.map((_, n) => n);
    const varied = all.filter((n) => rows.some((row) => row.values[n] !== rows[0].values[n]));
    if (all.length <= most) return all;
    return varied.length <= most ? varied : [];
  }

  reach() {
    const ends = this.rows.flatMap((row) => (row.gain === null ? [] : [Math.abs(row.low), Math.abs(row.high)]));
    const most = Math.max(4, ...ends);
    return [4, 6, 8, 12, 16, 24, 32, 48].find((limit) => limit >= most) ?? Math.ceil(most);
  }

  mark(row, x, step, y, bottom, labels, last, reach) {
    const radius = Math.min(last ? 8 : 6, 0.42 * step);
    const group = draw("g", { class: last ? "last" : "" });
    group.append(draw("title", {}, rowWords(row)));
    if (row.gain === null) {
      const size = Math.min(6, 0.4 * step), middle = y(0) - 14;
      // a word that is wider than its place stands upright
      const upright = step < WIDE ? { transform: `rotate(-90 ${x + 4} ${y(0) + 8})`, x: x + 4, y: y(0) + 8, "text-anchor": "end" } : { x, y: y(0) + 18, "text-anchor": "middle" };
      group.append(
        draw("line", { class: "cross", x1: x - size, x2: x + size, y1: middle - size, y2: middle + size }),
        draw("line", { class: "cross", x1: x - size, x2: x + size, y1: middle + size, y2: middle - size }),
        draw("text", { class: "why", ...upright }, WORDS[row.ended] ?? ""),
      );
    } else {
      const clip = (value) => Math.max(-reach, Math.min(reach, value));
      group.append(draw("line", { class: "bar", x1: x, x2: x, y1: y(clip(row.low)), y2: y(clip(row.high)) }));
      const hollow = row.plan === "single";
      group.append(draw("circle", { class: hollow ? "hollow" : "dot", cx: x, cy: y(clip(row.gain)), r: radius }));
    }
    if (row.true !== undefined) {
      const at = y(Math.max(-reach, Math.min(reach, row.true)));
      group.append(draw("path", { class: "truth", d: `M${x + Math.min(14, step / 3)} ${at - 8}l8 8-8 8-8-8z` }, draw("title", {}, `the truth: ${signed(row.true)} %`)));
    }
    labels.forEach((label, n) => group.append(draw("text", { x, y: bottom + 14 + n * 15, "text-anchor": "middle" }, label)));
    return group;
  }

  inWords() {
    if (!this.rows.length) return "No test so far";
    return `Chart of ${this.rows.length} tests. ${rowWords(this.rows.at(-1))}`;
  }

  table() {
    const said = (row) => (this.own ? this.own[row.number] : row.predicted) || "–";
    const heads = ["Test", ...this.axes, this.own ? "You predicted" : "Predicted", "Change", "95 % interval", "Felt", "Minutes", "What happened", ...(this.open ? ["The truth"] : [])];
    const body = [...this.rows].reverse().map((row) =>
      make("tr", {}, ...[
        make("td", { class: "n" }, String(row.number)),
        ...row.values.map((value) => make("td", { class: "n" }, value)),
        make("td", {}, said(row)),
        make("td", { class: "n" }, row.gain === null ? "–" : `${signed(row.gain)} %`),
        make("td", { class: "n" }, row.gain === null ? "–" : `${signed(row.low)} to ${signed(row.high)}`),
        make("td", { class: "n" }, String(row.felt)),
        make("td", { class: "n" }, row.minutes.toFixed(1)),
        make("td", {}, row.reason || (row.plan === "single" ? "single reading" : "pair")),
        ...(this.open ? [make("td", { class: "n" }, `${signed(row.true)} %`)] : []),
      ]),
    );
    const head = make("tr", {}, ...heads.map((name) => make("th", { scope: "col" }, name)));
    at("tests-table").replaceChildren(make("table", {}, make("thead", {}, head), make("tbody", {}, ...body)));
  }
}

const LONGEST = 52;
const shortened = (text) => (text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text);

function rowWords(row) {
  const what = `Test ${row.number}: ${row.values.join(", ")}`;
  if (row.gain === null) return `${what}: ${row.reason || WORDS[row.ended]}`;
  return `${what}: ${signed(row.gain)} %, 95 % interval ${signed(row.low)} to ${signed(row.high)} %, felt ${row.felt}`;
}
