// A chart on the page: its state, its drawing and its cursor.

class Plot {
  constructor(figure, chart, page) {
    Object.assign(this, { figure, chart, page });
    this.box = figure.querySelector(".plot");
    this.canvas = this.box.appendChild(element("div", "canvas"));
    this.selection = this.box.appendChild(element("div", "selection"));
    this.line = this.box.appendChild(element("div", "cursor"));
    this.tip = this.box.appendChild(element("div", "tip"));
    this.selection.hidden = this.line.hidden = this.tip.hidden = true;
    this.axes = axesOf(chart.lines);
    this.state = { axis: "step", logX: false, logY: chart.logY, smoothing: 0, window: null, hidden: new Set() };
    this.scene = null;
    this.instance = null;
    this.listeners = [];
  }

  // Draw for the first time; until then the chart costs nothing.
  open() {
    if (this.instance) return;
    this.chart.lines = this.chart.lines.map((line) => unpackLine(this.page.bytes, line));
    this.instance = echarts.init(this.canvas, null, { renderer: "canvas" });
    this.draw();
    new ResizeObserver(() => {
      if (this.instance.getWidth() === this.box.clientWidth && this.instance.getHeight() === this.box.clientHeight) return;
      this.instance.resize();
      this.draw();
    }).observe(this.box);
  }

  draw(theme = this.page.theme()) {
    if (!this.instance) return;
    this.scene = sceneOf(this.chart, this.state);
    this.instance.setOption(optionOf(this.scene, theme, this.page, this.box.clientWidth), { notMerge: true });
    this.hideCursor();
  }

  change(part) {
    const moves = "axis" in part && part.axis !== this.state.axis;
    Object.assign(this.state, moves ? { window: null } : {}, part);
    this.draw();
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
    this.change({ window: from === first && to === last ? null : [from, to] });
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
