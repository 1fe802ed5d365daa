/**
 * Recommendations for any page: `recommend()`, `follow()` and <evershelf-similar>.
 * One module, no dependencies. Types are in client.d.ts, examples in docs/client.md.
 */

const HOME = new URL(import.meta.url).origin;
const RETRIED = new Set([429, 502, 503, 504]);
const LONGEST_PAUSE_MS = 8_000;
const REFRESH_MS = 1_000; // under steady writes, one look a second is enough
const PATIENCE_MS = 20_000;
const HIDDEN_MS = 30_000; // a tab that nobody looks at gives its stream back

/** An answer that is not what was asked for, or none at all (then `status` is 0). */
export class EvershelfError extends Error {
  constructor(message, { status = 0, code = "unreachable", errors = [], requestId = "", cause } = {}) {
    super(message, { cause });
    Object.assign(this, { name: "EvershelfError", status, code, errors, requestId });
  }
}

const newest = {}; // by origin: the model that is furthest; other servers may be behind

/** The products most like one product, or most like several; see client.d.ts. */
export async function recommend(what, options = {}) {
  const { origin = HOME, after } = options;
  const answer = await request(what, options);
  const isOld = !after && isBefore(answer.model, newest[origin]);
  const { model, ...found } = isOld ? await request(what, { ...options, after: newest[origin].cluster_time }) : answer;
  if (!isBefore(model, newest[origin])) newest[origin] = model;
  return { ...found, model };
}

async function request(what, options) {
  const { origin, key, signal, timeoutMs, retries, ...params } = options;
  const how = { origin, key, signal, timeoutMs, retries };
  if (typeof what === "string") {
    return ask(`/v1/products/${encodeURIComponent(what)}/similar?${toQuery(params)}`, how);
  }
  const { after, wait_ms, ...asked } = params;
  const request = { ...(Array.isArray(what) ? { items: what } : what), ...asked };
  const body = { requests: [request], ...defined({ after, wait_ms }) };
  const { results, model } = await ask("/v1/recommendations", { ...how, body });
  return { ...results[0], model };
}

/** Any address of the API, with abort, time limit and retries; resolves to its JSON. */
export async function ask(path, options = {}) {
  const { origin = HOME, key, signal, timeoutMs = 10_000, retries = 3, body } = options;
  const headers = defined({ "X-API-Key": key, "Content-Type": body && "application/json" });
  const init = { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body), cache: "no-cache" };
  for (let failures = 0; ; failures += 1) {
    const limit = AbortSignal.timeout(timeoutMs);
    let pauseMs = Math.min(250 * 2 ** failures, LONGEST_PAUSE_MS) * (0.5 + Math.random() / 2);
    let failure;
    try {
      const answer = await fetch(new URL(path, origin), { ...init, signal: either(signal, limit) });
      if (answer.ok) return toCurrent(await answer.json(), answer.headers);
      failure = await toError(answer);
      const asked = Number(answer.headers.get("Retry-After")) * 1000;
      pauseMs = Math.max(pauseMs, asked || 0);
      if (!RETRIED.has(answer.status) || asked > LONGEST_PAUSE_MS) throw failure;
    } catch (error) {
      signal?.throwIfAborted();
      if (error === failure) throw error;
      const message = limit.aborted ? `No answer within ${timeoutMs} ms.` : "The server cannot be reached.";
      failure = new EvershelfError(message, { code: limit.aborted ? "timeout" : "unreachable", cause: error });
    }
    if (failures >= retries) throw failure;
    await pause(pauseMs, signal);
  }
}

/**
 * Call `onEvent` for what happens to the model: {type: "generation" | "reset" | "status"
 * | "online" | "offline", ...}. All listeners of a page share one stream. Returns what
 * ends it.
 */
export function listen(onEvent, { origin = HOME, key, signal } = {}) {
  const url = new URL("/v1/events", origin);
  if (key) url.searchParams.set("key", key);
  const stream = (streams[url] ??= new Stream(url));
  const stop = () => stream.remove(onEvent);
  stream.add(onEvent);
  signal?.addEventListener("abort", stop, { once: true });
  return stop;
}

/**
 * Recommend, and again whenever the catalogue changes: `onResult` is called with the
 * first answer and with each that shows something else. Returns what ends it.
 */
