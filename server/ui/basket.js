/** The basket, and what goes with all of it. */

import { calm, fill, h, list, money } from "./dom.js";
import { basket, forRead, get, onChange, recommend } from "./data.js";
import { failure, grid, note, picture, toProduct } from "./cards.js";

export async function basketView(view, { signal }) {
  const lines = h("ul.lines", { "aria-label": "In the basket" });
  const total = h("p.total");
  const items = grid("Goes with your basket");
  const trouble = h("div");
  const also = h("section.block", {}, h("div.head", {}, h("h2", {}, "Goes with all of it"), h("p", {}, "One question with every product in it, weighted by how many.")), items, trouble);
  const empty = note("Your basket is empty", "Put something in it, and see what goes with it.", h("a.button.main", { href: "#/" }, "To the shop"));
  let sold = new Set();

  const draw = () => {
    const all = basket.lines;
    list(lines, all, { make, update: (made, line) => update(made, line, sold.has(line.id)) });
    empty.hidden = all.length > 0;
    total.hidden = also.hidden = !all.length;
    fill(total, "Together ", h("b", {}, money(all.reduce((sum, line) => sum + (line.product.price ?? 0) * line.count, 0))));
  };
  const look = async () => {
    const all = basket.lines;
    if (!all.length) return;
    const asked = all.slice(0, 100).map(({ id, count }) => ({ id, weight: Math.min(count, 100) }));
    try {
      const found = await recommend({ items: asked }, forRead({ limit: 10, in_stock: true, explain: true, one_per: "name", signal }));
      sold = new Set(found.unknown);
      items.show(found.items);
      fill(trouble, found.items.length ? null : note("Nothing goes with it yet", "What is in the basket is like nothing else in the shop."));
    } catch (error) {
      if (!signal.aborted) fill(trouble, failure(error, look));
    }
    draw();
  };
  fill(view, h("h1", {}, "Basket"), empty, lines, total, also);
  draw();
  await look();
  basket.onChange(() => (draw(), again()), signal);
  const again = calm(look, 300, signal);
  onChange(calm(() => renew(signal).then(look), 500, signal), signal);
  await renew(signal);
}

/** Take over what the products cost, and are called, now. */
async function renew(signal) {
  await Promise.all(
    basket.lines.map(async ({ id, count, product: before }) => {
      const found = await get(`/v1/products/${encodeURIComponent(id)}?fields=name,price,brand,image`, { signal }).catch(() => null);
      const product = found?.items[0].product;
      const isNews = product && ["name", "price", "brand", "image"].some((field) => product[field] !== before[field]);
      if (isNews) basket.put(id, product, count);
    }),
  );
}

function make({ id }) {
  const count = h("input", { type: "number", min: 1, max: 99, name: "count" });
  count.addEventListener("change", () => basket.put(id, made.line.product, Math.min(Math.max(Math.trunc(Number(count.value)) || 1, 1), 99)));
  const remove = h("button.button.quiet", { type: "button", onclick: () => basket.put(id, made.line.product, 0) }, "Remove");
  const made = h("li.line", {}, h("a", { href: toProduct(id) }), count, h("span.price"), remove);
  return made;
}

function update(made, line, isGone) {
  made.line = line;
  const { name = "Unnamed", price, brand = "" } = line.product;
  const [link, count, cost, remove] = made.children;
  fill(link, picture(line.product), h("span", {}, h("b", {}, name), h("small", {}, isGone ? "No longer in the shop" : brand)));
  made.classList.toggle("gone", isGone);
  count.setAttribute("aria-label", `How many: ${name}`);
  remove.setAttribute("aria-label", `Remove ${name}`);
  if (Number(count.value) !== line.count) count.value = line.count;
  cost.textContent = money((price ?? 0) * line.count);
}
