// The table of runs: sorted by a column, and as CSV.

function equipRuns() {
  const table = document.getElementById("run-table");
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, place) => {
    const sort = button("", "", () => orderRuns(table, heads, place));
    sort.className = "sort";
    sort.removeAttribute("aria-label");
    sort.title = "Sort";
    sort.append(...head.childNodes);
    head.append(sort);
  });
  const tools = document.getElementById("run-tools");
  tools.append(button("copy as CSV", "Copy the table of runs as CSV", (event) => copy(csvOfRuns(table), event.target)));
}

// By numbers where a column has some; what has none comes last in either direction.
function orderRuns(table, heads, place) {
  const down = heads[place].getAttribute("aria-sort") === "ascending" ? -1 : 1;
  for (const head of heads) head.removeAttribute("aria-sort");
  heads[place].setAttribute("aria-sort", down === 1 ? "ascending" : "descending");
  const rows = [...table.tBodies[0].rows];
  const key = (row) => ("key" in row.cells[place].dataset ? Number(row.cells[place].dataset.key) : NaN);
  const numeric = rows.some((row) => !Number.isNaN(key(row)));
  rows.sort((one, other) => {
    if (!numeric) return down * one.cells[place].textContent.localeCompare(other.cells[place].textContent, "en");
    const [a, b] = [key(one), key(other)];
    return Number.isNaN(a) || Number.isNaN(b) ? Number.isNaN(a) - Number.isNaN(b) : down * (a - b);
  });
  table.tBodies[0].append(...rows);
}

// A number as it was written, with all its digits.
function csvOfRuns(table) {
  const said = (cell) => ("key" in cell.dataset ? cell.title || cell.dataset.key : csvCell(cell.title || cell.textContent.trim()));
  return [...table.rows].map((row) => [...row.cells].map(row.parentNode === table.tHead ? (cell) => csvCell(cell.textContent.trim()) : said).join(",")).join("\r\n") + "\r\n";
}

equipRuns();
