/** The programmer: values on the screen, pending and in conflict, and what can be done. */
import { at, keep, make, say, show } from "./dom.js";

const ACTIONS = [
  { do: "link", name: "Put the wand back", key: "B", wide: true, primary: true },
  { do: "test", plan: "paired", name: "Test in a pair", key: "T", wide: true, primary: true },
  { do: "test", plan: "single", name: "Single", key: "G" },
  { do: "watch", name: "Watch", key: "W" },
  { do: "undo", name: "Undo", key: "U" },
  { do: "off", name: "CCM off now", key: "O", danger: true },
];

export class Programmer {
  /** `ask(command)` sends what is wanted. */
  constructor(ask) {
    this.ask = ask;
    this.others = false;
    keep(at("actions"), ACTIONS, (a) => a.name, (a) => this.action(a), () => {});
    at("other-values").addEventListener("click", () => this.turn());
    at("which-value").addEventListener("change", () => this.show(this.page, this.acts));
  }

  /** Turn between the values that are searched and all others of the device. */
  turn() {
    this.others = !this.others;
    this.show(this.page, this.acts);
    if (this.others) at("which-value").focus();
  }

  action(action) {
    const look = [action.primary && "primary", action.danger && "danger", action.wide && "wide"];
    const { do: what, plan } = action;
    const button = make("button", {
      type: "button",
      class: look.filter(Boolean).join(" "),
      "data-key": action.name,
      "aria-keyshortcuts": action.key,
      onclick: () => this.ask(plan ? { do: what, plan } : { do: what }),
    });
    button.append(make("span", {}, action.name), make("kbd", { "aria-hidden": "true" }, action.key));
    return button;
  }

  /** Show a page; `acts` tells whether this window may program. */
  show(page, acts) {
    this.page = page;
    this.acts = acts;
    const screen = page.screen;
    say("prog-state", screen.busy ? screen.busy : screen.state);
    show("other-values", screen.others.length > 0);
    this.others &&= screen.others.length > 0;
    at("other-values").setAttribute("aria-pressed", String(this.others));
    show("which-value", this.others);
    keep(at("which-value"), screen.others, (other) => other.name, (other) => make("option", { value: other.name }, other.title), () => {});
    const rows = this.others ? screen.others.filter((other) => other.name === at("which-value").value) : screen.axes;
    keep(at("axes"), rows, (axis) => axis.name, (axis) => this.row(axis), (row, axis) => this.fill(row, axis, acts));
    const words = screen.wrong.length ? screen.wrong : [screen.also];
    say("conflict", words.filter(Boolean).join(" "));
    at("conflict").classList.toggle("small-note", !screen.wrong.length);
    say("answer", page.answer);
    at("axes").classList.toggle("readonly", !acts);
    at("axes").classList.toggle("others", this.others);
    for (const action of ACTIONS) this.enable(action, page, acts);
    show("actions", acts);
  }

  row(axis) {
    const button = (by, sign, word) =>
      make("button", { type: "button", "aria-label": `${axis.title} ${word}`, onclick: () => this.ask({ do: "change", name: axis.name, by }) }, sign);
    return make(
      "div",
      { class: "axis", role: "group", "aria-label": axis.title },
      make("span", { class: "name" }, axis.title),
      button(-1, "\u2212", "down"),
      make("output", { class: "value" }),
      button(1, "+", "up"),
      make("span", { class: "was" }),
    );
  }

  fill(row, axis, acts) {
    const [, down, value, up, was] = row.children;
    row.className = ["axis", axis.pending && "pending", axis.clash && "clash", axis.name === this.chosen && "chosen"].filter(Boolean).join(" ");
    say(value, axis.value);
    say(was, axis.clash ? "conflict" : axis.was);
    for (const [button, end] of [[down, axis.lowest], [up, axis.highest]]) {
      button.disabled = end || !acts;
      button.hidden = !acts;
    }
  }

  enable(action, page, acts) {
    const button = at("actions").querySelector(`[data-key="${action.name}"]`);
    const minutes = action.plan ? page.minutes[action.plan] : undefined;
    // without a link nothing is tested: what mends it stands in that place
    if (action.do === "link") show(button, page.screen.link === false);
    if (action.wide && action.do !== "link") show(button, page.screen.link !== false);
    say(button.firstChild, minutes === undefined ? action.name : `${action.name} · ${minutes.toFixed(1)} min`);
    button.disabled = !acts || !this.may(action, page);
  }

  may(action, page) {
    const screen = page.screen, thinks = page.prompt === "next";
    if (action.do === "off") return !page.over && screen.axes.length > 0;
    if (action.do === "link") return !page.over;
    if (page.frozen || page.over || screen.busy) return false;
    if (action.do === "undo") return screen.axes.length > 0;
    if (!thinks || screen.button === "disabled") return false;
    if (action.do === "watch") return true;
    return Boolean(page.predicted) && page.minutes[action.plan] !== undefined;
  }

  /** Arrow keys: up and down choose a value, left and right move it. */
  arrow(key) {
    if (this.others) return;
    const names = this.page.screen.axes.map((axis) => axis.name);
    if (!names.length) return;
    const place = Math.max(0, names.indexOf(this.chosen));
    if (key === "ArrowUp" || key === "ArrowDown") {
      const next = this.chosen ? place + (key === "ArrowDown" ? 1 : -1) : 0;
      this.chosen = names[(next + names.length) % names.length];
    } else {
      this.chosen = names[place];
      this.ask({ do: "change", name: this.chosen, by: key === "ArrowRight" ? 1 : -1 });
    }
    for (const row of at("axes").children) row.classList.toggle("chosen", row.dataset.key === this.chosen);
  }
}
