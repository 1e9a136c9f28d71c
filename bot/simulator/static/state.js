// What the page knows: who acts, what is open, what came in, what was read.

// One side of /both: its frame is named after who acts in it and what is open.
function sideOf(name) {
  const [word, person, channel] = name.split(" ");
  return word === "side" ? { person, channel } : null;
}

export const state = {
  start: null, // /page/start: team, bot, people, commands, what the app has
  user: "",
  side: sideOf(window.name), // {person, channel}, or null for a page of its own
  channel: "",
  tab: "messages", // or "home", in the direct message with the app
  thread: "", // ts of the message whose thread is open
  history: null, // {channel, ts} of the card whose history is open
  channels: [],
  messages: {}, // by channel
  statuses: {}, // by channel, then by thread
  titles: {}, // by channel, then by thread
  prompts: {}, // by channel: what the app suggests to say
  home: null,
  asked: new Set(), // ts of what this visitor posted: the answer opens beside it
  editing: null, // {ts, inThread, text}: one's own message that is edited
  newSince: {}, // by channel: where the line "New" stands
};

export const channelOf = (id) => state.channels.find((each) => each.id === id);
export const openChannelObject = () => channelOf(state.channel);
export const botName = () => state.start.names[state.start.bot];
export const me = () => state.start.people.find((each) => each.id === state.user);

export function titleOf(channel) {
  return channel.is_im ? botName() : `#${channel.name}`;
}

export const threadOf = (message) => message.thread_ts ?? message.ts;
export const isTop = (message) => threadOf(message) === message.ts || message.subtype === "thread_broadcast";

export const messagesOf = (channel) => state.messages[channel] ?? [];
export const showsCard = (channel) => messagesOf(channel).some((each) => each.is_card);
export const topMessages = (channel) => messagesOf(channel).filter(isTop);
export const threadMessages = (channel, ts) => messagesOf(channel).filter((each) => threadOf(each) === ts);

// -- what was read: the ts of the last message seen, by person, channel and thread ------

const seenKey = (channel, thread) => `seen ${state.user} ${channel} ${thread}`;

export const seen = (channel, thread = "") => Number(localStorage.getItem(seenKey(channel, thread)) ?? 0);

export function markSeen(channel, thread, messages) {
  const last = messages.at(-1);
  if (!last || document.visibilityState !== "visible") return;
  if (Number(last.ts) > seen(channel, thread)) localStorage.setItem(seenKey(channel, thread), last.ts);
}

const isNew = (message, since) => Number(message.ts) > since && message.user !== state.user;

export function newReplies(channel, root) {
  const since = seen(channel, root.ts);
  return threadMessages(channel, root.ts).filter((each) => each.ts !== root.ts && isNew(each, since)).length;
}

const takesPart = (root) => root.user === state.user || (root.reply_users ?? []).includes(state.user);

const isOpenCard = ({ blocks }) => blocks.some((each) => each.elements?.some((element) => element.style === "primary" || element.style === "danger"));

// A card's text names the requester, whom it does not call; its blocks call who decides,
// while there is something to decide.
function isForMe(message) {
  const mine = `<@${state.user}>`;
  const inText = (message.text ?? "").includes(mine);
  if (!message.is_card) return inText;
  return !inText && isOpenCard(message) && JSON.stringify(message.blocks).includes(mine);
}

// What is new in a channel, and how many messages of it mention this person.
export function unread(channel) {
  const since = seen(channel.id);
  const news = topMessages(channel.id).filter((each) => isNew(each, since));
  const roots = messagesOf(channel.id).filter((each) => each.reply_count && takesPart(each));
  const replies = roots.some((root) => newReplies(channel.id, root));
  const count = news.filter((each) => channel.is_im || isForMe(each)).length;
  return { any: Boolean(news.length || replies), count };
}

// -- what was typed and not sent -------------------------------------------------------

// `place` is a person, a channel and the thread in it.
export const draft = (place) => sessionStorage.getItem(`draft ${place}`) ?? "";

export function keepDraft(place, text) {
  if (text) sessionStorage.setItem(`draft ${place}`, text);
  else sessionStorage.removeItem(`draft ${place}`);
}
