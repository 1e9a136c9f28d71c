// The things that a person sets: fields, selects, pickers, boxes. A control is
// {node, value(), set(value)}; its value has the form that the simulator takes.

import { upload } from "./attached.js";
import { el, freshId } from "./dom.js";
import { mrkdwn, plain } from "./markup.js";
import { everybody, nameOf } from "./names.js";
import { state, titleOf } from "./state.js";

const words = (text) => (text.type === "mrkdwn" ? mrkdwn(text.text).textContent : plain(text));

function common(element, id) {
  return {
    id, "data-action": element.action_id, placeholder: element.placeholder && plain(element.placeholder),
    autofocus: element.focus_on_load, autocomplete: "off",
  };
}

const TYPES = {
  number_input: { type: "text", inputmode: "decimal" },
  email_text_input: { type: "email" },
  url_text_input: { type: "url" },
  datepicker: { type: "date" },
  timepicker: { type: "time" },
  datetimepicker: { type: "datetime-local" },
};

function field(element, id) {
  const isLong = element.multiline || element.type === "rich_text_input";
  const node = isLong
    ? el("textarea", { ...common(element, id), rows: "4" })
    : el("input", { ...common(element, id), ...(TYPES[element.type] ?? { type: "text" }) });
  return { node, value: () => node.value, set: (value) => { node.value = value ?? ""; } };
}

function moment(element, id) {
  const { node } = field(element, id);
  return {
    node,
    value: () => (node.value ? Math.floor(new Date(node.value).getTime() / 1000) : null),
    set: (seconds) => {
      const at = new Date((seconds ?? 0) * 1000);
      node.value = seconds ? new Date(at - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16) : "";
    },
  };
}

function richField(element, id) {
  const { node } = field(element, id);
  const section = (text) => ({ type: "rich_text_section", elements: [{ type: "text", text }] });
  const texts = (part) => (part.elements ?? []).map((each) => each.text ?? texts(each)).join("");
  return {
    node,
    value: () => (node.value ? { type: "rich_text", elements: [section(node.value)] } : null),
    set: (value) => { node.value = value ? texts(value) : ""; },
  };
}

// -- what there is to choose from: groups of {value, text, description} -------------------

const asChoice = (option) => ({
  value: option.value, text: words(option.text), about: option.description && words(option.description),
});

const people = () => everybody().map(([value, text]) => ({ value, text }));
const listed = (fits) => state.channels.filter(fits).map((each) => ({ value: each.id, text: titleOf(each) }));

const LISTS = {
  users_select: people,
  channels_select: () => listed((each) => !each.is_im && !each.is_private),
  conversations_select: () => listed(() => true),
};

function groupsOf(element) {
  const list = LISTS[element.type.replace("multi_", "")];
  if (list) return [{ choices: list() }];
  if (!element.option_groups) return [{ choices: (element.options ?? []).map(asChoice) }];
  return element.option_groups.map((group) => ({ label: plain(group.label), choices: group.options.map(asChoice) }));
}

function oneOf(element, id) {
  const empty = element.placeholder ? plain(element.placeholder) : "Select an option";
  const node = el("select", { ...common(element, id), placeholder: undefined }, el("option", { value: "" }, empty));
  const fill = (groups) => {
    for (const group of groups) {
      const options = group.choices.map((each) => el("option", { value: each.value }, each.text));
      node.append(...(group.label ? [el("optgroup", { label: group.label }, options)] : options));
    }
  };
  fill(groupsOf(element));
  const set = (value) => {
    // Somebody or something that this person does not see in the list stays chosen.
    if (value && ![...node.options].some((each) => each.value === value)) {
      node.append(el("option", { value }, nameOf(value)));
    }
    node.value = value ?? "";
  };
  return { node, value: () => node.value || null, set, fill };
}

