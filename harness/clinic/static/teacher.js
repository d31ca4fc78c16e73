/** The teacher's window: the room's code, happenings, freeze, vote, notes. */
import { at, keep, make, say, show } from "./dom.js";

const HAPPENINGS = [
  ["Run of ectopics", { what: "ectopics" }],
  ["Fibrillation begins", { what: "fibrillation begins" }],
  ["Fibrillation ends", { what: "fibrillation ends" }],
  ["Lead dislodges", { what: "lead fault", fault: "dislodged" }],
  ["Noise", { what: "noise" }],
  ["Wand away", { what: "wand away" }],
  ["Cough", { what: "cough" }],
  ["Stands up", { what: "stands up" }],
  ["Patient feels it", { what: "felt" }],
];

export class Teacher {
  constructor(ask) {
    this.ask = ask;
  }

  show(page) {
    const teaches = page.role === "teacher";
    this.panels(teaches, page.role === "alone");
    if (!this.built) this.build(teaches);
    say("teacher-h", teaches ? `Class of ${page.students}` : "Let something happen");
    if (!teaches) return;
    say(this.codes, `Code for a student to program: ${page.programmer_code}`);
    this.freeze.setAttribute("aria-pressed", String(page.frozen));
    this.hide.setAttribute("aria-pressed", String(page.advice.hidden));
    const open = Boolean(page.vote?.open);
    show(this.opening, !open);
    show(this.closing, open);
    for (const other of this.others) show(other, !open);
    if (open) this.hands(page.vote.choices);
  }

  /** Below the question: the programmer, or what the teacher does. */
  panels(teaches, alone) {
    const offered = teaches || alone ? [["programmer", "Programmer"], ["teacher", teaches ? "Teacher" : "Happenings"]] : [];
    keep(at("panels"), offered, ([id]) => id, ([id, name]) => make("button", { type: "button", onclick: () => this.panel(id) }, name), () => {});
    show("panels", offered.length > 0);
    this.panel(offered.length ? (this.shown ?? "programmer") : "programmer");
  }

  panel(id) {
    this.shown = id;
    for (const button of at("panels").children) button.setAttribute("aria-pressed", String(button.dataset.key === id));
    show("programmer", id === "programmer");
    show("teacher", id === "teacher");
  }

  build(teaches) {
    this.built = true;
    this.codes = make("p", {});
    const pick = make("select", { "aria-label": "What happens" }, ...HAPPENINGS.map(([name], n) => make("option", { value: n }, name)));
    const happen = make("button", { type: "button", onclick: () => this.ask({ do: "inject", happening: HAPPENINGS[pick.value][1] }) }, "Let it happen");
    this.others = [make("div", { class: "row" }, pick, happen), this.noting()];
    const parts = [...this.others];
    if (teaches) parts.unshift(this.codes, this.talking());
    if (teaches) parts.push(this.voting());
    at("teacher-body").replaceChildren(...parts);
    at("teacher-body").className = "teacher";
  }

  talking() {
    const toggle = (what) => (event) => this.ask({ do: what, on: event.currentTarget.getAttribute("aria-pressed") !== "true" });
    this.freeze = make("button", { type: "button", "aria-pressed": "false", onclick: toggle("freeze") }, "Freeze");
    this.hide = make("button", { type: "button", "aria-pressed": "false", onclick: toggle("hide advice") }, "Hide advice");
    const link = make("button", { type: "button", onclick: () => this.ask({ do: "ask link" }) }, "Link");
    return make("div", { class: "row" }, this.freeze, this.hide, link);
  }

  noting() {
    const text = make("input", { "aria-label": "Note on the timeline", maxlength: 500, placeholder: "Note on the timeline" });
    const write = (event) => {
      event.preventDefault();
      if (text.value.trim()) this.ask({ do: "note", text: text.value.trim() });
      text.value = "";
    };
    return make("form", { class: "row", onsubmit: write }, text, make("button", {}, "Note"));
  }

  voting() {
    const text = make("input", { "aria-label": "Choices of a vote, two to four, divided by semicolons", placeholder: "Vote: choice; choice; …", maxlength: 240 });
    const open = (event) => {
      event.preventDefault();
      const choices = text.value.split(";").map((line) => line.trim().slice(0, 60)).filter(Boolean);
      this.ask({ do: "open vote", choices });
    };
    this.opening = make("form", { class: "row", onsubmit: open }, text, make("button", {}, "Open"));
    this.handsRow = make("div", { class: "hands" });
    const close = (event) => {
      event.preventDefault();
      const hands = [...this.handsRow.querySelectorAll("input")].map((input) => Number(input.value) || 0);
      this.ask({ do: "close vote", hands });
    };
    this.closing = make("form", { hidden: true, onsubmit: close }, this.handsRow, make("button", { class: "primary" }, "Close the vote"));
    return make("div", {}, this.opening, this.closing);
  }

  hands(choices) {
    const told = JSON.stringify(choices);
    if (told === this.toldHands) return;
    this.toldHands = told;
    this.handsRow.replaceChildren(
      ...choices.map((choice) => make("label", { class: "check" }, choice, make("input", { type: "number", min: 0, max: 999, value: 0, "aria-label": `Hands for ${choice}` }))),
    );
  }
}
