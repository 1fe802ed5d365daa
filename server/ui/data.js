/** What the page knows: the API, what happens to the model, the basket, the visitor. */

import { ask, listen, recommend, EvershelfError } from "/client.js";

export { recommend, EvershelfError };

const OPTIONS = { retries: 1 };
const RECENT = 8;

// ---- keys ------------------------------------------------------------------------

export const keys = {
  get read() {
    return sessionStorage.getItem("read-key") || undefined;
  },
  get admin() {
    return sessionStorage.getItem("admin-key") || undefined;
  },
  set(kind, value) {
    sessionStorage.setItem(`${kind}-key`, value);
  },
};

export const forRead = (more = {}) => ({ ...OPTIONS, key: keys.read, ...more });

/** Any address of the API; what it answers from is remembered until the stream is heard. */
export async function get(path, more) {
  const found = await ask(path, forRead(more));
  model.oldest = Math.min(model.oldest, found.model?.generation ?? Infinity);
  return found;
}

/** An admin door of the page; `method` is free. */
export async function admin(path, { method = "GET", body, signal } = {}) {
  let answer;
  try {
    answer = await fetch(path, {
      method,
      signal,
      cache: "no-store",
      headers: { ...(keys.admin && { "X-API-Key": keys.admin }), ...(body && { "Content-Type": "application/json" }) },
      body: body && JSON.stringify(body),
    });
  } catch (cause) {
    signal?.throwIfAborted();
    throw new EvershelfError("The server cannot be reached.", { cause });
  }
  const content = await answer.json().catch(() => ({}));
  if (answer.ok) return content;
  throw new EvershelfError(content.detail ?? `The server answered ${answer.status}.`, {
    status: answer.status,
    code: content.code,
    errors: content.errors,
    requestId: content.request_id,
  });
}

// ---- what happens to the model ---------------------------------------------------

export const model = { isOnline: true, stale: false, reason: "", generation: 0, visible: 0, as_of: "", oldest: Infinity, events: [] };

const hearers = new Set();

/** Call `hear` for each event, until the signal says stop. */
export function onEvent(hear, signal) {
  hearers.add(hear);
  signal?.addEventListener("abort", () => hearers.delete(hear), { once: true });
}

/** Call `work` when the model has changed, with the ids if they are known. */
export function onChange(work, signal) {
  onEvent((event) => {
    const isMissed = event.isFirst && event.generation > model.oldest; // written before the stream was open
    const isNews = event.type === "reset" || event.type === "online" || (event.type === "generation" && (!event.isFirst || isMissed));
    if (!isNews) return;
    const isKnown = event.type === "generation" && event.complete && event.changed && !isMissed;
    work(isKnown ? { changed: new Set(event.changed), gone: new Set(event.gone) } : null);
  }, signal);
}

export function start() {
  listen(
    (event) => {
      if (event.type === "online" || event.type === "offline") model.isOnline = event.type === "online";
      if (event.type === "status") Object.assign(model, { stale: event.stale, reason: event.reason });
      if (event.generation) {
        const { generation, visible, as_of } = event;
        Object.assign(model, { generation, visible, as_of });
        model.events = [{ ...event, at: Date.now() }, ...model.events].slice(0, 60);
      }
      for (const hear of [...hearers]) hear(event);
    },
    { key: keys.read },
  );
}

// ---- the visitor -----------------------------------------------------------------

function read(name) {
  try {
    const found = JSON.parse(localStorage.getItem(name));
    return Array.isArray(found) ? found : [];
  } catch {
    return [];
  }
}

const changes = new EventTarget();

export const basket = {
  /** [{ id, count, product }], in the order in which they came. */
  get lines() {
    return read("basket").filter((line) => typeof line.id === "string");
  },
  get count() {
    return this.lines.reduce((sum, line) => sum + line.count, 0);
  },
  put(id, product, count) {
    const { name, price, brand, image } = product;
    const lines = this.lines.filter((line) => line.id !== id || count > 0);
    const line = lines.find((one) => one.id === id);
    const shown = { name, price, brand, image };
    if (line) Object.assign(line, { count, product: shown });
    else if (count > 0) lines.push({ id, count, product: shown });
    localStorage.setItem("basket", JSON.stringify(lines));
    changes.dispatchEvent(new Event("basket"));
  },
  add(id, product) {
    const line = this.lines.find((one) => one.id === id);
    this.put(id, product, (line?.count ?? 0) + 1);
  },
  onChange(work, signal) {
    changes.addEventListener("basket", work, { signal });
    addEventListener("storage", (event) => event.key === "basket" && work(), { signal });
  },
};

export const seen = {
  get ids() {
    return read("seen");
  },
  note(id) {
    localStorage.setItem("seen", JSON.stringify([id, ...this.ids.filter((one) => one !== id)].slice(0, RECENT)));
  },
};
