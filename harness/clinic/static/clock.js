/** The clock: phases of the visit, time, and how fast it runs. */
import { at, clockText, keep, make, say } from "./dom.js";

const RATES = [
  { pace: "pause", name: "❚❚", label: "Pause", key: "Space" },
  { pace: "step", name: "▸▏", label: "To the next event", key: "N" },
  { pace: "auto", name: "auto", label: "Auto: fast while reading, slow at events", key: "A" },
  { pace: "1", name: "1×", label: "The patient's own pace", key: "1" },
  { pace: "10", name: "10×", label: "Ten times as fast", key: "2" },
  { pace: "60", name: "60×", label: "Sixty times as fast", key: "3" },
];

export class Clock {
  constructor(ask) {
    this.ask = ask;
    keep(at("rates"), RATES, (r) => r.pace, (r) => this.button(r), () => {});
  }

  button(rate) {
    const step = rate.pace === "step";
    return make("button", { type: "button", "aria-label": rate.label, title: `${rate.label} (${rate.key})`, "aria-keyshortcuts": rate.key, "aria-pressed": step ? null : "false", onclick: () => this.ask(step ? { do: "step" } : { do: "pace", pace: rate.pace }) }, rate.name);
  }

  show(page, acts) {
    this.page = page;
    keep(at("phases"), page.phases, (p) => p.name, () => make("li"), (item, phase) => {
      say(item, phase.name);
      item.className = phase.state;
      if (phase.state === "now") item.setAttribute("aria-current", "step");
      else item.removeAttribute("aria-current");
    });
    const place = page.phases.findIndex((phase) => phase.state === "now");
    say("now", place < 0 ? "" : `${page.phases[place].name} · ${place + 1} of ${page.phases.length}`);
    for (const button of at("rates").children) {
      const pace = button.dataset.key;
      if (pace !== "step") button.setAttribute("aria-pressed", String(pace === page.pace));
      button.disabled = !acts || page.over || (page.frozen && pace !== "pause");
    }
    at("rates").hidden = !acts;
  }

  tick(atS) {
    say("time", clockText(atS));
  }

  /** Space: stop, or go on as before. */
  toggle() {
    const stopped = this.page.pace === "pause";
    if (!stopped) this.before = this.page.pace;
    this.ask({ do: "pace", pace: stopped ? (this.before ?? "auto") : "pause" });
  }
}
