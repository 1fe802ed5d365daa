/** Dialogs of the desk: a product's fields, and a last question. */

import { fill, h } from "./dom.js";

const split = (text, by) => text.split(by).map((part) => part.trim()).filter(Boolean);

/** Show a form for a product, or for a new one; `save` is awaited with the fields. */
export function openForm(item, save) {
  const field = (name, label, properties, tag = "input") => {
    const input = h(tag, { name, id: `field-${name}`, ...properties });
    return h("p.field", {}, h("label", { htmlFor: input.id }, label), input);
  };
  const trouble = h("p.trouble", { role: "alert" });
  const submit = h("button.button.main", { type: "submit" }, item ? "Save" : "Create");
  const form = h(
    "form",
    { noValidate: false },
    h("h2", { id: "form-title" }, item ? "Edit product" : "New product"),
    field("name", "Name", { required: true, maxLength: 120, value: item?.name ?? "" }),
    field("description", "Description", { maxLength: 2000, rows: 4, value: item?.description ?? "" }, "textarea"),
    h("div.pair", {}, field("category", "Category", { placeholder: "Kitchen > Pans", value: (item?.category ?? []).join(" > ") }), field("brand", "Brand", { maxLength: 60, value: item?.brand ?? "" })),
    h("div.pair", {}, field("price", "Price", { type: "number", min: 0, step: "0.01", value: item?.price ?? "" }), field("stock", "In stock", { type: "number", min: 0, step: 1, value: item?.stock ?? "" })),
    field("tags", "Tags", { placeholder: "iron, induction", value: (item?.tags ?? []).join(", ") }),
    trouble,
    h("p.row", {}, submit, h("button.button.quiet", { type: "button", onclick: () => dialog.close() }, "Cancel"), !item && h("small", {}, "It waits for approval first.")),
  );
  const dialog = open(form, "form-title");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const { name, description, category, brand, price, stock, tags } = form.elements;
    const fields = {
      name: name.value.trim(),
      description: description.value.trim(),
      category: split(category.value, ">"),
      brand: brand.value.trim(),
      tags: split(tags.value, ","),
      ...(price.value !== "" && { price: Number(price.value) }),
      ...(stock.value !== "" && { stock: Math.trunc(Number(stock.value)) }),
    };
    submit.disabled = true;
    try {
      const saving = save(fields);
      await saving;
      dialog.close();
    } catch (error) {
      trouble.textContent = error.message;
      submit.disabled = false;
    }
  });
}

/** Resolve to whether somebody really wants it. */
export function askWhether(title, text, yes) {
  return new Promise((resolve) => {
    const form = h(
      "form",
      { method: "dialog" },
      h("h2", { id: "ask-title" }, title),
      h("p", {}, text),
      h("p.row", {}, h("button.button.main.no", { value: "yes" }, yes), h("button.button.quiet", { value: "" }, "Keep it")),
    );
    const dialog = open(form, "ask-title");
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

function open(content, title) {
  const dialog = h("dialog", { "aria-labelledby": title });
  fill(dialog, content);
  document.body.append(dialog);
  dialog.addEventListener("close", () => setTimeout(() => dialog.remove(), 0), { once: true });
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.showModal();
  return dialog;
}
