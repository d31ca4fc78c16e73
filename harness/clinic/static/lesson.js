/** A lesson's present step: say, predict, do, and what was seen; at its end questions. */
import { loops } from "./debrief.js";
import { at, make, say, show } from "./dom.js";

export class LessonStrip {
  constructor(ask) {
    this.ask = ask;
    addEventListener("resize", () => this.loops(this.told && JSON.parse(this.told)[0].loops));
  }

  show(page) {
    const lesson = page.lesson, leads = page.role === "alone" || page.role === "teacher";
    show("lesson", Boolean(lesson));
    this.loops(lesson?.loops);
    const told = JSON.stringify([lesson, leads]);
    if (!lesson || told === this.told) return;
    this.told = told;
    say("lesson-h", lesson.questions ? `${lesson.title}: questions` : `${lesson.title}, ${lesson.n} of ${lesson.of}: ${lesson.name}`);
    const held = document.activeElement?.dataset?.name;
    at("lesson-on").replaceChildren(...(lesson.questions || !leads ? [] : [this.next(lesson)]));
    at("lesson-body").replaceChildren(...(lesson.questions ? this.ending(lesson, leads) : this.step(lesson, leads)));
    if (held) at("lesson").querySelector(`[data-name="${CSS.escape(held)}"]`)?.focus();
    at("lesson-body").querySelector(".then:last-of-type")?.scrollIntoView({ block: "nearest" });
  }

  /** In a lesson that is open from its beginning: the true loop, beside the tests. */
  loops(told) {
    show("open-loop", Boolean(told));
    document.querySelector(".tests").classList.toggle("open", Boolean(told));
    const place = at("open-loop"), drawn = JSON.stringify([told, place.clientWidth, place.clientHeight]);
    if (!told || drawn === this.drawn) return;
    this.drawn = drawn;
    loops(place, told);
  }

  step(lesson, leads) {
    const parts = [make("p", {}, lesson.say)];
    // what is settled takes a line, so that what was seen stands beside what was said
    const settled = lesson.then && lesson.predicted;
    if (settled) parts.push(make("p", { class: "ask" }, lesson.ask, " ", make("span", { class: "given" }, lesson.predicted)));
    else if (lesson.ask) parts.push(make("p", { class: "ask" }, lesson.ask), this.choices(lesson.choices, lesson.predicted, leads, (choice) => ({ do: "lesson predict", choice })));
    if (lesson.ask && !settled && !leads) parts.push(make("p", { class: "small wrap" }, "Settle it together: the teacher presses."));
    if (!lesson.ask || lesson.predicted) parts.push(make("p", {}, make("b", {}, "Do: "), lesson.do, lesson.seen ? ` (${lesson.seen})` : ""));
    if (leads && lesson.inject && !lesson.then) parts.push(make("div", { class: "row" }, this.button(`Let it happen: ${lesson.inject}`, { do: "lesson inject" })));
    if (lesson.then) parts.push(make("p", { class: "then", role: "status" }, lesson.then));
    return parts;
  }

  /** Beside the heading: within reach however long the step is. */
  next(lesson) {
    return this.button(lesson.done ? "Next step" : "Next step anyway", { do: "lesson on", anyway: !lesson.done }, lesson.done);
  }

  ending(lesson, leads) {
    const asked = lesson.questions.map((question, n) =>
      make(
        "div",
        {},
        make("p", { class: "ask" }, question.ask),
        this.choices(question.choices, question.given, leads && !question.given, (choice) => ({ do: "lesson answer", question: n, choice }), question),
        question.given ? make("p", { class: "then", role: "status" }, `${question.given === question.answer ? "Yes" : `No: ${question.answer}`}. ${question.why}`) : null,
      ),
    );
    return [...asked, make("p", {}, lesson.closing)];
  }

  /** An `answered` question marks the right choice, and the one that was given. */
  choices(choices, chosen, may, command, answered = {}) {
    const mark = (choice) => (choice === answered.answer ? "\u2713 " : answered.answer && choice === chosen ? "\u2717 " : "");
    const buttons = choices.map((choice) => this.button(`${mark(choice)}${choice}`, command(choice), false, choice === chosen, !may));
    return make("div", { class: "row" }, ...buttons);
  }

  button(name, command, primary = false, pressed = undefined, disabled = false) {
    return make("button", { type: "button", "data-name": name, class: primary ? "primary" : "", "aria-pressed": pressed === undefined ? null : String(pressed), disabled, onclick: () => this.ask(command) }, name);
  }
}
