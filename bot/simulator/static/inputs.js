// An input block: label, control, hint, and the place for its error.

import { control, isGroup } from "./controls.js";
import { el, freshId } from "./dom.js";
import { plain } from "./markup.js";

function label(block, id, group) {
  const optional = block.optional ? el("span", { class: "note" }, " (optional)") : null;
  if (group) return el("div", { class: "label", id: `${id}-label` }, plain(block.label), optional);
  return el("label", { class: "label", for: id }, plain(block.label), optional);
}

// Some inputs tell the app at once (docs: reference/block-kit/blocks/input-block).
function tellAtOnce(block, made, hands) {
  const tell = () => hands.act(block.element, block.block_id, made.value());
  const typed = /_input$/.test(block.element.type);
  if (!typed) {
    made.node.addEventListener("change", tell);
    return;
  }
  const when = block.element.dispatch_action_config?.trigger_actions_on ?? ["on_enter_pressed"];
  if (when.includes("on_character_entered")) made.node.addEventListener("input", tell);
  if (!when.includes("on_enter_pressed")) return;
  made.node.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    tell();
  });
}

function describe(made, block, id, group) {
  const target = made.node;
  if (group) target.setAttribute("aria-labelledby", `${id}-label`);
  target.setAttribute("aria-describedby", `${id}-hint ${id}-error`);
  if (!block.optional && target.matches("input, textarea, select")) target.setAttribute("aria-required", "true");
}

export function inputBlock(block, hands) {
  const id = freshId("input");
  const group = isGroup(block.element);
  const made = control(block.element, id, hands.ask);
  const error = el("div", { class: "error", id: `${id}-error` });
  describe(made, block, id, group);
  if (block.dispatch_action) tellAtOnce(block, made, hands);
  const complain = (sentence) => {
    error.textContent = sentence ?? "";
    made.node.setAttribute("aria-invalid", String(Boolean(sentence)));
  };
  hands.register?.(block.element, block.block_id, { ...made, complain });
  return el("div", { class: "input", "data-block": block.block_id },
    label(block, id, group), made.node, error,
    el("div", { class: "note", id: `${id}-hint` }, block.hint ? plain(block.hint) : null));
}
