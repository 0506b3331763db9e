// A chart in a state: which points it shows where, and how far its axes reach.

function sceneOf(chart, state) {
  const unit = timeUnit(chart.lines);
  const scene = { chart, state, unit, logX: state.logX, logY: state.logY };
  scene.lines = chart.lines.map((line, place) => ({
    line,
    place,
    shown: !state.hidden.has(place),
    x: positions(line, state.axis, unit),
  }));
  scene.full = reach(scene);
  scene.window = state.window ?? scene.full;
  scene.share = (at) => share(scene, at);
  for (const each of scene.lines) Object.assign(each, drawnOf(scene, each));
  scene.heights = heights(scene);
  return scene;
}

// How far into the window a position is, from 0 to 1.
function share({ window: [low, high], logX }, at) {
  return logX ? Math.log(at / low) / Math.log(high / low) : (at - low) / (high - low);
}

// From the first to the last point of all lines, hidden ones too, so that hiding moves nothing.
function reach(scene) {
  let low = Infinity, high = -Infinity;
  for (const { x } of scene.lines) {
    for (const place of x ?? []) {
      if (Number.isNaN(place) || (scene.logX && place <= 0)) continue;
      low = Math.min(low, place);
      high = Math.max(high, place);
    }
  }
  if (low > high) return scene.logX ? [1, 10] : [0, 1];
  if (low < high) return [low, high];
  return scene.logX ? [low / 2, high * 2] : [low - 1, high + 1];
}

// The points of a line that its axes can show, and the curves that go with them.
function drawnOf(scene, { line, x }) {
  const points = { x: [], index: [] };
  const { smoothing } = scene.state;
  const average = smoothing > 0 ? smooth(line.value, smoothing) : line.smoothed;
  if (!x) return { points, raw: [], average: null, band: [] };
  const raw = [], curve = [];
  for (let place = 0; place < x.length; place += 1) {
    if (Number.isNaN(x[place]) || (scene.logX && x[place] <= 0)) continue;
    points.x.push(x[place]);
    points.index.push(place);
    raw.push([x[place], height(scene, line.value[place])]);
    if (average) curve.push([x[place], height(scene, average[place])]);
  }
  return { points, raw, values: average, average: average ? curve : null, band: bandOf(scene, line, x) };
}

function height(scene, value) {
  return scene.logY && !(value > 0) ? NaN : value / scene.chart.unit;
}

function bandOf(scene, line, x) {
  if (!line.band) return [];
  const band = [];
  for (let place = 0; place < line.band.step.length; place += 1) {
    const at = placeOfStep(line, x, line.band.step[place]);
    const [least, greatest] = [line.band.least[place], line.band.greatest[place]];
    if (Number.isNaN(at) || (scene.logX && at <= 0) || (scene.logY && greatest <= 0)) continue;
    const floor = scene.logY && least <= 0 ? greatest / 1e3 : least;
    band.push([at, floor / scene.chart.unit, greatest / scene.chart.unit]);
  }
  const last = x[x.length - 1];
  if (band.length && last > band[band.length - 1][0]) band.push([last, ...band[band.length - 1].slice(1)]);
  return band;
}

// The y axis fits what the window shows of the visible lines.
function heights(scene) {
  const [from, to] = scene.window;
  let low = Infinity, high = -Infinity;
  const take = (value) => {
    if (!Number.isFinite(value)) return;
    low = Math.min(low, value);
    high = Math.max(high, value);
  };
  for (const { shown, raw, average, band, line, x } of scene.lines) {
    if (!shown) continue;
    for (const [at, least, greatest] of band) if (at >= from && at <= to) [least, greatest].forEach(take);
    for (const [at, value] of raw) if (at >= from && at <= to) take(value);
    for (const [at, value] of average ?? []) if (at >= from && at <= to) take(value);
    if (line.best && x) {
      const at = placeOfStep(line, x, line.best.step);
      if (at >= from && at <= to) take(height(scene, line.best.value));
    }
  }
  const best = scene.lines.filter(({ shown, line }) => shown && line.best).map(({ line }) => line.below);
  return padded(low, high, scene.logY, [best.includes(true), best.includes(false)]);
}
