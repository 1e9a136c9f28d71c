// Both sides at once: the page twice, once for who asks and once for who decides.

import { $, el } from "./dom.js";
import { ASKER, scenesFor } from "./scenes.js";

const side = (title, person, channel) => el("iframe", { title, name: `side ${person} ${channel}`, src: "/" });

async function begin() {
  const start = await (await fetch("/page/start")).json();
  const asking = side("Who asks", ASKER, "general");
  const deciding = side("Who decides", "Mina", "approvals");
  const play = (scene) => asking.contentWindow.postMessage({ play: scene }, location.origin);
  const offer = () => $("scenes").replaceChildren(...scenesFor(start).map((scene) => el("button", {
    type: "button", class: "try", title: scene.words, onclick: () => play(scene),
  }, scene.title)));
  // Before, nobody would hear what a click says.
  window.addEventListener("message", ({ source, data }) => { if (source === asking.contentWindow && data?.ready) offer(); });
  $("sides").replaceChildren(asking, deciding);
}

begin();
