/** One product, and what is like it, with the reason. */

import { calm, fill, flash, h, money, say } from "./dom.js";
import { basket, get, keys, onChange, seen } from "./data.js";
import { grid, note, picture, stars, toCategory } from "./cards.js";

const RULES = [
  ["In stock", "in_stock=true"],
  ["Cheaper", "cheaper=true"],
  ["Near in price", "price_within=0.25"],
  ["Other brands", "same_brand=false"],
  ["Other shelves", "same_category=false"],
  ["More varied", "diversity=0.5"],
];

export async function product(view, { id, signal }) {
  const path = `/v1/products/${encodeURIComponent(id)}`;
  const about = h("article.about");
  const like = similar(id);
  const look = async () => {
    const { items } = await get(path, { signal });
    draw(about, id, items[0].product);
    return items[0].product;
  };
  try {
    await look();
  } catch (error) {
    if (error.status !== 404) throw error;
    await gone(view, signal, "This product is not in the shop", "It was deleted, is not approved yet, or never was.");
    return;
  }
  seen.note(id);
  fill(view, about, like);
  const again = calm(
    () =>
      look().then(
        (shown) => document.title && (document.title = `${shown.name ?? "Product"} · Evershelf`),
        (error) => error.status === 404 && leave(view, signal),
      ),
    200,
    signal,
  );
  onChange((ids) => (!ids || ids.changed.has(id) || ids.gone.has(id)) && again(), signal);
}

function draw(about, id, shown) {
  const text = JSON.stringify(shown);
  if (about.shown === text) return;
  const isNews = about.shown !== undefined;
  about.shown = text;
  const trail = (shown.category ?? []).map((name, index, all) => h("a", { href: toCategory(all.slice(0, index + 1).join(" > ")) }, name));
  const canBuy = shown.in_stock !== false;
  const button = h("button.button.main", { type: "button", disabled: !canBuy, onclick: () => (basket.add(id, shown), say(`${shown.name} is in the basket`)) }, canBuy ? "Add to basket" : "Sold out");
  const left = typeof shown.stock === "number" && shown.stock > 0 && shown.stock <= 5 ? `Only ${shown.stock} left` : canBuy ? "In stock" : "Not in stock";
  fill(
    about,
    picture(shown, "div.portrait"),
    h(
      "div.facts",
      {},
      h("nav.trail", { "aria-label": "Breadcrumb" }, h("a", { href: "#/" }, "Shop"), trail),
      h("p.maker", {}, shown.brand ?? ""),
      h("h1", {}, shown.name ?? "Unnamed"),
      h("p.row", {}, h("span.price", {}, money(shown.price)), stars(shown.rating)),
      h("p.text", {}, shown.description ?? ""),
      h("p.row", {}, button, h("span.stock", { "data-can": canBuy }, left)),
    ),
  );
  if (isNews) {
    flash(about);
    say(`${shown.name ?? "This product"} has changed`);
  }
}

function similar(id) {
  const element = h("evershelf-similar", { "product-id": id, limit: 12, href: "#/product/{id}", explain: "", label: "Similar products", "api-key": keys.read });
  const chosen = new Set();
  const chips = RULES.map(([name, rule]) => {
    const chip = h("button.chip", { type: "button", "aria-pressed": "false" }, name);
    chip.addEventListener("click", () => {
      if (!chosen.delete(rule)) chosen.add(rule);
      chip.setAttribute("aria-pressed", String(chosen.has(rule)));
      element.setAttribute("params", [...chosen].join("&"));
    });
    return chip;
  });
  element.append(h("span", { slot: "empty" }, "Nothing else is like it by these rules."), h("span", { slot: "error" }, "The shop does not answer now."));
  return h("section.block.like", {}, h("div.head", {}, h("h2", {}, "Similar, and why"), h("div.chips", { role: "group", "aria-label": "Rules" }, chips)), element);
}

function leave(view, signal) {
  say("This product is not in the shop any more");
  return gone(view, signal, "This product has just left the shop", "Somebody deleted it, or took back its approval, while you looked at it.");
}

async function gone(view, signal, title, text) {
  const latest = grid("Just in", "ul.grid.rail");
  fill(view, h("h1", {}, "Not here"), note(title, text, h("a.button", { href: "#/" }, "To the shop")), h("section.block", {}, h("h2", {}, "Just in"), latest));
  const { items } = await get("/v1/products/latest?limit=6", { signal });
  latest.show(items);
}
