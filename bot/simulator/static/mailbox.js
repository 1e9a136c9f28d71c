// A mail's frame is as high as the mail in it.

for (const frame of document.querySelectorAll("iframe")) {
  const fit = () => {
    const { documentElement } = frame.contentDocument;
    frame.style.height = `${documentElement.scrollHeight + 8}px`;
  };
  frame.addEventListener("load", fit);
  if (frame.contentDocument?.readyState === "complete") fit();
}
