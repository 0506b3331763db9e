// The table of epochs: which statistic it shows, in which order, and as CSV.

function equipEpochs(data) {
  const table = document.getElementById("epoch-table");
  if (!table) return;
  const tools = document.getElementById("epoch-tools");
  const rows = [...table.tBodies[0].rows];
  const shown = { columns: null };
  if (data.statistics.length) {
    const first = rows.map((row) => [...row.cells].slice(3).map((cell) => [cell.textContent, cell.title]));
    const options = [["", "value of the epoch"], ...data.statistics.map(({ name }, place) => [place, name])];
    tools.append(choice("Statistic", options, (place) => {
      shown.columns = place === "" ? null : data.statistics[place].columns;
      rows.forEach((row, epoch) => fill(row, epoch, shown.columns, first[epoch]));
    }));
  }
  tools.append(button("copy as CSV", "Copy the table of epochs with all statistics as CSV", (event) => copy(csvOf(data), event.target)));
  [...table.tHead.rows[0].cells].forEach((head, place) => {
    const sort = button("", "", () => order(table, rows, head, place, data, shown.columns));
    sort.className = "sort";
    sort.removeAttribute("aria-label");
    sort.title = "Sort";
    sort.append(...head.childNodes);
    head.append(sort);
  });
}

function fill(row, epoch, columns, first) {
  [...row.cells].slice(3).forEach((cell, place) => {
    const value = columns ? columns[place][epoch] : null;
    cell.textContent = columns ? brief(value) : first[place][0];
    cell.title = columns ? (value === null ? "" : String(value)) : first[place][1];
  });
}

// By the numbers behind the cells; what is missing comes last in either direction.
function order(table, rows, head, place, data, columns) {
  const shown = (row) => {
    const cell = row.cells[place];
    return cell.title === "" ? NaN : Number(cell.title);
  };
  const known = [data.epoch, data.first, data.seconds][place];
  const key = new Map(rows.map((row, epoch) => [row, known ? known[epoch] ?? NaN : columns ? columns[place - 3][epoch] ?? NaN : shown(row)]));
  const down = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", down === 1 ? "ascending" : "descending");
  const sorted = [...rows].sort((one, other) => {
    const [a, b] = [key.get(one), key.get(other)];
    return Number.isNaN(a) || Number.isNaN(b) ? Number.isNaN(a) - Number.isNaN(b) : down * (a - b);
  });
  table.tBodies[0].append(...sorted);
}

// RFC 4180. A text that a spreadsheet would take for a formula gets an apostrophe in front.
function csvCell(value) {
  if (value === null) return "";
  if (typeof value === "number") return String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}

function csvOf(data) {
  const columns = data.statistics.flatMap(({ name, columns: of }) => of.map((values, place) => [`${data.metrics[place]} ${name}`, values]));
  const all = [["epoch", data.epoch], ["first step", data.first], ["last step", data.last], ["seconds", data.seconds], ...columns];
  const lines = data.epoch.map((_, epoch) => all.map(([, values]) => csvCell(values[epoch])).join(","));
  return [all.map(([name]) => csvCell(name)).join(","), ...lines].join("\r\n") + "\r\n";
}

async function copy(text, from) {
  const said = from.textContent;
  try {
    await navigator.clipboard.writeText(text);
    from.textContent = "copied";
  } catch (error) {
    from.textContent = `not copied: ${error.message}`;
  }
  setTimeout(() => { from.textContent = said; }, 2000);
}
