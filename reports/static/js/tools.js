// The controls under a chart, and those above all charts.

const IMAGE = { width: 1200, height: 640 };
const PIXEL_RATIO = 2;
const AXIS_NAMES = { step: "by step", epoch: "by epoch", time: "by time" };
const VARIOUS = "various";
// Where the slider stands while a chart is smoothed as it was opened; what is on is said beside it.
const OPENED_AT = 0.9;

// Named by its text, as who speaks to the page says what is seen; a sign is named by its title.
function button(text, title, act) {
  const made = element("button", "tool", text);
  made.type = "button";
  made.title = title;
  if (!/\w/.test(text)) made.setAttribute("aria-label", title);
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

// What a chart and the page both have: the axis, its scales, the smoothing. `act` takes a part of a
// state; `show` takes what is on, or VARIOUS where the charts do not agree.
function settings({ axes, positive, smoothed }, act) {
  const on = {};
  const flip = (name) => act({ [name]: on[name] !== true, ...(name === "logX" ? { window: null } : {}) });
  const axis = choice("Horizontal axis", axes.map((each) => [each, AXIS_NAMES[each]]), (chosen) => act({ axis: chosen }));
  const logX = button("log x", "Logarithmic horizontal axis", () => flip("logX"));
  const logY = button("log y", "Logarithmic vertical axis", () => flip("logY"));
  logY.disabled = !positive;
  const [label, slider, said] = smoother((smoothing) => act({ smoothing }));
  const auto = button("auto", "Smoothed as the page was opened", () => act({ smoothing: null }));
  if (smoothed) label.append(auto);
  return {
    parts: [...(axes.length > 1 ? [axis] : []), logX, logY, label],
    show(state, text) {
      Object.assign(on, state);
      if (state.axis === VARIOUS && !axis.querySelector("[hidden]")) axis.append(various());
      axis.value = state.axis;
      for (const [made, value] of [[logX, state.logX], [logY, state.logY], [auto, state.smoothing === null]]) {
        made.setAttribute("aria-pressed", value === VARIOUS ? "mixed" : value);
      }
      slider.value = typeof state.smoothing === "number" ? state.smoothing : OPENED_AT;
      said.textContent = text;
      slider.setAttribute("aria-valuetext", text);
    },
  };
}

// A choice that only the page makes.
function various() {
  const option = element("option", "", VARIOUS);
  option.value = VARIOUS;
  option.hidden = true;
  return option;
}

function smoother(act) {
  const box = element("span", "smoother");
  const label = box.appendChild(element("label", "", "smoothing "));
  const slider = label.appendChild(element("input"));
  Object.assign(slider, { type: "range", min: 0, max: 0.99, step: 0.01 });
  const said = box.appendChild(element("span", "said"));
  slider.addEventListener("input", () => act(Number(slider.value)));
  return [box, slider, said];
}

function equip(plot) {
  const tools = plot.figure.querySelector(".tools");
  const { axes, chart, smoothed } = plot;
  tools.setAttribute("role", "group");
  tools.setAttribute("aria-label", `Controls of ${chart.title}`);
  const set = settings({ axes, positive: chart.positive, smoothed: smoothed.length > 0 }, (part) => plot.change(part));
  tools.append(
    ...set.parts,
    button("−", "Zoom out", () => plot.instance && plot.zoom(0.5)),
    button("+", "Zoom in", () => plot.instance && plot.zoom(2)),
    button("reset", "Show everything", () => plot.look(null)),
    button("full screen", "Show this chart alone", () => fullScreen(plot)),
    button("PNG", "Save as an image", () => saveImage(plot)),
  );
  const entries = plot.figure.querySelectorAll(".legend button");
  plot.listeners.push((state) => {
    set.show(state, smoothingText(plot));
    for (const entry of entries) entry.setAttribute("aria-pressed", !state.hidden.has(Number(entry.dataset.line)));
  });
  for (const entry of entries) entry.addEventListener("click", () => plot.toggle(Number(entry.dataset.line)));
  plot.set({});
}

function smoothingText({ state, smoothed, chart }) {
  if (state.smoothing === 0) return "off";
  if (state.smoothing !== null) return `${state.smoothing.toFixed(2)}, ${rowsSmoothed([chart])}`;
  const [first, ...others] = new Set(smoothed.map((line) => line.smoothing));
  return others.length ? `${first}, others likewise` : first;
}

// The controls above the charts: what is set there is set in each of them.
function equipPage(page) {
  const tools = document.getElementById("page-tools");
  if (!tools || page.plots.length < 2) return;
  const axes = Object.keys(AXIS_NAMES).filter((axis) => page.plots.some((plot) => plot.axes.includes(axis)));
  const some = (is) => page.plots.some(is);
  const set = settings({ axes, positive: some(({ chart }) => chart.positive), smoothed: some(({ smoothed }) => smoothed.length) }, (part) => page.setAll(part));
  const together = button("zoom together", "What is zoomed in one chart is zoomed in all that have the same axis", () => {
    page.together = !page.together;
    page.changed();
  });
  const [search, clear] = filter(page);
  const reset = button("reset all", "All charts as the page was opened", () => {
    clear();
    page.reset();
  });
  tools.append(element("span", "said", "all charts"), ...set.parts, together, reset, search);
  page.changed = () => {
    set.show(page.common(), commonSmoothing(page));
    together.setAttribute("aria-pressed", page.together);
  };
  page.changed();
}

// Only the charts whose title and lines have all the words in their names; and what shows all again.
function filter(page) {
  const box = element("label", "filter", "find ");
  const field = box.appendChild(element("input", "tool"));
  Object.assign(field, { type: "search", placeholder: "part of a name", spellcheck: false });
  const said = box.appendChild(element("span", "said"));
  said.setAttribute("role", "status");
  const apply = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const { figure } of page.plots) {
      const named = [...figure.querySelectorAll("h3, .legend .name")].map((each) => each.textContent.toLowerCase()).join(" ");
      figure.hidden = !words.every((word) => named.includes(word));
    }
    const left = page.plots.filter(({ figure }) => !figure.hidden).length;
    said.textContent = words.length ? `${left} of ${page.plots.length}` : "";
  };
  field.addEventListener("input", apply);
  return [box, () => {
    field.value = "";
    apply();
  }];
}

