// What the page knows: who acts, what is open, what came in, what was read.

export const state = {
  start: null, // /page/start: team, bot, people, commands, what the app has
  user: "",
  channel: "",
  tab: "messages", // or "home", in the direct message with the app
  thread: "", // ts of the message whose thread is open
  history: null, // {channel, ts} of the card whose history is open
  channels: [],
  messages: {}, // by channel
  statuses: {}, // by channel, then by thread
  home: null,
  asked: new Set(), // ts of what this visitor posted: the answer opens beside it
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

// How a channel stands in the list: anything new, and how much of it is for this person.
export function unread(channel) {
  const since = seen(channel.id);
  const news = topMessages(channel.id).filter((each) => isNew(each, since));
  const forMe = (message) => channel.is_im || message.is_private
    || (message.text ?? "").includes(`<@${state.user}>`);
  const roots = messagesOf(channel.id).filter((each) => each.reply_count && takesPart(each));
  const replies = roots.reduce((sum, root) => sum + newReplies(channel.id, root), 0);
  const count = news.filter(forMe).length + replies;
  return { any: Boolean(news.length || replies), count };
}

// -- what was typed and not sent -------------------------------------------------------

// `place` is a person, a channel and the thread in it.
export const draft = (place) => sessionStorage.getItem(`draft ${place}`) ?? "";

export function keepDraft(place, text) {
  if (text) sessionStorage.setItem(`draft ${place}`, text);
  else sessionStorage.removeItem(`draft ${place}`);
}
