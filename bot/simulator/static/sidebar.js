// The list of channels, and who acts.

import { $, el } from "./dom.js";
import { avatar } from "./names.js";
import { state, titleOf, unread } from "./state.js";

function drawChannel(channel, open) {
  const isOpen = channel.id === state.channel;
  const news = isOpen ? { any: false, count: 0 } : unread(channel);
  const mark = channel.is_im ? avatar(state.start.bot) : el("span", { class: "mark", "aria-hidden": "true" }, channel.is_private ? "🔒" : "#");
  const name = channel.is_im ? titleOf(channel) : channel.name;
  return el("li", {}, el("button", {
    type: "button", "data-testid": `channel-${channel.id}`,
    "aria-current": isOpen ? "page" : undefined,
    class: news.any ? "channel unread" : "channel", onclick: () => open(channel.id),
  }, mark, el("span", { class: "channel-name" }, name),
  news.count ? el("span", { class: "count" }, String(news.count)) : null,
  news.any ? el("span", { class: "hidden" }, " unread") : null));
}

// Redrawn as a whole; the focus stays on the channel where it was.
export function drawSidebar(open) {
  const focused = document.activeElement?.closest?.("#sidebar [data-testid]")?.dataset.testid;
  const [apps, channels] = [true, false].map(
    (isIm) => state.channels.filter((each) => each.is_im === isIm && !each.is_archived));
  $("channels").replaceChildren(...channels.map((each) => drawChannel(each, open)));
  $("direct").replaceChildren(...apps.map((each) => drawChannel(each, open)));
  if (focused) document.querySelector(`[data-testid="${focused}"]`)?.focus();
}

export function totalUnread() {
  return state.channels.filter((each) => each.id !== state.channel)
    .reduce((sum, each) => sum + unread(each).count, 0);
}

export function drawPerson() {
  $("person").value = state.user;
  $("person-face").replaceChildren(avatar(state.user));
  $("mailbox").href = `/mailbox?user=${encodeURIComponent(state.user)}`;
}

export function setUpSidebar(actAs) {
  $("team").textContent = state.start.team;
  $("person").replaceChildren(...state.start.people.map(
    (each) => el("option", { value: each.id }, `${each.name} — ${each.role}`)));
  $("person").addEventListener("change", () => actAs($("person").value));
  $("sidebar").addEventListener("keydown", (event) => {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!step || !event.target.matches?.("button.channel")) return;
    const all = [...$("sidebar").querySelectorAll("button.channel")];
    event.preventDefault();
    all.at((all.indexOf(event.target) + step) % all.length).focus();
  });
}
