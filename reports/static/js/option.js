// A scene as ECharts draws it. Names of series are numbers: no text of a run is a key or a template.

const DASHES = { solid: "solid", dashed: [7, 3.5], dotted: [2, 3], dashdot: [8, 3, 3, 3] };
const SPARSE = 60;
const MOST_LABELS = 3;
const STAR = "path://M10 0 12.9 6.4 20 7.2 14.8 12 16.2 19 10 15.5 3.8 19 5.2 12 0 7.2 7.1 6.4Z";

const nameOf = (place) => `L${place}`;

function optionOf(scene, theme, page, width) {
  const colour = ({ line }) => line[theme.name];
  const series = scene.lines.flatMap((each) => (each.x ? lineSeries(scene, each, theme, colour(each)) : []));
  return {
    animation: false,
    backgroundColor: "transparent",
    textStyle: { fontFamily: "system-ui, sans-serif" },
    grid: { left: 8, right: 14, top: 42, bottom: 26, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
    legend: {
      show: false,
      data: scene.lines.map(({ place }) => nameOf(place)),
      selected: Object.fromEntries(scene.lines.map(({ place, shown }) => [nameOf(place), shown])),
    },
    xAxis: axis(scene.window, scene.logX, Math.max(3, width / 85), theme, {
      name: xName(scene),
      nameLocation: "middle",
      nameGap: 26,
      axisLine: { show: true, onZero: false, lineStyle: { color: theme.rule } },
      splitLine: { show: false },
    }, scene.state.axis === "step" ? 1 : 0),
    yAxis: axis(scene.heights, scene.logY, 6, theme, {
      name: yName(scene),
      nameLocation: "end",
      nameGap: 24,
      nameTextStyle: { color: theme.muted, align: "left", overflow: "truncate", width: width * 0.7 },
      axisLine: { show: false, onZero: false },
      axisTick: { show: false },
      splitLine: { show: true, lineStyle: { color: theme.grid } },
    }),
    series: [marksSeries(scene, theme, page, width), ...series, foundSeries(scene, theme)],
  };
}

function axis([low, high], log, wanted, theme, look, least = 0) {
  const ticks = log ? logTicks(low, high, wanted) : linearTicks(low, high, wanted, least);
  return {
    type: log ? "log" : "value",
    min: low,
    max: high,
    ...look,
    nameTextStyle: { color: theme.muted, ...look.nameTextStyle },
    axisTick: { show: true, lineStyle: { color: theme.rule }, ...look.axisTick, customValues: ticks },
    axisLabel: {
      color: theme.muted,
      fontSize: 11,
      hideOverlap: true,
      customValues: ticks,
      formatter: (value) => tickText(value, ticks),
    },
  };
}

function xName(scene) {
  const plain = { step: scene.chart.xLabel, epoch: "epoch", time: `elapsed (${scene.unit[0]})` }[scene.state.axis];
  return scene.logX ? `${plain}, log scale` : plain;
}

function yName(scene) {
  return scene.logY ? `${scene.chart.yLabel}, log scale` : scene.chart.yLabel;
}

function marksSeries(scene, theme, page, width) {
  return {
    name: "marks",
    type: "line",
    silent: true,
    data: [],
    markArea: { silent: true, data: regions(scene, theme, page.phases, width) },
    markLine: { silent: true, symbol: "none", data: rules(scene, theme, page.attempts, scene.chart.findings) },
  };
}

function lineSeries(scene, each, theme, colour) {
  const { line, raw, average, band, place } = each;
  const base = { name: nameOf(place), type: "line", silent: true, symbol: "none", z: line.crowded ? 2 : 3 };
  const count = raw.filter(([, value]) => Number.isFinite(value)).length;
  const dots = count <= SPARSE;
  // What has few points is read point by point: its average steps back rather than they.
  // A page of several runs may say that a line only stands behind others, as those of one mean do.
  const behind = line.recedes || (average && !dots) ? mixed(colour, theme.background, 0.7) : colour;
  const drawn = {
    ...base,
    id: `raw ${place}`,
    data: raw,
    symbol: dots ? "circle" : "none",
    symbolSize: 5,
    showAllSymbol: true,
    itemStyle: { color: behind },
    lineStyle: { color: behind, type: DASHES[line.dash], width: line.crowded ? 1 : 1.8, opacity: line.crowded && !average ? 0.75 : 1 },
  };
  const all = [...bandSeries(band, base, colour), drawn];
  if (!dots) all.push({ ...base, id: `alone ${place}`, type: "scatter", symbol: "circle", symbolSize: 5, data: alone(raw), itemStyle: { color: behind, opacity: 1 } });
  if (average) all.push({ ...base, id: `average ${place}`, z: 4, data: average, lineStyle: { color: colour, type: DASHES[line.dash], width: dots ? 1.2 : 2.2, opacity: dots ? 0.6 : 1 } });
  if (line.best) all.push(...bestSeries(scene, each, theme, colour));
  return all;
}

// A colour and a share of another, opaque: strokes that cross do not add up to the full colour.
function mixed(one, other, share) {
  const part = (colour, place) => parseInt(colour.slice(place, place + 2), 16);
  const parts = [1, 3, 5].map((place) => Math.round(part(one, place) * (1 - share) + part(other, place) * share));
  return `rgb(${parts.join(", ")})`;
}

// Values whose neighbours are gaps: no stroke would show them.
function alone(raw) {
  const none = (place) => !(raw[place] && Number.isFinite(raw[place][1]));
  return raw.filter((point, place) => !none(place) && none(place - 1) && none(place + 1));
}

// Two stacked stairs: an unseen one up to the least values, and on it what lies between.
function bandSeries(band, base, colour) {
  if (!band.length) return [];
  const stair = { ...base, stack: `band ${base.name}`, stackStrategy: "all", step: "end", z: 1, lineStyle: { width: 0, opacity: 0 } };
  return [
    { ...stair, id: `band from ${base.name}`, data: band.map(([at, low]) => [at, low]) },
    { ...stair, id: `band to ${base.name}`, data: band.map(([at, low, high]) => [at, high - low]), areaStyle: { color: colour, opacity: 0.16 } },
  ];
}

function bestSeries(scene, { line, x, place }, theme, colour) {
  const at = placeOfStep(line, x, line.best.step);
  const [low, high] = scene.window;
  if (!(at >= low && at <= high)) return [];
  const share = scene.share(at);
  const few = scene.lines.filter((each) => each.shown && each.line.best).length <= MOST_LABELS;
  return [{
    name: nameOf(place),
    id: `best ${place}`,
    type: "scatter",
    silent: true,
    clip: false,
    z: 5,
    data: [[at, height(scene, line.best.value)]],
    symbol: line.judges ? STAR : "circle",
    symbolSize: line.judges ? 15 : 8,
    itemStyle: line.judges
      ? { color: colour, borderColor: theme.background, borderWidth: 1, opacity: 1 }
      : { color: theme.background, borderColor: colour, borderWidth: 2, opacity: 1 },
    labelLayout: { hideOverlap: true },
    label: {
      show: line.judges || few,
      formatter: () => line.best.text,
      position: line.below ? "bottom" : "top",
      align: share < 0.25 ? "left" : share > 0.75 ? "right" : "center",
      color: line.judges ? theme.ink : colour,
      fontWeight: line.judges ? "bold" : "normal",
      fontSize: 11,
      textBorderColor: theme.background,
      textBorderWidth: 3,
    },
  }];
}
