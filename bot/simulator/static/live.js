// The open connection over which changes come; it is opened again when it is lost.

import { $ } from "./dom.js";
import { state } from "./state.js";

const FIRST_WAIT = 500; // ms
const LONGEST_WAIT = 5000;

let socket = null;
let wait = FIRST_WAIT;
// What came while a button is held down: to draw it could take the button from under the click.
let held = null;

function release() {
  const late = held ?? [];
  held = null;
  late.forEach((draw) => draw());
}

addEventListener("pointerdown", (event) => { if (event.button === 0) held ??= []; });
for (const end of ["pointerup", "pointercancel", "blur"]) addEventListener(end, () => setTimeout(release));

export function connect(take) {
  socket?.close();
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const fresh = new WebSocket(`${scheme}://${location.host}/page/live?user=${encodeURIComponent(state.user)}`);
  socket = fresh;
  fresh.onopen = () => {
    wait = FIRST_WAIT;
    $("offline").hidden = true;
  };
  fresh.onmessage = (event) => {
    const draw = () => { if (socket === fresh) take(JSON.parse(event.data)); };
    if (held) held.push(draw);
    else draw();
  };
  fresh.onclose = () => {
    if (socket !== fresh) return;
    $("offline").hidden = false;
    setTimeout(() => { if (socket === fresh) connect(take); }, wait);
    wait = Math.min(wait * 2, LONGEST_WAIT);
  };
}
