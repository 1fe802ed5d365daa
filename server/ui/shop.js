/** The storefront: the entrance, a category, a search. */

import { calm, clock, fill, h, list, whole } from "./dom.js";
import { basket, forRead, get, model, onChange, onEvent, recommend, seen } from "./data.js";
import { failure, grid, note, picture, toCategory, toProduct } from "./cards.js";

const STEP = 24;
const LOOK_MS = 800;

// ---- the entrance ----------------------------------------------------------------

export async function home(view, { signal }) {
  const facts = h("p.facts");
  const shelves = h("ul.shelves", { "aria-label": "Categories" });
  const latest = grid("Just in", "ul.grid.rail");
  const empty = h("div");
  const fromSeen = section("Because of what you looked at", "From the products you opened last, the newest counting most.");
  const fromBasket = section("Goes with your basket", "From everything in it at once.");
  fill(
    view,
    h(
      "div.hero",
      {},
      h("div", {}, h("h1", {}, "A shop that keeps up with itself"), h("p.lead", {}, "Write a product to MongoDB, and every recommendation here knows it milliseconds later. Nobody is told, nothing is retrained."), facts),
      news(signal),
    ),
    h("section.block", {}, h("h2", {}, "Categories"), shelves),
    fromBasket.place,
    h("section.block", {}, h("div.head", {}, h("h2", {}, "Just in"), h("p", {}, "The newest in the shop.")), latest, empty),
    fromSeen.place,
  );
  latest.wait(6);
  const look = async () => {
    try {
      const [categories, products] = await Promise.all([get("/v1/categories", { signal }), get(`/v1/products/latest?limit=12`, { signal })]);
      const top = categories.items.filter((one) => !one.path.includes(" > "));
      fill(shelves, top.map(shelf));
      latest.show(products.items);
      fill(empty, products.items.length ? null : note("No products yet", "Insert one into the collection: it will show here by itself."));
      fill(facts, h("b", {}, whole(model.visible || top.reduce((sum, one) => sum + one.products, 0))), " products in ", h("b", {}, whole(top.length)), " departments, as of ", h("b", {}, clock(products.model.as_of)));
    } catch (error) {
      if (signal.aborted) return;
      if (!latest.children.length || latest.querySelector(".bone")) throw error;
    }
  };
  const personal = async () => {
    await Promise.all([
      suggest(fromBasket, basket.lines.map(({ id, count }) => ({ id, weight: Math.min(count, 100) })), signal),
      suggest(fromSeen, seen.ids.map((id, index) => ({ id, weight: 1 / (1 + index) })), signal),
    ]);
  };
  await look();
  personal().catch(() => {});
  onChange(calm(() => Promise.all([look(), personal()]).catch(() => {}), LOOK_MS, signal), signal);
  basket.onChange(() => personal().catch(() => {}), signal);
}

/** What has just changed, as it happens. */
function news(signal) {
  const items = h("ol.news", { "aria-label": "Just changed" });
  const hint = h("p", {}, "Nothing has changed since you came. Edit something at the ", h("a", { href: "#/desk" }, "desk"), ", or in mongosh.");
  const place = h("aside.live", { "aria-label": "Live" }, h("h2", {}, "Live from the database"), hint, items);
  let shown = [];
  const draw = () => {
    hint.hidden = shown.length > 0;
    list(items, shown, { key: (one) => one.key, make: toNews });
  };
  onEvent(async (event) => {
    if (event.type !== "generation" || event.isFirst) return;
    const at = Date.now();
    const found = await Promise.all((event.changed ?? []).slice(0, 3).map((id) => get(`/v1/products/${encodeURIComponent(id)}`, { signal }).catch(() => null)));
    const changed = found.filter(Boolean).map(({ items: [{ id, product }] }) => ({ key: `${id}-${event.generation}`, id, product, at }));
    const gone = (event.gone ?? []).slice(0, 3).map((id) => ({ key: `${id}-${event.generation}`, id, at }));
    shown = [...changed, ...gone, ...shown].slice(0, 3);
    draw();
  }, signal);
  return place;
}

function toNews({ id, product, at }) {
  const what = product ? h("a", { href: toProduct(id) }, product.name ?? "Unnamed") : h("span", {}, "A product has left the shop");
  return h("li", {}, picture(product ?? { name: "–" }), what, h("time", {}, clock(at)));
}

