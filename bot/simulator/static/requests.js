// Requests to the simulator, made as the person who acts.

import { $, announce, el } from "./dom.js";
import { state } from "./state.js";

const AWAY = "The simulator cannot be reached. Nothing was sent.";

// Returns the answer, or null after the trouble was shown.
export async function send(path, body = {}) {
  try {
    const response = await fetch(`/page/${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ user: state.user, ...body }),
    });
    const answer = await response.json().catch(() => null);
    if (response.ok && answer) return answer;
    notify(answer?.sentence ?? `The simulator could not do this (${response.status}).`, true);
  } catch {
    notify(AWAY, true);
  }
  return null;
}

let timer = 0;

// A note at the lower edge; `action` is {words, run}.
export function notify(sentence, isTrouble = false, action = null) {
  const box = $("toast");
  const done = () => box.replaceChildren();
  const button = action && el("button", {
    type: "button", class: "quiet", onclick: () => {
      done();
      action.run();
    },
  }, action.words);
  box.replaceChildren(el("div", { class: isTrouble ? "toast trouble" : "toast" }, el("span", {}, sentence), button));
  announce(sentence);
  clearTimeout(timer);
  timer = setTimeout(done, 8000);
}
