// mrkdwn and text objects as nodes (docs: messaging/formatting-message-text).

import { date } from "./dates.js";
import { el } from "./dom.js";
import { emoji, withEmoji } from "./emoji.js";
import { broadcast, channelLink, groupMention, link, mention } from "./names.js";

export function decoded(text) {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

// What stands between < and >.
export function token(inside) {
  const [target, ...rest] = inside.split("|");
  const label = decoded(rest.join("|"));
  if (target.startsWith("@")) return mention(target.slice(1));
  if (target.startsWith("#")) return channelLink(target.slice(1), label);
  if (target.startsWith("!date^")) return dateToken(target, label);
  if (target.startsWith("!subteam^")) return groupMention(target.split("^")[1], label);
  if (target.startsWith("!")) return broadcast(target.slice(1));
  return link(decoded(target), label || decoded(target));
}

function dateToken(target, fallback) {
  const [, seconds, format, url] = target.split("^");
  const node = date(seconds, decoded(format ?? ""), fallback);
  if (!url) return node;
  const around = link(decoded(url), "");
  around.append(node);
  return around;
}

const INLINE = new RegExp([
  /`([^`\n]+)`/, /<([^<>\n]+)>/,
  /(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?!\w)/,
  /(?<![\w_])_(?=\S)([^_\n]+?)(?<=\S)_(?!\w)/,
  /(?<![\w~])~(?=\S)([^~\n]+?)(?<=\S)~(?!\w)/,
  /:([a-z0-9_+-]+):/,
  /(https?:\/\/[^\s<>|]*[^\s<>|.,;:!?)'"*_~])/,
].map((each) => each.source).join("|"), "g");

function inlineNode([, code, inside, bold, italic, strike, name, url], verbatim) {
  if (code !== undefined) return el("code", {}, decoded(code));
  if (inside !== undefined) return token(inside);
  if (bold !== undefined) return el("b", {}, inline(bold, verbatim));
  if (italic !== undefined) return el("i", {}, inline(italic, verbatim));
  if (strike !== undefined) return el("s", {}, inline(strike, verbatim));
  if (name !== undefined) return emoji(name);
  return verbatim ? decoded(url) : link(decoded(url), decoded(url));
}

function inline(text, verbatim) {
  const nodes = [];
  let end = 0;
  for (const found of text.matchAll(INLINE)) {
    nodes.push(decoded(text.slice(end, found.index)), inlineNode(found, verbatim));
    end = found.index + found[0].length;
  }
  nodes.push(decoded(text.slice(end)));
  return nodes.filter((node) => node !== "");
}

const QUOTE = /^(?:&gt;|>) ?/;

function lines(text, verbatim) {
  const nodes = [];
  let quote = null;
  const [before, ...after] = text.split(/^(?:&gt;&gt;&gt;|>>>) ?/m);
  for (const line of before.replace(/\n$/, "").split("\n")) {
    const quoted = QUOTE.test(line);
    const node = el("div", { class: "line" }, inline(line.replace(QUOTE, ""), verbatim));
    if (quoted && !quote) nodes.push(quote = el("blockquote"));
    if (!quoted) quote = null;
    if (quote) quote.append(node);
    else nodes.push(node);
  }
  if (after.length) nodes.push(el("blockquote", {}, lines(after.join(""), verbatim)));
  return before || !after.length ? nodes : nodes.slice(1);
}

export function mrkdwn(text, verbatim = false) {
  const box = el("div", { class: "text" });
  text.split("```").forEach((part, index) => {
    const trimmed = part.replace(/^\n|\n$/g, "");
    if (index % 2) box.append(el("pre", {}, decoded(trimmed)));
    else if (trimmed.trim()) box.append(...lines(trimmed, verbatim));
  });
  return box;
}

// A text object: mrkdwn, or plain text in which only emoji are drawn.
export function textObject(object) {
  if (object.type === "mrkdwn") return mrkdwn(object.text, object.verbatim);
  return el("div", { class: "text" }, plain(object));
}

export const plain = (object) => (object.emoji === false ? object.text : withEmoji(object.text));
