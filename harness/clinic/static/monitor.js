/**
 * The monitor: strips that sweep at the patient's pace, and newest seconds when the
 * clock runs faster. Samples are those of the instruments; nothing is made up here.
 */
import { at, keep, make, say, show } from "./dom.js";

const KEPT_S = 24;
const BEHIND_S = 0.6; // so that a late message does not stop the sweep
const ERASED_S = 0.25;
const GUTTER_PX = 62;
const MARKER_PX = 30;
const LANES = [
  { name: "ECG II", key: "ecg", colour: "--ecg", least: 1.6 },
  { name: "Local", key: "egm", colour: "--egm", least: 6 },
  { name: "Finger", key: "abp", colour: "--abp", least: 40 },
];
const NUMBERS = [
  ["hr", "Heart rate /min"],
  ["abp", "Finger mmHg"],
  ["ccm", "CCM of last 60 beats"],
  ["felt", "Felt now, 0 to 4"],
];

export class Monitor {
  constructor() {
    this.canvas = at("strips");
    this.forget();
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    this.trend = new Trend(at("trend"));
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", () => (this.colours = undefined));
    requestAnimationFrame((now) => this.frame(now));
  }

  /** Begin anew, with another patient or after a jump of the clock. */
  forget() {
    this.hz = 0;
    this.samples = {};
    this.markers = [];
    this.endS = -Infinity;
    this.headS = -Infinity;
    this.rate = 0;
    this.scales = {};
  }

  /** Take a piece of strips: `start_s`, `hz`, one array a lane, markers in it. */
  take(piece) {
    if (this.hz !== piece.hz || piece.start_s < this.endS - 1 || piece.start_s > this.endS + KEPT_S) {
      this.begin(piece);
    }
    const size = Math.round(KEPT_S * this.hz);
    const first = Math.round(piece.start_s * this.hz);
    const gap = Math.round(this.endS * this.hz);
    for (const { key } of LANES) {
      const ring = this.samples[key];
      for (let k = gap; k < first; k++) ring[k % size] = NaN;
      piece[key].forEach((value, n) => (ring[(first + n) % size] = value / piece.per_unit[key]));
    }
    this.endS = (first + piece.ecg.length) / this.hz;
    this.markers = this.markers.filter((mark) => mark.at_s > this.endS - KEPT_S);
    this.markers.push(...piece.markers);
  }

  begin(piece) {
    this.forget();
    this.hz = piece.hz;
    for (const { key } of LANES) {
      this.samples[key] = new Float32Array(Math.round(KEPT_S * this.hz)).fill(NaN);
    }
    this.endS = piece.start_s;
    this.headS = piece.start_s;
  }

  /** The clock's pace; above 2 nothing sweeps. */
  pace(rate) {
    this.rate = rate;
    show("trend", rate > 2);
  }

  frame(now) {
    const passed = Math.min(0.25, (now - (this.lastMs ?? now)) / 1000);
    requestAnimationFrame((next) => this.frame(next));
    if (this.still.matches && now - (this.lastMs ?? 0) < 1000) return;
    this.lastMs = now;
    const target = this.endS - BEHIND_S * Math.min(1, Math.max(0, this.rate));
    if (this.rate > 2 || this.still.matches) this.headS = this.endS;
    else {
      // a little faster or slower, so that it stays where messages arrive in time
      const lag = target - this.headS;
      this.headS = Math.min(this.endS, this.headS + Math.max(0, passed * this.rate + lag * 0.04));
      if (lag > 2 || lag < -2) this.headS = target;
    }
    this.draw();
  }