function boxes(element, id, kind) {
  const name = freshId("choice");
  const box = (choice, index) => el("label", { class: "choice" },
    el("input", { type: kind, name, value: choice.value, id: index ? undefined : id }),
    el("span", {}, choice.text, choice.about ? el("span", { class: "note" }, choice.about) : null));
  let index = 0;
  const node = el("div", { role: kind === "radio" ? "radiogroup" : "group", class: "choices", "data-action": element.action_id },
    groupsOf(element).flatMap((group) => [
      group.label ? el("div", { class: "note" }, group.label) : null,
      ...group.choices.map((choice) => box(choice, index++)),
    ]));
  const inputs = () => [...node.querySelectorAll("input")];
  const chosen = () => inputs().filter((each) => each.checked).map((each) => each.value);
  const most = element.max_selected_items ?? Infinity;
  const limit = () => inputs().forEach((each) => { each.disabled = !each.checked && chosen().length >= most; });
  node.addEventListener("change", limit);
  const set = (value) => {
    inputs().forEach((each) => { each.checked = [value ?? []].flat().includes(each.value); });
    limit();
  };
  return { node, value: () => (kind === "radio" ? chosen()[0] ?? null : chosen()), set };
}

function manyOf(element, id) {
  const control = boxes(element, id, "checkbox");
  control.node.classList.add("list");
  return control;
}

// external_select: what is typed is asked for, what comes back can be chosen.
function external(element, id, ask) {
  const select = oneOf({ ...element, type: "static_select", options: [] }, freshId("found"));
  const query = el("input", { type: "search", ...common(element, id) });
  select.node.setAttribute("aria-label", "Found");
  query.addEventListener("input", async () => {
    if (query.value.length < (element.min_query_length ?? 3)) return;
    const found = await ask(element, query.value);
    select.node.replaceChildren(select.node.firstChild);
    select.fill(groupsOf({ type: "static_select", ...found }));
  });
  const node = el("div", { class: "external", "data-action": element.action_id }, query, select.node);
  const many = element.type.startsWith("multi_");
  return {
    node,
    value: () => (many ? [select.value()].filter(Boolean) : select.value()),
    set: (value) => select.set([value].flat()[0]),
  };
}

// A file is taken in as soon as it is chosen; the form then holds its id.
function fileField(element, id) {
  const { max_files: most, filetypes } = element;
  const node = el("input", {
    ...common(element, id), type: "file", multiple: most !== 1, accept: filetypes?.map((each) => `.${each}`).join(","),
  });
  let ids = [];
  node.addEventListener("change", async () => {
    ids = [];
    for (const file of node.files) {
      const taken = await upload(file);
      if (taken) ids.push(taken);
    }
  });
  return { node, value: () => ids, set: () => {} };
}

function missing(element) {
  const node = el("span", { class: "note" }, `[${element.type} is not drawn here]`);
  return { node, value: () => null, set: () => {} };
}

export const isGroup = (element) => element.type.startsWith("multi_")
  || ["radio_buttons", "checkboxes"].includes(element.type);

// What an untouched element holds, as `set` takes it.
function initial(element) {
  const name = Object.keys(element).find((each) => each.startsWith("initial_"));
  if (!name) return element.default_to_current_conversation ? state.channel : null;
  const found = element[name];
  if (name === "initial_option") return found.value;
  return name === "initial_options" ? found.map((each) => each.value) : found;
}

function build(element, id, ask) {
  const kind = element.type;
  if (kind === "radio_buttons") return boxes(element, id, "radio");
  if (kind === "checkboxes") return boxes(element, id, "checkbox");
  if (kind.endsWith("external_select")) return external(element, id, ask);
  if (/^multi_\w+_select$/.test(kind)) return manyOf(element, id);
  if (kind.endsWith("_select")) return oneOf(element, id);
  if (kind === "file_input") return fileField(element, id);
  if (kind === "datetimepicker") return moment(element, id);
  if (kind === "rich_text_input") return richField(element, id);
  if (kind === "plain_text_input" || TYPES[kind]) return field(element, id);
  return missing(element);
}

// `ask(element, text)` looks up the options of an external select.
export function control(element, id, ask) {
  const made = build(element, id, ask);
  made.set(initial(element));
  return made;
}
