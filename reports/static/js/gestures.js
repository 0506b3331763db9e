// Pointer and keyboard over a plot.
//
// Mouse: moving sets the cursor, dragging picks a stretch to zoom into, with Shift it moves the
// window, a double click shows everything, the wheel with Ctrl zooms. Touch: a finger moves the
// cursor or, where zoomed, the window; two fingers zoom; up and down scrolls the page as ever.

const LEAST_DRAG = 6;
const HINT = "Drag to zoom in, with Shift to move; double click to see everything; two fingers on a touch screen. Keys in a chart: arrows, +, \u2212, 0, f.";

// Says how, above the charts, once a script runs that does it.
function explain() {
  const hint = document.getElementById("hint");
  if (!hint) return;
  hint.textContent = HINT;
  hint.hidden = false;
}

function listen(plot) {
  const { box } = plot;
  const fingers = new Map();
  let drag = null;
  const place = (event) => event.clientX - box.getBoundingClientRect().left;

  box.addEventListener("pointerdown", (event) => {
    if (!plot.instance || (event.pointerType === "mouse" && event.button !== 0)) return;
    fingers.set(event.pointerId, place(event));
    box.setPointerCapture(event.pointerId);
    const touch = event.pointerType === "touch";
    const pans = touch ? plot.state.window !== null : event.shiftKey;
    drag = { from: place(event), last: place(event), kind: pans ? "pan" : touch ? "read" : "pick" };
    if (touch && drag.kind === "read") plot.page.point(plot, plot.toAxis(place(event)));
  });
  box.addEventListener("pointermove", (event) => {
    if (!plot.instance) return;
    if (fingers.size === 2 && fingers.has(event.pointerId)) pinch(plot, fingers, event.pointerId, place(event));
    else if (drag && drag.kind !== "read") pull(plot, drag, place(event));
    else plot.page.point(plot, plot.toAxis(place(event)));
  });
  const end = (event) => {
    if (drag?.kind === "pick" && event.type === "pointerup" && Math.abs(place(event) - drag.from) >= LEAST_DRAG) {
      const [one, other] = [plot.toAxis(drag.from), plot.toAxis(place(event))];
      plot.show(Math.min(one, other), Math.max(one, other));
    }
    plot.selection.hidden = true;
    fingers.delete(event.pointerId);
    drag = null;
  };
  box.addEventListener("pointerup", end);
  box.addEventListener("pointercancel", end);
  // A finger that lifts has left too, and what it asked for is still being read.
  box.addEventListener("pointerleave", (event) => drag || event.pointerType === "touch" || plot.page.leave());
  box.addEventListener("dblclick", () => plot.look(null));
  box.addEventListener("wheel", (event) => {
    if (!plot.instance || !event.ctrlKey) return;
    event.preventDefault();
    plot.zoom(1.0015 ** -event.deltaY, plot.toAxis(place(event)));
  }, { passive: false });
  box.addEventListener("keydown", (event) => press(plot, event));
}

function pull(plot, drag, now) {
  if (drag.kind === "pan") {
    plot.pan((drag.last - now) / plot.box.clientWidth);
    drag.last = now;
    return;
  }
  plot.hideCursor();
  plot.selection.hidden = Math.abs(now - drag.from) < LEAST_DRAG;
  plot.selection.style.left = `${Math.min(now, drag.from)}px`;
  plot.selection.style.width = `${Math.abs(now - drag.from)}px`;
}

function pinch(plot, fingers, moved, now) {
  const [other] = [...fingers].filter(([finger]) => finger !== moved).map(([, pixel]) => pixel);
  const [before, after] = [Math.abs(fingers.get(moved) - other), Math.abs(now - other)];
  fingers.set(moved, now);
  if (before > 10 && after > 10) plot.zoom(after / before, plot.toAxis((now + other) / 2));
}

function press(plot, event) {
  if (!plot.instance || event.ctrlKey || event.metaKey || event.altKey) return;
  const act = {
    ArrowLeft: () => (event.shiftKey ? plot.pan(-0.2) : step(plot, -1)),
    ArrowRight: () => (event.shiftKey ? plot.pan(0.2) : step(plot, 1)),
    Home: () => step(plot, -Infinity),
    End: () => step(plot, Infinity),
    "+": () => plot.zoom(2, at(plot)),
    "=": () => plot.zoom(2, at(plot)),
    "-": () => plot.zoom(0.5, at(plot)),
    0: () => plot.look(null),
    Escape: () => (document.fullscreenElement ? null : plot.page.leave()),
    f: () => fullScreen(plot),
  }[event.key];
  if (!act) return;
  event.preventDefault();
  act();
}

function at(plot) {
  return plot.line.hidden ? undefined : Number(plot.line.dataset.at);
}

// To the next or previous point of the visible line that has most; says what is there.
function step(plot, by) {
  const [low, high] = plot.scene.window;
  const [longest] = plot.scene.lines
    .filter(({ shown }) => shown)
    .sort((one, other) => other.points.x.length - one.points.x.length);
  if (!longest) return;
  const x = longest.points.x.filter((position) => position >= low && position <= high);
  if (!x.length) return;
  const now = at(plot);
  const from = now === undefined ? (by < 0 ? x.length : -1) : firstFrom(x, now);
  const next = now !== undefined && by > 0 && x[from] > now ? from : from + by;
  const said = plot.page.point(plot, x[Math.max(0, Math.min(x.length - 1, next))]);
  plot.figure.querySelector(".spoken").textContent = said ? said.text : "";
}
