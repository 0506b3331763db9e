// What the cursor says. Every text goes in as text.

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

// The nearest drawn point of each visible line: its line, its place among the line's points, how far.
function pointsAt(scene, wanted) {
  return scene.lines
    .filter(({ shown, points }) => shown && points.x.length)
    .map((each) => {
      const near = nearest(each.points, wanted);
      return { ...each, index: each.points.index[near], at: each.points.x[near] };
    });
}

function headOf(scene, { line, index }) {
  const said = [`${scene.chart.xLabel} ${whole(line.step[index])}`];
  if (line.epoch && !Number.isNaN(line.epoch[index])) said.push(`epoch ${signed(line.epoch[index].toFixed(2))}`);
  if (line.ms) said.push(duration(line.ms[index] / 1000));
  return said.join(" · ");
}

function rowText({ line, index, values }, scene, head) {
  const value = line.value[index];
  let text = Number.isNaN(value) ? "not finite" : exact(value);
  if (values && Number.isFinite(values[index])) text += ` (smoothed ${brief(values[index])})`;
  if (line.step[index] !== head.line.step[head.index]) text += ` at ${whole(line.step[index])}`;
  return text;
}

// The cursor's box, filled; gives back what it says in one sentence.
function fillTip(box, scene, wanted, theme) {
  const points = pointsAt(scene, wanted);
  if (!points.length) {
    box.hidden = true;
    return null;
  }
  const head = points.reduce((one, other) => (Math.abs(other.at - wanted) < Math.abs(one.at - wanted) ? other : one));
  const title = headOf(scene, head);
  const rows = points.map((point) => {
    const row = element("div", "row");
    const sample = row.appendChild(element("span", `sample ${point.line.dash}`));
    sample.style.color = point.line[theme.name];
    row.append(element("bdi", "name", point.line.name), element("span", "figure", rowText(point, scene, head)));
    return row;
  });
  box.replaceChildren(element("div", "head", title), ...rows);
  box.hidden = false;
  const said = points.map((point) => `${point.line.name} ${rowText(point, scene, head)}`);
  return { at: head.at, text: `${title}: ${said.join(", ")}` };
}
