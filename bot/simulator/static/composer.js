// Writing a message: Enter sends, Shift+Enter breaks the line, @ and / suggest. Files and
// a pasted table go along.

import { Attached, asFields, rowsIn } from "./attached.js";
import { el, freshId, hidden, icon } from "./dom.js";
import { avatar } from "./names.js";
import { botName, draft, keepDraft } from "./state.js";
import { completed, mentionsBot, suggestions, withMention } from "./typing.js";

class Composer {
  // `context()` gives {key, hasPlace, needsMention, isForBot, placeholder}; `post(text,
  // attached)` resolves to whether it went out.
  constructor(form, testid, context, post) {
    this.form = form;
    this.context = context;
    this.post = post;
    this.chosen = 0;
    this.key = null;
    this.hasPlace = false;
    this.isEarlySend = false; // Enter was pressed before there was a place
    this.found = [];
    this.attached = new Attached(() => this.update());
    this.build(testid);
    this.listen();
  }

  build(testid) {
    const listId = freshId("suggestions");
    this.list = el("div", { class: "suggestions", id: listId, role: "listbox", "aria-label": "Suggestions", hidden: true });
    this.box = el("textarea", {
      id: testid, "data-testid": testid, rows: "1", maxlength: "40000", "aria-label": "Message",
      "aria-autocomplete": "list", "aria-controls": listId,
    });
    this.ask = el("button", { type: "button", class: "ask" });
    this.hint = el("div", { class: "mention-hint", role: "status", "data-testid": `${testid}-hint` });
    this.submit = el("button", { class: "send", "data-testid": testid === "composer" ? "send" : "thread-send" }, icon("send"), "Send");
    this.files = el("input", { type: "file", multiple: true, hidden: true, "data-testid": `${testid}-files` });
    const attach = el("button", { type: "button", class: "quiet attach", title: "Attach text files", onclick: () => this.files.click() },
      icon("clip"), hidden("Attach text files"));
    const keys = el("span", { class: "keys", "aria-hidden": "true" }, el("b", {}, "Shift+Enter"), " for a new line");
    this.form.replaceChildren(this.list, this.hint,
      el("div", { class: "compose-box" }, this.box, this.attached.node, this.files,
        el("div", { class: "row" }, attach, this.ask, el("span", { class: "grow" }), keys, this.submit)));
  }

  listen() {
    this.box.addEventListener("input", () => this.changed());
    this.box.addEventListener("blur", () => this.hideList());
    this.box.addEventListener("keydown", (event) => this.pressed(event));
    this.box.addEventListener("paste", (event) => this.pasted(event));
    this.files.addEventListener("change", async () => {
      await this.attached.putFiles([...this.files.files]);
      this.files.value = "";
      this.box.focus();
    });
    this.ask.addEventListener("click", () => this.addMention());
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
  }

  pasted(event) {
    const rows = rowsIn(event.clipboardData.getData("text/plain"));
    if (!rows) return;
    event.preventDefault();
    this.attached.putTable(rows);
  }

  changed() {
    this.isEarlySend = false;
    keepDraft(this.key, this.box.value);
    this.update();
    this.suggest();
  }

  write(text) {
    this.box.value = text;
    this.changed();
    this.box.focus();
  }

  addMention() {
    this.write(withMention(this.box.value));
  }

  // Called after anything changed around it: the person, the place, the text.
  update() {
    const { key, hasPlace, needsMention, isForBot, placeholder } = this.context();
    if (key !== this.key) this.moveTo(key, hasPlace);
    const text = this.box.value.trim();
    const lacks = needsMention && !mentionsBot(text);
    this.ask.textContent = `@${botName()}`;
    this.ask.title = `Mention ${botName()}`;
    this.ask.hidden = !lacks;
    this.box.placeholder = placeholder;
    this.submit.disabled = !(text || this.attached.any) || !hasPlace;
    const isNaming = suggestions(this.box.value.slice(0, this.box.selectionStart)).length;
    this.showHint(lacks && isForBot && text && !text.startsWith("/") && !isNaming);
    this.fit();
    if (this.isEarlySend && hasPlace) this.send();
  }

