// App Home: the app's own page for one person, in the direct message with it.

import { drawBlocks } from "./blocks.js";
import { $, el } from "./dom.js";
import { Fields } from "./fields.js";
import { send } from "./requests.js";
import { botName, openChannelObject, state } from "./state.js";
import { viewHands } from "./views.js";

let shown = { key: "", fields: null };

export const hasHome = () => Boolean(openChannelObject()?.is_im && state.start.home_enabled);

// Tells the app which tab was opened, as Slack does; it may publish its view then.
export async function visitApp(tab) {
  state.opening = tab === "home";
  await send("home", { tab });
  state.opening = false;
  drawHome();
}

export function forgetHome() {
  state.home = null;
  shown = { key: "", fields: null };
  $("home").replaceChildren();
}

function emptyWords() {
  return state.opening ? "Loading…" : `${botName()} has published nothing here yet.`;
}

export function drawHome() {
  const visible = hasHome() && state.tab === "home";
  const box = $("home");
  box.hidden = !visible;
  const view = state.home;
  const key = view ? `${view.id} ${view.hash}` : emptyWords();
  if (!visible || shown.key === key) return;
  const typed = shown.fields?.typed();
  const fields = new Fields();
  const trouble = el("div", { class: "error", role: "alert" });
  const content = view ? drawBlocks(view.blocks, viewHands(view, fields, trouble)) : el("p", { class: "empty" }, emptyWords());
  box.replaceChildren(el("div", { class: "card home-card", "data-testid": "app-home" }, content, trouble));
  fields.restore(typed);
  shown = { key, fields };
}
