// A list of messages that is changed only where something changed.

import { drawContent } from "./blocks.js";
import { clock, dayName, dayOf, shortClock, whenReplied } from "./dates.js";
import { el, hidden, icon } from "./dom.js";
import { emoji } from "./emoji.js";
import { Fields } from "./fields.js";
import { mrkdwn } from "./markup.js";
import { avatar, nameOf } from "./names.js";
import { send } from "./requests.js";
import { newReplies, state } from "./state.js";
import { encoded } from "./typing.js";

const TOGETHER = 5 * 60; // seconds between two messages that share one name

function summary(message, hands) {
  if (!message.reply_count || hands.inThread) return null;
  const news = newReplies(hands.channel, message);
  const words = message.reply_count === 1 ? "1 reply" : `${message.reply_count} replies`;
  const faces = (message.reply_users ?? []).slice(0, 3).map((id) => avatar(id));
  return el("button", { type: "button", class: news ? "replies unread" : "replies", onclick: () => hands.openThread(message.ts) },
    faces, el("span", { class: "link" }, words),
    news ? el("span", { class: "count" }, `${news} new`) : null,
    message.latest_reply ? el("span", { class: "note" }, `Last reply ${whenReplied(message.latest_reply)}`) : null);
}

// The bar at a message under the mouse. Slack has one too, without "What happened".
function tools(message, hands) {
  const reply = message.is_private || hands.inThread ? null : el("button", {
    type: "button", class: "tool", onclick: () => hands.openThread(message.ts),
  }, icon("thread"), el("span", {}, "Reply in thread"));
  const forward = message.is_private ? null : el("button", {
    type: "button", class: "tool", title: "Forward message…", onclick: () => hands.forward(message),
  }, icon("forward"), hidden("Forward message…"));
  const all = [happened(message, hands), ...ownTools(message, hands), reply, forward].filter(Boolean);
  return all.length ? el("div", { class: "tools" }, all) : null;
}

// What people may do to their own messages.
function ownTools(message, hands) {
  if (message.user !== state.user || message.is_private) return [];
  const tool = (words, run) => el("button", { type: "button", class: "tool", onclick: run }, words);
  const edit = () => {
    state.editing = { ts: message.ts, inThread: Boolean(hands.inThread), text: mrkdwn(message.text ?? "").textContent };
    hands.redraw();
  };
  const drop = () => send("messages/delete", { channel: hands.channel, ts: message.ts });
  return [tool("Edit", edit), tool("Delete", drop)];
}

const isEdited = (message, hands) => state.editing?.ts === message.ts && state.editing.inThread === Boolean(hands.inThread);

// One's own message, as it reads, in a box in its place. What was typed outlives a redraw.
function editor(message, hands) {
  const { editing } = state;
  const box = el("textarea", { rows: 1, "aria-label": "Edit message", "data-testid": "editor" });
  const save = el("button", { type: "submit", class: "primary" }, "Save");
  const end = () => {
    if (state.editing === editing) state.editing = null;
    hands.redraw();
    document.querySelector(`${hands.inThread ? "#replies" : "#messages"} [data-ts="${message.ts}"]`)?.focus({ preventScroll: true });
  };
  const typed = () => {
    editing.text = box.value;
    save.disabled = !box.value.trim();
  };
  const submit = async (event) => {
    event.preventDefault();
    if (save.disabled) return;
    const text = encoded(box.value.trim());
    if (await send("messages/edit", { channel: hands.channel, ts: message.ts, text })) end();
  };
  box.value = editing.text;
  box.addEventListener("input", typed);
  box.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      end();
    } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) submit(event);
  });
  queueMicrotask(() => {
    box.focus({ preventScroll: true });
    box.setSelectionRange(box.value.length, box.value.length);
  });
  return el("form", { class: "editor", onsubmit: submit }, box,
    el("div", { class: "row" }, el("button", { type: "button", onclick: end }, "Cancel"), save));
}

