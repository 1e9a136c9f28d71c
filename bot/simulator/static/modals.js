// Modals: a view as a dialog with a form.

import { drawBlock } from "./blocks.js";
import { el } from "./markup.js";

const TYPES = {
  number_input: "number", email_text_input: "email", url_text_input: "url",
  datepicker: "date", timepicker: "time",
};

function choices(element, kind, name) {
  return el("div", { role: "group" }, ...element.options.map((option) => el(
    "label", { class: "choice" },
    el("input", {
      type: kind, name, value: option.value,
      checked: [element.initial_option, ...(element.initial_options ?? [])]
        .some((each) => each?.value === option.value),
    }),
    option.text.text)));
}

function select(element, id) {
  const groups = element.option_groups ?? [{ options: element.options ?? [] }];
  const node = el("select", { id, name: id, multiple: element.type.startsWith("multi_") },
    element.type.startsWith("multi_") ? null : el("option", { value: "" }, element.placeholder?.text ?? "Choose…"),
    ...groups.flatMap((group) => group.options)
      .map((option) => el("option", { value: option.value }, option.text.text)));
  if (element.initial_option) node.value = element.initial_option.value;
  return node;
}

function field(element, id) {
  if (element.type === "radio_buttons") return choices(element, "radio", id);
  if (element.type === "checkboxes") return choices(element, "checkbox", id);
  if (element.type.endsWith("static_select")) return select(element, id);
  const attributes = {
    id, name: id, placeholder: element.placeholder?.text,
    maxlength: element.max_length ?? 3000, autofocus: element.focus_on_load,
  };
  if (element.type === "plain_text_input" && element.multiline) {
    return el("textarea", { ...attributes, rows: 4 }, element.initial_value ?? "");
  }
  const initial = element.initial_value ?? element.initial_date ?? element.initial_time;
  const type = TYPES[element.type] ?? "text";
  return el("input", { ...attributes, type, value: initial, step: type === "number" ? "any" : undefined });
}

function input(block) {
  const id = `input-${block.block_id}`;
  const grouped = ["radio_buttons", "checkboxes"].includes(block.element.type);
  const label = el(grouped ? "div" : "label", { class: "label", for: grouped ? undefined : id },
    block.label.text, block.optional ? el("span", { class: "note" }, " (optional)") : null);
  return el("div", { class: "input", "data-block": block.block_id },
    label, field(block.element, id),
    block.hint ? el("div", { class: "note" }, block.hint.text) : null,
    el("div", { class: "error", role: "alert" }));
}

function values(form, view) {
  const found = {};
  for (const block of view.blocks.filter((each) => each.type === "input")) {
    const all = new FormData(form).getAll(`input-${block.block_id}`);
    const many = block.element.type === "checkboxes" || block.element.type.startsWith("multi_");
    found[block.block_id] = many ? all : all[0] ?? null;
  }
  return found;
}

function showErrors(form, errors) {
  for (const box of form.querySelectorAll(".input")) {
    box.querySelector(".error").textContent = errors[box.dataset.block] ?? "";
  }
}

let shown = "";

// `send(path, body)` posts; views come as a stack of which only the top is shown.
export function showModal(views, send) {
  const dialog = document.getElementById("modal");
  const view = views.at(-1);
  const key = view ? `${view.id} ${view.hash}` : "";
  if (key === shown) return;
  shown = key;
  if (!view) {
    dialog.close();
    return;
  }
  const close = () => send("views/close", { view: view.id });
  const failed = el("div", { class: "error", role: "alert" });
  const form = el("form", { "data-testid": "modal" },
    el("h2", { id: "modal-title" }, view.title.text),
    el("div", { class: "modal-body" },
      ...view.blocks.map((block) => block.type === "input" ? input(block) : drawBlock(block, () => {}))),
    failed,
    el("div", { class: "row end" },
      el("button", { type: "button", onclick: close }, view.close?.text ?? (view.submit ? "Cancel" : "Close")),
      view.submit ? el("button", { class: "primary" }, view.submit.text) : null));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const answer = await send("views/submit", { view: view.id, values: values(form, view) });
    showErrors(form, answer?.errors ?? {});
    const silent = answer && !answer.acked && !Object.keys(answer.errors).length;
    failed.textContent = silent ? "The app did not respond. Try again." : "";
  });
  dialog.oncancel = (event) => {
    event.preventDefault();
    close();
  };
  dialog.replaceChildren(form);
  if (!dialog.open) dialog.showModal();
}