export function follow(what, options, onResult, onError = () => {}) {
  const ending = new AbortController();
  const signal = either(options.signal, ending.signal);
  const { origin = HOME } = options;
  let shown = "";
  let heard;
  let have; // what is shown is made from it
  let isNews = false;
  let last = -Infinity;
  let timer = 0;
  let isBusy = false;
  const plan = () => {
    if (isBusy || !isNews || signal.aborted || document.hidden) return;
    clearTimeout(timer);
    timer = setTimeout(refresh, Math.max(0, last + REFRESH_MS - performance.now()));
  };
  const refresh = async () => {
    clearTimeout(timer);
    isBusy = true;
    isNews = false;
    last = performance.now();
    try {
      const result = await recommend(what, { ...options, signal });
      have = result.model;
      if (heard) isNews &&= !holds(have, heard);
      if (shown && isBefore(have, newest[origin])) throw behind;
      const seen = JSON.stringify(result.items.map((hit) => [hit.id, hit.product, hit.explain?.sentence]));
      if (seen !== shown) onResult(result);
      shown = seen;
    } catch (error) {
      if (signal.aborted) return;
      if (error !== behind) {
        shown = "";
        onError(error);
      }
      if (error.status !== 404) timer = setTimeout(refresh, PATIENCE_MS); // an event may come sooner
    }
    isBusy = false;
    plan();
  };
  const hear = (told) => {
    const { type } = told;
    if (type === "status" || type === "offline") return;
    if (type !== "online") heard = told;
    if (type === "reset" || (heard && isBefore(newest[origin], heard))) newest[origin] = heard;
    if (type !== "generation" || !holds(have, heard)) isNews = true;
    plan();
  };
  listen(hear, { ...options, signal });
  document.addEventListener("visibilitychange", plan, { signal });
  signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  refresh();
  return () => ending.abort();
}

const streams = {};
const behind = Symbol();

class Stream {
  #url;
  #listeners = new Set();
  #source = null;
  #timer = 0;
  #failures = 0;
  #known = ""; // the id of the newest generation told of
  #isNew = true;
  #isOnline = true;

  constructor(url) {
    this.#url = url;
    document.addEventListener("visibilitychange", () => this.#look());
  }

  add(listener) {
    this.#listeners.add(listener);
    if (!this.#source && !this.#timer) this.#open();
  }

  remove(listener) {
    this.#listeners.delete(listener);
    if (!this.#listeners.size) this.#close();
  }

  #open() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#isNew = true;
    this.#source = new EventSource(this.#url);
    for (const type of ["generation", "reset", "status"]) {
      this.#source.addEventListener(type, (event) => this.#hear(type, event));
    }
    this.#source.onopen = () => {
      this.#failures = 0;
      if (!this.#isOnline) this.#tell({ type: "online" });
      this.#isOnline = true;
    };
    this.#source.onerror = () => this.#fail();
    this.#look(); // a page may be opened in the background
  }

  #hear(type, { data, lastEventId }) {
    const told = { type, isFirst: type === "generation" && !this.#known, ...JSON.parse(data) };
    if (type !== "status") {
      // a new source knows no Last-Event-ID: nobody names what changed since the last one
      const isAgain = this.#isNew && this.#known;
      const isSame = isAgain && this.#known === lastEventId;
      this.#isNew = false;
      this.#known = lastEventId;
      if (isSame) return;
      if (isAgain) Object.assign(told, { type: "reset", changed: [], gone: [], complete: false });
    }
    this.#tell(told);
  }

  #fail() {
    if (this.#isOnline) this.#tell({ type: "offline" });
    this.#isOnline = false;
    if (this.#source?.readyState !== EventSource.CLOSED) return; // the browser tries again
    this.#close();
    const pauseMs = Math.min(500 * 2 ** this.#failures++, LONGEST_PAUSE_MS);
    this.#timer = setTimeout(() => this.#open(), pauseMs * (0.5 + Math.random() / 2));
  }

  #look() {
    if (!this.#listeners.size) return;
    if (!document.hidden) {
      if (!this.#source) this.#open();
    } else if (this.#source) {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => document.hidden && this.#close(), HIDDEN_MS);
    }
  }

  #close() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#source?.close();
    this.#source = null;
  }

  #tell(event) {
    for (const listener of [...this.#listeners]) listener(event);
  }
}

async function toError(answer) {
  const problem = await answer.json().catch(() => ({}));
  return new EvershelfError(problem.detail ?? `The server answered ${answer.status}.`, {
    status: answer.status,
    code: problem.code ?? "failed",
    errors: problem.errors ?? [],
    requestId: problem.request_id ?? "",
  });
}

/** A cache that was told 304 has a body of before. */
function toCurrent(content, headers) {
  const time = headers.get("Evershelf-Cluster-Time");
  if (content.model && time) content.model.cluster_time = time;
  return content;
}

/** Generations are numbered by each server; times compare. */
function isBefore(model, other) {
  return toOrder(model) < toOrder(other);
}

function holds(model, told) {
  return isBefore(told, model) || (model?.generation === told.generation && !isBefore(model, told));
}

function toOrder(model) {
  return (model?.cluster_time ?? "").replace(/\d+/g, (part) => part.padStart(10, "0"));
}

function toQuery(params) {
  const pairs = Object.entries(defined(params));
  return new URLSearchParams(pairs.flatMap(([name, value]) => [value].flat().map((one) => [name, String(one)])));
}

function defined(object) {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined && value !== null));
}

function either(...signals) {
  return AbortSignal.any(signals.filter(Boolean));
}

function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => (clearTimeout(timer), reject(signal.reason)), { once: true });
  });
}

