// What can be acted on in a card, a modal or App Home. `hands.act(element, blockId, value)`
// reports what was done, and resolves when it was taken.

import { control } from "./controls.js";
import { el, freshId, icon, placeBeside } from "./dom.js";
import { plain, textObject } from "./markup.js";
import { state } from "./state.js";

export function confirmed(confirm) {
  if (!confirm) return Promise.resolve(true);
  const dialog = document.getElementById("confirm");
  const style = confirm.style === "danger" ? "danger" : "primary";
  dialog.replaceChildren(el(
    "form", { method: "dialog" },
    el("h2", { id: "confirm-title" }, plain(confirm.title)),
    textObject(confirm.text),
    el("div", { class: "row end" },
      el("button", { value: "no" }, plain(confirm.deny)),
      el("button", { value: "yes", class: style }, plain(confirm.confirm)))));
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

// Not `disabled` while it works: that would take the focus away from a keyboard user.
async function busily(node, work) {
  if (node.ariaBusy) return;
  node.ariaBusy = "true";
  await work();
  node.ariaBusy = null;
}

function linkButton(element, blockId, hands) {
  const target = /^https?:/.test(element.url) ? element.url : undefined;
  return el("a", {
    class: `button ${element.style ?? ""}`, href: target, target: "_blank", rel: "noopener noreferrer",
    onclick: () => hands.act(element, blockId, element.value),
  }, plain(element.text));
}

function button(element, blockId, hands) {
  const maySee = element.visible_to_user_ids;
  if (maySee && !maySee.includes(state.user)) return null;
  if (element.url) return linkButton(element, blockId, hands);
  const node = el("button", {
    type: "button", class: element.style, "aria-label": element.accessibility_label,
    "data-action": element.action_id,
  }, plain(element.text));
  node.addEventListener("click", () => busily(node, async () => {
    if (await confirmed(element.confirm)) await hands.act(element, blockId, element.value);
  }));
  return node;
}

function menuItem(option, menu, choose) {
  const node = el("button", { type: "button", role: "menuitem", tabindex: "-1" }, plain(option.text),
    option.description ? el("span", { class: "note" }, plain(option.description)) : null);
  node.addEventListener("click", () => {
    menu.hidePopover();
    if (/^https?:/.test(option.url ?? "")) window.open(option.url, "_blank", "noopener");
    choose(option.value);
  });
  return node;
}

// Arrow keys move in a menu, and Tab leaves it; Escape is the browser's.
function moveInMenu(event, menu) {
  const items = [...menu.children];
  const at = items.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
  if (event.key === "Tab") menu.hidePopover();
  if (to === undefined) return;
  event.preventDefault();
  items.at(to % items.length).focus();
}

// Opens at once, so that a quick key finds its first item in focus.
function openMenu(menu, opener) {
  menu.showPopover();
  placeBeside(menu, opener);
  menu.firstChild.focus();
}

function overflow(element, blockId, hands) {
  const menu = el("div", { class: "menu-list", role: "menu", popover: "auto" });
  const opener = el("button", {
    type: "button", class: "overflow", "aria-label": "More actions", "aria-haspopup": "menu",
    "aria-expanded": "false", "data-action": element.action_id,
  }, icon("more"));
  const choose = async (value) => {
    if (await confirmed(element.confirm)) await hands.act(element, blockId, value);
  };
  menu.append(...element.options.map((option) => menuItem(option, menu, choose)));
  menu.addEventListener("keydown", (event) => moveInMenu(event, menu));
  menu.addEventListener("toggle", (event) => opener.setAttribute("aria-expanded", String(event.newState === "open")));
  // A press on the opener has closed an open menu before its click comes.
  let wasOpen = false;
  opener.addEventListener("pointerdown", () => { wasOpen = menu.matches(":popover-open"); });
  opener.addEventListener("click", () => {
    if (!wasOpen) openMenu(menu, opener);
    wasOpen = false;
  });
  return el("span", { class: "overflow-box" }, opener, menu);
}

export function image(element) {
  // Nothing is loaded from outside; the words that describe the picture stand for it.
  const words = element.alt_text || "picture";
  return el("span", { class: "image", role: "img", "aria-label": words }, `[image: ${words}]`);
}

function setting(element, blockId, hands) {
  const made = control(element, freshId("control"), hands.ask);
  let before = made.value();
  if (!made.node.getAttribute("aria-label")) {
    made.node.setAttribute("aria-label", element.placeholder ? plain(element.placeholder) : "Choose");
  }
  made.node.addEventListener("change", async () => {
    const value = made.value();
    if (!(await confirmed(element.confirm))) return made.set(before);
    before = value;
    return hands.act(element, blockId, value);
  });
  hands.register?.(element, blockId, made);
  return made.node;
}

const KINDS = { button, overflow, image: (element) => image(element) };

export function acting(element, blockId, hands) {
  return (KINDS[element.type] ?? setting)(element, blockId, hands);
}
