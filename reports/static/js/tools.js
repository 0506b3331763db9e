// The controls under a chart.

const IMAGE = { width: 1200, height: 640, pixelRatio: 2 };
const AXIS_NAMES = { step: "by step", epoch: "by epoch", time: "by time" };

function button(text, title, act) {
  const made = element("button", "tool", text);
  made.type = "button";
  made.title = title;
  made.setAttribute("aria-label", title);
  made.addEventListener("click", act);
  return made;
}

function choice(name, options, act) {
  const made = element("select", "tool");
  made.setAttribute("aria-label", name);
  for (const [value, text] of options) {
    const option = made.appendChild(element("option", "", text));
    option.value = value;
  }
  made.addEventListener("change", () => act(made.value));
  return made;
}

function equip(plot) {
  const tools = plot.figure.querySelector(".tools");
  const axes = choice("Horizontal axis", plot.axes.map((axis) => [axis, AXIS_NAMES[axis]]), (axis) => plot.change({ axis }));
  const logX = button("log x", "Logarithmic horizontal axis", () => plot.change({ logX: !plot.state.logX, window: null }));
  const logY = button("log y", "Logarithmic vertical axis", () => plot.change({ logY: !plot.state.logY }));
  logY.disabled = !plot.chart.positive;
  const [label, slider, said] = smoother(plot);
  if (plot.axes.length > 1) tools.append(axes);
  tools.append(
    logX, logY, label,
    button("−", "Zoom out", () => plot.instance && plot.zoom(0.5)),
    button("+", "Zoom in", () => plot.instance && plot.zoom(2)),
    button("reset", "Show everything", () => plot.change({ window: null })),
    button("full screen", "Show this chart alone", () => fullScreen(plot)),
    button("PNG", "Save as an image", () => saveImage(plot)),
  );
  plot.listeners.push((state) => {
    axes.value = state.axis;
    logX.setAttribute("aria-pressed", state.logX);
    logY.setAttribute("aria-pressed", state.logY);
    slider.value = state.smoothing;
    said.textContent = smoothingText(plot);
    for (const entry of plot.figure.querySelectorAll(".legend button")) {
      entry.setAttribute("aria-pressed", !state.hidden.has(Number(entry.dataset.line)));
    }
  });
  for (const entry of plot.figure.querySelectorAll(".legend button")) {
    entry.addEventListener("click", () => plot.toggle(Number(entry.dataset.line)));
  }
  plot.change({});
}

function smoother(plot) {
  const label = element("label", "smoother", "smoothing ");
  const slider = label.appendChild(element("input"));
  Object.assign(slider, { type: "range", min: 0, max: 0.99, step: 0.01, value: 0 });
  const said = label.appendChild(element("span", "said"));
  slider.addEventListener("input", () => plot.change({ smoothing: Number(slider.value) }));
  return [label, slider, said];
}

function smoothingText(plot) {
  const { smoothing } = plot.state;
  if (smoothing > 0) return `${smoothing.toFixed(2)}, of the drawn points`;
  const [recorded] = plot.chart.lines.filter((line) => line.smoothed);
  return recorded ? `${recorded.smoothing}, of all rows` : "off";
}

function fullScreen(plot) {
  const { figure } = plot;
  if (document.fullscreenElement) document.exitFullscreen();
  else if (figure.requestFullscreen) figure.requestFullscreen();
  else figure.classList.toggle("full");
}

// The chart as it stands, with its title and names, at the same size from every screen.
function saveImage(plot) {
  plot.open();
  const theme = plot.page.theme();
  const sheet = element("div");
  const instance = echarts.init(sheet, null, { ...IMAGE, renderer: "canvas" });
  const option = optionOf(plot.scene, theme, plot.page, IMAGE.width);
  const names = new Map(plot.chart.lines.map((line, place) => [nameOf(place), line.name]));
  const shown = plot.scene.lines.filter((each) => each.shown && each.x);
  instance.setOption({
    ...option,
    backgroundColor: theme.background,
    title: { text: plot.chart.title, left: 16, top: 12, textStyle: { color: theme.ink, fontSize: 20 } },
    color: plot.chart.lines.map((line) => line[theme.name]),
    legend: { ...option.legend, show: true, left: 16, top: 46, type: "scroll", textStyle: { color: theme.ink },
      formatter: (name) => names.get(name), data: shown.map(({ line, place }) => ({ name: nameOf(place), icon: "rect", itemStyle: { color: line[theme.name] } })) },
    grid: { ...option.grid, left: 20, right: 28, top: 110, bottom: 44 },
  });
  const link = element("a");
  link.href = instance.getDataURL({ type: "png", pixelRatio: IMAGE.pixelRatio, backgroundColor: theme.background });
  link.download = `${plot.chart.file}.png`;
  link.click();
  instance.dispose();
}
