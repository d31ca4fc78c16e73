/** The page: which part of it is seen, and where what the clinic tells goes. */
import { Asking } from "./asking.js";
import { Clock } from "./clock.js";
import { Debrief } from "./debrief.js";
import { at, clockText, keep, make, say, show } from "./dom.js";
import { listenToKeys } from "./keys.js";
import { LessonStrip } from "./lesson.js";
import { Line } from "./line.js";
import { Monitor } from "./monitor.js";
import { Programmer } from "./programmer.js";
import { Start } from "./start.js";
import { Teacher } from "./teacher.js";
import { Tests } from "./tests.js";

const PROGRAMS = ["alone", "teacher", "programmer"];
const SAID_MS = 5000;

const hash = new URLSearchParams(location.hash.slice(1));
const line = new Line(heard, (open) => show("link", !open));
const ask = (command) => line.send(command);
const monitor = new Monitor();
const tests = new Tests();
const programmer = new Programmer(ask);
const asking = new Asking(ask);
const clock = new Clock(ask);
const teacher = new Teacher(ask);
const lesson = new LessonStrip(ask);
const debrief = new Debrief(ask);
const start = new Start(enter, hash.get("key") ?? "");
const NOTHING = { now: "", tests: {}, vote: null };
let page, acts = false, met = false, mine = NOTHING;

function enter(seat) {
  history.replaceState(null, "", `#seat=${seat}`);
  met = false;
  mine = NOTHING;
  line.open(seat);
}

function heard(message) {
  if (message.type === "page") paint(message);
  else if (message.type === "mine") own(message);
  else if (message.type === "tick") tick(message);
  else if (message.type === "said") notice(message.text);
  else if (message.type === "link") keepLink(message.link);
  else if (message.type === "gone") {
    history.replaceState(null, "", location.pathname);
    see("start");
    start.show();
    start.wait(message.text);
  }
}

/** What this window said itself: predictions and vote. */
function own(told) {
  mine = told;
  if (page) paint(page);
}

function paint(told) {
  if (page?.over && !told.over) met = false; // another visit, with its own introduction
  page = told;
  acts = PROGRAMS.includes(told.role);
  const begun = told.phases.some((phase) => phase.state !== "later");
  // whoever comes back in the middle of a visit needs no introduction
  if (begun) met = true;
  if (told.over) see("debrief");
  else see(met ? "visit" : "card");
  say("class-code", told.code ? `Class code ${told.code}` : ""); // a class comes in before the patient does
  if (!met) return card(told);
  clock.show(told, acts);
  programmer.show(told, acts);
  asking.show(told, acts, mine);
  teacher.show(told);
  lesson.show(told);
  band(told.band);
  tests.take(told.tests, told.axes, told.quantity, told.role === "student" ? mine.tests : null);
  log(told.log);
  if (told.over) debrief.show(told, mine);
}

function tick(told) {
  clock.tick(told.at_s);
  monitor.pace(told.rate);
  monitor.numbers(told.numbers);
  if (told.fresh) monitor.forget();
  if (!told.piece) return;
  monitor.take(told.piece);
  monitor.trend.take(told.piece.trend, told.fresh);
}

function see(part) {
  if (at(part).hidden) scrollTo(0, 0); // the form of the start may have been far down
  for (const id of ["start", "card", "visit", "debrief"]) show(id, id === part);
}

function card(told) {
  say("card-h", `${told.title} is at the door`);
  at("chart").replaceChildren(...told.card.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
  show("begin", acts);
}

function band(told) {
  for (const [id, text] of [["what", told.what], ["change", told.change], ["of", told.of], ["effect", told.effect], ["ci", told.ci], ["clock", told.clock], ["left", told.left]]) {
    say(`band-${id}`, text ?? "");
  }
  at("band-of").classList.toggle("wrap", told.of.length > 46);
  at("band-effect").classList.toggle("bad", ["felt", "stopped", "refused", "void"].includes(told.effect));
}

function log(lines) {
  keep(at("log"), lines, (row) => `${row.at_s} ${row.text}`, (row) => make("li", {}, `${clockText(row.at_s)} ${row.text}`), () => {});
}

/** A teacher's link: from it the visit goes on, on another day or machine. */
async function keepLink(text) {
  const address = `${location.origin}/#again=${text}`;
  try {
    await navigator.clipboard.writeText(address);
    notice("The link to this visit is in the clipboard.");
  } catch {
    prompt("The link to this visit:", address);
  }
}

let saidTimer;
function notice(text) {
  if (!text) return;
  say("said", text);
  show("said", true);
  clearTimeout(saidTimer);
  saidTimer = setTimeout(() => show("said", false), SAID_MS);
}

function begin() {
  met = true;
  ask({ do: "pace", pace: "auto" });
  paint(page);
  at("app").focus();
}
at("begin").addEventListener("click", begin);

const when = (prompt, command) => () => {
  if (!page || page.prompt !== prompt) return false;
  ask(command);
};
const always = (command) => () => ask(command);
const number = (what, pace) => () => (page?.prompt === "choose" ? ask({ do: "choose", what }) : ask({ do: "pace", pace }));
const inVisit = (handlers) =>
  Object.fromEntries(Object.entries(handlers).map(([key, act]) => [key, (event) => (acts && page && !at("visit").hidden ? act(event) : false)]));
const arrow = (event) => programmer.arrow(event.key);

const foresee = (answer) => () => {
  if (at("predict").hidden || at("visit").hidden) return false;
  asking.foresee(answer);
};

listenToKeys({
  r: foresee("rises"),
  d: foresee("no difference"),
  f: foresee("falls"),
  ...inVisit({
    " ": () => clock.toggle(),
    n: always({ do: "step" }),
    a: always({ do: "pace", pace: "auto" }),
    1: number("screen", "1"),
    2: number("advised", "10"),
    3: number("reference", "60"),
    e: () => programmer.turn(),
    ArrowUp: arrow,
    ArrowDown: arrow,
    ArrowLeft: arrow,
    ArrowRight: arrow,
    t: always({ do: "test", plan: "paired" }),
    g: always({ do: "test", plan: "single" }),
    w: always({ do: "watch" }),
    u: always({ do: "undo" }),
    b: () => (page.screen.link === false ? ask({ do: "link" }) : false),
    o: always({ do: "off" }),
    h: always({ do: "advise" }),
    y: always({ do: "accept" }),
    x: always({ do: "overrule" }),
    l: () => ask({ do: "hand over", to_strategy: !page.advice.runs }),
    v: when("next", { do: "finish" }),
  }),
});

if (hash.get("again")) {
  see("start");
  start.show();
  start.goOn(hash.get("again"));
} else if (hash.get("seat")) enter(hash.get("seat"));
else {
  see("start");
  start.show(hash.get("code") ?? "");
}
