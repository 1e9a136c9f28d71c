// What is open: a channel or App Home in the middle; a thread or a history beside it.

import { $, el } from "./dom.js";
import { drawHome, hasHome, visitApp } from "./home.js";
import { startHistory } from "./history.js";
import { setUpList, showMessages } from "./messages.js";
import { send } from "./requests.js";
import { drawSidebar, totalUnread } from "./sidebar.js";
import {
  botName, channelOf, isTop, markSeen, messagesOf, openChannelObject, seen, showsCard, state,
  threadMessages, threadOf, titleOf, topMessages, unread,
} from "./state.js";
import { askBot, setUpWriting } from "./writing.js";

let writing = { update: () => {}, forward: () => {} };
let giveWay = () => {}; // what stands beside the conversation, to a card

// -- drawing ----------------------------------------------------------------------------

function hands(extra) {
  const { channel } = state;
  return {
    channel, statuses: {}, openThread, openHistory, forward, redraw: draw, ...extra,
    ask: (message) => (element, text) => send("options", {
      channel, ts: message.ts, action_id: element.action_id, text,
    }),
    click: async (message, element, blockId, value, values) => {
      const answer = await send("clicks", {
        channel, ts: message.ts, action_id: element.action_id, block_id: blockId, value: value ?? null, values,
      });
      return answer && !answer.acked ? `${botName()} did not respond. Try again.` : "";
    },
  };
}

function emptyWords(channel) {
  if (!state.messages[channel.id]) return "Loading…";
  if (channel.is_im) return `This is the start of your direct messages with ${botName()}. Just write what it should do.`;
  return `This is the start of #${channel.name}. Mention @${botName()} in a message to ask it for something.`;
}

function drawChannel(channel) {
  const showsHome = hasHome() && state.tab === "home";
  $("messages").hidden = showsHome;
  $("compose").hidden = showsHome;
  $("prompts").hidden = showsHome;
  drawPrompts();
  if (showsHome) return;
  $("messages").dataset.empty = emptyWords(channel);
  const statuses = state.statuses[state.channel] ?? {};
  showMessages($("messages"), topMessages(state.channel), hands({ statuses, newSince: state.newSince[state.channel] }));
  if ($("messages").offsetParent) markSeen(state.channel, "", topMessages(state.channel));
}

// What the app suggests to say; a click says it.
function drawPrompts() {
  const shown = openChannelObject()?.is_im ? state.prompts[state.channel] ?? [] : [];
  const key = JSON.stringify(shown);
  if ($("prompts").dataset.shown === key) return;
  $("prompts").dataset.shown = key;
  $("prompts").replaceChildren(...shown.map(({ title, message }) => el("button", {
    type: "button", class: "prompt", title: message, onclick: () => askHere(message),
  }, title)));
}

function drawThread(channel) {
  const thread = state.history || !state.thread ? [] : threadMessages(state.channel, state.thread);
  $("thread").hidden = !thread.length;
  if (!thread.length) return;
  const title = state.titles[state.channel]?.[state.thread];
  $("thread-title").textContent = title ?? "Thread";
  $("thread-title").title = title ?? "";
  $("thread-place").textContent = titleOf(channel);
  const status = state.statuses[state.channel]?.[state.thread] ?? "";
  const last = thread.at(-1).ts;
  showMessages($("replies"), thread, hands({ inThread: true, root: state.thread, statuses: { [last]: status } }));
  markSeen(state.channel, state.thread, thread);
}

function drawHeader(channel) {
  const title = titleOf(channel);
  $("title").textContent = title;
  $("members").textContent = channel.is_im ? "" : `${channel.members.length} members`;
  const news = totalUnread();
  document.title = `${news ? `(${news}) ` : ""}${title} · ${state.start.team}`;
  $("tabs").hidden = !hasHome();
  for (const tab of $("tabs").children) {
    const isOpen = tab.dataset.tab === state.tab;
    tab.setAttribute("aria-selected", String(isOpen));
    tab.tabIndex = isOpen ? 0 : -1;
  }
}

export function draw() {
  drawSidebar(openChannel);
  const channel = openChannelObject();
  if (!channel) return;
  $("history").hidden = !state.history;
  $("layout").classList.toggle("with-side", Boolean(state.history || state.thread));
  drawThread(channel);
  if ($("thread").hidden && !state.history) $("layout").classList.remove("with-side");
  drawChannel(channel);
  drawHome();
  drawHeader(channel);
  writing.update();
}

// -- moving about -----------------------------------------------------------------------

// The address of what is open, so that a reload and the browser's Back find it again.
function noteAddress(isNew = true) {
  const query = new URLSearchParams();
  if (state.thread) query.set("thread_ts", state.thread);
  if (state.tab === "home" && hasHome()) query.set("tab", "home");
  const address = `/archives/${state.channel}${query.size ? `?${query}` : ""}`;
  if (address === location.pathname + location.search) return;
  const method = isNew && location.pathname !== "/" ? "pushState" : "replaceState";
  window.history[method](null, "", address);
}

// Where the line "New" stands: at what was unread when the channel came into view.
export function lookAtNews() {
  const channel = openChannelObject();
  state.newSince = channel && unread(channel).any ? { [channel.id]: seen(channel.id) } : {};
}

const hasTouch = () => matchMedia("(hover: none)").matches;

// On a touch screen a focus would bring up the keyboard over what is to be read.
function focusOn(node) {
  if (!hasTouch()) node.focus({ preventScroll: true });
}