  draw() {
    const box = this.canvas.getBoundingClientRect();
    if (!box.width || !this.hz) return;
    const scale = devicePixelRatio || 1;
    const wide = Math.round(box.width * scale), high = Math.round(box.height * scale);
    if (this.canvas.width !== wide || this.canvas.height !== high) {
      this.canvas.width = wide;
      this.canvas.height = high;
    }
    const pen = this.canvas.getContext("2d");
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, box.width, box.height);
    const across = box.width - GUTTER_PX;
    const spanS = Math.max(2.5, Math.min(8, across / 96));
    const place = this.placing(spanS, across);
    const lane = (box.height - MARKER_PX) / LANES.length;
    this.grid(pen, box, place, across, spanS);
    LANES.forEach((row, n) => this.lane(pen, row, n * lane, lane, place, spanS));
    this.marks(pen, box.height - MARKER_PX, place, spanS);
  }

  /** Return where a second is drawn: swept round when slow, newest at the right. */
  placing(spanS, across) {
    const sweeps = this.rate <= 2;
    const perS = across / spanS;
    const x = sweeps
      ? (atS) => GUTTER_PX + (((atS % spanS) + spanS) % spanS) * perS
      : (atS) => GUTTER_PX + (atS - this.headS + spanS) * perS;
    return { x, sweeps, perS, fromS: this.headS - spanS + (sweeps ? ERASED_S : 0) };
  }

  colour(name) {
    this.colours ??= getComputedStyle(document.documentElement);
    return this.colours.getPropertyValue(name);
  }

  grid(pen, box, place, across, spanS) {
    pen.strokeStyle = this.colour("--faint");
    pen.lineWidth = 1;
    pen.beginPath();
    for (let s = 0; s <= spanS; s += 1) {
      const x = Math.round(GUTTER_PX + (s * across) / spanS) + 0.5;
      pen.moveTo(x, 0);
      pen.lineTo(x, box.height);
    }
    pen.stroke();
    if (!place.sweeps) return;
    pen.strokeStyle = this.colour("--soft");
    pen.beginPath();
    pen.moveTo(place.x(this.headS), 0);
    pen.lineTo(place.x(this.headS), box.height);
    pen.stroke();
  }

  lane(pen, row, top, height, place, spanS) {
    const ring = this.samples[row.key], size = ring.length;
    const first = Math.max(Math.ceil(place.fromS * this.hz), Math.ceil((this.endS - KEPT_S) * this.hz) + 1);
    const last = Math.floor(this.headS * this.hz);
    const { low, high } = this.range(row, ring, Math.max(0, first), last, size);
    pen.fillStyle = pen.strokeStyle = this.colour(row.colour);
    pen.font = "700 12.5px 'DejaVu Sans', Verdana, sans-serif";
    pen.textBaseline = "middle";
    pen.fillText(row.name, 4, top + height / 2);
    pen.lineWidth = 1.7;
    pen.lineJoin = "round";
    pen.beginPath();
    let before = -Infinity, down = false;
    for (let k = Math.max(0, first); k < last; k++) {
      const value = ring[k % size];
      if (Number.isNaN(value)) {
        down = false;
        continue;
      }
      const x = place.x(k / this.hz);
      const y = top + 4 + (1 - (value - low) / (high - low)) * (height - 8);
      if (down && x >= before) pen.lineTo(x, y);
      else pen.moveTo(x, y);
      down = true;
      before = x;
    }
    pen.stroke();
  }

  /** Return the scale of a lane: it widens at once and narrows slowly. */
  range(row, ring, first, last, size) {
    let low = Infinity, high = -Infinity;
    for (let k = first; k < last; k += 2) {
      const value = ring[k % size];
      if (value < low) low = value;
      if (value > high) high = value;
    }
    if (!(high > low)) return this.scales[row.key] ?? { low: -1, high: 1 };
    const middle = (low + high) / 2, half = Math.max(high - low, row.least) / 2;
    const kept = this.scales[row.key] ?? { low: middle - half, high: middle + half };
    const slow = (old, now, out) => (out ? now : old + (now - old) * 0.01);
    kept.low = slow(kept.low, middle - half, middle - half < kept.low);
    kept.high = slow(kept.high, middle + half, middle + half > kept.high);
    return (this.scales[row.key] = kept);
  }

  /** Device markers: a tick is sensed, a block a train; words only where they fit. */
  marks(pen, top, place, spanS) {
    const shown = this.markers.filter((m) => m.at_s > place.fromS && m.at_s < this.headS);
    pen.font = "700 11px 'DejaVu Sans', Verdana, sans-serif";
    pen.textBaseline = "middle";
    pen.fillStyle = this.colour("--soft");
    pen.fillText("Markers", 4, top + MARKER_PX / 2);
    let free = GUTTER_PX;
    const inOrder = [...shown].sort((a, b) => place.x(a.at_s) - place.x(b.at_s));
    inOrder.forEach((mark, n) => {
      const x = place.x(mark.at_s), train = mark.kind === "ccm";
      pen.fillStyle = this.colour(train ? "--egm" : mark.kind === "inhibit" ? "--bad" : "--ink");
      const wide = train ? Math.max(6, (mark.end_s - mark.at_s) * place.perS) : 2;
      pen.fillRect(x, top + (train ? 6 : 3), wide, train ? 18 : 12);
      const word = mark.code;
      const long = pen.measureText(word).width;
      const left = train ? x + wide + 3 : x - long - 3;
      const follows = n + 1 < inOrder.length ? place.x(inOrder[n + 1].at_s) : GUTTER_PX + spanS * place.perS;
      if (!word || left < free || (train && left + long > follows)) {
        free = Math.max(free, x + wide + 2);
        return;
      }
      pen.fillText(word, left, top + (train ? 15 : 10));
      free = Math.max(left + long, x + wide) + 4;
    });
  }

  /** The four numbers, as the instruments say them. */
  numbers(values) {
    keep(
      at("numbers"),
      NUMBERS,
      ([key]) => key,
      ([key, name]) => make("div", { class: key }, make("dt", {}, name), make("dd", { class: key })),
      (row, [key]) => say(row.lastChild, values[key] ?? "–"),
    );
  }
}

