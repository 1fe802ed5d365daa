/**
 * The desk: the four triggers of a shop. Each writes to MongoDB and calls nothing else;
 * what it takes until the recommendations know is measured here.
 */

import { calm, fill, h, list, money, ms, say, whole } from "./dom.js";
import { admin, get, onChange } from "./data.js";
import { failure, note, picture, toProduct } from "./cards.js";
import { openForm, askWhether } from "./form.js";
import { askForKey } from "./gate.js";
import { histogram, median, quantile } from "./plots.js";

const DOOR = "/ui/desk/products";
const TABS = [["pending", "To approve"], ["approved", "Approved"], ["rejected", "Rejected"], ["", "All"]];
const STEP = 30;
const KEPT = 200;

const measured = []; // [{ what, name, id, writeMs, servedMs }], oldest first; while the page is open

export async function desk(view, { query, signal }) {
  const state = { status: query.get("status") ?? "pending", words: "", limit: STEP };
  const tabs = TABS.map(([status, name]) => h("button.tab", { type: "button", "data-status": status, onclick: () => turn(status) }, name, " ", h("span.count")));
  const words = h("input", { type: "search", placeholder: "Name", "aria-label": "Find by name" });
  const rows = h("ul.rows", { "aria-label": "Products" });
  const empty = h("div");
  const more = h("button.button", { type: "button", hidden: true, onclick: () => ((state.limit += STEP), look()) }, "Show more");
  const panel = stopwatch();
  const create = h("button.button.main", { type: "button", onclick: () => edit(null) }, "New product");
  fill(
    view,
    h("div.head", {}, h("h1", {}, "Desk"), create),
    h("p.lead", {}, "Each button writes one document to MongoDB and calls nothing else. The listener notices by itself."),
    h("div.desk", {}, h("section.stock", { "aria-label": "Catalogue" }, h("div.head", {}, h("div.tabs", { role: "group", "aria-label": "Status" }, tabs), words), rows, empty, more), panel.place),
  );

  let looks = 0;
  const look = async () => {
    const mine = ++looks;
    try {
      const asked = new URLSearchParams({ status: state.status, q: state.words, limit: state.limit });
      const { items, counts } = await admin(`${DOOR}?${asked}`, { signal });
      if (mine !== looks) return; // something else has been asked since
      const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
      for (const tab of tabs) {
        const { status } = tab.dataset;
        tab.setAttribute("aria-pressed", String(status === state.status));
        tab.lastChild.textContent = whole(status ? (counts[status] ?? 0) : all);
      }
      list(rows, items, { make: () => h("li.item"), update: (made, item) => draw(made, item) });
      fill(empty, items.length ? null : nothing(state));
      more.hidden = items.length < state.limit || state.limit >= 100;
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  };
  const again = () => look().catch((error) => signal.aborted || (rows.replaceChildren(), fill(empty, failure(error, again))));
  const turn = (status) => {
    Object.assign(state, { status, limit: STEP });
    again();
  };
  const draw = (made, item) => {
    const shown = JSON.stringify(item);
    if (made.shown === shown) return;
    made.shown = shown;
    const act = (text, name, work, kind = "") => h(`button.button${kind}`, { type: "button", "aria-label": `${text}: ${item.name}`, onclick: work, "data-act": name }, text);
    fill(
      made,
      picture(item),
      h("span.what", {}, item.status === "approved" ? h("a", { href: toProduct(item.id) }, item.name ?? "Unnamed") : h("b", {}, item.name ?? "Unnamed"), h("small", {}, [item.brand, item.category.join(" › ")].filter(Boolean).join(" · "))),
      h("span.price", {}, money(item.price)),
      h("span.badge", { "data-status": item.status ?? "" }, item.status ?? "no status"),
      h(
        "span.acts",
        {},
        item.status !== "approved" && act("Approve", "approve", () => judge(item, "approved"), ".yes"),
        item.status !== "rejected" && act("Reject", "reject", () => judge(item, "rejected")),
        act("Edit", "edit", () => edit(item)),
        act("Delete", "delete", () => remove(item), ".no"),
      ),
    );
  };

  const judge = (item, status) => write(status === "approved" ? "approved" : "rejected", item.name, `${DOOR}/${encodeURIComponent(item.id)}`, { method: "PATCH", body: { status } });
  const edit = (item) =>
    openForm(item, (fields) =>
      item
        ? write("edited", fields.name, `${DOOR}/${encodeURIComponent(item.id)}`, { method: "PATCH", body: fields })
        : write("created", fields.name, DOOR, { method: "POST", body: fields }),
    );
  const remove = async (item) => {
    if (await askWhether(`Delete “${item.name}”?`, "It is removed from the collection. There is no way back.", "Delete")) {
      await write("deleted", item.name, `${DOOR}/${encodeURIComponent(item.id)}`, { method: "DELETE" });
    }
  };

  /** Write, wait until an answer holds it, and show how long both took. */
  const write = async (what, name, path, how) => {
    const began = performance.now();
    try {
      const { id, operation_time: after } = await admin(path, how);
      const writeMs = performance.now() - began;
      const served = get(`/v1/products/latest?limit=1&fields=name&wait_ms=10000&after=${after}`);
      const { model } = await served;
      const servedMs = performance.now() - began;
      if (model.reached) {
        measured.push({ what, name, id, writeMs, servedMs });
        measured.splice(0, measured.length - KEPT);
        say(`${name} is ${what}, and served ${ms(servedMs)} after the click`);
      } else say(`${name} is ${what}; it is not served yet: ${model.reason ?? "the listener is behind"}`);
      panel.show(model.reached ? "" : "The last write is saved, and not served yet: see Operations.");
    } catch (error) {
      if (how.method !== "DELETE" && error.status === 400) throw error; // the form shows it
      panel.show(error.message);
    }
    await again();
  };

  words.addEventListener("input", calm(() => ((state.words = words.value.trim()), again()), 200, signal));
  rows.replaceChildren(...Array.from({ length: 5 }, () => h("li.item.bone", { "aria-hidden": "true" })));
  try {
    await look();
  } catch (error) {
    if (signal.aborted) return;
    if (error.status === 401) askForKey(view, "admin");
    else if (error.code === "no_desk") fill(view, h("h1", {}, "Desk"), note("There is no desk here", error.message));
    else if (error.status === 403) fill(view, h("h1", {}, "Desk"), note("Not from here", error.message));
    else fill(view, h("h1", {}, "Desk"), failure(error, () => dispatchEvent(new HashChangeEvent("hashchange"))));
    return;
  }
  onChange(calm(() => look().catch(() => {}), 500, signal), signal);
}

function nothing({ status, words }) {
  if (words) return note("No name has that in it", "Try fewer letters.");
  return status === "pending" ? note("Nothing waits for approval", "New products come here first.") : note("Nothing here", "No product has this status.");
}

/** From save to served, as a number, a histogram and a list. */
function stopwatch() {
  const last = h("output.big", { "aria-label": "Last: from save to served" }, "–");
  const facts = h("p.facts");
  const bars = histogram("From save to served");
  const lines = h("ol.writes", { "aria-label": "Last writes" });
  const trouble = h("p.trouble", { role: "alert" });
  const place = h(
    "aside.watch",
    { "aria-label": "From save to served" },
    h("h2", {}, "From save to served"),
    last,
    facts,
    bars,
    h("p.hint", {}, "Milliseconds from the click until an answer of the API holds the write, measured in this browser, every hop counted."),
    trouble,
    lines,
  );
  const show = (message = "") => {
    trouble.textContent = message;
    const times = measured.map((one) => one.servedMs);
    last.textContent = times.length ? ms(times.at(-1)) : "–";
    if (times.length) fill(facts, "Median ", h("b", {}, ms(median(times))), " · 95 % within ", h("b", {}, ms(quantile(times, 0.95))), " · ", h("b", {}, whole(times.length)), times.length === 1 ? " write" : " writes");
    else fill(facts, "Approve, edit or create something.");
    bars.show(times);
    fill(
      lines,
      measured.slice(-8).reverse().map((one) => h("li", {}, h("span", {}, h("b", {}, one.what), " ", one.what === "deleted" ? one.name : h("a", { href: toProduct(one.id) }, one.name)), h("small", {}, `saved ${ms(one.writeMs)} · served ${ms(one.servedMs)}`))),
    );
  };
  show();
  return { place, show };
}
