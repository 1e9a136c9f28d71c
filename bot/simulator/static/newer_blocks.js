// Tables, cards, plans and the other later blocks (docs: reference/block-kit/blocks).

import { el } from "./dom.js";
import { acting, image } from "./elements.js";
import { plain, textObject } from "./markup.js";
import { richText } from "./richtext.js";

function cell(content, tag, column) {
  const side = { right: "right", center: "middle" }[column?.align];
  const inside = content.type === "rich_text" ? richText(content) : content.text ?? String(content.value ?? "");
  return el(tag, { class: side }, inside);
}

function table(block) {
  const row = (cells, tag) => el("tr", {}, cells.map((each, at) => cell(each, tag, block.column_settings?.[at])));
  const [head, ...rest] = block.rows;
  const whole = el("table", {},
    block.caption ? el("caption", {}, block.caption) : null,
    el("thead", {}, row(head, "th")), el("tbody", {}, rest.map((cells) => row(cells, "td"))));
  return el("div", { class: "table", tabindex: "0", role: "region", "aria-label": block.caption ?? "Table" }, whole);
}

function appCard(block, hands) {
  return el("div", { class: "app-card" },
    block.hero_image ? image(block.hero_image) : null,
    block.title ? el("b", {}, textObject(block.title)) : null,
    block.subtitle ? el("div", { class: "note" }, textObject(block.subtitle)) : null,
    block.body ? textObject(block.body) : null,
    el("div", { class: "row" }, (block.actions ?? []).map((each) => acting(each, block.block_id, hands))));
}

function feedback(element, blockId, hands) {
  const one = (choice) => acting({
    ...element, ...choice, type: "button", accessibility_label: choice.accessibility_label,
  }, blockId, hands);
  return [one(element.positive_button), one(element.negative_button)];
}

function contextActions(block, hands) {
  return el("div", { class: "row" }, block.elements.flatMap((element) => (element.type === "feedback_buttons"
    ? feedback(element, block.block_id, hands)
    : [acting({ ...element, type: "button" }, block.block_id, hands)])));
}

const STATES = { pending: "to do", in_progress: "under way", complete: "done", error: "failed" };

function task(block) {
  return el("div", { class: `task ${block.status}` },
    el("b", {}, block.title), " ", el("span", { class: "note" }, STATES[block.status] ?? block.status),
    block.details ? richText(block.details) : null, block.output ? richText(block.output) : null);
}

// `drawBlocks` is handed in, since a container holds blocks of every kind.
export const newerBlocks = (drawBlocks) => ({
  table,
  data_table: table,
  alert: (b) => el("div", { class: `alert ${b.level ?? "default"}`, role: "note" }, textObject(b.text)),
  card: appCard,
  carousel: (b, hands) => el("div", { class: "carousel" }, b.elements.map((each) => appCard({ ...each, block_id: b.block_id }, hands))),
  context_actions: contextActions,
  task_card: task,
  plan: (b) => el("div", { class: "plan" }, el("b", {}, b.title), (b.tasks ?? []).map(task)),
  container: (b, hands) => el("details", { class: "container", open: !b.default_collapsed },
    el("summary", {}, b.title ? plain(b.title) : richText(b.rich_text_title)),
    drawBlocks(b.child_blocks, hands)),
});
