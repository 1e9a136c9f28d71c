// Blocks as nodes (docs: reference/block-kit/blocks). `hands` is what can be done:
// act(element, blockId, value), ask(element, text), register(element, blockId, control).

import { el } from "./dom.js";
import { acting, image } from "./elements.js";
import { inputBlock } from "./inputs.js";
import { markdown } from "./markdown.js";
import { mrkdwn, plain, textObject } from "./markup.js";
import { newerBlocks } from "./newer_blocks.js";
import { richText } from "./richtext.js";

const contextElement = (element) => (element.type === "image" ? image(element) : textObject(element));

function section(block, hands) {
  return el("div", { class: "section" },
    el("div", { class: "grow" },
      block.text ? textObject(block.text) : null,
      block.fields ? el("div", { class: "fields" }, block.fields.map(textObject)) : null),
    block.accessory ? el("div", { class: "accessory" }, acting(block.accessory, block.block_id, hands)) : null);
}

const BLOCKS = {
  header: (b) => el("h3", {}, plain(b.text)),
  divider: () => el("hr"),
  rich_text: richText,
  markdown: (b) => markdown(b.text),
  image: (b) => el("figure", {}, b.title ? el("figcaption", {}, plain(b.title)) : null, image(b)),
  context: (b) => el("div", { class: "context" }, b.elements.map(contextElement)),
  actions: (b, hands) => el("div", { class: "row actions" },
    b.elements.map((element) => acting(element, b.block_id, hands))),
  input: inputBlock,
  section,
  ...newerBlocks(drawBlocks),
};

export function drawBlocks(blocks, hands) {
  return blocks.map((block) => {
    const draw = BLOCKS[block.type];
    if (draw) return draw(block, hands);
    return el("div", { class: "note" }, `[${block.type} is not drawn here]`);
  });
}

export function drawContent(message, hands) {
  const blocks = message.blocks ?? [];
  if (!blocks.length) return mrkdwn(message.text ?? "");
  const isCard = Boolean(message.bot_id);
  return el("div", isCard ? { class: "card", "data-testid": "card" } : {}, drawBlocks(blocks, hands));
}
