/** What stands before a view that needs a key. */

import { h } from "./dom.js";
import { keys } from "./data.js";
import { note } from "./cards.js";

/** Put a form for a key into `view`. */
export function askForKey(view, kind) {
  const input = h("input", { type: "password", name: "key", autocomplete: "off", required: true, "aria-label": `${kind} key` });
  const form = h("form.key", {}, input, h("button.button.main", { type: "submit" }, "Open"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    keys.set(kind, input.value);
    if (kind === "read") location.reload();
    else dispatchEvent(new HashChangeEvent("hashchange")); // the view opens again
  });
  const text = kind === "admin" ? "It is kept in this tab only, until you close it." : "The shop’s API is read with a key here. It is kept in this tab only.";
  view.replaceChildren(h("h1", {}, "A key is needed"), note(kind === "admin" ? "This is for admins" : "This shop has a read key", text, form));
}
