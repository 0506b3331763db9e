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
  scene.window = within(state.window, scene.full);
  scene.share = (at) => share(scene, at);
  for (const each of scene.lines) Object.assign(each, drawnOf(scene, each));
  scene.heights = heights(scene);
  return scene;
}

// The part of a wanted window where there are points; without any, or without a wish, all of them.
function within(wanted, [first, last]) {
  if (!wanted) return [first, last];
  const [from, to] = [Math.max(first, wanted[0]), Math.min(last, wanted[1])];
  return from < to ? [from, to] : [first, last];
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
  const average = smoothing === null ? line.smoothed : smoothing > 0 ? smoothLine(line, smoothing) : null;
  const missing = { x: 0, y: 0 };
  if (!x) return { points, raw: [], average: null, band: [], missing };
  const raw = [], curve = [];
  for (let place = 0; place < x.length; place += 1) {
    if (Number.isNaN(x[place])) continue;
    if (scene.logX && x[place] <= 0) {
      missing.x += 1;
      continue;
    }
    if (scene.logY && line.value[place] <= 0) missing.y += 1;
    points.x.push(x[place]);
    points.index.push(place);
    raw.push([x[place], height(scene, line.value[place])]);
    if (average) curve.push([x[place], height(scene, average[place])]);
  }
  return { points, raw, values: average, average: average ? curve : null, band: bandOf(scene, line, x), missing };
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
    for (const curve of [raw, average ?? []]) {
      for (const [at, value] of curve) if (at >= from && at <= to) take(value);
      for (const edge of [from, to]) take(crossing(scene, curve, edge));
    }
    if (line.best && x) {
      const at = placeOfStep(line, x, line.best.step);
      if (at >= from && at <= to) take(height(scene, line.best.value));
    }
  }
  const best = scene.lines.filter(({ shown, line }) => shown && line.best).map(({ line }) => line.below);
  return padded(low, high, scene.logY, [best.includes(true), best.includes(false)]);
}

// How high a curve is at a place, as it is drawn; NaN where it is not.
function crossing({ logX, logY }, curve, at) {
  const after = curve.findIndex(([place]) => place >= at);
  if (after < 0) return NaN;
  if (curve[after][0] === at) return curve[after][1];
  if (after === 0) return NaN;
  const [across, up] = [logX ? Math.log : Number, logY ? Math.log : Number];
  const [[left, low], [right, high]] = [curve[after - 1], curve[after]];
  const share = (across(at) - across(left)) / (across(right) - across(left));
  const found = up(low) + share * (up(high) - up(low));
  return logY ? Math.exp(found) : found;
}

// What a logarithmic axis cannot show, in a sentence.
function missingText(scene) {
  const shown = scene.lines.filter((each) => each.shown);
  const total = (axis) => shown.reduce((sum, { missing }) => sum + missing[axis], 0);
  const [x, y] = [total("x"), total("y")];
  if (!x && !y) return "";
  const all = shown.reduce((sum, { line }) => sum + line.value.length, 0);
  const said = [x && `${whole(x)} by ${scene.state.axis}`, y && `${whole(y)} by value`].filter(Boolean);
  return `At or below 0, so not on the log ${x && y ? "axes" : "axis"}: ${said.join(" and ")}, of ${whole(all)} drawn points.`;
}
