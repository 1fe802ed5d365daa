/** The page: its views, its bar, and what is live. */

import { h, say, toast, whole } from "./dom.js";
import { basket, model, onEvent, start } from "./data.js";
import { failure, note } from "./cards.js";
import { askForKey } from "./gate.js";

const VIEWS = {
  "": () => import("./shop.js").then((module) => module.home),
  category: () => import("./shop.js").then((module) => module.category),
  search: () => import("./shop.js").then((module) => module.search),
  product: () => import("./product.js").then((module) => module.product),
  basket: () => import("./basket.js").then((module) => module.basketView),
  desk: () => import("./desk.js").then((module) => module.desk),
  operations: () => import("./operations.js").then((module) => module.operations),
};
const IN_BAR = { basket: "basket", desk: "desk", operations: "operations" };

const main = document.getElementById("main");
const pill = document.getElementById("pill");
const find = document.querySelector(".find");
let leaving = new AbortController();

// ---- where one is ----------------------------------------------------------------

/** Return the view's name, what stands after it, and the query of an address. */
function place() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, ...rest] = path.split("/");
  return { name, rest: decode(rest.join("/")), query: new URLSearchParams(query) };
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

async function show() {
  if (location.hash === "#main") return; // the skip link
  const isFirst = main.querySelector(".loading") !== null;
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const { name, rest, query } = place();
  const inBar = (document.body.dataset.view = IN_BAR[name] ?? "shop");
  for (const link of document.querySelectorAll("nav [data-view]")) {
    link.toggleAttribute("aria-current", link.dataset.view === inBar);
    if (link.dataset.view === inBar) link.setAttribute("aria-current", "page");
  }
  find.q.value = name === "search" ? (query.get("q") ?? "") : "";
  const view = h("div.view");
  try {
    if (!VIEWS[name]) throw new Error(`There is no page “${name}”.`);
    const open = await VIEWS[name]();
    if (signal.aborted) return;
    main.replaceChildren(view);
    await open(view, { id: rest, query, signal });
  } catch (error) {
    if (signal.aborted) return;
    if (error.code === "key_needed" || error.code === "key_wrong") askForKey(view, "read");
    else if (!VIEWS[name]) view.replaceChildren(h("h1", {}, "Nothing here"), note("This address leads nowhere", error.message, h("a.button", { href: "#/" }, "To the shop")));
    else view.replaceChildren(h("h1", {}, "Something is missing"), failure(error, show));
    main.replaceChildren(view);
  }
  const heading = view.querySelector("h1");
  document.title = heading && name ? `${heading.textContent} · Evershelf` : "Evershelf";
  if (!isFirst) {
    scrollTo({ top: 0, behavior: "instant" });
    heading?.setAttribute("tabindex", "-1");
    heading?.focus({ preventScroll: true });
  }
}

// ---- the bar ---------------------------------------------------------------------

find.addEventListener("submit", (event) => {
  event.preventDefault();
  const words = find.q.value.trim();
  location.hash = words ? `#/search?q=${encodeURIComponent(words)}` : "#/";
});

function count() {
  const badge = document.getElementById("basket-count");
  badge.hidden = !basket.count;
  badge.textContent = basket.count;
}

function tell(event) {
  if (event.type === "generation" || event.type === "reset") model.isOnline = true;
  const state = !model.isOnline ? "offline" : model.stale ? "stale" : model.generation ? "live" : "waiting";
  const words = { offline: "Offline", stale: "Out of date", live: `Live · ${whole(model.generation)}`, waiting: "Connecting" };
  if (pill.dataset.state !== state) {
    if (state === "offline") say("The connection to the shop is lost; what is shown may be old.");
    else if (pill.dataset.state === "offline") say("The connection is back.");
  }
  pill.dataset.state = state;
  pill.lastChild.textContent = words[state];
  pill.title = { offline: "The server does not answer; what is shown may be old.", stale: `Newer changes may be missing: ${model.reason}`, live: `Generation ${model.generation} of the model`, waiting: "" }[state];
  document.body.dataset.state = state;
  if (event.type === "generation" && !event.isFirst) announce(event);
}

function announce(event) {
  pill.classList.remove("beat");
  void pill.offsetWidth;
  pill.classList.add("beat");
  const changed = event.changed?.length ?? 0;
  const gone = event.gone?.length ?? 0;
  if ((!changed && !gone) || document.body.dataset.view !== "shop" || !place().name) return; // others tell it themselves
  const parts = [changed && `${whole(changed)} changed`, gone && `${whole(gone)} gone`].filter(Boolean);
  toast(`Generation ${whole(event.generation)}: ${parts.join(", ")}`);
}

// ---- light and dark --------------------------------------------------------------

const dark = matchMedia("(prefers-color-scheme: dark)");
const theme = document.getElementById("theme");

function paint() {
  const chosen = localStorage.getItem("theme") ?? (dark.matches ? "dark" : "light");
  document.documentElement.dataset.theme = chosen;
  theme.setAttribute("aria-pressed", String(chosen === "dark"));
}

theme.addEventListener("click", () => {
  const other = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  localStorage.setItem("theme", other);
  paint();
});
theme.setAttribute("aria-label", "Dark colours");
dark.addEventListener("change", paint);

paint();
count();
basket.onChange(count);
onEvent(tell);
start();
addEventListener("hashchange", show);
show();