// Slack's own button beside the status.
function stopTool(message, channel) {
  if (!state.start.stops) return null;
  const stop = () => send("sessions/stop", { channel, thread_ts: message.thread_ts ?? message.ts });
  return el("button", { type: "button", class: "quiet", "data-testid": "stop", onclick: stop }, "Stop");
}

function happened(message, hands) {
  if (!message.is_card || !state.start.history) return null;
  return el("button", {
    type: "button", class: "tool happened simulated", "data-testid": "what-happened",
    title: "Part of the simulator, not of Slack", onclick: () => hands.openHistory(message.ts),
  }, icon("clock"), el("span", {}, "What happened"));
}

// "(edited)" ends the last line of the text, as in Slack.
function content(message, inside) {
  const drawn = drawContent(message, inside);
  if (!message.edited) return drawn;
  const lines = drawn.querySelectorAll(".line:not(:empty)");
  (lines[lines.length - 1] ?? drawn).append(" ", el("span", { class: "edited" }, "(edited)"));
  return drawn;
}

function heading(message) {
  const isApp = Boolean(message.bot_id);
  const person = isApp ? {} : { "data-person": message.user };
  return el("div", { class: "who" },
    el("b", { class: "name", ...person }, nameOf(message.user)),
    isApp ? el("span", { class: "badge" }, "APP") : null, clock(message.ts));
}

function reactions(message) {
  if (!message.reactions?.length) return null;
  return el("div", { class: "row" }, message.reactions.map((each) => el("span", {
    class: "reaction", title: `:${each.name}:`,
  }, `${emoji(each.name)} ${each.count}`)));
}

function files(message) {
  return (message.files ?? []).map((file) => el("a", {
    class: "file", href: `/page/files/${file.id}`, download: file.name ?? true,
  }, icon("file"), file.title || file.name || "file"));
}

// Messages of others that this one forwards.
function attachments(message) {
  return (message.attachments ?? []).filter((each) => each.is_share).map((each) => el("blockquote", { class: "forwarded" },
    el("b", {}, each.author_name), mrkdwn(each.text ?? "")));
}

// A click on the message's own elements; without an ack Slack shows a sign of warning.
function act(message, hands, trouble, fields) {
  return async (element, blockId, value) => {
    trouble.replaceChildren();
    const sentence = await hands.click(message, element, blockId, value, fields.values());
    if (sentence) trouble.replaceChildren(icon("warning"), sentence);
  };
}

function drawMessage(message, { isJoined, status, edits }, hands) {
  const name = nameOf(message.user);
  const trouble = el("div", { class: "error", role: "alert" });
  const fields = new Fields();
  const inside = { ask: hands.ask(message), act: act(message, hands, trouble, fields), register: fields.register };
  const classes = ["message", message.is_private ? "private" : "", isJoined ? "joined" : "", edits ? "editing" : ""];
  return el("article", {
    class: classes.filter(Boolean).join(" "), "data-testid": "message", "data-ts": message.ts,
    tabindex: "-1", "aria-label": `Message from ${name}`,
  },
  isJoined ? shortClock(message.ts, { class: "gutter" }) : avatar(message.user),
  el("div", { class: "body" },
    message.is_private ? el("div", { class: "only" }, icon("eye"), "Only visible to you") : null,
    isJoined ? hidden(name) : heading(message),
    edits ? editor(message, hands) : content(message, inside),
    attachments(message), files(message), trouble, reactions(message), summary(message, hands),
    status ? el("div", { class: "status" }, `${nameOf(state.start.bot)} ${status}`, stopTool(message, hands.channel)) : null),
  edits ? null : tools(message, hands));
}

const line = (key, words, kind) => ({ key, draw: () => el("div", { class: `between ${kind}`, role: "separator" }, el("span", {}, words)) });

function isJoined(message, before) {
  return Boolean(before) && before.user === message.user && !message.is_card && !message.is_private && !before.is_private
    && !before.reply_count && dayOf(before.ts) === dayOf(message.ts)
    && Number(message.ts) - Number(before.ts) < TOGETHER;
}

