"""The scan: the same lines whatever the threads, whatever is sealed, however long."""

import math
import random
from collections.abc import Callable, Sequence
from typing import Any

import duckdb
import numpy as np
import oracles
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scanning import scan_parts

from compactor.reading import folding
from compactor.reading.lines import Line
from compactor.reading.source import open_source
from logwriter.errors import EverystepError
from logwriter.part import Part

Logged = tuple[str, int, int, int | None, float]

VALUES = st.one_of(
    st.floats(),
    st.sampled_from([0.0, 1.0, 1.0, 0.1, 2.0**-16, 65536.0, math.nan, math.inf, -math.inf, 5e-324]),
)
ONE_SCAN = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@st.composite
def logs(draw: st.DrawFn) -> list[Logged]:
    """Rows of two metrics; steps repeat and go back now and then."""
    size = draw(st.integers(1, 80))
    rows: list[Logged] = []
    step = 0
    for seq in range(size):
        step = max(0, step + draw(st.integers(-3, 40)))
        epoch = draw(st.sampled_from([None, seq // 10, seq // 10]))
        rows += [
            (metric, seq, step, epoch, draw(VALUES))
            for metric in draw(st.sampled_from([("a",), ("b",), ("a", "b")]))
        ]
    return rows


def long_log(count: int) -> list[Logged]:
    """One metric, ten epochs, with outliers, ties and a few gaps."""
    rng = np.random.default_rng(5)
    values = np.round(rng.standard_normal(count), 2)
    values[rng.choice(count, 20, replace=False)] *= 100
    values[count // 3 : count // 3 + 200] = math.nan
    values[[7, 11, count - 1]] = (math.inf, -math.inf, math.nan)
    return [("m", seq, seq, seq * 10 // count, float(v)) for seq, v in enumerate(values)]


def plain(lines: Sequence[Line]) -> list[Any]:
    """Lines as values that compare, NaN equal to NaN, bit for bit."""
    return [
        (
            line.metric,
            line.rank,
            line.rows,
            line.whole,
            repr(line.epochs),
            line.gaps,
            [(name, column.tobytes()) for name, column in vars(line.points).items()],
            [(name, column.tobytes()) for name, column in vars(line.buckets).items()],
        )
        for line in lines
    ]


@pytest.fixture
def _short_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Treat every line as too long to come back whole."""
    monkeypatch.setattr(folding, "WHOLE_ROWS", 0)


@ONE_SCAN
@given(rows=logs())
def test_a_short_line_comes_back_whole(
    make_parts: Callable[..., list[Part]], rows: list[Logged]
) -> None:
    """Every row, by step and then by sequence number."""
    for line in scan_parts(make_parts(rows)):
        expected = sorted((r[2], r[1], r[4]) for r in rows if r[0] == line.metric)
        points = line.points
        found = zip(points.step.tolist(), points.position.tolist(), strict=True)
        assert list(found) == [(step, seq) for step, seq, _ in expected]
        assert line.whole
        assert line.rows == len(expected)


@ONE_SCAN
@given(rows=logs(), whole=st.sampled_from([0, 65_536]))
def test_means_of_epochs_are_exact(
    make_parts: Callable[..., list[Part]], rows: list[Logged], whole: int
) -> None:
    """Rounded once, whatever the values' sizes, for whole and for long lines."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folding, "WHOLE_ROWS", whole)
        lines = scan_parts(make_parts(rows))
    for line in lines:
        for epoch in line.epochs:
            values = [r[4] for r in rows if r[0] == line.metric and r[3] == epoch.epoch]
            assert epoch.rows == len(values)
            assert epoch.finite == sum(map(math.isfinite, values))
            if epoch.epoch is not None:
                assert epoch.mean == oracles.exact_mean(values)


@ONE_SCAN
@given(rows=logs(), whole=st.sampled_from([0, 65_536]))
def test_gaps_are_counted_and_placed(
    make_parts: Callable[..., list[Part]], rows: list[Logged], whole: int
) -> None:
    """NaN, infinities and the stretches they form, as a plain walk finds them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folding, "WHOLE_ROWS", whole)
        lines = scan_parts(make_parts(rows))
    for line in lines:
        own = sorted((r[2], r[1], r[4]) for r in rows if r[0] == line.metric)
        values = [value for _, _, value in own]
        stretches = oracles.stretches([(step, value) for step, _, value in own])
        assert line.gaps.nan == sum(map(math.isnan, values))
        assert line.gaps.positive_infinity == values.count(math.inf)
        assert line.gaps.negative_infinity == values.count(-math.inf)
        assert line.gaps.count == len(stretches)
        assert line.gaps.stretches == tuple(stretches)


@ONE_SCAN
@given(rows=logs())
@pytest.mark.usefixtures("_short_is_long")
def test_a_long_line_keeps_what_law_5_asks_for(
    make_parts: Callable[..., list[Part]], rows: list[Logged]
) -> None:
    """First, last, least and greatest row are among the points of few, wide buckets."""
    for line in scan_parts(make_parts(rows), max_points=1):
        own = [r for r in rows if r[0] == line.metric]
        ordered = sorted((r[2], r[1]) for r in own)
        positions = set(line.points.position.tolist())
        assert {ordered[0][1], ordered[-1][1]} <= positions
        for mode in ("min", "max"):
            best = oracles.best_row([oracles.Row(r[1], None, r[4]) for r in own], mode)
            place = line.extreme(mode)
            assert (place is None) == (best is None)
            if place is not None and best is not None:
                assert line.points.position[place] == best.step


@pytest.mark.parametrize("whole", [0, 65_536])
def test_lines_do_not_depend_on_threads_or_sealing(
    make_parts: Callable[..., list[Part]], monkeypatch: pytest.MonkeyPatch, whole: int
) -> None:
    """One thread or two; all sealed, none, or some: the same bits."""
    monkeypatch.setattr(folding, "WHOLE_ROWS", whole)
    rows = long_log(20_000)
    cuts = (3_000, 9_000, 15_000)
    seen = [
        plain(scan_parts(make_parts(rows, cuts=cuts, sealed=sealed), threads))
        for sealed in (0, 2, 4)
        for threads in (1, 2)
    ]
    assert all(each == seen[0] for each in seen)


@pytest.mark.usefixtures("_short_is_long")
def test_the_order_of_rows_on_disk_does_not_matter(
    make_parts: Callable[..., list[Part]],
) -> None:
    """Parts given in any order make the same lines."""
    rows = long_log(5_000)
    parts = make_parts(rows, cuts=range(500, 5_000, 500), sealed=5)
    mixed = parts.copy()
    random.Random(1).shuffle(mixed)
    assert plain(scan_parts(parts)) == plain(scan_parts(mixed, threads=2))


def test_ten_thousand_buckets_are_never_many(make_parts: Callable[..., list[Part]]) -> None:
    """A line beyond 65,536 rows comes back as a few thousand points, finer in its early steps."""
    rows = long_log(70_000)
    (line,) = scan_parts(make_parts(rows), max_points=100)
    assert not line.whole
    assert len(line.points) < 5_000
    assert line.points.step[:64].tolist() == list(range(64))


@pytest.mark.usefixtures("_short_is_long")
def test_a_long_line_keeps_its_finite_ends(make_parts: Callable[..., list[Part]]) -> None:
    """Also behind more gaps than are told one by one."""
    values = np.random.default_rng(0).standard_normal(7_000)
    values[::50] = math.nan
    values[-3:] = math.inf
    rows = [("m", seq, seq, None, float(value)) for seq, value in enumerate(values)]
    (line,) = scan_parts(make_parts(rows), max_points=16)
    finite = line.points.step[line.finite]
    assert line.gaps.count > 100
    assert len(line.points) < 2_000
    assert (finite[0], finite[-1]) == (1, 6_996)


def test_a_line_that_fits_the_chart_comes_back_whole(
    make_parts: Callable[..., list[Part]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the usual size, and among ever so many others."""
    rows = [("m", seq, seq, None, 0.0) for seq in range(300)]
    monkeypatch.setattr(folding, "WHOLE_ROWS", 100)
    assert [scan_parts(make_parts(rows), max_points=n)[0].whole for n in (299, 300)] == [
        False,
        True,
    ]
    monkeypatch.setattr(folding, "WHOLE_ROWS", 65_536)
    monkeypatch.setattr(folding, "WHOLE_ROWS_TOGETHER", 100)
    assert [scan_parts(make_parts(rows), max_points=n)[0].whole for n in (299, 300)] == [
        False,
        True,
    ]


@pytest.mark.parametrize(
    ("raised", "expected", "message"),
    [
        (duckdb.InterruptException("INTERRUPT Error: Interrupted!"), KeyboardInterrupt, "^$"),
        (RuntimeError("Query interrupted"), KeyboardInterrupt, "^$"),
        (
            duckdb.OutOfMemoryException("Out of memory\n\nhints"),
            EverystepError,
            "not enough memory",
        ),
        (duckdb.IOException("IO Error: No files found"), EverystepError, "everystep verify RUN"),
        (RuntimeError("something else"), RuntimeError, "something else"),
    ],
)
def test_what_duckdb_raises_is_translated(
    raised: Exception, expected: type[BaseException], message: str
) -> None:
    """Nobody else need know it; an interrupt stays one, and the hints of others are left out."""
    with pytest.raises(expected, match=message) as caught, open_source([], 1):
        raise raised
    assert "hints" not in str(caught.value)


def test_a_segment_that_vanished_is_told(make_parts: Callable[..., list[Part]]) -> None:
    """With what to do next."""
    (part,) = make_parts([("m", 0, 0, None, 1.0)], sealed=1)
    assert part.path is not None
    part.path.unlink()
    with (
        pytest.raises(EverystepError, match=r"cannot be scanned .*everystep verify RUN"),
        open_source([part]) as source,
    ):
        source.points([(0, "m")])
    with pytest.raises(EverystepError, match=r"cannot read .*everystep verify RUN"):
        scan_parts([part])


def test_hidden_rows_do_not_exist(make_parts: Callable[..., list[Part]]) -> None:
    """Rows at and behind the cut of a rewind are not scanned; the next attempt's rows follow."""
    old = [("m", seq, seq, None, -1.0) for seq in range(10)]
    new = [("m", seq, 4 + seq, None, 1.0) for seq in range(3)]
    parts = make_parts(old, hidden_from=4, sealed=1) + make_parts(new, attempt=1)
    (line,) = scan_parts(parts)
    assert line.points.step.tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert line.points.value.tolist() == [-1.0] * 4 + [1.0] * 3
    assert (np.diff(line.points.position) > 0).all()


def test_duckdb_keeps_to_itself(make_parts: Callable[..., list[Part]]) -> None:
    """No progress bar on stdout, no extensions from elsewhere, no spill files."""
    with open_source(make_parts([("m", 0, 0, None, 1.0)])) as opened:
        asked = (
            "enable_progress_bar",
            "autoinstall_known_extensions",
            "autoload_known_extensions",
            "temp_directory",
        )
        settings = [opened._rows([], "SELECT current_setting($n)", {"n": n})[0][0] for n in asked]
    assert settings == [False, False, False, ""]


def test_names_are_values_not_sql(make_parts: Callable[..., list[Part]]) -> None:
    """Quotes, dollar signs and SQL in a metric's name are letters like others."""
    names = ["'; DROP TABLE whole; --", 'a"b', "$paths", "ünïcode/損失"]
    rows = [(name, 0, 0, None, float(n)) for n, name in enumerate(names)]
    lines = scan_parts(make_parts(rows, sealed=1))
    assert [line.metric for line in lines] == sorted(names)


def test_memory_bounds_what_comes_back_whole(
    make_parts: Callable[..., list[Part]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many lines together beyond the bound: the longest come back in buckets."""
    monkeypatch.setattr(folding, "WHOLE_ROWS_TOGETHER", 1000)
    rows = [("long", seq, seq, None, 0.0) for seq in range(2000)]
    rows += [("short", seq, seq, None, 0.0) for seq in range(0, 2000, 10)]
    assert [line.whole for line in scan_parts(make_parts(rows), max_points=16)] == [False, True]


@pytest.mark.parametrize("step", [-(2**62), -5, 0, 2**40, 2**61])
@pytest.mark.usefixtures("_short_is_long")
def test_any_step_has_a_bucket(make_parts: Callable[..., list[Part]], step: int) -> None:
    """Negative and enormous steps are as good as others."""
    rows = [("m", seq, step + seq, None, float(seq)) for seq in range(50)]
    (line,) = scan_parts(make_parts(rows), max_points=16)
    assert line.points.step[0] == step
    assert line.points.step[-1] == step + 49


@pytest.mark.parametrize("low", [-(2**63), 0])
@pytest.mark.parametrize("high", [2**62, 2**63 - 1])
@pytest.mark.usefixtures("_short_is_long")
def test_any_span_of_steps_has_buckets(
    make_parts: Callable[..., list[Part]], low: int, high: int
) -> None:
    """From one end of the number line to the other."""
    steps = [low, -1, 0, 1, 2, high]
    rows = [("m", seq, step, None, float(seq)) for seq, step in enumerate(steps)]
    (line,) = scan_parts(make_parts(rows), max_points=16)
    assert line.points.step.tolist()[0] == min(steps)
    assert line.points.step.tolist()[-1] == high
