// Flaws of a page: what sticks out sideways, text without contrast (WCAG AA), controls
// without a name. Evaluated in the page; returns sentences.
() => {
  const found = [];
  const name = (node) => `${node.tagName.toLowerCase()}.${node.className} "${(node.textContent ?? "").trim().slice(0, 30)}"`;
  const isShown = (node) => node.checkVisibility({ opacityProperty: true, visibilityProperty: true })
    && !node.closest(".hidden, .skip");

  const numbers = (colour) => {
    const [r, g, b, a = 1] = colour.match(/[\d.]+/g).map(Number);
    return { r, g, b, a };
  };
  const over = (top, below) => ({
    r: top.r * top.a + below.r * (1 - top.a), g: top.g * top.a + below.g * (1 - top.a),
    b: top.b * top.a + below.b * (1 - top.a), a: 1,
  });
  const ground = (node) => {
    const own = numbers(getComputedStyle(node).backgroundColor);
    if (own.a === 1) return own;
    const below = node.parentElement ? ground(node.parentElement) : { r: 255, g: 255, b: 255, a: 1 };
    return over(own, below);
  };
  const light = ({ r, g, b }) => {
    const [x, y, z] = [r, g, b].map((each) => {
      const part = each / 255;
      return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const contrast = (node) => {
    const below = ground(node);
    const [a, b] = [light(over(numbers(getComputedStyle(node).color), below)), light(below)];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  };
  const hasText = (node) => [...node.childNodes].some((each) => each.nodeType === 3 && each.data.trim());
  const needed = (node) => {
    const { fontSize, fontWeight } = getComputedStyle(node);
    const size = parseFloat(fontSize);
    return size >= 24 || (size >= 18.66 && Number(fontWeight) >= 700) ? 3 : 4.5;
  };

  for (const node of document.body.querySelectorAll("*")) {
    if (!isShown(node)) continue;
    const box = node.getBoundingClientRect();
    const scrolls = node.closest(".table, .carousel");
    if (box.width && !scrolls && (box.right > innerWidth + 1 || box.left < -1)) {
      found.push(`sticks out: ${name(node)} ${Math.round(box.left)}–${Math.round(box.right)}`);
    }
    const isOff = node.closest(":disabled, [aria-busy=true], option");
    if (hasText(node) && !isOff && contrast(node) < needed(node)) {
      found.push(`contrast ${contrast(node).toFixed(2)}: ${name(node)}`);
    }
    if (!node.matches("button, a[href], input, select, textarea")) continue;
    const label = node.getAttribute("aria-label") ?? node.getAttribute("title") ?? "";
    const labelled = node.getAttribute("aria-labelledby") || node.labels?.length;
    if (!label && !labelled && !node.textContent.trim()) found.push(`no name: ${name(node)}`);
  }
  if (document.documentElement.scrollWidth > innerWidth) found.push("the page scrolls sideways");
  return found;
}
