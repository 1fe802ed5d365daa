/** How the model and the two processes are, as it happens. */

import { clock, fill, h, list, ms, whole } from "./dom.js";
import { admin, forRead, get, model, onEvent } from "./data.js";
import { ask } from "/client.js";
import { toProduct } from "./cards.js";
import { askForKey } from "./gate.js";
import { line, median } from "./plots.js";

const TICK_MS = 1_000;
const LOGS_MS = 2_000;
const KEPT = 600; // points of a plot
const LINES = 120;

const STATES = {
  starting: "The listener is starting.",
  scanning: "The first model is trained; nothing is served yet.",
  rebuilding: "A model is trained from scratch, aside; the last one serves.",
  catching_up: "The listener reads what was written meanwhile.",
  following: "Up to date with the database, and following it.",
  retrying: "The database does not answer; the last model serves.",
  failed: "Something must be mended before the listener can go on.",
  stopping: "The listener was asked to stop.",
};

export async function operations(view, { signal }) {
  const tiles = { state: tile("State"), lag: tile("Lag"), generation: tile("Generation"), products: tile("Products"), publish: tile("Write to published"), rate: tile("Last minute"), answer: tile("One answer takes") };
  const plots = {
    publish: plot("From a write to its publication", line("From a write to its publication", { unit: ms, kind: "dots" })),
    changes: plot("Products changed a second", line("Products changed a second", { unit: whole, kind: "bars" })),
    lag: plot("Behind the database", line("Behind the database", { unit: ms, least: 1000 })),
    answer: plot("One answer takes", line("One answer takes", { unit: ms })),
  };
  const events = h("ol.events", { "aria-label": "Last events" });
  const lines = h("ol.log", { "aria-label": "Last log lines", tabIndex: 0 });
  const level = h("select", { "aria-label": "Least level" }, ["info", "warning", "error"].map((name) => h("option", { value: name }, name)));
  const trouble = h("p.hint");
  fill(
    view,
    h("h1", {}, "Operations"),
    h("dl.tiles", {}, Object.values(tiles).map((one) => one.place)),
    h("div.plots", {}, Object.values(plots).map((one) => one.place)),
    h("div.halves", {}, h("section", {}, h("h2", {}, "Events"), events), h("section", {}, h("div.head", {}, h("h2", {}, "Log"), level), trouble, lines)),
  );
  const points = { publish: [], changes: [], lag: [], answer: [] };
  const note = (name, value, at = Date.now()) => {
    points[name].push({ at, value });
    points[name].splice(0, points[name].length - KEPT);
  };
  const count = ({ timestamp, publish_ms: took, inserted = 0, updated = 0, deleted = 0 }) => {
    const at = Date.parse(timestamp);
    if (typeof took === "number") note("publish", took, at);
    const second = at - (at % 1000);
    const last = points.changes.at(-1);
    if (last?.at === second) last.value += inserted + updated + deleted;
    else note("changes", inserted + updated + deleted, second);
  };
  const draw = () => {
    const now = Date.now();
    for (const [name, one] of Object.entries(plots)) one.show(points[name], now);
    list(events, model.events.slice(0, 30), { key: (event) => `${event.type}-${event.generation}-${event.at}`, make: toEvent });
    if (!model.events.length) fill(events, h("li.none", {}, "None since the page was opened."));
  };

  const look = async () => {
    const began = performance.now();
    try {
      const found = await ask("/v1/model", forRead({ signal, retries: 0, timeoutMs: 5_000 }));
      const took = performance.now() - began;
      note("answer", took);
      note("lag", found.lag_ms ?? 0);
      const isWell = !found.stale;
      tiles.state.show(found.state ?? "unknown", isWell ? (STATES[found.state] ?? "") : `Out of date: ${found.reason ?? "unknown"}. ${STATES[found.state] ?? ""}`, isWell ? "good" : "bad");
      tiles.lag.show(found.lag_ms === null ? "unknown" : ms(found.lag_ms), `As of ${clock(found.as_of)}, the database’s time`);
      tiles.generation.show(whole(found.generation), "Each publication has a number");
      tiles.products.show(whole(found.products), `${whole(found.visible)} of them visible`);
      tiles.answer.show(ms(took), "In this browser, there and back");
    } catch (error) {
      if (signal.aborted) return;
      tiles.state.show(error.status ? error.code : "offline", error.message, "bad");
    }
    draw();
  };

  let since = { listener: "", server: "" };
  let kept = [];
  const read = async () => {
    try {
      const found = await Promise.all(
        Object.entries(since).map(async ([process, from]) => (await admin(`/ui/logs/${process}?since=${encodeURIComponent(from)}`, { signal })).lines.map((one) => ({ ...one, process }))).map((one) => one.catch((error) => (error.status === 503 ? [] : Promise.reject(error)))),
      );
      for (const one of found.flat()) {
        since = { ...since, [one.process]: one.timestamp > since[one.process] ? one.timestamp : since[one.process] };
        if (one.event === "model.published") count(one);
        kept.push({ ...one, key: `${one.process}-${one.timestamp}-${one.event}-${one.generation ?? ""}` });
      }
      kept = kept.sort((a, b) => (a.timestamp < b.timestamp ? 1 : -1)).slice(0, LINES);
      const last = points.publish.map(({ value }) => value);
      if (last.length) tiles.publish.show(ms(last.at(-1)), `Median of the last ${whole(last.length)}: ${ms(median(last))}`);
      const minute = kept.filter((one) => one.event === "model.published" && Date.parse(one.timestamp) > Date.now() - 60_000);
      tiles.rate.show(whole(minute.reduce((sum, one) => sum + (one.events ?? 0), 0)), `Events of the database, in ${whole(minute.length)} generations`);
      trouble.textContent = "";
      show();
    } catch (error) {
      if (signal.aborted) return;
      if (error.status === 401) askForKey(view, "admin");
      trouble.textContent = error.message;
    }
  };
  const show = () => {
    const least = ["info", "warning", "error"].indexOf(level.value);
    const rank = (one) => Math.max(["info", "warning", "error"].indexOf(one.level), 0);
    const wanted = kept.filter((one) => rank(one) >= least);
    list(lines, wanted, { key: (one) => one.key, make: toLine });
    if (!wanted.length) fill(lines, h("li.none", {}, "Nothing of this level."));
  };
  level.addEventListener("change", show);

  onEvent(draw, signal);
  every(look, TICK_MS, signal);
  every(read, LOGS_MS, signal);
  await look();
  await read();
}