const CSS = `
:host { --_gap: var(--evershelf-gap, 1rem); --_ink: var(--evershelf-ink, currentColor);
  display: block; color: var(--_ink); font: inherit; container-type: inline-size }
[hidden] { display: none !important }
section { position: relative }
ul { display: flex; gap: var(--_gap); margin: 0; padding: 4px 4px 10px; list-style: none; overflow-x: auto;
  scroll-snap-type: x proximity; scroll-padding: 4px; scrollbar-width: thin; overscroll-behavior-x: contain }
li { flex: 0 0 var(--evershelf-card-width, clamp(9.5rem, 22cqi, 13rem)); min-width: 0; scroll-snap-align: start }
.card { all: unset; box-sizing: border-box; display: flex; flex-direction: column; gap: .3rem; width: 100%; height: 100%;
  padding: var(--evershelf-card-padding, .6rem); border-radius: var(--evershelf-radius, .75rem);
  background: var(--evershelf-card, color-mix(in srgb, currentColor 4%, transparent)); cursor: pointer; transition: background .2s }
.card:hover { background: var(--evershelf-card-hover, color-mix(in srgb, currentColor 8%, transparent)) }
.card:focus-visible, button:focus-visible { outline: 2px solid var(--evershelf-accent, currentColor); outline-offset: 2px }
.frame { aspect-ratio: var(--evershelf-image-ratio, 1); border-radius: calc(var(--evershelf-radius, .75rem) * .7); overflow: hidden;
  background: color-mix(in srgb, currentColor 7%, transparent) }
img { width: 100%; height: 100%; object-fit: cover; display: block }
.name, .reason { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; overflow: hidden }
.name { font-weight: 600; line-height: 1.3; min-height: 2.6em; overflow-wrap: anywhere }
.price { font-variant-numeric: tabular-nums }
.reason { font-size: .82em; line-height: 1.35; -webkit-line-clamp: 3; min-height: 4.05em; color: var(--evershelf-muted, inherit) }
.wait { pointer-events: none } .wait span { border-radius: .4rem; background: color-mix(in srgb, currentColor 9%, transparent) }
.wait .price { min-height: 1.5em; width: 40% }
.step { position: absolute; top: 35%; translate: 0 -50%; width: 2.5rem; height: 2.5rem; border: 0; border-radius: 50%; font: 1.4rem/1 system-ui;
  background: var(--evershelf-button, Canvas); color: var(--evershelf-button-ink, CanvasText); box-shadow: 0 1px 6px #0004; cursor: pointer; transition: opacity .2s }
.step:disabled { opacity: 0; pointer-events: none } .back { left: -.4rem } .on { right: -.4rem }
.note { margin: 0; padding: 1.5rem; border-radius: var(--evershelf-radius, .75rem); text-align: center;
  background: color-mix(in srgb, currentColor 4%, transparent) }
.note button { font: inherit; color: inherit; margin-inline-start: .6rem; padding: .3rem .8rem; border: 1px solid; border-radius: 2rem; background: none; cursor: pointer }
.said { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap }
@media (prefers-reduced-motion: no-preference) { ul { scroll-behavior: smooth } .wait { animation: wait 1.2s infinite alternate ease-in-out } @keyframes wait { to { opacity: .45 } } }`;

const HTML = `<section part="region"><ul part="track"></ul>
<button class="step back" part="button previous" type="button" disabled>‹</button>
<button class="step on" part="button next" type="button" disabled>›</button>
<p class="note" part="empty" hidden><slot name="empty">Nothing is similar enough yet.</slot></p>
<p class="note" part="error" hidden><slot name="error">Recommendations cannot be shown now.</slot><button part="retry" type="button">Try again</button></p>
<p class="said" role="status"></p></section>`;

