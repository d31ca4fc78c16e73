/** Small helpers: the page is plain elements whose text and attributes are set. */

/** Find an element that index.html has. */
export const at = (id) => document.getElementById(id);

/** Make an element: attributes, then children (elements or text). */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

/** Make an SVG element. */
export function draw(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value != null) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** Set text only where it differs, so that nothing is announced twice. */
export function say(id, text) {
  const element = typeof id === "string" ? at(id) : id;
  if (element.textContent !== text) element.textContent = text;
}

/** Show or hide an element. */
export function show(id, shown) {
  const element = typeof id === "string" ? at(id) : id;
  if (element.hidden === Boolean(shown)) element.hidden = !shown;
}

/**
 * Keep the children of a place in step with a list, without losing the focus.
 * `build(item)` makes a child once for each key, `update(child, item)` fills it.
 */
export function keep(place, items, key, build, update) {
  const old = new Map([...place.children].map((child) => [child.dataset.key, child]));
  items.forEach((item, n) => {
    const name = String(key(item));
    let child = old.get(name);
    if (child) old.delete(name);
    else {
      child = build(item);
      child.dataset.key = name;
    }
    if (place.children[n] !== child) place.insertBefore(child, place.children[n] ?? null);
    update(child, item);
  });
  for (const child of old.values()) child.remove();
}

/** A number with its sign and a true minus. */
export function signed(value, digits = 1) {
  const text = Math.abs(value).toFixed(digits);
  if (Number(text) === 0) return text;
  return (value < 0 ? "\u2212" : "+") + text;
}

/** Seconds as h:mm:ss. */
export function clockText(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (n) => String(n).padStart(2, "0");
  return `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
}
