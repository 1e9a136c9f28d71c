// rich_text blocks (docs: reference/block-kit/blocks/rich-text-block).

import { date } from "./dates.js";
import { el } from "./dom.js";
import { emoji } from "./emoji.js";
import { broadcast, channelLink, groupMention, link, mention } from "./names.js";

const TAGS = { bold: "b", italic: "i", strike: "s", underline: "u", code: "code" };

function styled(node, style = {}) {
  return Object.entries(TAGS).reduce(
    (inner, [name, tag]) => (style[name] ? el(tag, {}, inner) : inner), node);
}

const INLINE = {
  text: (e) => document.createTextNode(e.text),
  link: (e) => link(e.url, e.text ?? e.url),
  user: (e) => mention(e.user_id),
  usergroup: (e) => groupMention(e.usergroup_id),
  channel: (e) => channelLink(e.channel_id),
  broadcast: (e) => broadcast(e.range),
  emoji: (e) => document.createTextNode(emoji(e.name)),
  date: (e) => date(e.timestamp, e.format, e.fallback),
  color: (e) => document.createTextNode(e.value),
};

const inline = (elements) => elements.map(
  (e) => styled(INLINE[e.type]?.(e) ?? document.createTextNode(`[${e.type}]`), e.style));

function list(part) {
  const tag = part.style === "ordered" ? "ol" : "ul";
  const level = Math.min(part.indent ?? 0, 8);
  const items = part.elements.map((item) => el("li", {}, inline(item.elements)));
  return el(tag, { class: `indent${level} mark${level % 3}`, start: (part.offset ?? 0) + 1 }, items);
}

const PARTS = {
  rich_text_section: (p) => el("div", { class: "line" }, inline(p.elements)),
  rich_text_preformatted: (p) => el("pre", {}, inline(p.elements)),
  rich_text_quote: (p) => el("blockquote", { class: "line" }, inline(p.elements)),
  rich_text_list: list,
};

export function richText(block) {
  return el("div", { class: "text" }, block.elements.map(
    (part) => PARTS[part.type]?.(part) ?? el("div", { class: "note" }, `[${part.type}]`)));
}