function show(channel, { thread = "", tab = "messages" } = {}) {
  const isOther = channel !== state.channel;
  Object.assign(state, { channel, thread, tab, history: null, editing: null });
  if (isOther) {
    lookAtNews();
    $("messages").replaceChildren();
  }
  $("replies").replaceChildren();
  showMenu(false);
  if (showsCard(state.channel)) giveWay();
  draw();
  if (isOther && openChannelObject()?.is_im) visitApp(state.tab);
}

export function openChannel(id) {
  show(id);
  noteAddress();
  focusOn($("composer"));
}

// `quietly`: it opens by itself, and whoever is typing goes on typing.
export function openThread(ts, { quietly = false } = {}) {
  Object.assign(state, { thread: ts, history: null });
  $("replies").replaceChildren();
  draw();
  noteAddress();
  if (!quietly || !$("composer").offsetParent) focusOn($("thread-composer"));
}

// The answer opens beside the question; it may have come before we knew the question's ts.
function awaitAnswer(ts) {
  const isHere = messagesOf(state.channel).some((each) => threadOf(each) === ts && !isTop(each));
  if (isHere) openThread(ts, { quietly: true });
  else state.asked.add(ts);
}

// Asks the bot in the open channel; resolves to the message's ts, or null.
export async function askHere(text) {
  let asked = null;
  await askBot(text, (ts) => {
    asked = ts;
    awaitAnswer(ts);
  });
  return asked;
}

export function openHistory(ts) {
  state.history = { channel: state.channel, ts };
  draw();
  startHistory();
  $("close-history").focus({ preventScroll: true });
}

function backTo(ts) {
  const node = document.querySelector(`#messages [data-ts="${ts}"]`);
  (node ?? $("composer")).focus({ preventScroll: true });
}

export function closeSide() {
  const { history, thread } = state;
  if (history) state.history = null;
  else state.thread = "";
  draw();
  noteAddress();
  if (history) document.querySelector(`[data-ts="${history.ts}"] .happened`)?.focus({ preventScroll: true });
  else backTo(thread);
}

// Where the thread covers the channel, it makes room for the message to be written there.
function forward(message) {
  if (!$("composer").offsetParent) closeSide();
  writing.forward(message);
}

function openTab(tab) {
  state.tab = tab;
  draw();
  noteAddress();
  visitApp(tab);
}

// Shows a message of a channel, whatever stands over it.
export function showTop(channel, ts) {
  show(channel);
  noteAddress();
  find("#messages", ts);
}

function find(list, ts) {
  const node = document.querySelector(`${list} [data-ts="${ts}"]`);
  if (!node) return;
  node.scrollIntoView({ block: "center" });
  node.classList.add("found");
  node.focus({ preventScroll: true });
}

// An address of ours: /archives/C…, with /p1700000000123456 and ?thread_ts=… or ?tab=home.
export function follow(address) {
  const [, , channel, point] = address.pathname.split("/");
  if (!channelOf(channel)) return false;
  const ts = point?.replace(/^p(\d+)(\d{6})$/, "$1.$2");
  const message = messagesOf(channel).find((each) => each.ts === ts);
  const thread = address.searchParams.get("thread_ts") ?? (message?.reply_count ? ts : "");
  show(channel, { thread, tab: address.searchParams.get("tab") === "home" ? "home" : "messages" });
  if (ts) find(thread && thread !== ts ? "#replies" : "#messages", ts);
  return true;
}

export function arrive() {
  if (follow(new URL(location.href))) return;
  const first = state.channels.find((each) => each.name === state.side?.channel)
    ?? state.channels.find((each) => !each.is_im) ?? state.channels[0];
  if (first) openChannel(first.id);
}

export function showMenu(open) {
  $("layout").classList.toggle("with-menu", open);
  $("menu").setAttribute("aria-expanded", String(open));
}

// -- beginning --------------------------------------------------------------------------

const REGIONS = ["#sidebar [aria-current]", "#messages", "#composer", "#home", "#replies", "#history-lines"];

function moveToRegion(backwards) {
  const all = REGIONS.map((each) => document.querySelector(each)).filter((each) => each?.offsetParent);
  const at = all.findIndex((each) => each.closest("nav, .messages, form, .home") === document.activeElement?.closest("nav, .messages, form, .home"));
  all.at((at + (backwards ? -1 : 1)) % all.length)?.focus();
}

function pressed(event) {
  if (event.key === "F6") {
    event.preventDefault();
    moveToRegion(event.shiftKey);
  }
  const isElsewhere = event.defaultPrevented || document.querySelector("dialog[open], :popover-open");
  if (event.key !== "Escape" || isElsewhere) return;
  if ($("layout").classList.contains("with-menu")) showMenu(false);
  else if (state.history || state.thread) closeSide();
}

function clicked(event) {
  const anchor = event.target.closest?.('a[href^="/archives/"]');
  if (!anchor || !follow(new URL(anchor.href))) return;
  event.preventDefault();
  noteAddress();
}

export function setUpPanes(whenCard) {
  giveWay = whenCard;
  [$("messages"), $("replies")].forEach(setUpList);
  writing = setUpWriting(awaitAnswer);
  $("menu").addEventListener("click", () => showMenu(!$("layout").classList.contains("with-menu")));
  for (const id of ["close-thread", "close-history"]) $(id).addEventListener("click", closeSide);
  for (const tab of $("tabs").children) tab.addEventListener("click", () => openTab(tab.dataset.tab));
  $("tabs").addEventListener("keydown", (event) => {
    if (!["ArrowLeft", "ArrowRight"].includes(event.key)) return;
    openTab(state.tab === "home" ? "messages" : "home");
    $("tabs").querySelector('[aria-selected="true"]').focus();
  });
  document.addEventListener("keydown", pressed);
  document.addEventListener("click", clicked);
  document.addEventListener("visibilitychange", draw);
}
