/** Elements, lists and numbers. Text is only ever set as text. */

/** Return an element: h("a.card", { href }, "text", child). */
export function h(name, properties = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const made = document.createElement(tag);
  if (classes.length) made.className = classes.join(" ");
  return fill(set(made, properties), ...children);
}

/** Return an SVG element, with attributes. */
export function svg(tag, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Replace what is in an element; null and false are nothing. */
export function fill(place, ...children) {
  place.replaceChildren(...children.flat().filter((child) => child !== null && child !== false && child !== undefined));
  return place;
}

function set(made, properties) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name.includes("-") || !(name in made)) value === false || made.setAttribute(name, value);
    else made[name] = value;
  }
  return made;
}

/**
 * Show `items` as children of `place`, one each; those that stay keep their element, and
 * move to where they belong. Returns the ids that are new.
 */
export function list(place, items, { key = (item) => item.id, make, update = () => {} }) {
  const before = new Map([...place.children].filter((one) => one.dataset.key).map((one) => [one.dataset.key, one]));
  const places = new Map([...before].map(([id, one]) => [id, one.getBoundingClientRect()]));
  const fresh = [];
  const wanted = items.map((item) => {
    const id = key(item);
    let made = before.get(id);
    if (!made) {
      made = make(item);
      made.dataset.key = id;
      fresh.push(id);
    }
    update(made, item);
    return made;
  });
  for (const child of [...place.children]) if (!wanted.includes(child)) child.remove();
  wanted.forEach((one, index) => place.children[index] !== one && place.insertBefore(one, place.children[index] ?? null));
  if (before.size) wanted.forEach((one) => glide(one, places.get(one.dataset.key)));
  return fresh;
}

function glide(one, from) {
  if (isCalm()) return;
  const to = one.getBoundingClientRect();
  const timing = { duration: 340, easing: "cubic-bezier(.2,.8,.2,1)" };
  if (!from) one.animate([{ opacity: 0, scale: "0.96" }, {}], timing);
  else if (from.x !== to.x || from.y !== to.y) one.animate([{ translate: `${from.x - to.x}px ${from.y - to.y}px` }, {}], timing);
}

export function isCalm() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/** Let somebody see that this has changed just now. */
export function flash(one) {
  one.classList.remove("changed");
  void one.offsetWidth; // begins anew
  one.classList.add("changed");
}

/** Tell those who listen to the page instead of looking at it. */
export function say(text) {
  document.getElementById("said").textContent = text;
}

/** A line in the corner that goes away; it says nothing that is not also elsewhere. */
export function toast(text, href) {
  const place = document.getElementById("toasts");
  const made = h(href ? "a.toast" : "div.toast", href ? { href, tabIndex: -1 } : {}, text);
  place.append(made);
  while (place.children.length > 3) place.firstChild.remove();
  setTimeout(() => made.remove(), 5_000);
}

const TWO = new Intl.NumberFormat(undefined, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const WHOLE = new Intl.NumberFormat();

export const money = (value) => (typeof value === "number" ? TWO.format(value) : "");
export const whole = (value) => WHOLE.format(value);

/** Milliseconds, as short as they are told. */
export function ms(value) {
  if (value >= 10_000) return `${(value / 1000).toFixed(0)} s`;
  if (value >= 1_000) return `${(value / 1000).toFixed(1)} s`;
  return value >= 10 || value === 0 ? `${Math.round(value)} ms` : `${value.toFixed(1)} ms`;
}

export function clock(time) {
  return new Date(time).toLocaleTimeString([], { hour12: false });
}

/** Call `work` at most once in so many milliseconds, and once more after the last call. */
export function calm(work, everyMs, signal) {
  let last = -Infinity;
  let timer = 0;
  signal?.addEventListener("abort", () => clearTimeout(timer), { once: true });
  return () => {
    clearTimeout(timer);
    if (signal?.aborted) return;
    timer = setTimeout(() => ((last = performance.now()), work()), Math.max(0, last + everyMs - performance.now()));
  };
}
