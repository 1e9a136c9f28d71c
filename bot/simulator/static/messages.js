// A list of messages that is changed only where a message changed.

import { drawContent } from "./blocks.js";
import { el } from "./markup.js";

function time(ts) {
  const moment = new Date(Number(ts) * 1000);
  const text = new Intl.DateTimeFormat("en", { hour: "numeric", minute: "2-digit" }).format(moment);
  return el("time", { datetime: moment.toISOString(), title: moment.toString() }, text);
}

function avatar(name, id) {
  const hue = [...id].reduce((sum, character) => sum + character.charCodeAt(0) * 37, 0) % 8;
  return el("span", { class: `avatar hue${hue}`, "aria-hidden": "true" }, name.slice(0, 1));
}

function replies(message, hands) {
  if (!message.reply_count || hands.inThread) return null;
  const words = message.reply_count === 1 ? "1 reply" : `${message.reply_count} replies`;
  return el("button", { type: "button", class: "quiet replies", onclick: () => hands.openThread(message.ts) }, words);
}

export function drawMessage(message, status, hands) {
  const name = hands.names[message.user] ?? message.user;
  const trouble = el("div", { class: "error", role: "alert" });
  const act = async (element, blockId, value) => {
    trouble.textContent = "";
    trouble.textContent = await hands.click(message, element, blockId, value);
  };
  return el("article", {
    class: message.is_private ? "message private" : "message",
    "data-testid": "message", "data-ts": message.ts, tabindex: "-1",
    "aria-label": `Message from ${name}`,
  },
  avatar(name, message.user),
  el("div", { class: "body" },
    message.is_private ? el("div", { class: "only" }, "Only visible to you") : null,
    el("div", { class: "who" }, el("b", {}, name),
      message.bot_id ? el("span", { class: "badge" }, "APP") : null, time(message.ts),
      message.edited ? el("span", { class: "note" }, "(edited)") : null),
    drawContent(message, act),
    trouble,
    message.reactions ? el("div", { class: "row" }, ...message.reactions.map(
      (each) => el("span", { class: "badge" }, `:${each.name}: ${each.count}`))) : null,
    el("div", { class: "row" }, replies(message, hands),
      message.is_private || message.reply_count || hands.inThread ? null : el("button", {
        type: "button", class: "quiet reply", onclick: () => hands.openThread(message.ts),
      }, "Reply in thread")),
    status ? el("div", { class: "status" }, `${hands.names[hands.bot]} ${status}`) : null));
}

// Shows the messages in the box; nodes of unchanged messages stay as they are.
export function showMessages(box, messages, statuses, hands) {
  const wasAtEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 80;
  const old = new Map([...box.children].map((node) => [node.dataset.ts, node]));
  const fresh = messages.map((message) => {
    const status = statuses[message.ts] ?? "";
    const key = JSON.stringify([message, status]);
    const node = old.get(message.ts);
    if (node?.shownAs === key) return node;
    const drawn = drawMessage(message, status, hands);
    drawn.shownAs = key;
    const hadFocus = node?.contains(document.activeElement);
    if (hadFocus) queueMicrotask(() => drawn.focus({ preventScroll: true }));
    return drawn;
  });
  const same = fresh.length === box.children.length && fresh.every((node, i) => node === box.children[i]);
  if (!same) {
    fresh.forEach((node, i) => {
      if (box.children[i] !== node) box.insertBefore(node, box.children[i] ?? null);
    });
    while (box.children.length > fresh.length) box.lastChild.remove();
  }
  if (wasAtEnd || !old.size) box.scrollTop = box.scrollHeight;
}
