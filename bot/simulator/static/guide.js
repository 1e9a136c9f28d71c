// The guide: scenes that one click plays, and whom to act as next. It belongs to the
// simulator, stands beside the conversation, and folds when there is a card to look at.

import { $, el } from "./dom.js";
import { askHere, closeSide, follow, openChannel } from "./panes.js";
import { ASKER, scenesFor } from "./scenes.js";
import { state } from "./state.js";

const person = (name) => state.start.people.find((each) => each.name === name)?.id;
const channel = (name) => state.channels.find((each) => each.name === name)?.id;
const isDocked = () => $("layout").classList.contains("with-guide");
let actAs = () => {};
let asked = null; // {channel, ts} of what the scene began with
let openedByHand = false;

function show(open) {
  $("layout").classList.toggle("with-guide", open);
  $("guide").hidden = !open;
  $("guide-switch").setAttribute("aria-expanded", String(open));
}

// There is something to look at: the guide gives way, unless somebody has called for it.
export function foldGuide() {
  if (isDocked() && !openedByHand) show(false);
}

function toggle() {
  openedByHand = !isDocked();
  if (openedByHand && (state.thread || state.history)) closeSide();
  localStorage.setItem("guide", openedByHand ? "open" : "closed");
  show(openedByHand);
}

function become(name) {
  if (person(name) && person(name) !== state.user) actAs(person(name));
  drawNext();
}

let next = null; // the scene that is played

function backToAsker() {
  become(ASKER);
  const point = asked && asked.ts.replace(".", "");
  if (asked) follow(new URL(`/archives/${asked.channel}/p${point}?thread_ts=${asked.ts}`, location.origin));
}

function lookAs(name) {
  become(name);
  if (channel("approvals")) openChannel(channel("approvals"));
}

function step(words, name, run) {
  const isNow = person(name) === state.user;
  return el("button", { type: "button", class: "try", "aria-current": isNow ? "step" : undefined, onclick: run }, words);
}

export function drawNext() {
  $("next").hidden = !next;
  if (!next) return;
  $("next").replaceChildren(el("span", {}, "Next, act as"),
    ...next.by.map((name) => step(`${name} in #approvals`, name, () => lookAs(name))),
    step(`${ASKER} again`, ASKER, backToAsker));
}

async function play(scene) {
  openedByHand = false;
  show(false);
  next = null;
  become(ASKER);
  if (channel("general")) openChannel(channel("general"));
  const ts = await askHere(scene.words);
  if (!ts) return;
  asked = { channel: state.channel, ts };
  next = scene;
  drawNext();
}

const sceneButton = (scene) => el("button", { type: "button", class: "scene", onclick: () => play(scene) },
  el("b", {}, scene.title), scene.title === scene.words ? null : el("span", {}, scene.words), el("span", { class: "note" }, scene.note));

export function setUpGuide(switchTo) {
  actAs = switchTo;
  if (state.side) {
    for (const id of ["guide-switch", "both"]) $(id).hidden = true;
    window.addEventListener("message", (event) => {
      if (event.origin === location.origin && event.data?.play) play(event.data.play).then(() => { $("next").hidden = true; });
    });
    return;
  }
  $("guide-switch").addEventListener("click", toggle);
  $("fold-guide").addEventListener("click", () => {
    toggle();
    $("guide-switch").focus();
  });
  show(localStorage.getItem("guide") !== "closed");
}

// The channels are here: a scene that was clicked before would find no place to begin.
export function offerScenes() {
  if (state.side) window.parent.postMessage({ ready: true }, location.origin);
  else $("scenes").replaceChildren(...scenesFor(state.start).map((scene) => el("li", {}, sceneButton(scene))));
}
