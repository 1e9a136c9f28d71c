// From what was typed to a message or a command.

import { setUpComposer } from "./composer.js";
import { $ } from "./dom.js";
import { notify, send } from "./requests.js";
import { botName, messagesOf, openChannelObject, state, threadMessages, titleOf } from "./state.js";
import { commandIn, encoded, withHandles, withMention } from "./typing.js";

async function runCommand({ command, text }, thread) {
  const known = state.start.commands.some((each) => each.command === command);
  if (!known || thread) {
    notify(known ? `${command} does not work in threads. Use it in the channel.` : `${command} is not a command here.`, true);
    return false;
  }
  const answer = await send("commands", { channel: state.channel, command, text: withHandles(text) });
  if (answer && !answer.acked) notify(`${command} failed, because ${botName()} did not respond. Try again.`, true);
  if (answer?.refusal) notify(`Slack would refuse the answer to ${command}: ${answer.refusal}.`, true);
  return Boolean(answer?.acked);
}

// `attached` has the fields `table`, `files` and `forwards` of a message.
async function post(text, thread, onAsked, attached = {}) {
  const command = Object.keys(attached).length ? null : commandIn(text);
  if (command) return runCommand(command, thread);
  const answer = await send("messages", { channel: state.channel, text: encoded(text), thread_ts: thread, ...attached });
  if (!answer) return false;
  state.newSince = {};
  if (!thread) onAsked(answer.ts);
  return true;
}

// After one mention in a thread, a person goes on there without.
function hasAsked(thread) {
  const mention = `<@${state.start.bot}>`;
  return threadMessages(state.channel, thread).some((each) => each.user === state.user && (each.text ?? "").includes(mention));
}

// Below a message of the bot people talk with each other: there no answer is awaited.
function context(thread) {
  const channel = openChannelObject();
  const needsMention = Boolean(channel) && !channel.is_im;
  const root = thread && messagesOf(state.channel).find((each) => each.ts === thread);
  const isHeard = thread && state.start.follows && hasAsked(thread);
  return {
    key: `${state.user} ${state.channel} ${thread}`,
    hasPlace: Boolean(channel),
    needsMention,
    isForBot: needsMention && !isHeard && root?.user !== state.start.bot,
    placeholder: thread ? "Reply…" : `Message ${channel ? titleOf(channel) : ""}`,
  };
}

export const askBot = (text, onAsked) => post(context("").needsMention ? withMention(text) : text, "", onAsked);

// `onAsked` gets the ts of what was posted in a channel. Returns what brings both
// composers up to date, and what forwards a message of the open channel.
export function setUpWriting(onAsked) {
  const main = setUpComposer($("compose"), "composer", () => context(""), (text, attached) => post(text, "", onAsked, attached));
  const reply = setUpComposer($("reply"), "thread-composer", () => context(state.thread), (text, attached) => post(text, state.thread, onAsked, attached));
  const forward = (message) => {
    main.attached.forward(state.channel, message);
    main.box.focus();
  };
  return { forward, update: () => [main, reply].forEach((each) => each.update()) };
}
