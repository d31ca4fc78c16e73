/** What next: the question of the visit, the prediction, advice, the class's vote. */
import { at, keep, make, say, show } from "./dom.js";

const ANSWERS = [
  ["rises", "rise", "R"],
  ["no difference", "not differ", "D"],
  ["falls", "fall", "F"],
];

export class Asking {
  constructor(ask) {
    this.ask = ask;
    keep(at("predict-row"), ANSWERS, ([answer]) => answer, ([answer, name, key]) => this.button(answer, name, key), () => {});
  }

  button(answer, name, key) {
    const button = make("button", { type: "button", "aria-pressed": "false", "aria-label": answer, "aria-keyshortcuts": key, onclick: () => this.foresee(answer) });
    button.append(make("span", {}, name), make("kbd", { "aria-hidden": "true" }, key));
    return button;
  }

  /** `mine` has what a student's window said itself. */
  show(page, acts, mine) {
    const foresees = acts || page.role === "student";
    this.does = acts ? "predict" : "expect";
    say("asking-h", page.prompt ? "What next?" : "Now");
    say("prompt", sentence(page, acts, mine));
    show("predict", foresees && page.prompt === "next");
    say("predict-h", `Against the reference, ${page.quantity} will`);
    const said = acts ? page.predicted : mine.now;
    for (const button of at("predict-row").children) {
      button.setAttribute("aria-pressed", String(button.dataset.key === said));
      button.disabled = page.advice.closed;
    }
    show("expected", acts && page.prompt === "next" && page.expected > 0);
    say("expected", `${page.expected} in the class ${page.expected === 1 ? "has" : "have"} predicted`);
    this.advice(page, acts);
    this.vote(page, mine);
  }

  foresee(answer) {
    this.ask({ do: this.does, answer });
  }

  advice(page, acts) {
    const rows = acts && !page.over ? this.adviceButtons(page) : [];
    const advice = page.advice;
    const text = advice.runs ? `${advice.by} is at work` : advice.text ? `${advice.by} advises: ${advice.text}` : "";
    show("advice", Boolean(rows.length || text));
    const told = JSON.stringify([rows.map((row) => [row.name, row.off]), text]);
    if (told === this.toldAdvice) return;
    this.toldAdvice = told;
    const held = document.activeElement?.dataset?.name, prompted = page.prompt === "next";
    const buttons = rows.map((row) =>
      make("button", { type: "button", class: row.primary ? "primary" : "", disabled: row.off, "data-name": row.name, "aria-keyshortcuts": row.key, onclick: () => this.ask(row.command) }, row.name, row.key ? make("kbd", { "aria-hidden": "true" }, row.key) : null),
    );
    at("advice").replaceChildren(...(text ? [make("p", { role: "status" }, text)] : []), make("div", { class: buttons.length === 3 && prompted ? "row three" : "row" }, ...buttons));
    if (held) at("advice").querySelector(`[data-name="${held}"]`)?.focus();
  }

  adviceButtons(page) {
    const { advice, prompt } = page;
    const blind = prompt === "next" && !page.predicted;
    const hand = { name: advice.runs ? "Take over" : "Let it run", command: { do: "hand over", to_strategy: !advice.runs }, key: "L" };
    if (prompt === "choose") return this.chooseButtons(page);
    if (prompt !== "next") return advice.runs ? [hand] : [];
    const finish = { name: "Verify", command: { do: "finish" }, key: "V" };
    if (advice.text) {
      return [
        { name: "Accept", command: { do: "accept" }, key: "Y", off: advice.text.startsWith("nothing") },
        { name: "Overrule", command: { do: "overrule" }, key: "X" },
        hand,
        finish,
      ];
    }
    return [{ name: "Advice", command: { do: "advise" }, key: "H", off: blind }, hand, finish];
  }

  chooseButtons(page) {
    const choose = (name, what, key, primary) => ({ name, command: { do: "choose", what }, key, primary });
    return [
      choose("Verify what is on the screen", "screen", "1", true),
      choose(`Verify what ${page.advice.by} would`, "advised", "2"),
      choose("Keep the reference", "reference", "3"),
    ];
  }

  vote(page, mine) {
    const vote = page.vote;
    show("vote", Boolean(vote));
    const told = JSON.stringify([vote, page.role, mine.vote]);
    if (!vote || told === this.toldVote) return;
    this.toldVote = told;
    const held = document.activeElement?.dataset?.choice;
    const title = make("p", { class: "small" }, vote.open ? `The class votes: ${vote.cast} so far` : "The class voted");
    const most = Math.max(1, ...(vote.counts ?? [0]));
    const asked = vote.open && page.role !== "student" ? [] : vote.choices;
    const rows = asked.map((choice, n) => (vote.open ? this.ballot(choice, n, mine.vote) : tally(choice, vote.counts[n], most)));
    at("vote").replaceChildren(title, ...rows);
    if (held) at("vote").querySelector(`[data-choice="${held}"]`)?.focus();
  }

  ballot(choice, n, mine) {
    return make("button", { type: "button", "data-choice": n, "aria-pressed": String(mine === n), onclick: () => this.ask({ do: "vote", choice: n }) }, choice);
  }
}

function tally(choice, count, most) {
  const rail = make("span", { class: "rail" });
  const fill = make("span", { class: "fill" });
  fill.style.width = `${(100 * count) / most}%`;
  rail.append(fill);
  return make("div", { class: "tally" }, make("span", {}, choice), rail, make("span", { class: "n" }, String(count)));
}

function sentence(page, acts, mine) {
  if (page.frozen) return "The teacher has stopped the clock.";
  if (page.screen.link === false) return acts ? "The device is not linked: put the wand back." : "The device is not linked.";
  if (page.alert) return capital(page.alert);
  if (page.prompt === "choose") return acts ? "Which setting is verified with fresh pairs?" : "The candidate is being chosen.";
  if (page.prompt === "next") {
    if (page.screen.state === "CCM is off") return acts ? "CCM is off. Undo, or set the mode under Other values." : "CCM is off.";
    if (!acts && page.role !== "student") return "The next test is being chosen.";
    if (!acts) return mine.now ? `You predict: ${mine.now}. A test of other values asks anew.` : "What will a test of these values show? Predict.";
    const still = page.pace === "pause" ? "The clock stands still. " : "";
    if (!page.predicted) return `${still}Set the values, then predict.`;
    return `You predict: ${page.predicted}. Now test.`;
  }
  const now = page.phases.find((phase) => phase.state === "now");
  if (acts && page.pace === "pause" && !page.steps && !page.over) return "The clock stands still: let it run with auto or 1×.";
  if (page.screen.busy) return capital(page.screen.busy);
  return now ? `${now.name}: the visit goes by its checklist.` : "The patient waits at the door.";
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
