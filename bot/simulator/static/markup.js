// Slack's text formats as DOM nodes; text goes in as text, never as HTML.

export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "class") node.className = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

let names = {};
let channelNames = {};

export function knowNames(people, channels) {
  names = people;
  channelNames = Object.fromEntries(channels.map((each) => [each.id, each.name]));
}

export function decoded(text) {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

export function mention(userId) {
  return el("span", { class: "mention" }, `@${names[userId] ?? userId}`);
}

export function link(url, label) {
  let address;
  try {
    address = new URL(url, location.origin);
  } catch {
    return document.createTextNode(label);
  }
  if (!["http:", "https:", "mailto:"].includes(address.protocol)) {
    return document.createTextNode(label);
  }
  const inside = address.pathname.startsWith("/archives/");
  const target = inside ? {} : { target: "_blank", rel: "noopener noreferrer" };
  // A link to a message was made for the host name that the bot uses.
  const href = inside ? address.pathname + address.search : address.href;
  return el("a", { href, ...target }, label);
}

const DAY = { year: "numeric", month: "long", day: "numeric" };
const FORMATS = {
  date_num: { year: "numeric", month: "2-digit", day: "2-digit" },
  date_slash: { year: "numeric", month: "2-digit", day: "2-digit" },
  date: DAY,
  date_long: { weekday: "long", ...DAY },
  date_short: { year: "numeric", month: "short", day: "numeric" },
  time: { hour: "numeric", minute: "2-digit" },
  time_secs: { hour: "numeric", minute: "2-digit", second: "2-digit" },
};

function relativeDay(moment) {
  const day = (value) => new Date(value).setHours(0, 0, 0, 0);
  const days = Math.round((day(moment) - day(Date.now())) / 86_400_000);
  return { 0: "today", 1: "tomorrow", "-1": "yesterday" }[days];
}

function ago(moment) {
  const seconds = (moment - Date.now()) / 1000;
  const units = [["day", 86_400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const [unit, size] = units.find(([, length]) => Math.abs(seconds) >= length) ?? units[3];
  return new Intl.RelativeTimeFormat("en", { numeric: "auto" })
    .format(Math.round(seconds / size), unit);
}

export function date(seconds, format) {
  const moment = new Date(Number(seconds) * 1000);
  const text = format.replace(/\{(\w+)\}/g, (token, name) => {
    if (name === "ago") return ago(moment);
    const plain = name.replace("_pretty", "");
    const near = name.endsWith("_pretty") && relativeDay(moment);
    if (near) return near;
    if (!FORMATS[plain]) return token;
    return new Intl.DateTimeFormat("en", FORMATS[plain]).format(moment);
  });
  return el("time", { datetime: moment.toISOString(), title: moment.toString() }, text);
}

function token(inside) {
  const [target, ...rest] = inside.split("|");
  const label = rest.join("|");
  if (target.startsWith("@")) return mention(target.slice(1));
  if (target.startsWith("#")) {
    const id = target.slice(1);
    return link(`/archives/${id}`, `#${label || channelNames[id] || id}`);
  }
  if (target.startsWith("!date^")) {
    const [, seconds, format] = target.split("^");
    return date(seconds, decoded(format ?? ""));
  }
  if (target.startsWith("!")) return el("span", { class: "mention" }, `@${target.slice(1)}`);
  return link(decoded(target), decoded(label || target));
}

const STYLES = [["*", "b"], ["_", "i"], ["~", "s"]];
const INLINE = /`([^`\n]+)`|<([^<>\n]+)>|(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?!\w)|(?<![\w_])_(?=\S)([^_\n]+?)(?<=\S)_(?!\w)|(?<![\w~])~(?=\S)([^~\n]+?)(?<=\S)~(?!\w)/g;

function inline(text) {
  const nodes = [];
  let end = 0;
  for (const found of text.matchAll(INLINE)) {
    nodes.push(decoded(text.slice(end, found.index)));
    if (found[1] !== undefined) nodes.push(el("code", {}, decoded(found[1])));
    else if (found[2] !== undefined) nodes.push(token(found[2]));
    else {
      const index = [found[3], found[4], found[5]].findIndex((each) => each !== undefined);
      nodes.push(el(STYLES[index][1], {}, ...inline(found[3 + index])));
    }
    end = found.index + found[0].length;
  }
  nodes.push(decoded(text.slice(end)));
  return nodes;
}

function lines(text) {
  const nodes = [];
  for (const line of text.split("\n")) {
    const quoted = line.startsWith("&gt;");
    const content = inline(quoted ? line.slice(4).trimStart() : line);
    nodes.push(quoted ? el("blockquote", {}, ...content) : el("div", { class: "line" }, ...content));
  }
  return nodes;
}

export function mrkdwn(text) {
  const box = el("div", { class: "text" });
  text.split(/```/).forEach((part, index) => {
    if (index % 2) box.append(el("pre", {}, decoded(part.replace(/^\n/, ""))));
    else if (part.trim()) box.append(...lines(part));
  });
  return box;
}

