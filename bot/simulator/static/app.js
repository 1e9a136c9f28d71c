// The page: it begins here, and takes in what comes.

import { $, announce, el } from "./dom.js";
import { drawHome, forgetHome } from "./home.js";
import { refreshHistory } from "./history.js";
import { connect } from "./live.js";
import { mrkdwn } from "./markup.js";
import { knowNames, nameOf } from "./names.js";
import {
  arrive, draw, follow, lookAtNews, openChannel, openThread, setUpPanes, showTop,
} from "./panes.js";
import { setUpProfiles } from "./profile.js";
import { notify } from "./requests.js";
import { drawPerson, setUpSidebar } from "./sidebar.js";
import { channelOf, isTop, messagesOf, openChannelObject, state, threadOf, titleOf } from "./state.js";
import { showModal } from "./views.js";

// -- what comes in ----------------------------------------------------------------------

function isInSight(message) {
  const node = [...document.querySelectorAll(`[data-ts="${message.ts}"]`)].find((each) => each.offsetParent);
  if (!node) return false;
  const box = node.closest(".messages").getBoundingClientRect();
  return node.getBoundingClientRect().top < box.bottom;
}

const plainText = (message) => mrkdwn(message.text ?? "").textContent;

// A private sentence must not go unseen where a pane stands over the channel.
function pointOut(channel, message) {
  if (!message.is_private || isInSight(message)) return;
  notify(`${nameOf(message.user)} (only to you): ${plainText(message)}`, false, {
    words: "Show", run: () => showTop(channel, message.ts),
  });
}

function noteNews(channel, before) {
  const known = new Set(before.map((each) => each.ts));
  const news = messagesOf(channel).filter((each) => !known.has(each.ts) && each.user !== state.user);
  for (const message of news) {
    const place = channel === state.channel ? "" : ` in ${titleOf(channelOf(channel))}`;
    announce(`${nameOf(message.user)}${place}: ${plainText(message)}`);
    // The answer to what this visitor just asked opens beside it.
    const isAnswer = channel === state.channel && !isTop(message) && state.asked.delete(threadOf(message));
    if (isAnswer) openThread(message.thread_ts, { quietly: true });
  }
  return news;
}

const TAKE = {
  channels(patch) {
    state.channels = patch.channels;
    knowNames({ channels: patch.channels });
  },
  channel(patch) {
    const before = state.messages[patch.channel];
    state.messages[patch.channel] = patch.messages;
    state.statuses[patch.channel] = patch.statuses;
    if (!before && patch.channel === state.channel) lookAtNews();
    const news = before ? noteNews(patch.channel, before) : [];
    draw();
    news.forEach((message) => pointOut(patch.channel, message));
    refreshHistory();
  },
  views(patch) {
    showModal(patch.views);
  },
  home(patch) {
    state.home = patch.view;
    drawHome();
  },
  ready() {
    if (!openChannelObject()) arrive();
  },
};

function take(patch) {
  TAKE[patch.type](patch);
  if (patch.type !== "channel") draw();
}

// -- who acts ---------------------------------------------------------------------------

function actAs(user) {
  const wasDirect = openChannelObject()?.is_im;
  state.user = user;
  sessionStorage.setItem("user", user);
  knowNames({ me: user });
  Object.assign(state, { messages: {}, statuses: {}, newSince: {}, asked: new Set(), history: null });
  if (wasDirect) Object.assign(state, { channel: "", thread: "", tab: "messages" });
  if (wasDirect) window.history.replaceState(null, "", "/");
  forgetHome();
  showModal([]);
  drawPerson();
  announce(`You act as ${nameOf(user)} now.`);
  draw();
  connect(take);
}

// -- beginning --------------------------------------------------------------------------

// A graph of somebody else's takes other words than the shipped agent.
function offerPhrase(intro) {
  const { phrase } = state.start;
  if (phrase === null) return;
  const first = $("first-words");
  first.textContent = first.dataset.write = phrase;
  first.hidden = !phrase;
  for (const node of intro.querySelectorAll(".shipped, .foreign")) node.hidden = node.className === "shipped";
}

function setUpIntro() {
  const intro = $("intro");
  offerPhrase(intro);
  const isWide = () => innerWidth > 700;
  intro.open = localStorage.getItem("intro") !== "closed";
  intro.addEventListener("toggle", () => {
    // On a phone it folds by itself after the first message; that is not remembered.
    if (isWide()) localStorage.setItem("intro", intro.open ? "open" : "closed");
  });
  const person = (name) => state.start.people.find((each) => each.name === name)?.id;
  const channel = (name) => state.channels.find((each) => each.name === name)?.id;
  for (const node of intro.querySelectorAll("[data-act]")) {
    node.addEventListener("click", () => {
      const { act, open, write } = node.dataset;
      if (person(act) && person(act) !== state.user) actAs(person(act));
      if (channel(open)) openChannel(channel(open));
      if (write) document.dispatchEvent(new CustomEvent("write", { detail: write }));
    });
  }
}

async function loadStart() {
  for (;;) {
    try {
      const response = await fetch("/page/start");
      if (response.ok) return await response.json();
    } catch {
      // the simulator is not up yet
    }
    $("offline").hidden = false;
    await new Promise((resolve) => { setTimeout(resolve, 1000); });
  }
}

async function begin() {
  state.start = await loadStart();
  $("offline").hidden = true;
  const people = state.start.people;
  const kept = sessionStorage.getItem("user");
  state.user = people.some((each) => each.id === kept) ? kept : people[0]?.id ?? "";
  knowNames({ people: state.start.names, groups: state.start.groups, me: state.user });
  setUpSidebar(actAs);
  setUpPanes();
  setUpProfiles(actAs);
  setUpIntro();
  drawPerson();
  if (!people.length) $("messages").replaceChildren(el("p", { class: "empty" }, "This workspace has no people."));
  else connect(take);
  window.addEventListener("popstate", () => follow(new URL(location.href)));
}

begin();
