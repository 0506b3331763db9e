"""What runs show of themselves in a notebook: true curves, safe names, bounded size, no surprises."""

import math
import random
import re
import subprocess
import sys
import threading
from collections.abc import Iterable
from functools import partial
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import numpy as np
import pytest
from browsing import launched
from damage import die, flip
from hypothesis import given, settings
from hypothesis import strategies as st
from nbclient import NotebookClient

from logwriter import Run, read
from logwriter.notebook import show_run
from logwriter.notebook.columns import COLUMNS, Fold, Trace
from logwriter.notebook.markup import number
from logwriter.notebook.picture import picture
from logwriter.notebook.recent import RecentLog
from logwriter.notebook.runview import MOST_CURVES, MOST_METRICS

MOST_BYTES = 40_000
TAGS = set("div b svg title text tspan path circle table thead tbody tr th td".split())
HOSTILE = (
    "</script><script>document.title='owned'</script>",
    "\"'><img src=x onerror=\"document.title='owned'\">",
    "</svg></title><svg onload=\"document.title='owned'\">",
    "\x1b[2J\u202e{{7*7}}",
)


class Page(HTMLParser):
    """Its elements and its words; an element that is not closed where it should be is an error."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note it."""
        self.tags.append(tag)
        self.attributes.update(name for name, _ in attrs)
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """It ends what began last."""
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note it."""
        self.words.append(data)

    @property
    def text(self) -> str:
        """All words."""
        return "\n".join(self.words)

    def require_harmless(self) -> None:
        """No element but those that are meant, and no attribute that acts, names or leads anywhere."""
        assert set(self.tags) <= TAGS
        assert not {n for n in self.attributes if n.startswith("on") or n in {"id", "href", "src"}}


def rows_of(html: str) -> list[str]:
    """The names of the metrics in the table, in order."""
    return re.findall(r'<tr><td style="text-align:left">(.*?)</td>', html)


def log_all(path: Path, rows: Iterable[dict[str, float]], **options: object) -> Path:
    """A run of these rows."""
    with Run(path, **options) as run:  # type: ignore[arg-type]
        for row in rows:
            run.log(row)
    return path


def fold_slowly(rows: list[tuple[int, float]]) -> tuple[dict[int, tuple[float, float]], set[int]]:
    """Least and greatest finite value of each pixel column, and the columns with trouble."""
    first, last = min(step for step, _ in rows), max(step for step, _ in rows)
    spans: dict[int, tuple[float, float]] = {}
    broken = set()
    for step, value in rows:
        column = int((float(step) - first) / max(1.0, float(last) - first) * (COLUMNS - 1))
        if not math.isfinite(value):
            broken.add(column)
            continue
        low, high = spans.get(column, (value, value))
        spans[column] = min(low, value), max(high, value)
    return spans, broken


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.tuples(st.integers(-400, 900), st.floats() | st.sampled_from([-2.0, 2.0, math.nan])),
        min_size=1,
        max_size=100,
    ),
    st.integers(1, 30),
    st.sampled_from([None, "min", "max"]),
)
def test_each_pixel_column_shows_its_least_and_greatest_value(
    rows: list[tuple[int, float]], piece: int, goal: str | None
) -> None:
    """However the rows come in pieces; the best row is the first of equals."""
    steps = [step for step, _ in rows]
    fold = Fold(min(steps), max(steps), goal)
    for start in range(0, len(rows), piece):
        part = rows[start : start + piece]
        fold.add(np.array([s for s, _ in part]), np.array([v for _, v in part]))
    trace = fold.trace("loss")
    spans, broken = fold_slowly(rows)
    assert {n: span for n, span in enumerate(trace.spans) if span} == spans
    assert trace.broken == broken
    finite = [(step, value) for step, value in rows if math.isfinite(value)]
    if goal is None or not finite:
        assert fold.best is None
    else:
        choose = min if goal == "min" else max
        assert fold.best == choose(finite, key=lambda row: row[1])


def test_no_rows_make_no_line() -> None:
    """An empty piece changes nothing."""
    fold = Fold(0, 9, "min")
    fold.add(np.empty(0, dtype=np.int64), np.empty(0))
    assert not any(fold.trace("loss").spans)
    assert fold.best is None


def test_a_line_is_broken_where_it_is_not_finite_and_joined_where_nothing_was_logged() -> None:
    """And marked below; a lone point is a dot."""
    spans: list[tuple[float, float] | None] = [None] * COLUMNS
    for column in (0, 4, 9):
        spans[column] = (1.0, 2.0)
    spans[20] = (1.5, 1.5)
    html = picture("loss", [Trace("loss", spans, frozenset({6, 7, 15}))], 0, 199)
    strokes, dots, marks = re.findall(r'<path d="([^"]*)" stroke="#', html)
    assert strokes == "M8 180v-134l12 0v134M35 180v-134"
    assert dots == "M68 113h0"
    assert marks == "M26 188H29M53 188H53"


@pytest.mark.parametrize("values", [(-1.7e308, 1.7e308), (0.0, 5e-324), (3.0, 3.0)])
def test_every_range_of_values_stays_in_its_frame(values: tuple[float, float]) -> None:
    """The largest and the smallest numbers that there are."""
    html = picture("x", [Trace("x", [values] * COLUMNS, best=(0, values[0]))], -(2**63), 2**63 - 1)
    places = [int(y) for y in re.findall(r"M\d+ (-?\d+)v", html)]
    assert places
    assert all(46 <= y <= 180 for y in places)
    assert "nan" not in html
    assert "inf" not in html


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, ""),
        (0.0, "0"),
        (-0.123456, "-0.1235"),
        (47350.4, "47,350"),
        (-2e6, "-2,000,000"),
        (1.5e30, "1.5e+30"),
    ],
)
def test_numbers_are_short(value: float | None, words: str) -> None:
    """Four digits, and whole numbers where those say more."""
    assert number(value) == words


def test_a_run_shows_how_it_stands(run_path: Path) -> None:
    """Name, status, size, metrics in numbers, and the best row where the run says what is good."""
    rows = [{"lr": 0.5, "train/loss": 2.0 - n, "val/loss": abs(n - 3.0)} for n in range(8)]
    rows[5]["lr"] = math.nan
    log_all(run_path, rows, name="digits", monitor="val/loss", mode="min")
    log = read(run_path)
    html = log._repr_html_()
    page = Page(html)
    page.require_harmless()
    assert rows_of(html) == ["val/loss", "train/loss", "lr"]
    assert page.words[:2] == ["digits", " · completed"]
    assert "8 rows, started 20" in page.text
    assert "best row 0 at 3" in page.text
    assert "1 not finite" in page.text
    assert page.words[-2:] == ["7", "1"]
    assert "NaN, inf" in page.words
    assert html.count("<svg") == 3
    assert html.count("<circle") == 1
    assert html == read(run_path)._repr_html_()
    assert repr(log) == f"<RunLog {str(run_path)!r}: completed, 8 rows>"


def test_defined_goals_are_marked_too(run_path: Path) -> None:
    """A monitor without a direction is not."""
    with Run(run_path, monitor="b") as run:
        run.define("a", goal="max")
        for value in (1.0, 4.0, 4.0, 2.0):
            run.log({"a": value, "b": value})
    html = read(run_path)._repr_html_()
    assert re.findall(r"best row [^<]*", html) == ["best row 4 at 1"]


def test_hidden_rows_are_not_shown(run_path: Path) -> None:
    """The effective history is; what a resume hides is said."""
    log_all(run_path, [{"loss": 100.0}] * 9)
    log_all(run_path, [{"loss": 1.0}] * 2, resume=3)
    page = Page(read(run_path)._repr_html_())
    assert "attempt 1 resumed after step 3 and hides 5 of 9 earlier rows" in page.text
    assert "11 rows, 2 attempts" in page.text
    assert "NaN, inf" not in page.words
    assert "6" in page.words  # values
    assert "5" in page.words  # last step


def test_the_lowest_rank_that_logged_a_metric_is_drawn(run_path: Path) -> None:
    """In the curve as in the table."""
    for rank in range(2):
        rows: list[dict[str, float]] = [{"loss": 7.0 + rank}] * 2
        log_all(run_path, rows + [{"only": 3.0}] * rank, rank=rank, world_size=2)
    html = read(run_path)._repr_html_()
    assert rows_of(html) == ["loss", "only"]
    assert "2 of 2 ranks" in html
    assert ">7<" in html
    assert ">8<" not in html
    assert ">3<" in html


def test_no_name_gets_out_of_its_place(run_path: Path) -> None:
    """Names, notes, errors and texts are words, whatever they say."""
    run = Run(run_path, name=HOSTILE[0], monitor=HOSTILE[1], mode="min", tags=HOSTILE)
    for name in HOSTILE:
        run.define(name, title=name, unit=name, note=name, colour=name)
        run.log({name: 1.0})
    run.finish(HOSTILE[1], error=HOSTILE[2])
    html = read(run_path)._repr_html_()
    page = Page(html)
    page.require_harmless()
    assert "\x1b" not in html
    assert "\u202e" not in html
    assert "\\x1b[2J\\u202e{{7*7}}" in page.text
    with launched() as browser:
        tab = browser.new_page()
        faults: list[str] = []
        tab.on("pageerror", lambda error: faults.append(str(error)))
        tab.on("request", lambda request: faults.append(request.url))
        tab.set_content(f"<!doctype html><title>mine</title>{html}<script>document.x = 1</script>")
        assert tab.title() == "mine"
        assert tab.locator("svg").count() == 4
        assert not faults


def test_a_thousand_metrics_with_endless_names_are_bounded(run_path: Path) -> None:
    """Noise, trouble, faults and names that grow when they are escaped: under 40 kB."""
    noise = random.Random(7)
    names = [f"{'&' * 300} loss {number} {'&' * 300}" for number in range(1000)]
    run = Run(run_path, name="&" * 5000)
    for step in range(500):
        run.log({name: math.nan if step % 3 == 0 else noise.random() for name in names[:8]})
    run.log(dict.fromkeys(names, 1.0))
    run.log(dict.fromkeys(names, "x"))
    run.finish("failed", error="&" * 5000)
    html = read(run_path)._repr_html_()
    assert len(html.encode()) < MOST_BYTES
    assert html.count("<svg") == MOST_CURVES
    assert len(rows_of(html)) == MOST_METRICS
    assert f"Of 1,000 metrics {MOST_METRICS} are listed and {MOST_CURVES} are drawn" in html
    assert "… and 997 more" in html


def test_of_a_long_run_the_newest_rows_are_shown(run_path: Path) -> None:
    """And that there are more is said."""
    with Run(run_path) as run:
        for step in range(30):
            run.log({"loss": float(step), "lr": 1.0})
            if step % 10 == 9:
                run.flush()
    log = read(run_path)
    recent = RecentLog(log, most=21)
    assert (recent.shown, recent.values) == (40, 60)
    assert recent.rows(["loss"]).column("value").to_pylist() == [float(n) for n in range(10, 30)]
    assert RecentLog(log, most=1).shown == 20
    assert RecentLog(log).shown == 60


def test_what_was_not_read_is_said(run_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what reads it."""
    with Run(run_path) as run:
        run.log({"loss": 100.0})
        run.flush()
        run.log({"loss": 1.0})
    monkeypatch.setattr("logwriter.notebook.runview.RecentLog", partial(RecentLog, most=1))
    html = read(run_path)._repr_html_()
    assert "Only the newest 1 of 2 values were read for this; `everystep show` reads all." in html
    assert "100" not in rows_of(html)


