// The page: who acts, what is open, what came in.

import { setUpComposer } from "./composer.js";
import { el, knowNames } from "./markup.js";
import { showMessages } from "./messages.js";
import { showModal } from "./modals.js";

const $ = (id) => document.getElementById(id);
const state = {
  user: "", channels: [], channel: "", thread: "", messages: {}, statuses: {}, views: [],
  posted: new Set(), socket: null, wait: 500,
};
let start = null;

function announce(sentence) {
  $("announce").textContent = sentence;
}

async function send(path, body) {
  try {
    const response = await fetch(`/page/${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ user: state.user, ...body }),
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.sentence);
    return answer;
  } catch (error) {
    showTrouble(error.message);
    return null;
  }
}

function showTrouble(sentence) {
  const note = el("div", { class: "error", role: "alert" }, sentence);
  $("compose").prepend(note);
  setTimeout(() => note.remove(), 8000);
}

// -- what was read ------------------------------------------------------------

const seenKey = (channel) => `seen ${state.user} ${channel}`;

function unread(channel) {
  const seen = Number(localStorage.getItem(seenKey(channel)) ?? 0);
  return (state.messages[channel] ?? [])
    .filter((each) => Number(each.ts) > seen && each.user !== state.user).length;
}

function markRead() {
  const last = (state.messages[state.channel] ?? []).at(-1);
  if (last && document.visibilityState === "visible") {
    localStorage.setItem(seenKey(state.channel), last.ts);
  }
}

// -- drawing ------------------------------------------------------------------

function channelTitle(channel) {
  return channel.is_im ? start.names[start.bot] : `#${channel.name}`;
}

function drawChannel(channel) {
  const count = channel.id === state.channel ? 0 : unread(channel.id);
  return el("li", {}, el("button", {
    type: "button", "data-testid": `channel-${channel.id}`,
    "aria-current": channel.id === state.channel ? "page" : undefined,
    class: count ? "unread" : "", onclick: () => openChannel(channel.id),
  }, channelTitle(channel), count
    ? el("span", { class: "count" }, String(count), el("span", { class: "hidden" }, " unread")) : null));
}

function drawSidebar() {
  $("channels").replaceChildren(...state.channels.filter((each) => !each.is_im).map(drawChannel));
  $("direct").replaceChildren(...state.channels.filter((each) => each.is_im).map(drawChannel));
}

function hands(inThread) {
  return {
    names: start.names, bot: start.bot, inThread,
    openThread,
    click: async (message, element, blockId, value) => {
      const answer = await send("clicks", {
        channel: state.channel, ts: message.ts, action_id: element.action_id,
        block_id: blockId, value,
      });
      return answer && !answer.acked ? `${start.names[start.bot]} did not respond. Try again.` : "";
    },
  };
}

function drawMessages() {
  const all = state.messages[state.channel] ?? [];
  const statuses = state.statuses[state.channel] ?? {};
  const top = all.filter((each) => !each.thread_ts || each.thread_ts === each.ts
    || each.subtype === "thread_broadcast");
  showMessages($("messages"), top, statuses, hands(false));
  const thread = all.filter((each) => (each.thread_ts ?? each.ts) === state.thread);
  $("thread").hidden = !thread.length;
  $("layout").classList.toggle("with-thread", Boolean(thread.length));
  const last = thread.at(-1)?.ts;
  showMessages($("replies"), thread, { [last]: statuses[state.thread] ?? "" }, hands(true));
}

function draw() {
  const channel = state.channels.find((each) => each.id === state.channel);
  if (!channel) return;
  markRead();
  drawSidebar();
  $("title").textContent = channelTitle(channel);
  document.title = `${channelTitle(channel)} · ${start.team}`;
  const me = start.people.find((each) => each.id === state.user);
  $("role").textContent = `as ${me.name}, ${me.role}`;
  drawMessages();
  updateComposers();
}

// -- moving about -------------------------------------------------------------

function openChannel(id) {
  state.channel = id;
  state.thread = "";
  history.replaceState(null, "", `/archives/${id}`);
  $("messages").replaceChildren();
  showMenu(false);
  draw();
  $("composer").focus({ preventScroll: true });
}

function openThread(ts) {
  state.thread = ts;
  $("replies").replaceChildren();
  drawMessages();
  updateComposers();
  $("thread-composer").focus({ preventScroll: true });
}

function closeThread() {
  state.thread = "";
  drawMessages();
  $("composer").focus();
}

function showMenu(open) {
  $("layout").classList.toggle("with-menu", open);
  $("menu").setAttribute("aria-expanded", String(open));
}

// A link to a message: /archives/C…/p1700000000123456?thread_ts=…
function follow(address) {
  const [, , channel, point] = address.pathname.split("/");
  if (!state.channels.some((each) => each.id === channel)) return false;
  openChannel(channel);
  const ts = point?.replace(/^p(\d+)(\d{6})$/, "$1.$2");
  const message = (state.messages[channel] ?? []).find((each) => each.ts === ts);
  const thread = address.searchParams.get("thread_ts") ?? (message?.reply_count ? ts : "");
  if (thread) openThread(thread);
  const node = ts && document.querySelector(`${thread && thread !== ts ? "#replies" : "#messages"} [data-ts="${ts}"]`);
  if (node) {
    node.scrollIntoView({ block: "center" });
    node.classList.add("found");
    node.focus({ preventScroll: true });
  }
  return true;
}

// -- what comes in ------------------------------------------------------------

function noteNews(channel, before, after) {
  const known = new Set(before.map((each) => each.ts));
  const news = after.filter((each) => !known.has(each.ts) && each.user !== state.user);
  for (const message of news) {
    announce(`${start.names[message.user] ?? ""}: ${message.text ?? ""}`);
    // The answer to what this visitor just asked opens beside it.
    if (channel === state.channel && state.posted.delete(message.thread_ts)) openThread(message.thread_ts);
  }
}

const TAKE = {
  channels(patch) {
    state.channels = patch.channels;
    knowNames(start.names, patch.channels);
  },
  channel(patch) {
    const before = state.messages[patch.channel];
    state.messages[patch.channel] = patch.messages;
    state.statuses[patch.channel] = patch.statuses;
    if (before) noteNews(patch.channel, before, patch.messages);
  },
  views(patch) {
    state.views = patch.views;
    showModal(patch.views, send);
    if (!state.channel) arrive();
  },
};

function arrive() {
  if (follow(new URL(location.href))) return;
  openChannel(state.channels.find((each) => !each.is_im)?.id ?? state.channels[0]?.id ?? "");
}

function connect() {
  state.socket?.close();
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${location.host}/page/live?user=${state.user}`);
  state.socket = socket;
  socket.onopen = () => {
    state.wait = 500;
    $("offline").hidden = true;
  };
  socket.onmessage = (event) => {
    if (state.socket !== socket) return;
    const patch = JSON.parse(event.data);
    TAKE[patch.type](patch);
    draw();
  };
  socket.onclose = () => {
    if (state.socket !== socket) return;
    $("offline").hidden = false;
    setTimeout(connect, state.wait);
    state.wait = Math.min(state.wait * 2, 5000);
  };
}

function actAs(user) {
  const channel = state.channels.find((each) => each.id === state.channel);
  state.user = user;
  sessionStorage.setItem("user", user);
  if (channel?.is_im) history.replaceState(null, "", "/");
  Object.assign(state, { channel: channel?.is_im ? "" : state.channel, messages: {}, posted: new Set() });
  $("messages").replaceChildren();
  $("replies").replaceChildren();
  if (channel?.is_im) state.thread = "";
  connect();
}

// -- beginning ----------------------------------------------------------------

function composerContext(inThread) {
  const channel = state.channels.find((each) => each.id === state.channel);
  const bot = start.names[start.bot];
  const needsMention = Boolean(channel) && !channel.is_im;
  const where = inThread ? "Reply" : channel ? `Message ${channelTitle(channel)}` : "Message";
  const how = needsMention ? `, and mention @${bot} to ask it` : "";
  return { bot: start.bot, names: start.names, needsMention, placeholder: where + how };
}

let updateComposers = () => {};

function setUpComposers() {
  const post = async (text, thread) => {
    const body = { channel: state.channel, text, thread_ts: thread };
    const answer = await send("messages", body);
    if (answer && !thread) state.posted.add(answer.ts);
    if (answer && window.innerWidth <= 700) $("intro").open = false;
    return Boolean(answer);
  };
  const updates = [
    setUpComposer($("compose"), "composer", () => composerContext(false), (text) => post(text)),
    setUpComposer($("reply"), "thread-composer", () => composerContext(true), (text) => post(text, state.thread)),
  ];
  updateComposers = () => updates.forEach((update) => update());
}

function setUpPage() {
  $("team").textContent = start.team;
  $("intro").open = localStorage.getItem("intro") !== "closed";
  $("intro").addEventListener("toggle", () => {
    // On a phone it folds by itself after the first message; that is not remembered.
    if (window.innerWidth > 700) localStorage.setItem("intro", $("intro").open ? "open" : "closed");
  });
  $("person").replaceChildren(...start.people.map(
    (each) => el("option", { value: each.id }, `${each.name} — ${each.role}`)));
  $("person").addEventListener("change", () => actAs($("person").value));
  $("menu").addEventListener("click", () => showMenu(!$("layout").classList.contains("with-menu")));
  $("close-thread").addEventListener("click", closeThread);
  $("thread").addEventListener("keydown", (event) => { if (event.key === "Escape") closeThread(); });
  document.addEventListener("click", (event) => {
    const anchor = event.target.closest?.('a[href^="/archives/"]');
    if (anchor && follow(new URL(anchor.href))) event.preventDefault();
  });
  document.addEventListener("visibilitychange", draw);
}

async function begin() {
  start = await (await fetch("/page/start")).json();
  const kept = sessionStorage.getItem("user");
  state.user = start.people.some((each) => each.id === kept) ? kept : start.people[0].id;
  setUpPage();
  $("person").value = state.user;
  setUpComposers();
  connect();
}

begin();
