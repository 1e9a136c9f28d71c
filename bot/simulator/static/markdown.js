// markdown blocks: what a language model writes, as Slack shows it
// (docs: reference/block-kit/blocks/markdown-block).

import { el } from "./dom.js";
import { withEmoji } from "./emoji.js";
import { token } from "./markup.js";
import { link } from "./names.js";

const INLINE = new RegExp([
  /\\([\\`*_{}[\]()#+\-.!|~<>])/, /(`+)(?!`)([\s\S]*?[^`])\2(?!`)/,
  /!?\[((?:[^[\]\\]|\\.)*)\]\(([^)\s]+)\)/, /<(https?:[^<>\s]+|mailto:[^<>\s]+|[@#!][^<>\n]+)>/,
  /\*\*(?=\S)(.+?)(?<=\S)\*\*/, /(?<!\w)__(?=\S)(.+?)(?<=\S)__(?!\w)/,
  /\*(?=\S)(.+?)(?<=\S)\*/, /(?<!\w)_(?=\S)(.+?)(?<=\S)_(?!\w)/,
  /~~(?=\S)(.+?)(?<=\S)~~/, /(https?:\/\/[^\s<>|]*[^\s<>|.,;:!?)'"*_~])/,
].map((each) => each.source).join("|"), "g");

function inlineNode(found) {
  const [, escape, , code, label, target, angle, b1, b2, i1, i2, strike, url] = found;
  if (escape !== undefined) return escape;
  if (code !== undefined) return el("code", {}, code.length > 2 ? code.replace(/^ (.*) $/, "$1") : code);
  if (target !== undefined) return link(target, unescaped(label) || target);
  if (angle !== undefined) return token(angle);
  const bold = b1 ?? b2;
  if (bold !== undefined) return el("b", {}, inline(bold));
  const italic = i1 ?? i2;
  if (italic !== undefined) return el("i", {}, inline(italic));
  if (strike !== undefined) return el("s", {}, inline(strike));
  return link(url, url);
}

const unescaped = (text) => text.replace(/\\([^\w\s])/g, "$1");

const words = (text) => withEmoji(
  text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&"));

function inline(text) {
  const nodes = [];
  let end = 0;
  for (const found of text.matchAll(INLINE)) {
    nodes.push(words(text.slice(end, found.index)), inlineNode(found));
    end = found.index + found[0].length;
  }
  nodes.push(words(text.slice(end)));
  return nodes.filter((node) => node !== "");
}

// -- blocks: each reader takes the lines and an index, and gives [node, next index] ----

const FENCE = /^ {0,3}(`{3,}|~{3,})(.*)$/;
const HEADING = /^ {0,3}(#{1,6})\s+(.*?)\s*#*$/;
const RULE = /^ {0,3}([-*_])(\s*\1){2,}\s*$/;
const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])(\s+)(.*)$/;
const BAR = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;

function fence(lines, at) {
  const opened = lines[at].match(FENCE);
  if (!opened) return null;
  const closes = (line) => line.trim().startsWith(opened[1]) && !line.trim().replaceAll(opened[1][0], "");
  let end = at + 1;
  while (end < lines.length && !closes(lines[end])) end += 1;
  return [el("pre", {}, lines.slice(at + 1, end).join("\n")), end + 1];
}

function heading(lines, at) {
  const found = lines[at].match(HEADING);
  if (!found) return null;
  const level = found[1].length;
  const attributes = { class: `heading h${level}`, role: "heading", "aria-level": String(Math.min(level + 2, 6)) };
  return [el("div", attributes, inline(found[2])), at + 1];
}

const rule = (lines, at) => (RULE.test(lines[at]) ? [el("hr"), at + 1] : null);

function cells(line) {
  const inner = line.trim().replace(/^\|/, "").replace(/(?<!\\)\|$/, "");
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
}

function table(lines, at) {
  const next = lines[at + 1] ?? "";
  if (!lines[at].includes("|") || !next.includes("-") || !BAR.test(next)) return null;
  const sides = cells(next).map((bar) => (bar.endsWith(":") ? (bar.startsWith(":") ? "middle" : "right") : ""));
  const head = cells(lines[at]);
  const row = (tag, texts) => el("tr", {}, head.map(
    (_, column) => el(tag, { class: sides[column] || undefined }, inline(texts[column] ?? ""))));
  let end = at + 2;
  while (end < lines.length && lines[end].includes("|")) end += 1;
  const rows = lines.slice(at + 2, end).map((line) => row("td", cells(line)));
  const whole = el("table", {}, el("thead", {}, row("th", head)), el("tbody", {}, rows));
  return [el("div", { class: "table", tabindex: "0", role: "region", "aria-label": "Table" }, whole), end];
}

function quote(lines, at) {
  let end = at;
  while (end < lines.length && /^ {0,3}>/.test(lines[end])) end += 1;
  if (end === at) return null;
  const inside = lines.slice(at, end).map((line) => line.replace(/^ {0,3}> ?/, ""));
  return [el("blockquote", {}, blocks(inside)), end];
}

// The lines that belong to one item: those indented below it, and gaps between these.
function itemEnd(lines, at, indent) {
  let end = at + 1;
  while (end < lines.length) {
    const blank = !lines[end].trim();
    const next = blank ? lines[end + 1] ?? "" : lines[end];
    if (!next.trim() || next.search(/\S/) <= indent) break;
    end += 1;
  }
  return end;
}

function list(lines, at) {
  const first = lines[at].match(ITEM);
  if (!first) return null;
  const ordered = /\d/.test(first[2]);
  const box = el(ordered ? "ol" : "ul", ordered ? { start: parseInt(first[2], 10) } : {});
  let end = at;
  while (end < lines.length) {
    if (!lines[end].trim() && ITEM.test(lines[end + 1] ?? "")) end += 1;
    const found = lines[end].match(ITEM);
    if (!found || /\d/.test(found[2]) !== ordered || found[1].length > first[1].length + 3) break;
    if (found[1].length < first[1].length) break;
    const stop = itemEnd(lines, end, found[1].length);
    const width = found[1].length + found[2].length + 1;
    const rest = lines.slice(end + 1, stop).map((line) => line.slice(Math.min(width, line.search(/\S|$/))));
    box.append(el("li", {}, blocks([tick(found[4]), ...rest])));
    end = stop;
  }
  return [box, end];
}

const tick = (text) => text.replace(/^\[ \] /, "☐ ").replace(/^\[[xX]\] /, "☑ ");

function paragraph(lines, at) {
  let end = at;
  const starts = (line) => [FENCE, HEADING, RULE, ITEM, /^ {0,3}>/].some((each) => each.test(line));
  while (end < lines.length && lines[end].trim() && (end === at || !starts(lines[end]))) {
    if (end > at && table(lines, end)) break;
    end += 1;
  }
  return [el("div", { class: "line para" }, inline(lines.slice(at, end).join("\n"))), end];
}

const READERS = [fence, heading, rule, table, quote, list, paragraph];

function blocks(lines) {
  const nodes = [];
  let at = 0;
  while (at < lines.length) {
    if (!lines[at].trim()) {
      at += 1;
      continue;
    }
    for (const read of READERS) {
      const found = read(lines, at);
      if (!found) continue;
      nodes.push(found[0]);
      at = found[1];
      break;
    }
  }
  return nodes;
}

export function markdown(text) {
  return el("div", { class: "text markdown" }, blocks(text.replaceAll("\r\n", "\n").split("\n")));
}
