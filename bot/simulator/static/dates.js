// Times in the visitor's own zone, in Slack's date formats
// (docs: messaging/formatting-message-text, "Date formatting").

import { el } from "./dom.js";

const FORMATS = {
  date_slash: { year: "numeric", month: "2-digit", day: "2-digit" },
  date: { year: "numeric", month: "long", day: "numeric" },
  date_long: { weekday: "long", year: "numeric", month: "long", day: "numeric" },
  date_short: { year: "numeric", month: "short", day: "numeric" },
  time: { hour: "numeric", minute: "2-digit" },
  time_secs: { hour: "numeric", minute: "2-digit", second: "2-digit" },
};

const shown = (moment, name) => new Intl.DateTimeFormat("en", FORMATS[name]).format(moment);

function numeric(moment) {
  const part = (number) => String(number).padStart(2, "0");
  return `${moment.getFullYear()}-${part(moment.getMonth() + 1)}-${part(moment.getDate())}`;
}

function nearDay(moment) {
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

function time(moment, text, attributes = {}) {
  const exact = new Intl.DateTimeFormat("en", { dateStyle: "full", timeStyle: "long" });
  return el("time", { datetime: moment.toISOString(), title: exact.format(moment), ...attributes }, text);
}

// A `<!date^…>` token or a rich_text `date`: seconds since the epoch, Slack's format.
export function date(seconds, format, fallback = "") {
  const moment = new Date(Number(seconds) * 1000);
  if (Number.isNaN(moment.getTime())) return document.createTextNode(fallback);
  const text = format.replace(/\{(\w+)\}/g, (token, name) => {
    const plain = name.replace("_pretty", "");
    const near = name.endsWith("_pretty") && nearDay(moment);
    if (near) return near;
    if (plain === "ago") return ago(moment);
    if (plain === "date_num") return numeric(moment);
    return FORMATS[plain] ? shown(moment, plain) : token;
  });
  return time(moment, text);
}

const ofTs = (ts) => new Date(Number(ts) * 1000);

export const clock = (ts, attributes) => time(ofTs(ts), shown(ofTs(ts), "time"), attributes);

// Beside a message that follows another of the same person there is little room.
export const shortClock = (ts, attributes) => time(ofTs(ts), shown(ofTs(ts), "time").replace(/ .*/, ""), attributes);

export const exactClock = (iso) => time(new Date(iso), shown(new Date(iso), "time_secs"));

export const dayOf = (ts) => ofTs(ts).toDateString();

// The words on the line between two days.
export function dayName(ts) {
  const moment = ofTs(ts);
  const near = { today: "Today", yesterday: "Yesterday" }[nearDay(moment)];
  const format = { weekday: "long", month: "long", day: "numeric" };
  return near ?? new Intl.DateTimeFormat("en", format).format(moment);
}

export function whenReplied(ts) {
  const moment = ofTs(ts);
  const near = nearDay(moment);
  return `${near ?? shown(moment, "date_short")} at ${shown(moment, "time")}`;
}
