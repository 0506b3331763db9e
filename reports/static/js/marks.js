// What lies behind and beside the lines: phases, attempts, findings, stretches without a number.

const NAME_PIXELS = 6;

// The line by which steps are placed along an axis: the one with the most points.
function paceOf(scene) {
  const known = scene.lines.filter((each) => each.x);
  return known.sort((one, other) => other.x.length - one.x.length)[0];
}

function regions(scene, theme, phases, width) {
  return [...phaseAreas(scene, theme, phases, width), ...gapAreas(scene, theme)];
}

// A shade over each phase, and the names that fit into three rows at the top.
function phaseAreas(scene, theme, phases, width) {
  const pace = paceOf(scene);
  if (!pace) return [];
  const [low, high] = scene.window;
  const at = (step) => placeOfStep(pace.line, pace.x, step);
  const ends = [0, 0, 0];
  return phases.flatMap((phase, place) => {
    const next = phases[place + 1];
    const [from, to] = [Math.max(at(phase.step), low), next ? Math.min(at(next.step), high) : high];
    if (!(from < to)) return [];
    const begin = scene.share(from) * (width - 60), end = begin + 12 + phase.name.length * NAME_PIXELS;
    const row = end > width - 60 ? -1 : ends.findIndex((taken) => taken <= begin);
    if (row >= 0) ends[row] = end;
    const label = { show: row >= 0, formatter: () => phase.name, position: "insideTopLeft", offset: [0, row * 12], color: theme.muted, fontSize: 10 };
    return [area(from, to, { color: theme.muted, opacity: place % 2 ? 0.1 : 0.04 }, label)];
  });
}

// A stretch without a finite value; the narrowest is still seen.
function gapAreas(scene, theme) {
  const [low, high] = scene.window;
  const clip = (from, to) => [Math.max(from, low), Math.min(to, high)];
  const areas = [];
  const least = scene.logX ? 0 : (high - low) * 0.001;
  for (const { line, x, shown } of scene.lines) {
    if (!shown || !x) continue;
    for (const [first, last] of line.stretches) {
      const [from, to] = [placeOfStep(line, x, first), placeOfStep(line, x, last)];
      const [left, right] = clip(from - least, to + least);
      const look = { color: theme.trouble, opacity: 0.22, borderColor: theme.trouble, borderWidth: 1 };
      if (left <= right) areas.push(area(left, right, look, { show: false }));
    }
  }
  return areas;
}

function area(from, to, itemStyle, label) {
  return [{ xAxis: from, itemStyle, label }, { xAxis: to }];
}

function rules(scene, theme, attempts, findings) {
  const pace = paceOf(scene);
  if (!pace) return [];
  const [low, high] = scene.window;
  const badge = { position: "end", distance: 3, fontSize: 10, lineHeight: 12, padding: [2, 4, 1, 4], borderRadius: 3 };
  const lines = attempts.map((attempt) => ({
    step: attempt.step,
    lineStyle: { color: theme.muted, type: "dashed", width: 1 },
    label: { ...badge, formatter: () => attempt.name, color: theme.muted },
  }));
  findings.forEach((finding, place) => {
    const of = scene.lines[finding.line];
    if (!of.shown || !of.x) return;
    const colour = severityColour(finding, theme);
    lines.push({
      step: finding.step,
      of,
      lineStyle: { color: colour, type: [2, 3], width: 1 },
      label: { ...badge, formatter: () => String(place + 1), color: theme.background, backgroundColor: colour },
    });
  });
  return lines
    .map(({ step, of = pace, ...look }) => ({ xAxis: placeOfStep(of.line, of.x, step), ...look }))
    .filter(({ xAxis }) => xAxis >= low && xAxis <= high);
}

const severityColour = ({ severity }, theme) => ({ critical: theme.trouble, warning: theme.warning })[severity] ?? theme.muted;

// A ring on its own line where each finding begins, as high as the curve that the eye follows.
function foundSeries(scene, theme) {
  const [low, high] = scene.window;
  const rings = scene.chart.findings.flatMap((finding) => {
    const { line, x, shown, raw, average } = scene.lines[finding.line];
    const at = shown && x ? placeOfStep(line, x, finding.step) : NaN;
    const up = at >= low && at <= high ? crossing(scene, average ?? raw, at) : NaN;
    return Number.isFinite(up) ? [{ value: [at, up], itemStyle: { color: theme.background, borderColor: severityColour(finding, theme), borderWidth: 2 } }] : [];
  });
  return { name: "found", id: "found", type: "scatter", silent: true, z: 4, symbol: "circle", symbolSize: 7, data: rings };
}
