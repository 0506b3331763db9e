// Lines as numbers: where their points lie along an axis, the nearest point, smoothing.

const TIME_UNITS = [
  ["s", 1, 0],
  ["min", 60, 180],
  ["h", 3600, 10800],
  ["d", 86400, 345600],
];

// The unit of the time axis that suits the longest line.
function timeUnit(lines) {
  const longest = Math.max(0, ...lines.map((line) => (line.ms?.length ? line.ms[line.ms.length - 1] / 1000 : 0)));
  return TIME_UNITS.filter(([, , from]) => longest >= from).pop();
}

function axesOf(lines) {
  const axes = ["step"];
  if (lines.some((line) => line.epoch)) axes.push("epoch");
  if (lines.some((line) => line.ms)) axes.push("time");
  return axes;
}

// Where a line's points lie; null for a line that is not known along this axis.
function positions(line, axis, unit) {
  if (axis === "step") return line.step;
  if (axis === "epoch") return line.epoch;
  return line.ms && line.ms.map((ms) => ms / 1000 / unit[1]);
}

// The first place in a growing array whose number is not below the wanted one.
function firstFrom(numbers, wanted) {
  let low = 0, high = numbers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[middle] < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

// Where a step lies along an axis, between the points of a line on either side of it.
function placeOfStep(line, x, step) {
  if (x === line.step) return step;
  let after = firstFrom(line.step, step), before = after - 1;
  while (after < x.length && Number.isNaN(x[after])) after += 1;
  while (before >= 0 && Number.isNaN(x[before])) before -= 1;
  if (after >= x.length) return before >= 0 ? x[before] : NaN;
  if (before < 0 || line.step[after] === step) return x[after];
  const share = (step - line.step[before]) / (line.step[after] - line.step[before]);
  return x[before] + share * (x[after] - x[before]);
}

// The drawn point that lies nearest to a position; -1 if there is none.
function nearest(points, wanted) {
  let best = -1, distance = Infinity;
  const from = firstFrom(points.x, wanted);
  for (const place of [from - 1, from]) {
    const away = Math.abs(points.x[place] - wanted);
    if (place >= 0 && place < points.x.length && away < distance) [best, distance] = [place, away];
  }
  return best;
}

// A curve through the points `at` and `heights` at each step; a gap where the line itself has one.
function along(at, heights, step, value) {
  let right = 1;
  return Array.from(step, (here, place) => {
    if (!Number.isFinite(value[place])) return NaN;
    while (right < at.length - 1 && at[right] < here) right += 1;
    if (at.length < 2 || here <= at[0]) return heights[0];
    if (here >= at[at.length - 1]) return heights[at.length - 1];
    const share = (here - at[right - 1]) / (at[right] - at[right - 1]);
    return heights[right - 1] + share * (heights[right] - heights[right - 1]);
  });
}

// A line smoothed by a weight: over the means of all rows where it leaves some out, which are fewer
// than its points and count for as many.
function smoothLine(line, weight) {
  if (!line.means) return smooth(line.value, weight);
  const each = weight ** (line.value.length / line.means.value.length);
  return along(line.means.at, smooth(line.means.value, each), line.step, line.value);
}

// Exponential mean with its start corrected, as TensorBoard's; gaps stay gaps and count for nothing.
function smooth(values, weight) {
  let mean = 0, left = 1;
  return Array.from(values, (value) => {
    if (!Number.isFinite(value)) return NaN;
    mean = weight * mean + (1 - weight) * value;
    left *= weight;
    return mean / (1 - left);
  });
}
