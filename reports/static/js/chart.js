// A chart on the page: its state, its drawing and its cursor.
//
// `state` says what is asked for: `axis` (step, epoch or time), `logX`, `logY`, `smoothing` (null as
// the chart was opened, else the weight of an exponential mean, 0 for none), `window` (from where to
// where along the axis; null for everything) and `hidden` (places of lines). `scene` follows from it.

class Plot {
  constructor(figure, chart, page) {
    Object.assign(this, { figure, chart, page });
    this.box = figure.querySelector(".plot");
    this.canvas = this.box.appendChild(element("div", "canvas"));
    this.selection = this.box.appendChild(element("div", "selection"));
    this.line = this.box.appendChild(element("div", "cursor"));
    this.tip = this.box.appendChild(element("div", "tip"));
    this.selection.hidden = this.line.hidden = this.tip.hidden = true;
    this.missing = element("p", "missing");
    this.missing.setAttribute("role", "status");
    this.box.after(this.missing);
    this.axes = axesOf(chart.lines);
    this.smoothed = chart.lines.filter((line) => line.smoothed || line.means);
    this.first = { axis: "step", logX: false, logY: chart.logY, smoothing: this.smoothed.length ? null : 0, window: null, hidden: new Set() };
    this.state = this.first;
    this.made = null;
    this.packed = true;
    this.instance = null;
    this.listeners = [];
  }

  // Draw for the first time; until then the chart costs nothing.
  open() {
    if (this.instance) return;
    this.instance = echarts.init(this.canvas, null, { renderer: "canvas" });
    this.draw();
    new ResizeObserver(() => {
      if (this.instance.getWidth() === this.box.clientWidth && this.instance.getHeight() === this.box.clientHeight) return;
      this.instance.resize();
      this.draw();
    }).observe(this.box);
  }

  // The chart came into view, or left it.
  enter(inView) {
    this.inView = inView;
    if (inView) this.open();
    if (inView && this.stale) this.draw();
  }

  // What the state shows; the numbers are unpacked when they are first asked for.
  get scene() {
    if (this.packed) this.chart.lines = this.chart.lines.map((line) => unpackLine(this.page.bytes, line));
    this.packed = false;
    this.made ??= sceneOf(this.chart, this.state);
    return this.made;
  }

  draw() {
    this.stale = false;
    if (!this.instance) return;
    this.instance.setOption(optionOf(this.scene, this.page.theme(), this.page, this.box.clientWidth), { notMerge: true });
    this.hideCursor();
    this.missing.textContent = missingText(this.scene);
  }

  change(part) {
    this.set(part);
    this.draw();
    this.page.changed();
  }

  // The same for one chart of many: it is drawn with the next frame, if it is in view, else when it is.
  follow(part) {
    this.set(part);
    if (!this.stale && this.inView) requestAnimationFrame(() => this.stale && this.draw());
    this.stale = true;
  }

  // The part of a wish that this chart can follow: an axis that it has, a logarithm of something.
  able({ axis, logY, smoothing, ...part }) {
    if (axis !== undefined && this.axes.includes(axis)) part.axis = axis;
    if (logY !== undefined) part.logY = logY && this.chart.positive;
    if (smoothing !== undefined) part.smoothing = smoothing ?? this.first.smoothing;
    return part;
  }

  set(part) {
    const moves = "axis" in part && part.axis !== this.state.axis;
    this.state = { ...this.state, ...(moves ? { window: null } : {}), ...part };
    this.made = null;
    for (const listener of this.listeners) listener(this.state);
  }

  toggle(place) {
    const hidden = new Set(this.state.hidden);
    if (!hidden.delete(place)) hidden.add(place);
    this.change({ hidden });
  }

  // How an axis position is spaced: as it is, or by its logarithm.
  get spacing() {
    return this.state.logX ? [Math.log10, (value) => 10 ** value] : [Number, Number];
  }

  // Magnify around a position by a factor; less than 1 shows more.
  zoom(factor, around) {
    const [to, from] = this.spacing;
    const [low, high] = this.scene.window.map(to);
    const middle = around === undefined ? (low + high) / 2 : to(around);
    this.show(from(middle - (middle - low) / factor), from(middle + (high - middle) / factor));
  }

  // Move the window by a share of its width.
  pan(share) {
    const [to, from] = this.spacing;
    const [low, high] = this.scene.window.map(to);
    const [first, last] = this.scene.full.map(to);
    const by = Math.max(first - low, Math.min(last - high, share * (high - low)));
    this.show(from(low + by), from(high + by));
  }

  // Show a stretch of the axis, kept within the points; all of it lifts the zoom.
  show(low, high) {
    const [first, last] = this.scene.full;
    const [from, to] = [Math.max(first, low), Math.min(last, high)];
    if (!(to - from > (last - first) * 1e-7)) return;
    this.look(from === first && to === last ? null : [from, to]);
  }

  // Show a window or, with null, everything; so do the charts that zoom with this one.
  look(window) {
    this.page.share(this, window);
    this.change({ window });
  }

  toAxis(pixel) {
    return this.instance.convertFromPixel({ xAxisIndex: 0 }, pixel);
  }

  toPixel(position) {
    return this.instance.convertToPixel({ xAxisIndex: 0 }, position);
  }

  // Set the cursor at the point nearest to a position; gives back what it says.
  showCursor(position) {
    if (!this.instance) return null;
    const [low, high] = this.scene.window;
    const said = position >= low && position <= high
      ? fillTip(this.tip, this.scene, position, this.page.theme())
      : null;
    if (!said || said.at < low || said.at > high) {
      this.hideCursor();
      return null;
    }
    const pixel = this.toPixel(said.at);
    this.line.hidden = false;
    this.line.style.left = `${pixel}px`;
    this.line.dataset.at = said.at;
    const wide = this.box.clientWidth, own = this.tip.offsetWidth;
    const beside = pixel + 12 + own <= wide ? pixel + 12 : pixel - 12 - own;
    this.tip.style.left = `${Math.max(0, Math.min(beside, wide - own))}px`;
    return said;
  }

  hideCursor() {
    this.line.hidden = this.tip.hidden = true;
  }
}
