// Modals: the top of a person's stack of views, as a dialog with a form.

import { drawBlocks } from "./blocks.js";
import { $, el, hidden, icon } from "./dom.js";
import { Fields, placeOf } from "./fields.js";
import { plain } from "./markup.js";
import { send } from "./requests.js";

const NO_ANSWER = "We had some trouble connecting. Try again?";

// What can be done in a view; `trouble` is where its sentence goes.
export function viewHands(view, fields, trouble) {
  return {
    register: fields.register,
    act: async (element, blockId, value) => {
      trouble.textContent = "";
      const answer = await send("views/click", {
        view: view.id, action_id: element.action_id, block_id: blockId, value: value ?? null,
        values: fields.values(),
      });
      if (answer && !answer.acked) trouble.textContent = NO_ANSWER;
    },
    ask: (element, text) => send("options", { view: view.id, action_id: element.action_id, text }),
  };
}

let shown = { key: "", id: "", fields: null };
let leaving = ""; // the id of the view that is being closed

// A second click or Escape meanwhile asks for nothing more.
async function leave(view, clear) {
  if (leaving === view.id) return;
  leaving = view.id;
  if (!await send("views/close", { view: view.id, clear })) leaving = "";
}

const drafts = new Map(); // by view id: what was typed, while the view stays in the stack

function keepTyped(views) {
  if (shown.fields) drafts.set(shown.id, shown.fields.typed());
  for (const id of drafts.keys()) {
    if (!views.some((each) => each.id === id)) drafts.delete(id);
  }
}

function head(view, isPushed) {
  const close = (clear) => () => leave(view, clear);
  return el("header", { class: "modal-head" },
    isPushed ? el("button", { type: "button", class: "quiet", onclick: close(false) }, icon("back"), hidden("Back")) : null,
    el("h2", { id: "modal-title" }, plain(view.title)),
    el("button", { type: "button", class: "quiet", onclick: close(true) }, icon("close"), hidden("Close the dialog")));
}

function foot(view) {
  const words = view.close ? plain(view.close) : view.submit ? "Cancel" : "Close";
  return el("footer", { class: "row end" },
    el("button", { type: "button", onclick: () => leave(view) }, words),
    view.submit ? el("button", { class: "primary", disabled: view.submit_disabled }, plain(view.submit)) : null);
}

function submitting(form, view, fields, trouble) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (form.ariaBusy) return;
    form.ariaBusy = "true";
    trouble.textContent = "";
    const answer = await send("views/submit", { view: view.id, values: fields.values() });
    form.ariaBusy = null;
    fields.complain(answer?.errors ?? {});
    const silent = answer && !answer.acked && !Object.keys(answer.errors).length;
    if (silent) trouble.textContent = NO_ANSWER;
    if (answer?.refusal) trouble.textContent = `Slack would refuse the app's answer: ${answer.refusal}.`;
  });
}

function focusFirst(form, place) {
  const first = (place ? form.querySelector(place) : null) ?? form.querySelector("[autofocus]")
    ?? form.querySelector(".modal-body :is(input, textarea, select):not([disabled])")
    ?? form.querySelector("footer .primary") ?? form.querySelector("footer button");
  first?.focus();
}

// Views come as a stack of which only the top is shown.
export function showModal(views) {
  const dialog = $("modal");
  const view = views.at(-1);
  const key = view ? `${view.id} ${view.hash}` : "";
  if (key === shown.key) return;
  keepTyped(views);
  if (!view) {
    shown = { key, id: "", fields: null };
    dialog.close();
    return;
  }
  const fields = new Fields();
  const place = view.id === shown.id ? placeOf(document.activeElement) : "";
  const trouble = el("div", { class: "error", role: "alert" });
  const body = el("div", { class: "modal-body" }, drawBlocks(view.blocks, viewHands(view, fields, trouble)));
  const form = el("form", { "data-testid": "modal", novalidate: true }, head(view, views.length > 1), body, trouble, foot(view));
  submitting(form, view, fields, trouble);
  dialog.oncancel = (event) => {
    event.preventDefault();
    leave(view);
  };
  // A second Escape closes it whatever the page says.
  dialog.onclose = () => {
    if (shown.id !== view.id) return;
    shown = { key: "", id: "", fields: null };
    leave(view);
  };
  dialog.replaceChildren(form);
  fields.restore(drafts.get(view.id));
  shown = { key, id: view.id, fields };
  if (!dialog.open) dialog.showModal();
  focusFirst(form, place);
}