def test_a_metric_that_was_never_finite_is_shown_as_such(run_path: Path) -> None:
    """No axis of nothing."""
    page = Page(read(log_all(run_path, [{"loss": math.nan}, {"loss": -math.inf}]))._repr_html_())
    assert "no finite value" in page.text
    assert "not finite" in page.words
    assert "2 not finite" in page.text


def test_empty_killed_and_live_runs_are_shown(run_path: Path, tmp_path: Path) -> None:
    """Each with its status."""
    with Run(run_path):
        pass
    assert "No rows were logged." in read(run_path)._repr_html_()
    die(tmp_path / "dead", 20)
    assert "</b> · died</div><div>20 rows" in read(tmp_path / "dead")._repr_html_()
    run = Run(tmp_path / "live")
    run.log({"loss": 1.0})
    assert "</b> · running</div><div>1 row," in run._repr_html_()
    run.log({"loss": 2.0})
    assert "</b> · running</div><div>2 rows," in run._repr_html_()
    run.log({"loss": "x"})
    assert run.finish().rows == 2
    html = run._repr_html_()
    assert "</b> · completed</div><div>2 rows," in html
    assert "attempt 0 left out 1 value of loss: not numbers" in html


def test_showing_a_run_does_not_disturb_it(run_path: Path) -> None:
    """Journals are sealed under the display's eyes: no row is lost, and it never fails."""
    run = Run(run_path, journal_bytes=1 << 18)

    def log_all_rows() -> None:
        for _ in range(50_000):
            run.log({"loss": 1.0})

    logging = threading.Thread(target=log_all_rows)
    logging.start()
    shown = [run._repr_html_() for _ in range(5)]
    logging.join()
    assert all("</b> · running" in html for html in shown)
    summary = run.finish()
    assert (summary.rows, summary.dropped, summary.troubles) == (50_000, 0, {})
    assert "50,000" in Page(run._repr_html_()).words


