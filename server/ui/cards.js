/** Products as cards, and what stands where there are none. */

import { flash, h, list, money } from "./dom.js";
import { basket } from "./data.js";

export const toProduct = (id) => `#/product/${encodeURIComponent(id)}`;
export const toCategory = (path) => `#/category/${encodeURIComponent(path)}`;

/** The product's picture; its initials where there is none, or none that may be shown. */
export function picture(product, name = "span.picture") {
  const place = h(name, { "aria-hidden": "true" });
  if (typeof product.image === "string" && product.image.startsWith("data:image/")) {
    place.append(h("img", { src: product.image, alt: "", decoding: "async" }));
  } else {
    const words = String(product.name ?? "?").split(/\s+/).filter(Boolean);
    place.append(h("span.initials", {}, words.slice(0, 2).map((word) => word[0]).join("").toUpperCase()));
  }
  return place;
}

export function stars(rating) {
  if (typeof rating !== "number") return null;
  return h("span.rating", { role: "img", "aria-label": `Rated ${rating} of 5` }, "★ ", rating.toFixed(1));
}

function make({ id, product }) {
  const link = h("a.card", { href: toProduct(id) });
  const add = h("button.add", { type: "button" }, "Add");
  add.addEventListener("click", () => {
    basket.add(id, made.product);
    add.textContent = "Added";
    setTimeout(() => (add.textContent = "Add"), 1_200);
  });
  const made = h("li.cell", {}, link, add);
  made.product = product;
  return made;
}

function update(made, { product, explain }) {
  const shown = JSON.stringify([product, explain?.sentence]);
  if (made.shown === shown) return;
  const isNews = made.shown !== undefined;
  made.shown = shown;
  made.product = product;
  const link = made.querySelector(".card");
  link.replaceChildren(
    picture(product),
    ...[
      h("span.maker", {}, product.brand ?? ""),
      h("span.title", {}, product.name ?? "Unnamed"),
      explain && h("span.why", {}, explain.sentence),
      h("span.row", {}, h("span.price", {}, money(product.price)), product.in_stock === false ? h("span.none", {}, "Sold out") : stars(product.rating)),
    ].filter(Boolean),
  );
  const add = made.querySelector(".add");
  add.setAttribute("aria-label", `Add to basket: ${product.name ?? "product"}`);
  add.disabled = product.in_stock === false;
  if (isNews) flash(made);
}

/** A list of cards; `show(items)` keeps those that stay. */
export function grid(label, name = "ul.grid") {
  const place = h(name, { "aria-label": label });
  place.show = (items) => list(place, items, { make, update });
  place.wait = (count) => place.replaceChildren(...Array.from({ length: count }, () => h("li.cell.bone", { "aria-hidden": "true" })));
  return place;
}

export function note(title, text, ...more) {
  return h("div.note", {}, h("strong", {}, title), h("p", {}, text), ...more);
}

/** What to show for an error, with a way out. */
export function failure(error, again) {
  const isAway = error.status === 0 || error.status >= 500;
  return h(
    "div.note.bad",
    { role: "alert" },
    h("strong", {}, isAway ? "The shop does not answer now" : "That did not work"),
    h("p", {}, error.message),
    again && h("button.button", { type: "button", onclick: again }, "Try again"),
  );
}
