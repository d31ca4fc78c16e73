/** Single keys for everything a visit needs; they can be switched off. */
import { at, make } from "./dom.js";

const HELP = [
  ["Space", "stop the clock, or go on"],
  ["N", "on to the next event"],
  ["A 1 2 3", "auto, 1×, 10×, 60×"],
  ["↑ ↓", "choose a value"],
  ["← →", "change it"],
  ["E", "the other values of the device"],
  ["R D F", "predict: rises, no difference, falls"],
  ["T G W", "test in a pair, single reading, watch"],
  ["H Y X L", "ask for advice, accept, overrule, let it run"],
  ["V", "stop titrating; then 1, 2, 3 choose what is verified"],
  ["U", "undo"],
  ["B", "put the wand back"],
  ["O", "CCM off now"],
  ["?", "this list"],
];

export function listenToKeys(handlers) {
  at("keys-body").append(
    make("table", {}, make("tbody", {}, ...HELP.map(([key, what]) => make("tr", {}, make("th", { scope: "row" }, key), make("td", {}, what))))),
  );
  const on = at("keys-on");
  on.checked = localStorage.getItem("keys") !== "off";
  on.addEventListener("change", () => localStorage.setItem("keys", on.checked ? "on" : "off"));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target.closest("input, textarea, select, dialog, [contenteditable]")) return;
    if (event.key === "?") return at("keys").showModal();
    if (!on.checked) return;
    const onButton = event.target.closest("button, a, .scroll");
    if (onButton && (event.key === " " || event.key === "Enter" || (event.key.startsWith("Arrow") && onButton.matches(".scroll")))) return;
    const act = handlers[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (act && act(event) !== false) event.preventDefault();
  });
}
