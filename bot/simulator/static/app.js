// The page: it begins here, and takes in what comes.

import { $, announce, el } from "./dom.js";
import { drawHome, forgetHome } from "./home.js";
import { drawNext, foldGuide, offerScenes, setUpGuide } from "./guide.js";
import { refreshHistory } from "./history.js";
import { connect } from "./live.js";
import { mrkdwn } from "./markup.js";
import { knowNames, nameOf } from "./names.js";
import {
  arrive, draw, follow, lookAtNews, openThread, setUpPanes, showTop,
} from "./panes.js";
import { setUpProfiles } from "./profile.js";
import { notify } from "./requests.js";
import { drawPerson, setUpSidebar } from "./sidebar.js";
import { channelOf, isTop, messagesOf, openChannelObject, showsCard, state, threadOf, titleOf } from "./state.js";
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
  }
  return news;
}

// The answer to what this visitor just asked opens beside it. It may be among the first
// messages that come: one who has just changed to another person can ask before that.
function openAnswers(channel) {
  if (channel !== state.channel) return;
  for (const message of messagesOf(channel)) {
    const isOthers = !isTop(message) && message.user !== state.user;
    const isAnswer = isOthers && state.asked.delete(threadOf(message));
    if (isAnswer) openThread(message.thread_ts, { quietly: true });
    if (isAnswer) foldGuide();
  }
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
    state.titles[patch.channel] = patch.titles;
    state.prompts[patch.channel] = patch.prompts;
    if (!before && patch.channel === state.channel) lookAtNews();
    const news = before ? noteNews(patch.channel, before) : [];
    openAnswers(patch.channel);
    if (patch.channel === state.channel && showsCard(patch.channel)) foldGuide();
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
    offerScenes();
  },
};

function take(patch) {
  TAKE[patch.type](patch);
  if (patch.type !== "channel") draw();
}

// -- who acts ---------------------------------------------------------------------------

// What stands there is the other person's: a click on it would be lost as well.
function leaveDirect() {
  Object.assign(state, { channel: "", thread: "", tab: "messages" });
  window.history.replaceState(null, "", "/");
  for (const id of ["thread", "history", "tabs"]) $(id).hidden = true;
  for (const id of ["messages", "replies", "prompts"]) $(id).replaceChildren();
  delete $("prompts").dataset.shown;
  $("layout").classList.remove("with-side");
}

function actAs(user) {
  const wasDirect = openChannelObject()?.is_im;
  state.user = user;
  if (!state.side) sessionStorage.setItem("user", user);
  knowNames({ me: user });
  Object.assign(state, { messages: {}, statuses: {}, titles: {}, prompts: {}, newSince: {}, asked: new Set(), history: null, editing: null });
  // Another person's direct messages: a click on them before one's own are here would be lost.
  state.channels = state.channels.filter((each) => !each.is_im);
  if (wasDirect) leaveDirect();
  forgetHome();
  showModal([]);
  drawPerson();
  drawNext();
  announce(`You act as ${nameOf(user)} now.`);
  draw();
  connect(take);
}

// -- beginning --------------------------------------------------------------------------

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
  const kept = state.side ? people.find((each) => each.name === state.side.person)?.id : sessionStorage.getItem("user");
  state.user = people.some((each) => each.id === kept) ? kept : people[0]?.id ?? "";
  knowNames({ people: state.start.names, groups: state.start.groups, me: state.user });
  setUpSidebar(actAs);
  setUpPanes(foldGuide);
  setUpProfiles(actAs);
  setUpGuide(actAs);
  drawPerson();
  $("layout").inert = false;
  if (!people.length) $("messages").replaceChildren(el("p", { class: "empty" }, "This workspace has no people."));
  else connect(take);
  window.addEventListener("popstate", () => follow(new URL(location.href)));
}

begin();
