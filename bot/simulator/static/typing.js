// What a person types: mentions and commands, as names on the screen and ids in Slack.

import { everybody } from "./names.js";
import { botName, state } from "./state.js";

// People type @Name; Slack's text has <@ID> and escapes &, < and >.
export function encoded(text) {
  let result = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  const known = everybody().sort((a, b) => b[1].length - a[1].length);
  for (const [id, name] of known) {
    const escaped = name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    result = result.replace(new RegExp(`@${escaped}(?![\\w])`, "gi"), `<@${id}>`);
  }
  return result;
}

// A command's words name people by their handles, @mina, as people type them in Slack.
export function withHandles(text) {
  return state.start.people.reduce(
    (result, { name, handle }) => result.replaceAll(`@${name}`, `@${handle}`), text);
}

export const mentionsBot = (text) => text.toLowerCase().includes(`@${botName().toLowerCase()}`);

const MENTION = /(?:^|\s)@([\w ]{0,20})$/;

// What could be meant at the caret: [{text, about, kind}].
export function suggestions(before) {
  const command = before.match(/^\/(\S*)$/);
  if (command) {
    return state.start.commands
      .filter((each) => each.command.startsWith(before) && each.command !== before)
      .map((each) => ({ text: each.command, about: each.description ?? "" }));
  }
  const typed = before.match(MENTION)?.[1].toLowerCase();
  if (typed === undefined) return [];
  return everybody()
    .filter(([, name]) => name.toLowerCase().startsWith(typed) && name.toLowerCase() !== typed.trim())
    .map(([id, name]) => ({
      text: `@${name}`, id, about: state.start.people.find((each) => each.id === id)?.role ?? "app",
    }));
}

// The text with the suggestion in place of what was begun; and where the caret goes.
export function completed(value, caret, suggestion) {
  const begun = value.slice(0, caret).replace(/(?:@[\w ]{0,20}|^\/\S*)$/, "");
  const before = begun && !/\s$/.test(begun) ? `${begun} ` : begun;
  const start = `${before}${suggestion} `;
  return { value: start + value.slice(caret).trimStart(), caret: start.length };
}

export function withMention(value) {
  return `@${botName()} ${value.trimStart()}`;
}

// `/name words` as {command, text}, or null if it is no command.
export function commandIn(text) {
  const found = text.match(/^(\/[\w-]+)(?:\s+([\s\S]*))?$/);
  return found && { command: found[1], text: found[2] ?? "" };
}