export function textObject(object) {
  if (object.type === "mrkdwn") return mrkdwn(object.text);
  return el("div", { class: "text" }, object.text);
}

function styled(node, style = {}) {
  const tags = { bold: "b", italic: "i", strike: "s", code: "code", underline: "u" };
  return Object.entries(tags).reduce(
    (inner, [name, tag]) => (style[name] ? el(tag, {}, inner) : inner), node);
}

const RICH = {
  text: (e) => document.createTextNode(e.text),
  link: (e) => link(e.url, e.text ?? e.url),
  user: (e) => mention(e.user_id),
  usergroup: (e) => el("span", { class: "mention" }, `@${e.usergroup_id}`),
  channel: (e) => link(`/archives/${e.channel_id}`, `#${channelNames[e.channel_id] ?? e.channel_id}`),
  broadcast: (e) => el("span", { class: "mention" }, `@${e.range}`),
  emoji: (e) => document.createTextNode(`:${e.name}:`),
  date: (e) => date(e.timestamp, e.format),
  color: (e) => document.createTextNode(e.value),
};

const richInline = (elements) => elements.map((e) => styled(RICH[e.type](e), e.style));

const RICH_BLOCKS = {
  rich_text_section: (b) => el("div", { class: "line" }, ...richInline(b.elements)),
  rich_text_preformatted: (b) => el("pre", { tabindex: "0" }, ...richInline(b.elements)),
  rich_text_quote: (b) => el("blockquote", {}, ...richInline(b.elements)),
  rich_text_list: (b) => el(
    b.style === "ordered" ? "ol" : "ul", { start: (b.offset ?? 0) + 1 },
    ...b.elements.map((item) => el("li", {}, ...richInline(item.elements)))),
};

export function richText(block) {
  return el("div", { class: "text" }, ...block.elements.map((e) => RICH_BLOCKS[e.type](e)));
}

const MARKDOWN = /`([^`\n]+)`|\*\*([^*\n]+)\*\*|(?<!\*)\*([^*\s][^*\n]*)\*|~~([^~\n]+)~~|\[([^\]\n]+)\]\(([^)\s]+)\)|<([@#!][^<>\n]+)>/g;

function markdownInline(text) {
  const nodes = [];
  let end = 0;
  for (const [all, code, bold, italic, strike, label, url, slack] of
    [...text.matchAll(MARKDOWN)].map((found) => Object.assign([...found], { at: found.index }))) {
    const at = text.indexOf(all, end);
    nodes.push(text.slice(end, at));
    if (code) nodes.push(el("code", {}, code));
    else if (bold) nodes.push(el("b", {}, ...markdownInline(bold)));
    else if (italic) nodes.push(el("i", {}, ...markdownInline(italic)));
    else if (strike) nodes.push(el("s", {}, strike));
    else if (label) nodes.push(link(url, label));
    else nodes.push(token(slack));
    end = at + all.length;
  }
  return [...nodes, text.slice(end)];
}

function markdownLine(line) {
  const heading = line.match(/^(#{1,6})\s+(.*)/);
  if (heading) return el("p", { class: "heading" }, ...markdownInline(heading[2]));
  if (/^\s*([-*_])(\s*\1){2,}\s*$/.test(line)) return el("hr");
  const item = line.match(/^(\s*)([-*+]|\d+[.)])\s+(.*)/);
  if (item) {
    const mark = /\d/.test(item[2]) ? item[2] : "•";
    return el("div", { class: "item" }, el("span", {}, mark), el("span", {}, ...markdownInline(item[3])));
  }
  if (line.startsWith(">")) return el("blockquote", {}, ...markdownInline(line.slice(1).trim()));
  return el("div", { class: "line" }, ...markdownInline(line));
}

export function markdown(text) {
  const box = el("div", { class: "text" });
  text.split(/^```.*$/m).forEach((part, index) => {
    if (index % 2) box.append(el("pre", { tabindex: "0" }, part.replace(/^\n|\n$/g, "")));
    else if (part.trim()) box.append(...part.trim().split("\n").map(markdownLine));
  });
  return box;
}
