"""A record in a terminal: everything a reader needs, in lines that fit."""

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from records import chart, digits, record, run_info
from wcwidth import width

from compactor.record import RECORD_NAME, Finding, Point, Record, encode
from logwriter.cli.curves import Screen, paint
from logwriter.errors import EverystepError
from reports.terminal import chart_plot, print_reports, report_rows
from reports.view import ChartView


def finding(severity: str, **changes: Any) -> Finding:
    """Something worth knowing."""
    facts: dict[str, Any] = {
        "rule": "loss_spike",
        "severity": severity,
        "metric": "train/loss",
        "rank": 0,
        "step": 40,
        "last_step": 50,
        "text": f"A {severity} thing was seen.",
        "evidence": {},
        "advice": "Look at the batch.",
    }
    return Finding(**(facts | changes))


def lines_of(source: Record, screen: Screen) -> list[str]:
    """The report as it is printed."""
    return [paint(row, screen) for row in report_rows(source, screen)]


def test_a_small_record_looks_like_this() -> None:
    """Head, charts in order, two curves told apart without colour, the best point marked."""
    train = [(step, 2.4 - 0.02 * step) for step in range(100)]
    val = [(10 * epoch + 9, 0.6 + 0.05 * (epoch - 6) ** 2) for epoch in range(10)]
    best = {"val": Point(step=69, value=0.6, epoch=6)}
    infos = {name: {"unit": "nats"} for name in ("train", "val")}
    one = record(
        {"loss": chart("loss", {"train": train, "val": val}, best=best, infos=infos)},
        not_drawn=["a", "b"],
        notes=["A note."],
    )
    assert lines_of(one, Screen(width=48)) == [
        "digits",
        "Completed after 4 min 12 s, 100 steps; nothing",
        "stands out.",
        "duration 4 min 12 s · steps 100 · epochs – ·",
        "rows 120 · started 2026-05-04 15:30:00 UTC ·",
        "ended 2026-05-04 15:34:12 UTC",
        "",
        "loss  nats",
        "            ⠒⠒⠒⠒ train   ⠂⠂⠂⠂ val",
        "       2.4 ┤⠙⠢⢄⡁⡄",
        "           │   ⠉⠑⠦⣀⡀",
        "           │      ⠁⡉⠒⢤⣀",
        "           │        ⠆  ⠑⠢⢄⡀",
        "           │         ⠁⡄   ⠈⠒⠦⣀",
        "           │           ⠂⡀     ⠉⠲⠤⡀",
        "           │             ⠂⡀      ⠈⠑⠢⢄          ⢀",
        "           │               ⠁⠄⡀       ⠉⠓⠤⣀    ⡀⠂⠁",
        "           │                  ⠁⠂⠂⠄⠄⡀★⡀⡀⠄⠌⠍⠒⢆⣁",
        "      0.42 ┤                                ⠈⠑⠢⣄",
        "            step 0                            99",
        "            ★ val best 0.6 · epoch 6",
        "",
        "Not drawn: a, b",
        "A note.",
    ]


def test_findings_come_gravest_first_and_say_what_to_try() -> None:
    """Severity, kind, metric and steps; then what was seen."""
    screen = Screen(width=72)
    lines = lines_of(record({}, findings=[finding("info"), finding("critical")]), screen)
    at = lines.index("Findings")
    assert lines[at + 1 : at + 5] == [
        "critical  loss spike · train/loss · steps 40–50",
        "          A critical thing was seen.",
        "          Look at the batch.",
        "info      loss spike · train/loss · steps 40–50",
    ]


def test_a_logarithmic_chart_is_one_in_the_terminal_too() -> None:
    """By the rule of the images; the name of the axis says so."""
    view = ChartView.of("lr", chart("lr", {"lr": [(step, 10.0**-step) for step in range(8)]}))
    plot = chart_plot(view, Screen())
    assert plot.axis is not None
    assert plot.axis.kind == "log"
    assert plot.remark == "log scale"


def test_a_gap_is_marked_over_its_whole_length() -> None:
    """Also where the record draws none of its rows."""
    points = [(0, 1.0), (10, math.nan), (90, math.nan), (100, 2.0)]
    lines = lines_of(record({"loss": chart("loss", {"loss": points})}), Screen(width=52))
    crosses = next(line for line in lines if line.strip("x ") == "" and "x" in line)
    assert crosses == " " * 16 + "x" * 32


def test_a_chart_without_a_number_says_why() -> None:
    """And has no axes."""
    points = [(0, math.nan), (1, math.inf)]
    lines = lines_of(record({"loss": chart("loss", {"loss": points})}), Screen(width=60))
    assert "            no finite value: 1 NaN, 1 +∞" in lines
    assert not any("┤" in line for line in lines)


def test_the_verdict_has_the_colour_of_the_status() -> None:
    """And its words without it."""
    failed = record({}, run=run_info(status="failed", error="ValueError: no"))
    rows = report_rows(failed, Screen(colour=True))
    assert rows[1] == [("Failed after 4 min 12 s, 100 steps; nothing stands out.", "critical")]
    assert rows[2] == [("ValueError: no", "")]
    assert lines_of(failed, Screen(colour=True))[1].startswith("\x1b[31m")


@given(name=st.text(max_size=60), columns=st.integers(12, 200), unicode=st.booleans())
@settings(max_examples=40, deadline=None)
def test_hostile_names_neither_steer_nor_overflow_the_terminal(
    name: str, columns: int, *, unicode: bool
) -> None:
    """Whatever they are made of."""
    hostile = f"{name}\x1b[2J\x07\n\u202e损失🦉"
    made = record(
        {hostile: chart(hostile, {hostile: [(0, 1.0), (1, math.nan)], "b": [(0, 2.0)]}, note=name)},
        run=run_info(name=hostile, error=hostile),
        findings=[finding("critical", text=hostile, metric=hostile, advice=name, rule=name)],
        notes=[hostile],
        not_drawn=[hostile],
    )
    for line in lines_of(made, Screen(width=columns, unicode=unicode)):
        assert width(line) <= columns
        assert line.isprintable()
        assert unicode or line.isascii()


def test_two_charts_stand_beside_each_other_where_there_is_room() -> None:
    """In 160 columns, not in 80."""
    titles = [line.split() for line in lines_of(digits(), Screen(width=160))]
    assert ["Loss", "nats", "Accuracy"] in titles
    assert ["Accuracy"] in [line.split() for line in lines_of(digits(), Screen(width=80))]


def test_it_is_printed_from_a_folder_a_file_or_a_record(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Plain text where the output is no terminal."""
    (tmp_path / RECORD_NAME).write_bytes(encode(digits()))
    printed = []
    for source in (tmp_path, tmp_path / RECORD_NAME, digits()):
        print_reports([source])
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1] == printed[2]
    assert printed[0].startswith("digits\nCompleted")
    assert "\x1b" not in printed[0]
    print_reports([digits(), digits()])
    assert capsys.readouterr().out == f"{printed[0]}\n{printed[0]}"
    with pytest.raises(EverystepError):
        print_reports([tmp_path / "nothing"])


def test_it_needs_neither_matplotlib_nor_a_template() -> None:
    """So that it is there at once."""
    code = (
        "import sys, reports.terminal; print({'matplotlib', 'jinja2', 'duckdb'} & set(sys.modules))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "set()"
