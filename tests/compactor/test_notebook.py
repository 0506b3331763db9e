"""What records show of themselves in a notebook."""

import math
import random
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from msgspec.structs import replace
from records import attempt, chart, digits, record, run_info

from compactor import compact
from compactor.notebook import MOST_CHARTS
from compactor.record import Finding, Record, encode, json_schema
from logwriter import Run, read

MOST_BYTES = 40_000
HOSTILE = "</title></svg><img src=x onerror=alert(1)>\x1b[2J\u202e"


def words_of(html: str) -> list[str]:
    """The words between the tags."""
    words: list[str] = []

    class Reader(HTMLParser):
        def handle_data(self, data: str) -> None:
            words.append(data)

    Reader().feed(html)
    return words


def finding(severity: str, text: str) -> Finding:
    """A finding of one metric."""
    return Finding(
        rule="rule",
        severity=severity,
        metric="loss",
        rank=0,
        step=None,
        last_step=None,
        text=text,
        evidence={},
        advice="",
    )


def test_a_record_shows_how_the_run_went() -> None:
    """Best, charts with their lines, and epochs."""
    shown = digits()
    html = shown._repr_html_()
    words = words_of(html)
    assert words[:3] == ["digits", " · completed", "100 steps, 120 rows, took 0:04:12"]
    assert "best val/loss 0.4 at epoch 6, step 69 (min, by epoch)" in words
    assert html.count("<svg") == 3
    assert html.count("<circle") == 2
    assert html.count("<tr>") == 11
    assert "train" in words
    assert "val" in words
    assert repr(shown) == "<Record 'digits': completed, best step 69>"
    assert repr(record()) == "<Record 'digits': completed, no best step>"
    assert html == digits()._repr_html_()


def test_findings_come_by_severity() -> None:
    """The gravest first; those that are not shown are counted."""
    findings = [finding("info", "c"), finding("odd", "d"), finding("critical", "a")]
    words = words_of(record(findings=[*findings, finding("warning", "b")])._repr_html_())
    assert words[-4:] == ["critical: a", "warning: b", "info: c", "odd: d"]
    many = record(findings=[finding("info", str(number)) for number in range(9)])
    assert "… and 5 more" in words_of(many._repr_html_())


def test_what_is_left_out_is_said() -> None:
    """Charts, columns, epochs in the middle, and what the record notes."""
    full = digits()
    epochs = [replace(full.epochs[0], epoch=number) for number in range(100)]
    columns = [f"metric {number}" for number in range(9)]
    charts = {str(n): chart(str(n), {"line": [(0, 1.0), (1, 2.0)]}) for n in range(7)}
    notes = ["3 ranks are not drawn."]
    shown = replace(full, epochs=epochs, epoch_columns=columns, charts=charts, notes=notes)
    html = shown._repr_html_()
    words = words_of(html)
    assert words[-3:] == [
        "4 of 7 charts are shown; `everystep report` draws all.",
        "6 of 9 metrics are in the table; `.to_pandas()` has all.",
        "3 ranks are not drawn.",
    ]
    assert html.count("<svg") == MOST_CHARTS
    found = re.findall(r'text-align:left">([^<]*)</td>', html)
    assert found == ["0", "1", "2", "3", "4", "…", "95", "96", "97", "98", "99"]


def test_stretches_that_are_not_finite_break_the_line() -> None:
    """And are counted below it."""
    points = [(step, math.nan if 40 <= step < 60 else 1.0 + step) for step in range(100)]
    html = record({"loss": chart("loss", {"train": points})})._repr_html_()
    assert "20 not finite" in words_of(html)
    stroke = re.findall(r'<path d="([^"]*)" stroke="#3b', html)[0]
    assert stroke.count("M") == 2


def test_a_stretch_of_a_thinned_line_is_marked_from_end_to_end(run_path: Path) -> None:
    """As the run marks it, though the record draws only its ends."""
    with Run(run_path) as run:
        for step in range(3000):
            run.log({"loss": math.nan if 1000 <= step < 2000 else math.sin(step)}, step=step)
    marks = [
        re.findall(r'<path d="([^"]*)" stroke="#d63031"', shown._repr_html_())
        for shown in (compact(run_path, max_points=32), read(run_path))
    ]
    assert marks[0] == marks[1]
    assert re.fullmatch(r"M\d+ \d+H\d+", marks[0][0])


def test_attempts_ranks_and_errors_are_told() -> None:
    """Where there is more than one, or one."""
    run = run_info(
        attempts=[attempt(), attempt(attempt=1)],
        world_size=4,
        status="failed",
        error="ValueError: no",
    )
    words = words_of(record(run=run)._repr_html_())
    assert "100 steps, 120 rows, 2 attempts, 1 of 4 ranks, took 0:04:12" in words
    assert "ended with ValueError: no" in words


def test_no_name_gets_out_of_its_place_and_the_size_is_bounded() -> None:
    """Everything that a log may say, hostile and long."""
    noise = random.Random(3)
    long = HOSTILE + "&" * 500
    lines = {f"{long}{n}": [(step, noise.random()) for step in range(2000)] for n in range(5)}
    for points in lines.values():
        points[1000] = (1000, math.nan)
    charts = {f"{long}{n}": chart(f"{long}{n}", lines, title=long) for n in range(9)}
    columns = [f"{long}{number}" for number in range(30)]
    epochs = [replace(e, values=dict.fromkeys(columns, -1.2345e-300)) for e in digits().epochs * 9]
    shown: Record = record(
        charts,
        run=run_info(name=long, status=long, error=long),
        findings=[finding("critical", long)] * 50,
        epochs=epochs,
        epoch_columns=columns,
        notes=[long] * 50,
    )
    html = shown._repr_html_()
    assert len(html.encode()) < MOST_BYTES
    tags = set(re.findall(r"<([a-z]+)", html))
    assert tags == set("div b svg title text tspan path table thead tbody tr th td".split())
    assert "\x1b" not in html
    assert "\u202e" not in html


def test_an_empty_record_is_shown() -> None:
    """No charts, no epochs, no best."""
    empty = {"loss": chart("loss", {"train": []})}
    assert "<svg" not in record(empty, notes=["No rows were logged."])._repr_html_()
    assert "No rows were logged." in record(notes=["No rows were logged."])._repr_html_()


def test_a_display_never_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    """What went wrong is named."""

    def fail(*_: object) -> str:
        raise RuntimeError("<no>")

    monkeypatch.setattr("compactor.notebook._facts", fail)
    assert "RuntimeError: &lt;no&gt;" in digits()._repr_html_()


def test_a_compacted_run_shows_itself(run_path: Path) -> None:
    """From the log to the fragment."""
    with Run(run_path, monitor="val/loss", mode="min") as run:
        for epoch in run.epochs(3):
            for batch in range(5):
                run.log({"train/loss": 1 / (1 + batch + epoch)})
            run.log({"val/loss": abs(epoch - 1.0)})
    html = compact(run_path)._repr_html_()
    assert "best val/loss 0 at epoch 1" in html
    assert html.count("<circle") == 1


def test_the_document_knows_nothing_of_its_displays() -> None:
    """Methods are not part of it."""
    assert b"_repr_html_" not in encode(digits())
    assert "to_pandas" not in json_schema()["$defs"]["Record"]["properties"]


def test_a_record_that_is_not_shown_loads_nothing() -> None:
    """The types alone are light."""
    code = (
        "import sys, compactor.record\n"
        "assert not {'numpy', 'pyarrow', 'pandas', 'polars', 'logwriter.notebook'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
