// The controls of a drawn view or message: what stands in them, and where an error goes.

export class Fields {
  #all = [];

  register = (element, blockId, made) => this.#all.push({ element, blockId, ...made });

  // By block and then by action, as a view's state has them.
  values() {
    const found = {};
    for (const { blockId, element, value } of this.#all) {
      found[blockId] = { ...found[blockId], [element.action_id]: value() };
    }
    return found;
  }

  // What a person typed outlives a redrawing, where block and action are still the same.
  typed = () => new Map(this.#all.map((each) => [`${each.blockId} ${each.element.action_id}`, each.value()]));

  restore(typed) {
    for (const each of this.#all) {
      const key = `${each.blockId} ${each.element.action_id}`;
      if (typed?.has(key)) each.set(typed.get(key));
    }
  }

  complain(errors) {
    this.#all.forEach((each) => each.complain?.(errors[each.blockId]));
    const first = this.#all.find((each) => errors[each.blockId]);
    const target = first?.node.matches("input, textarea, select") ? first.node : first?.node.querySelector("input");
    target?.focus();
  }
}

// A selector by which an element is found again in the next drawing of the same view.
export function placeOf(node) {
  const action = node?.closest("[data-action]")?.dataset.action;
  if (!action) return "";
  const block = node.closest("[data-block]")?.dataset.block;
  const around = block ? `[data-block="${CSS.escape(block)}"] ` : "";
  return `${around}[data-action="${CSS.escape(action)}"]`;
}