const Base = globalThis.HTMLElement ?? class {}; // importable where there is no page

/** A carousel of what is like a product, which keeps itself current. */
export class EvershelfSimilar extends Base {
  static observedAttributes = ["product-id", "limit", "origin", "api-key", "href", "params", "explain", "live", "label", "currency"];
  #root;
  #cards = new Map();
  #stop = () => {};
  #isPlanned = false;

  constructor() {
    super();
    this.#root = this.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet(); // allowed by a page's policy where <style> is not
    sheet.replaceSync(CSS);
    this.#root.adoptedStyleSheets = [sheet];
    this.#root.innerHTML = HTML;
    const track = this.#get("ul");
    this.#get(".back").onclick = () => this.#scroll(-1);
    this.#get(".on").onclick = () => this.#scroll(1);
    this.#get("[part=retry]").onclick = () => this.refresh();
    track.onkeydown = (event) => this.#move(event);
    track.onscroll = () => this.#step();
    track.addEventListener("focusin", (event) => this.#rove(event.target));
    new ResizeObserver(() => this.#step()).observe(track);
  }

  connectedCallback() {
    this.refresh();
  }

  disconnectedCallback() {
    this.#stop();
  }

  attributeChangedCallback(_name, before, after) {
    if (before === after || !this.isConnected || this.#isPlanned) return;
    this.#isPlanned = true;
    queueMicrotask(() => ((this.#isPlanned = false), this.isConnected && this.refresh()));
  }

  /** Ask again, from the beginning. */
  refresh() {
    this.#stop();
    const id = this.getAttribute("product-id");
    const label = this.getAttribute("label") ?? "Similar products";
    this.#get("section").setAttribute("aria-label", label);
    this.#get(".back").setAttribute("aria-label", `${label}: back`);
    this.#get(".on").setAttribute("aria-label", `${label}: on`);
    if (!id) return;
    const limit = Number(this.getAttribute("limit")) || 6;
    const options = {
      limit,
      origin: this.getAttribute("origin") ?? undefined,
      key: this.getAttribute("api-key") ?? undefined,
      explain: this.hasAttribute("explain") || undefined,
    };
    for (const [name, value] of new URLSearchParams(this.getAttribute("params") ?? "")) {
      options[name] = name in options ? [options[name], value].flat() : value;
    }
    if (!this.#cards.size) this.#wait(limit);
    const onResult = (result) => this.#show(result);
    const onError = (error) => this.#fail(error);
    if (this.getAttribute("live") === "off") {
      const ending = new AbortController();
      this.#stop = () => ending.abort();
      recommend(id, { ...options, signal: ending.signal }).then(onResult, (error) => ending.signal.aborted || onError(error));
    } else {
      this.#stop = follow(id, options, onResult, onError);
    }
  }

  #get(selector) {
    return this.#root.querySelector(selector);
  }

  #turn(state) {
    this.setAttribute("state", state);
    this.#get("ul").hidden = state === "empty" || state === "error";
    this.#get("ul").ariaBusy = String(state === "loading");
    this.#get("[part=empty]").hidden = state !== "empty";
    this.#get("[part=error]").hidden = state !== "error";
    this.#step();
  }

  #wait(limit) {
    const bones = Array.from({ length: Math.min(limit, 8) }, () => {
      const item = element("li", "item");
      item.ariaHidden = "true";
      item.append(this.#card("span", "card wait"));
      return item;
    });
    this.#get("ul").replaceChildren(...bones);
    this.#turn("loading");
  }

  #card(tag, names) {
    const card = element(tag, "card", names);
    const frame = element("span", "frame", "frame");
    card.append(frame, element("span", "name", "name"), element("span", "price", "price"));
    if (this.hasAttribute("explain")) card.append(element("span", "reason", "reason"));
    return card;
  }

  #show(result) {
    const track = this.#get("ul");
    const cards = [...this.#cards.values()];
    const left = track.getBoundingClientRect().left;
    const anchor = cards.find((item) => item.getBoundingClientRect().right > left);
    const places = new Map(cards.map((item) => [item, item.getBoundingClientRect().left]));
    const focused = cards.findIndex((item) => item.contains(this.#root.activeElement));
    const kept = new Map(result.items.map((hit) => [hit.id, this.#item(hit)]));
    const wanted = [...kept.values()];
    for (const child of [...track.children]) if (!wanted.includes(child)) child.remove();
    wanted.forEach((item, index) => track.children[index] !== item && track.insertBefore(item, track.children[index] ?? null));
    this.#cards = kept;
    this.#turn(wanted.length ? "ready" : "empty");
    if (anchor?.isConnected) { // what somebody looks at stays where it is
      track.scrollTo({ left: track.scrollLeft + anchor.getBoundingClientRect().left - places.get(anchor), behavior: "instant" });
    }
    if (focused >= 0 && !this.#root.activeElement) {
      (cards[focused].isConnected ? cards[focused] : wanted[Math.min(focused, wanted.length - 1)])?.firstChild.focus({ preventScroll: true });
    }
    this.#rove(this.#root.activeElement ?? wanted[0]?.firstChild);
    if (cards.length) glide(wanted, places);
    const count = `${wanted.length} ${wanted.length === 1 ? "product" : "products"}`;
    this.#get(".said").textContent = cards.length ? `Updated: ${count}` : count;
    this.dispatchEvent(new CustomEvent("evershelf-load", { detail: result, bubbles: true, composed: true }));
  }

  #item({ id, product, explain }) {
    let item = this.#cards.get(id);
    const template = this.getAttribute("href");
    if (!item) {
      item = element("li", "item");
      item.append(this.#card(template ? "a" : "button", "card"));
      item.firstChild.onclick = (event) => this.#choose(event, id);
    }
    const card = item.firstChild;
    item.product = product;
    if (template) card.href = template.replaceAll("{id}", encodeURIComponent(id));
    const price = card.querySelector(".price");
    card.querySelector(".name").textContent = product.name ?? id;
    price.textContent = product.price === undefined ? "" : this.#money(product.price);
    if (explain) card.querySelector(".reason").textContent = explain.sentence;
    const frame = card.querySelector(".frame");
    if (product.image && frame.firstChild?.src !== product.image) {
      const image = new Image();
      Object.assign(image, { alt: "", loading: "lazy", src: product.image });
      image.part = "image";
      frame.replaceChildren(image);
    } else if (!product.image) frame.replaceChildren();
    return item;
  }

  #money(price) {
    const currency = this.getAttribute("currency");
    const language = this.closest("[lang]")?.lang || undefined;
    const style = currency ? { style: "currency", currency } : { minimumFractionDigits: 2, maximumFractionDigits: 2 };
    return new Intl.NumberFormat(language, style).format(price);
  }

  #choose(event, id) {
    const detail = { id, product: this.#cards.get(id)?.product };
    const told = new CustomEvent("evershelf-select", { detail, bubbles: true, composed: true, cancelable: true });
    if (!this.dispatchEvent(told)) event.preventDefault();
  }

  #fail(error) {
    if (!this.#cards.size || error.status === 404) {
      this.#cards = new Map();
      this.#get("ul").replaceChildren();
      this.#turn(error.status === 404 ? "empty" : "error");
    } // else what is shown is still the best there is
    this.dispatchEvent(new CustomEvent("evershelf-error", { detail: error, bubbles: true, composed: true }));
  }

  #move(event) {
    const cards = [...this.#root.querySelectorAll("a.card, button.card")];
    const here = cards.indexOf(this.#root.activeElement);
    const forward = getComputedStyle(this).direction === "rtl" ? -1 : 1;
    const to = { ArrowLeft: here - forward, ArrowRight: here + forward, Home: 0, End: cards.length - 1 }[event.key];
    if (to === undefined || !cards[to]) return;
    event.preventDefault();
    cards[to].focus();
    cards[to].scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  #rove(card) {
    for (const other of this.#root.querySelectorAll(".card")) other.tabIndex = other === card ? 0 : -1;
  }

  #scroll(direction) {
    const track = this.#get("ul");
    track.scrollBy({ left: direction * track.clientWidth * 0.8 });
  }

  #step() {
    const { scrollLeft, clientWidth, scrollWidth } = this.#get("ul");
    const room = scrollWidth - clientWidth - 8;
    this.#get(".back").disabled = Math.abs(scrollLeft) <= 8;
    this.#get(".on").disabled = Math.abs(scrollLeft) >= room;
  }
}

function element(tag, part, names = "") {
  const made = document.createElement(tag);
  made.part = part;
  made.className = names;
  if (tag === "button") made.type = "button";
  return made;
}

function glide(items, places) {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  for (const item of items) {
    const shift = (places.get(item) ?? NaN) - item.getBoundingClientRect().left;
    const from = Number.isNaN(shift) ? { opacity: 0, scale: "0.94" } : { translate: `${shift}px` };
    if (shift !== 0) item.animate([from, {}], { duration: 320, easing: "cubic-bezier(.2,.8,.2,1)" });
  }
}

globalThis.customElements?.define("evershelf-similar", EvershelfSimilar);