/** Systolic pressure and rate of each beat over the last minutes, drawn by uPlot. */
class Trend {
  constructor(place) {
    this.place = place;
    this.data = [[], []];
    new ResizeObserver(() => this.draw()).observe(place);
  }

  /** Take beats as rows of seconds and monitored systolic pressure. */
  take(rows, forget) {
    if (forget) this.data = [[], []];
    for (const [atS, sbp] of rows) {
      this.data[0].push(atS / 60);
      this.data[1].push(sbp);
    }
    const from = this.data[0].findIndex((m) => m > this.data[0].at(-1) - 10);
    if (from > 0) this.data = this.data.map((column) => column.slice(from));
    if (!this.place.hidden) this.draw();
  }

  draw() {
    const width = this.place.clientWidth, height = this.place.clientHeight;
    if (!width || this.data[0].length < 2) return;
    if (this.plot && this.dark === matchMedia("(prefers-color-scheme: dark)").matches) {
      if (this.plot.width !== width || this.plot.height !== height) this.plot.setSize({ width, height });
      this.plot.setData(this.data);
      return;
    }
    this.plot?.destroy();
    this.dark = matchMedia("(prefers-color-scheme: dark)").matches;
    this.plot = new uPlot(this.options(width, height), this.data, this.place);
  }

  options(width, height) {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    const axis = { stroke: colour("--soft"), grid: { stroke: colour("--faint") }, ticks: { show: false }, font: "11px 'DejaVu Sans', sans-serif" };
    return {
      width,
      height,
      cursor: { show: false },
      legend: { show: false },
      scales: { x: { time: false }, y: { range: (_, low, high) => [Math.floor(low - 4), Math.ceil(high + 4)] } },
      axes: [
        { ...axis, size: 20, values: (_, ticks) => ticks.map((t) => `${t} min`) },
        { ...axis, size: 50, values: (_, ticks) => ticks.map(String) },
      ],
      series: [{}, { stroke: colour("--abp"), width: 1.2, points: { show: false } }],
    };
  }
}