  // Each place has a draft of its own; what was typed before there was any goes along.
  moveTo(key, hasPlace) {
    const isEarly = !this.hasPlace && this.box.value;
    const isOtherPerson = this.key && this.key.split(" ")[0] !== key.split(" ")[0];
    if (isEarly) keepDraft(key, this.box.value);
    Object.assign(this, { key, hasPlace });
    this.clearHint();
    this.box.value = draft(key);
    if (isEarly) this.suggest();
    else this.hideList();
    if (isOtherPerson) this.isEarlySend = false;
    if (isOtherPerson) this.attached.set([]);
  }

  showHint(isLacking) {
    const shown = this.hint.dataset.kind;
    if (isLacking && shown !== "typing") this.say("typing", `${botName()} hears only messages that mention it.`, "Add the mention", () => this.addMention());
    if (!isLacking && shown === "typing") this.clearHint();
  }

  say(kind, sentence, words, run) {
    this.hint.dataset.kind = kind;
    this.hint.replaceChildren(el("span", {}, sentence), el("button", { type: "button", class: "quiet", onclick: run }, words));
  }

  clearHint() {
    delete this.hint.dataset.kind;
    this.hint.replaceChildren();
  }

  // As high as its text, within what the style sheet allows.
  fit() {
    this.box.style.height = "auto";
    this.box.style.height = `${this.box.scrollHeight + 2}px`;
  }

  hideList() {
    this.list.hidden = true;
    this.box.removeAttribute("aria-activedescendant");
  }

  suggest() {
    this.found = suggestions(this.box.value.slice(0, this.box.selectionStart));
    this.chosen = Math.min(this.chosen, Math.max(this.found.length - 1, 0));
    this.list.replaceChildren(...this.found.map((each, at) => el("div", {
      role: "option", id: `${this.list.id}-${at}`, "aria-selected": String(at === this.chosen),
      onmousedown: (event) => {
        event.preventDefault();
        this.take(each);
      },
    }, each.id ? avatar(each.id) : null, el("span", {}, each.text), el("span", { class: "note" }, each.about))));
    if (!this.found.length) return this.hideList();
    this.list.hidden = false;
    this.box.setAttribute("aria-activedescendant", `${this.list.id}-${this.chosen}`);
    return undefined;
  }

  take(suggestion) {
    const { value, caret } = completed(this.box.value, this.box.selectionStart, suggestion.text);
    this.box.value = value;
    this.box.focus();
    this.box.setSelectionRange(caret, caret);
    this.chosen = 0;
    this.changed();
  }

  pressed(event) {
    const isOpen = !this.list.hidden;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (isOpen && step) {
      event.preventDefault();
      this.chosen = (this.chosen + step + this.found.length) % this.found.length;
      this.suggest();
    } else if (isOpen && ["Tab", "Enter"].includes(event.key)) {
      event.preventDefault();
      this.take(this.found[this.chosen]);
    } else if (isOpen && event.key === "Escape") {
      event.stopPropagation();
      this.hideList();
    } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      this.form.requestSubmit();
    }
  }

  async send() {
    const text = this.box.value.trim();
    const { items } = this.attached;
    if (!text && !items.length) return;
    const { key, hasPlace, isForBot } = this.context();
    this.isEarlySend = !hasPlace;
    if (!hasPlace) return;
    const unheard = isForBot && !mentionsBot(text) && !text.startsWith("/");
    this.box.value = "";
    this.attached.set([]);
    this.changed();
    const sent = await this.post(text, asFields(items));
    if (!sent) this.attached.set(items);
    if (!sent && this.key === key && !this.box.value) this.write(text);
    else if (!sent) keepDraft(key, text);
    else if (unheard) this.offerAgain(text, asFields(items));
    else this.clearHint();
    this.update();
  }

  offerAgain(text, attached) {
    this.say("sent", `No one answers: ${botName()} hears only messages that mention it.`, "Send it again with the mention", () => {
      this.clearHint();
      this.post(withMention(text), attached);
      this.box.focus();
    });
  }
}

export const setUpComposer = (...parts) => new Composer(...parts);