function section(title, text) {
  const items = grid(title, "ul.grid.rail");
  const place = h("section.block", { hidden: true }, h("div.head", {}, h("h2", {}, title), h("p", {}, text)), items);
  return { place, items };
}

async function suggest({ place, items }, from, signal) {
  if (!from.length) {
    place.hidden = true;
    return;
  }
  const found = await recommend({ items: from }, forRead({ limit: 6, in_stock: true, one_per: "name", signal }));
  place.hidden = !found.items.length;
  items.show(found.items);
}

function shelf({ path, name, products }) {
  return h("li", {}, h("a.shelf", { href: toCategory(path) }, h("span", {}, name), h("small", {}, whole(products))));
}

// ---- a category ------------------------------------------------------------------

export async function category(view, { id: path, signal }) {
  const crumbs = path.split(" > ");
  const below = h("ul.shelves", { "aria-label": "Within" });
  const trail = h(
    "nav.trail",
    { "aria-label": "Breadcrumb" },
    h("a", { href: "#/" }, "Shop"),
    crumbs.slice(0, -1).map((name, index) => h("a", { href: toCategory(crumbs.slice(0, index + 1).join(" > ")) }, name)),
  );
  const shown = browse(`/v1/products/latest?category=${encodeURIComponent(path)}`, crumbs.at(-1), signal, () =>
    note("Nothing is on this shelf", "Once a product of this category is approved, it shows here.", h("a.button", { href: "#/" }, "To the shop")),
  );
  fill(view, trail, h("h1", {}, crumbs.at(-1)), below, shown.place);
  const look = async () => {
    const { items } = await get("/v1/categories", { signal });
    const within = items.filter((one) => one.path.startsWith(`${path} > `) && one.path.split(" > ").length === crumbs.length + 1);
    fill(below, within.map(shelf));
    below.hidden = !within.length;
  };
  await Promise.all([shown.look(), look()]);
  onChange(calm(() => look().catch(() => {}), LOOK_MS, signal), signal);
}

// ---- a search --------------------------------------------------------------------

export async function search(view, { query, signal }) {
  const words = query.get("q") ?? "";
  const shown = browse(`/v1/search?q=${encodeURIComponent(words)}&explain=true`, "Results", signal, () =>
    note("No product has these words", "Try fewer or other ones: a kind of thing, a material, a brand.", h("a.button", { href: "#/" }, "To the shop")),
  );
  fill(view, h("h1", {}, `“${words}”`), shown.place);
  await shown.look();
}

/** What can be bought of what an address answers with, step by step. */
function browse(address, label, signal, nothing) {
  const items = grid(label);
  const empty = h("div");
  const more = h("button.button", { type: "button", hidden: true }, "Show more");
  const stock = h("input", { type: "checkbox" });
  const least = h("input", { type: "number", min: 0, step: "any", inputMode: "decimal", placeholder: "from", "aria-label": "Least price" });
  const most = h("input", { type: "number", min: 0, step: "any", inputMode: "decimal", placeholder: "to", "aria-label": "Greatest price" });
  const filters = h("form.filters", { "aria-label": "Filters" }, h("label.check", {}, stock, " In stock"), h("span.range", {}, "Price ", least, "–", most));
  let limit = STEP;
  const look = async () => {
    const wanted = [address, `limit=${Math.min(limit, 100)}`, stock.checked && "in_stock=true"];
    if (least.value) wanted.push(`min_price=${Number(least.value)}`);
    if (most.value && Number(most.value) >= Number(least.value)) wanted.push(`max_price=${Number(most.value)}`);
    const found = await get(wanted.filter(Boolean).join("&"), { signal });
    items.show(found.items);
    fill(empty, found.items.length ? null : nothing());
    more.hidden = found.items.length < limit || limit >= 100;
  };
  const again = () => look().then(() => fill(empty, ...empty.children), (error) => signal.aborted || fill(empty, failure(error, again)));
  more.addEventListener("click", () => {
    limit += STEP;
    again();
  });
  filters.addEventListener("submit", (event) => event.preventDefault());
  filters.addEventListener("input", calm(again, 200, signal));
  items.wait(8);
  onChange(calm(() => look().catch(() => {}), LOOK_MS, signal), signal);
  return { place: h("div", {}, filters, items, empty, more), look };
}