function every(work, stepMs, signal) {
  const timer = setInterval(() => document.hidden || work(), stepMs);
  signal.addEventListener("abort", () => clearInterval(timer), { once: true });
}

function tile(name) {
  const value = h("dd.value", {}, "–");
  const text = h("dd.text", {}, "");
  const place = h("div.tile", {}, h("dt", {}, name), value, text);
  const show = (shown, more, mood = "") => {
    value.textContent = shown;
    text.textContent = more;
    place.dataset.mood = mood;
  };
  return { place, show };
}

function plot(name, drawing) {
  return { place: h("figure", {}, h("figcaption", {}, name), drawing), show: drawing.show };
}

function toEvent(event) {
  const ids = (event.changed ?? []).slice(0, 3);
  const more = (event.changed?.length ?? 0) - ids.length;
  const gone = event.gone?.length ?? 0;
  return h(
    "li",
    {},
    h("time", {}, clock(event.at)),
    h("b", {}, event.type === "reset" ? "All of it anew" : `Generation ${whole(event.generation)}`),
    h("span", {}, ids.map((id) => [h("a", { href: toProduct(id) }, id), " "]).flat(), more > 0 && `and ${whole(more)} more `, gone > 0 && `${whole(gone)} gone`, !ids.length && !gone && (event.isFirst ? "as you came" : "nothing a visitor sees")),
  );
}

function toLine(one) {
  const { event, level, timestamp, process, key, ...rest } = one;
  const more = Object.entries(rest).map(([name, value]) => `${name}=${typeof value === "object" ? JSON.stringify(value) : value}`);
  return h("li", { "data-level": level }, h("time", {}, clock(timestamp)), h("small", {}, process), h("b", {}, event), h("span", {}, more.join(" ")));
}