// Messages, and the lines between them, as {key, shownAs, draw}.
function itemsOf(messages, hands) {
  const items = [];
  let before = null;
  let lineStands = false;
  for (const message of messages) {
    if (!hands.inThread && (!before || dayOf(before.ts) !== dayOf(message.ts))) {
      items.push(line(`day ${dayOf(message.ts)}`, dayName(message.ts), "day"));
    }
    const isNew = hands.newSince && Number(message.ts) > hands.newSince && message.user !== state.user;
    if (isNew && !lineStands) {
      lineStands = true;
      if (before) items.push(line("new", "New", "new"));
      before = null;
    }
    const shape = { isJoined: isJoined(message, before), status: hands.statuses[message.ts] ?? "", edits: isEdited(message, hands) };
    const news = message.reply_count ? newReplies(hands.channel, message) : 0;
    items.push({
      key: message.ts, shownAs: JSON.stringify([message, shape, news, state.user]),
      draw: () => drawMessage(message, shape, hands),
    });
    if (hands.inThread && message.ts === hands.root) items.push(...replyLine(messages.length - 1));
    before = hands.inThread && message.ts === hands.root ? null : message;
  }
  return items;
}

function replyLine(count) {
  return count ? [line(`replies ${count}`, count === 1 ? "1 reply" : `${count} replies`, "day")] : [];
}

function nodeOf(item, old) {
  const node = old.get(item.key);
  if (node && node.shownAs === item.shownAs) return node;
  const drawn = item.draw();
  drawn.shownKey = item.key;
  drawn.shownAs = item.shownAs;
  const hadFocus = node?.contains(document.activeElement);
  if (hadFocus) queueMicrotask(() => (drawn.querySelector(".editor textarea") ?? drawn).focus({ preventScroll: true }));
  return drawn;
}

function replaceChildren(box, fresh) {
  fresh.forEach((node, at) => {
    if (box.children[at] !== node) box.insertBefore(node, box.children[at] ?? null);
  });
  while (box.children.length > fresh.length) box.lastChild.remove();
}

export const isAtEnd = (box) => box.scrollHeight - box.scrollTop - box.clientHeight < 80;

// Shows the messages in the box; nodes of unchanged messages stay as they are.
export function showMessages(box, messages, hands) {
  const wasAtEnd = isAtEnd(box);
  const old = new Map([...box.children].map((node) => [node.shownKey, node]));
  const last = box.lastChild?.shownKey;
  replaceChildren(box, itemsOf(messages, hands).map((item) => nodeOf(item, old)));
  const jump = box.parentElement.querySelector(".jump");
  if (wasAtEnd || !old.size) box.scrollTop = box.scrollHeight;
  else if (last !== box.lastChild?.shownKey) jump.hidden = false;
}

// Whoever reads at the end stays there when something grows or the list shrinks.
function stayAtEnd(box) {
  let height = 0;
  let room = 0;
  const stay = () => {
    if (height - box.scrollTop - room < 80) box.scrollTop = box.scrollHeight;
    [height, room] = [box.scrollHeight, box.clientHeight];
  };
  new ResizeObserver(stay).observe(box);
  new MutationObserver(stay).observe(box, { childList: true, subtree: true });
}

export function setUpList(box) {
  stayAtEnd(box);
  const jump = el("button", { type: "button", class: "jump", hidden: true, onclick: () => { box.scrollTop = box.scrollHeight; } },
    icon("down"), "New messages");
  box.after(jump);
  box.addEventListener("scroll", () => { if (isAtEnd(box)) jump.hidden = true; }, { passive: true });
  // Arrow keys go from message to message; what a message holds is reached by Tab.
  box.addEventListener("keydown", (event) => {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const here = document.activeElement;
    if (!step || !(here === box || here.matches("article.message"))) return;
    const all = [...box.querySelectorAll("article.message")];
    const at = here === box ? (step < 0 ? all.length : all.length - 2) : all.indexOf(here);
    const next = all[at + step];
    if (!next) return;
    event.preventDefault();
    next.focus();
  });
}
