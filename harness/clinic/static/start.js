/** The start: alone, before a class, in one, or a lesson; then who comes. */
import { at, keep, make, say, show } from "./dom.js";

const MODES = [
  { mode: "alone", name: "Play alone", what: "You lead the visit: look, predict, test, decide." },
  { mode: "class", name: "Teach a class", what: "You lead it before a class, who follow and vote at their own windows." },
  { mode: "lessons", name: "Lessons", what: "Ten visits with steps, predictions and questions, led by you." },
  { mode: "join", name: "Join a class", what: "With the code that the teacher shows." },
];

export class Start {
  /** `enter(seat)` is called when somebody has a seat; `key` opens rooms from afar. */
  constructor(enter, key) {
    this.enter = enter;
    this.key = key;
    at("joining").addEventListener("submit", (event) => {
      event.preventDefault();
      this.post("/seats", { code: at("code").value });
    });
    at("look-on").addEventListener("click", () => this.post("/seats", { code: at("code").value, role: "observer" }));
  }

  show(code) {
    keep(at("modes"), MODES, (m) => m.mode, (m) => this.mode(m), () => {});
    this.choose(code ? "join" : "");
    if (code) at("code").value = code;
  }

  mode({ mode, name, what }) {
    return make("button", { type: "button", "aria-pressed": "false", onclick: () => this.choose(mode) }, make("b", {}, name), make("span", {}, what));
  }

  async choose(mode) {
    this.chosen = mode;
    for (const button of at("modes").children) button.setAttribute("aria-pressed", String(button.dataset.key === mode));
    show("who", ["alone", "class", "lessons"].includes(mode));
    say("who-h", mode === "lessons" ? "Which lesson?" : "Who comes?");
    show("joining", mode === "join");
    say("waiting", "");
    show("waiting", false);
    if (mode === "join") at("code").focus();
    at("patients").replaceChildren();
    if (!mode || mode === "join") return;
    const kind = mode === "lessons" ? "lessons" : "patients";
    if (!this[kind]) {
      this.wait("One moment…");
      this[kind] = (await (await fetch(`/${kind}`)).json())[kind];
      show("waiting", false);
    }
    if (this.chosen === mode) keep(at("patients"), this[kind], (p) => p.key, (p) => this.patient(p), () => {});
  }

  patient(patient) {
    const rows = patient.lines.map((line) => make("span", {}, line));
    return make("button", { type: "button", onclick: () => this.open(patient.key) }, make("b", {}, patient.title), ...rows);
  }

  open(patient) {
    this.wait("The patient is on the way…");
    const lesson = this.chosen === "lessons";
    this.post("/rooms", lesson ? { mode: "class", lesson: patient, key: this.key } : { mode: this.chosen, patient, key: this.key });
  }

  goOn(link) {
    this.wait("The visit goes on where it was…");
    this.post("/rooms", { mode: "class", link, key: this.key });
  }

  wait(text) {
    say("waiting", text);
    show("waiting", true);
  }

  async post(path, told) {
    const body = JSON.stringify(told);
    const answer = await fetch(path, { method: "POST", body, headers: { "content-type": "application/json" } });
    const got = await answer.json().catch(() => ({ error: "the clinic does not answer" }));
    if (answer.ok) this.enter(got.seat);
    else this.wait(got.error);
  }
}
