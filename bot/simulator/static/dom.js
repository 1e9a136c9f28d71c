// Nodes are made here; text goes in as text, never as HTML.

export const $ = (id) => document.getElementById(id);

export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "class") node.className = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

const SHAPES = {
  close: "M5 5l10 10M15 5L5 15",
  menu: "M3 5h14M3 10h14M3 15h14",
  send: "M3 4l14 6-14 6 2.2-6zM5.2 10H11",
  thread: "M4 4h12v9H9l-4 3v-3H4z",
  clock: "M10 3a7 7 0 1 0 .01 0zM10 6v4.5l3 1.8",
  eye: "M2 10c2-3.3 4.7-5 8-5s6 1.7 8 5c-2 3.3-4.7 5-8 5s-6-1.7-8-5zM10 8a2 2 0 1 0 .01 0z",
  back: "M12 4l-6 6 6 6",
  down: "M10 4v11M5 10l5 5 5-5",
  more: "M4 10h.01M10 10h.01M16 10h.01",
  file: "M5 3h6l4 4v10H5zM11 3v4h4",
  clip: "M16 9.5l-5.6 5.6a4 4 0 0 1-5.6-5.6l5.9-5.9a2.7 2.7 0 0 1 3.8 3.8l-5.9 5.9a1.3 1.3 0 0 1-1.9-1.9L12 6.2",
  forward: "M11 4l5 5-5 5M16 9H8a4 4 0 0 0-4 4v3",
  warning: "M10 3l8 14H2zM10 8v4M10 14.5v.01",
};

// An icon says nothing by itself: the words stand beside it or in a label.
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const path = document.createElementNS(space, "path");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", SHAPES[name]);
  svg.append(path);
  return svg;
}

export const hidden = (text) => el("span", { class: "hidden" }, text);

let count = 0;

export function freshId(prefix) {
  count += 1;
  return `${prefix}-${count}`;
}

// The attribute `style` is refused by the page's own rules; properties are not.
export function placeBeside(node, anchor) {
  const box = anchor.getBoundingClientRect();
  const left = Math.max(8, Math.min(box.left, innerWidth - node.offsetWidth - 8));
  const below = box.bottom + 4 + node.offsetHeight <= innerHeight;
  const top = below ? box.bottom + 4 : Math.max(8, box.top - node.offsetHeight - 4);
  node.style.left = `${left}px`;
  node.style.top = `${top}px`;
}

export function announce(sentence) {
  $("announce").textContent = sentence;
}
