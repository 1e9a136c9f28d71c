// Cards: blocks as DOM nodes. `act(element, blockId, value)` reports what was done.

import { el, markdown, mrkdwn, richText, textObject } from "./markup.js";

export function confirmed(confirm) {
  if (!confirm) return Promise.resolve(true);
  const dialog = document.getElementById("confirm");
  const style = confirm.style === "danger" ? "danger" : "primary";
  dialog.replaceChildren(el(
    "form", { method: "dialog" },
    el("h2", { id: "confirm-title" }, confirm.title.text),
    textObject(confirm.text),
    el("div", { class: "row end" },
      el("button", { value: "no" }, confirm.deny.text),
      el("button", { value: "yes", class: style }, confirm.confirm.text))));
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

function button(element, blockId, act) {
  if (element.url) {
    const target = element.url.startsWith("http") ? element.url : undefined;
    return el("a", {
      class: "button", href: target, target: "_blank", rel: "noopener noreferrer",
      onclick: () => act(element, blockId, element.value),
    }, element.text.text);
  }
  const node = el("button", {
    type: "button",
    class: element.style,
    "aria-label": element.accessibility_label,
    "data-action": element.action_id,
  }, element.text.text);
  node.addEventListener("click", async () => {
    // Not `disabled`: that would take the focus away from a keyboard user.
    if (node.ariaBusy || !(await confirmed(element.confirm))) return;
    node.ariaBusy = "true";
    await act(element, blockId, element.value);
    node.ariaBusy = null;
  });
  return node;
}

function options(element) {
  const groups = element.option_groups ?? [{ options: element.options ?? [] }];
  return groups.flatMap((group) => group.options)
    .map((option) => el("option", { value: option.value }, option.text.text));
}

function select(element, blockId, act) {
  const label = element.type === "overflow" ? "More…" : element.placeholder?.text ?? "Choose…";
  const node = el("select", { "aria-label": label, class: element.type, "data-action": element.action_id },
    el("option", { value: "" }, label), ...options(element));
  if (element.initial_option) node.value = element.initial_option.value;
  node.addEventListener("change", async () => {
    const value = node.value;
    if (!value) return;
    if (await confirmed(element.confirm)) await act(element, blockId, value);
    if (element.type === "overflow") node.value = "";
  });
  return node;
}

function image(element) {
  // Nothing is loaded from outside; the words that describe the picture stand for it.
  return el("div", { class: "image", role: "img", "aria-label": element.alt_text },
    `[image: ${element.alt_text}]`);
}

function acting(element, blockId, act) {
  if (element.type === "button") return button(element, blockId, act);
  if (element.type === "image") return image(element);
  if (element.type === "overflow" || element.type === "static_select") {
    return select(element, blockId, act);
  }
  return el("span", { class: "note" }, `[${element.type} is not drawn here]`);
}

function contextElement(element) {
  return element.type === "image" ? image(element) : textObject(element);
}

const BLOCKS = {
  header: (b) => el("h3", {}, b.text.text),
  divider: () => el("hr"),
  rich_text: (b) => richText(b),
  markdown: (b) => markdown(b.text),
  image: (b) => image(b),
  context: (b) => el("div", { class: "context" }, ...b.elements.map(contextElement)),
  actions: (b, act) => el("div", { class: "row" },
    ...b.elements.map((element) => acting(element, b.block_id, act))),
  section: (b, act) => el("div", { class: "section" },
    el("div", { class: "grow" },
      b.text ? textObject(b.text) : null,
      b.fields ? el("div", { class: "fields" }, ...b.fields.map(textObject)) : null),
    b.accessory ? acting(b.accessory, b.block_id, act) : null),
};

export function drawBlock(block, act) {
  const draw = BLOCKS[block.type];
  if (!draw) return el("div", { class: "note" }, `[${block.type} is not drawn here]`);
  return draw(block, act);
}

export function drawContent(message, act) {
  const blocks = message.blocks ?? [];
  if (!blocks.length) return mrkdwn(message.text ?? "");
  const drawn = blocks.map((block) => drawBlock(block, act));
  const isCard = Boolean(message.bot_id);
  return el("div", isCard ? { class: "card", "data-testid": "card" } : {}, ...drawn);
}
