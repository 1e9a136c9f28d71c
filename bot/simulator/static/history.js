// What happened: the life of a card's requests in plain words, beside it.

import { exactClock } from "./dates.js";
import { $, el } from "./dom.js";
import { mrkdwn } from "./markup.js";
import { send } from "./requests.js";
import { state } from "./state.js";

let asked = 0;

function lineNode({ at, text }) {
  return el("li", {}, exactClock(at), mrkdwn(text, true));
}

function show(lines) {
  const box = $("history-lines");
  const key = JSON.stringify(lines);
  if (box.shownAs === key) return;
  box.shownAs = key;
  box.replaceChildren(lines.length
    ? el("ol", { class: "timeline", "data-testid": "history-lines" }, lines.map(lineNode))
    : el("p", { class: "empty" }, "Nothing is recorded about this message yet."));
}

export function startHistory() {
  const box = $("history-lines");
  box.shownAs = null;
  box.replaceChildren(el("p", { class: "empty" }, "Loading…"));
  refreshHistory();
}

// Reads the trail again; an answer that a later one has overtaken is dropped.
export async function refreshHistory() {
  if (!state.history) return;
  asked += 1;
  const mine = asked;
  const answer = await send("history", state.history);
  if (mine !== asked || !state.history) return;
  if (answer) show(answer.lines);
  else if (!$("history-lines").shownAs) {
    $("history-lines").replaceChildren(el("p", { class: "empty" }, "It could not be read. Open it again in a moment."));
  }
}