def test_damage_is_named_and_the_rest_is_shown(run_path: Path) -> None:
    """As `everystep show` does."""
    run = Run(run_path)
    for step in range(20):
        run.log({"loss": float(step)})
        if step == 9:
            run.flush()
    run.finish()
    flip(min(run_path.rglob("*.parquet")), 100)
    html = run._repr_html_()
    assert "were sealed; `everystep verify --repair RUN`" in html
    assert "10 rows" in html
    assert "<svg" in html


def test_a_display_never_raises(
    run_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be read is named, with the reason."""
    log = read(log_all(run_path, [{"loss": 1.0}]))
    for segment in run_path.rglob("*.parquet"):
        segment.unlink()
    html = log._repr_html_()
    assert "cannot be shown" in html
    assert "FileNotFoundError" in html
    assert "NotARunError" in show_run(tmp_path / "<b>")
    Page(show_run(tmp_path / "<b>")).require_harmless()
    monkeypatch.setenv("EVERYSTEP_MODE", "disabled")
    assert "disabled: nothing is logged" in Run()._repr_html_()


def test_a_run_that_is_not_shown_loads_nothing(run_path: Path) -> None:
    """Showing it is what loads NumPy and pyarrow."""
    code = (
        f"import sys; from logwriter import Run; run = Run({str(run_path)!r}); run.log({{'a': 1}})\n"
        "assert not {'numpy', 'pyarrow', 'logwriter.notebook'} & set(sys.modules)\n"
        "assert '<svg' in run._repr_html_()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_cell_of_a_notebook_that_ends_with_a_run_shows_it(tmp_path: Path) -> None:
    """In a kernel of its own, live and read back."""
    cells = [
        "from logwriter import Run, read\nrun = Run('run')\nrun.log({'loss': 1.0})\nrun",
        "run.finish()\nread('run')",
        "read('run').to_pandas(wide=True)",
    ]
    code = [nbformat.v4.new_code_cell(cell) for cell in cells]  # type: ignore[no-untyped-call]
    notebook = nbformat.v4.new_notebook(cells=code)  # type: ignore[no-untyped-call]
    NotebookClient(
        notebook,
        timeout=60,
        resources={"metadata": {"path": str(tmp_path)}},
        kernel_name="python3",
    ).execute()
    shown = [cell.outputs[-1].data for cell in notebook.cells]
    assert "</b> · running" in shown[0]["text/html"]
    assert "</b> · completed" in shown[1]["text/html"]
    assert shown[1]["text/plain"] == "<RunLog 'run': completed, 1 row>"
    assert "loss" in shown[2]["text/html"]
