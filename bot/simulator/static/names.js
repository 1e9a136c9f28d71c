// What people, channels and the bot are called, and how a mention of them looks.

import { el } from "./dom.js";

const known = { people: {}, groups: {}, channels: {}, me: "" };

export function knowNames({ people, groups, channels, me }) {
  if (people) known.people = people;
  if (groups) known.groups = groups;
  if (channels) known.channels = Object.fromEntries(channels.map((each) => [each.id, each.name]));
  if (me !== undefined) known.me = me;
}

export const nameOf = (id) => known.people[id] ?? id ?? "";
export const channelName = (id) => known.channels[id] || "";
export const everybody = () => Object.entries(known.people);

export function avatar(id, name = nameOf(id)) {
  const face = el("span", { class: "avatar", "aria-hidden": "true" }, name.slice(0, 1));
  const place = Object.keys(known.people).indexOf(id);
  // Steps of the golden angle: however many people there are, no two share a colour.
  if (place >= 0) face.style.background = `hsl(${(place * 137.5 + 230) % 360} 48% 30%)`;
  return face;
}

// A click on it shows who this is; see profile.js.
export function mention(id) {
  const mine = id === known.me ? " me" : "";
  return el("span", { class: `mention${mine}`, "data-person": id }, `@${nameOf(id)}`);
}

export function broadcast(word) {
  return el("span", { class: "mention me" }, `@${word}`);
}

export function groupMention(id, label) {
  return el("span", { class: "mention" }, label || `@${known.groups[id] ?? id}`);
}

export function channelLink(id, label) {
  const name = label || channelName(id);
  if (!name) return el("span", { class: "mention" }, "a direct message");
  return el("a", { class: "mention", href: `/archives/${id}` }, `#${name}`);
}

// A link that leads somewhere safe, or its label alone.
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
