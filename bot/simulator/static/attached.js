// What goes out with a message: text files, a pasted table, a forwarded message.

import { el, hidden, icon } from "./dom.js";
import { mrkdwn } from "./markup.js";
import { nameOf } from "./names.js";
import { notify, send } from "./requests.js";

const LARGEST = 600_000; // bytes of a file; as base64 it fits into one request
const ROWS = 100; // Slack's limits of a table: reference/block-kit/blocks/table-block
const COLUMNS = 20;

const asText = (file) => new Promise((resolve) => {
  const reader = new FileReader();
  reader.onload = () => resolve(reader.result.split(",")[1] ?? "");
  reader.readAsDataURL(file);
});

// Takes a file in; resolves to its id, or null after the trouble was shown.
export async function upload(file) {
  if (file.size > LARGEST) {
    notify(`${file.name} is too large. The simulator takes files up to 600 kB.`, true);
    return null;
  }
  return (await send("files", { name: file.name, content: await asText(file) }))?.id ?? null;
}

// The rows that a spreadsheet copies, a tab between cells; null if the text is no table.
export function rowsIn(text) {
  const rows = text.trimEnd().split(/\r?\n/).map((line) => line.split("\t"));
  const width = rows[0].length;
  const fits = rows.length > 1 && rows.length <= ROWS && width > 1 && width <= COLUMNS;
  return fits && rows.every((row) => row.length === width) ? rows : null;
}

export class Attached {
  // `changed()` is called after something was attached or removed.
  constructor(changed) {
    this.changed = changed;
    this.items = []; // {kind, value, words}, by the names that `messages` takes
    this.node = el("div", { class: "row attached", "data-testid": "attached" });
  }

  get any() { return this.items.length > 0; }

  set(items) {
    this.items = items;
    this.node.replaceChildren(...items.map((item) => el("span", { class: "chip" },
      icon(item.kind === "forwards" ? "forward" : "file"), el("span", { class: "chip-words" }, item.words),
      el("button", { type: "button", class: "quiet", onclick: () => this.set(this.items.filter((each) => each !== item)) },
        icon("close"), hidden(`Remove: ${item.words}`)))));
    this.changed();
  }

  // A message takes many files, but one table and one forwarded message.
  put(kind, value, words) {
    const kept = this.items.filter((each) => each.kind !== kind || kind === "files");
    this.set([...kept, { kind, value, words }]);
  }

  async putFiles(files) {
    for (const file of files) {
      const id = await upload(file);
      if (id) this.put("files", id, file.name);
    }
  }

  putTable(rows) {
    this.put("table", rows, `Table, ${rows.length} rows`);
  }

  forward(channel, message) {
    const words = mrkdwn(message.text ?? "").textContent;
    this.put("forwards", [channel, message.ts], `Forward here: ${nameOf(message.user)}: ${words}`);
  }
}

// Items as the fields that `messages` takes.
export function asFields(items) {
  const fields = {};
  for (const { kind, value } of items) {
    fields[kind] = kind === "files" ? [...(fields.files ?? []), value] : value;
  }
  return fields;
}
