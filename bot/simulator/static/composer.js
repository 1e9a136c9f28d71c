// Writing a message: mentions by name, Enter sends, Shift+Enter breaks the line.

import { el } from "./markup.js";

// People type @Name; Slack's text has <@ID> and escapes &, < and >.
export function encoded(text, names) {
  let result = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  const known = Object.entries(names).sort((a, b) => b[1].length - a[1].length);
  for (const [id, name] of known) {
    const escaped = name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    result = result.replace(new RegExp(`@${escaped}(?![\\w])`, "gi"), `<@${id}>`);
  }
  return result;
}

// `context()` gives {bot, names, needsMention, placeholder}; `send(text)` resolves to
// whether the message went out.
export function setUpComposer(form, testid, context, send) {
  const list = el("div", { class: "suggestions", role: "listbox", "aria-label": "People", hidden: true });
  const box = el("textarea", {
    id: testid, "data-testid": testid, rows: "2", "aria-label": "Message", maxlength: "40000",
  });
  const ask = el("button", { type: "button", class: "quiet" });
  const hint = el("span", { class: "note", role: "status" });
  const submit = el("button", {
    class: "primary", "data-testid": testid === "composer" ? "send" : "thread-send",
  }, "Send");
  form.replaceChildren(list, box, el("div", { class: "row" }, ask, hint, el("span", { class: "grow" }), submit));
  let chosen = 0;

  function botName() {
    const { names, bot } = context();
    return names[bot] ?? "the bot";
  }

  function draft() {
    return box.value.slice(0, box.selectionStart).match(/(?:^|\s)@([\w ]{0,20})$/)?.[1];
  }

  function insert(name) {
    const start = box.value.slice(0, box.selectionStart).replace(/@[\w ]{0,20}$/, "");
    const before = start && !/\s$/.test(start) ? `${start} ` : start;
    const after = box.value.slice(box.selectionStart).trimStart();
    box.value = `${before}@${name} ${after}`;
    const caret = before.length + name.length + 2;
    box.setSelectionRange(caret, caret);
    box.focus();
    update();
  }

  function suggest() {
    const typed = draft()?.toLowerCase();
    const { names } = context();
    const fitting = typed === undefined ? [] : Object.values(names)
      .filter((name) => name.toLowerCase().startsWith(typed) && name.toLowerCase() !== typed.trim());
    chosen = Math.min(chosen, Math.max(fitting.length - 1, 0));
    list.replaceChildren(...fitting.map((name, index) => el("div", {
      role: "option", "aria-selected": String(index === chosen), onmousedown: (event) => {
        event.preventDefault();
        insert(name);
      },
    }, `@${name}`)));
    list.hidden = !fitting.length;
  }

  function update() {
    const { needsMention, placeholder } = context();
    const mentioned = box.value.toLowerCase().includes(`@${botName().toLowerCase()}`);
    ask.textContent = `@${botName()}`;
    ask.title = `Mention ${botName()}`;
    ask.hidden = !needsMention || mentioned;
    box.placeholder = placeholder;
    hint.textContent = needsMention && box.value.trim() && !mentioned
      ? `${botName()} hears only messages that mention it.` : "";
    submit.disabled = !box.value.trim();
    suggest();
  }

  box.addEventListener("input", update);
  box.addEventListener("blur", () => { list.hidden = true; });
  box.addEventListener("keydown", (event) => {
    if (!list.hidden && ["ArrowDown", "ArrowUp"].includes(event.key)) {
      const step = event.key === "ArrowDown" ? 1 : -1;
      chosen = (chosen + step + list.children.length) % list.children.length;
      event.preventDefault();
      suggest();
    } else if (!list.hidden && ["Tab", "Enter"].includes(event.key)) {
      event.preventDefault();
      insert(list.children[chosen].textContent.slice(1));
    } else if (!list.hidden && event.key === "Escape") {
      list.hidden = true;
    } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  ask.addEventListener("click", () => insert(botName()));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = box.value.trim();
    if (!text) return;
    box.value = "";
    update();
    if (!(await send(encoded(text, context().names)))) box.value = text;
    update();
  });
  update();
  return update;
}
