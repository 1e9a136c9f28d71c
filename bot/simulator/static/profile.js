// Who somebody is: a small card at a name, with one click to act as that person.

import { $, el, placeBeside } from "./dom.js";
import { avatar, nameOf } from "./names.js";
import { state } from "./state.js";

export function setUpProfiles(actAs) {
  const box = el("div", { id: "profile", class: "profile", popover: "auto" });
  document.body.append(box);
  document.addEventListener("click", (event) => {
    const anchor = event.target.closest?.("[data-person]");
    if (anchor) show(box, anchor, actAs);
  });
}

function show(box, anchor, actAs) {
  const id = anchor.dataset.person;
  const person = state.start.people.find((each) => each.id === id);
  const role = person?.role ?? (id === state.start.bot ? "app" : "");
  const act = el("button", { type: "button", class: "primary", onclick: () => {
    box.hidePopover();
    $("person").focus();
    actAs(id);
  } }, `Act as ${nameOf(id)}`);
  const mayAct = person && id !== state.user;
  box.replaceChildren(avatar(id), el("div", {}, el("b", {}, nameOf(id)), el("div", { class: "note" }, role)),
    ...(mayAct ? [act] : []));
  box.showPopover();
  placeBeside(box, anchor);
}