function commonSmoothing(page) {
  const { smoothing } = page.common();
  if (smoothing === VARIOUS) return VARIOUS;
  if (smoothing === null) return "where values are dense";
  return smoothing === 0 ? "off" : `${smoothing.toFixed(2)}, ${rowsSmoothed(page.plots.map(({ chart }) => chart))}`;
}

// What is smoothed: all rows, where each line draws them or brings their means.
function rowsSmoothed(charts) {
  const whole = charts.every(({ lines }) => lines.every((line) => line.means || line.complete));
  return whole ? "of all rows" : "of the drawn points";
}

function fullScreen(plot) {
  const { figure } = plot;
  if (document.fullscreenElement) document.exitFullscreen();
  else if (figure.requestFullscreen) figure.requestFullscreen();
  else figure.classList.toggle("full");
}

// A drawing that is not on the page, as the address of a PNG.
function imageOf(size, theme, option) {
  const instance = echarts.init(element("div"), null, { ...size, devicePixelRatio: PIXEL_RATIO, renderer: "canvas" });
  instance.setOption(option);
  const address = instance.getDataURL({ type: "png", pixelRatio: PIXEL_RATIO, backgroundColor: theme.background });
  instance.dispose();
  return address;
}

// The chart as it stands, with its title and names, at the same size from every screen.
function saveImage(plot) {
  const theme = plot.page.theme();
  const option = optionOf(plot.scene, theme, plot.page, IMAGE.width);
  const names = new Map(plot.chart.lines.map((line, place) => [nameOf(place), line.name]));
  const shown = plot.scene.lines.filter((each) => each.shown && each.x);
  const link = element("a");
  link.href = imageOf(IMAGE, theme, {
    ...option,
    backgroundColor: theme.background,
    title: { text: plot.chart.title, left: 16, top: 12, textStyle: { color: theme.ink, fontSize: 20 } },
    color: plot.chart.lines.map((line) => line[theme.name]),
    legend: { ...option.legend, show: true, left: 16, top: 46, type: "scroll", textStyle: { color: theme.ink },
      formatter: (name) => names.get(name), data: shown.map(({ line, place }) => ({ name: nameOf(place), icon: "rect", itemStyle: { color: line[theme.name] } })) },
    grid: { ...option.grid, left: 20, right: 28, top: 110, bottom: 44 },
  });
  link.download = `${plot.chart.file}.png`;
  link.click();
}
