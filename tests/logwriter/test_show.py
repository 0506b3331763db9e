"""What ``everystep show`` says of runs that were resumed, died, lost rows, or are damaged."""

import contextlib
import datetime as dt
import fcntl
import json
import math
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from wcwidth import width

from logwriter import Run
from logwriter.cli import ls, show, text
from logwriter.errors import DamagedError, NotARunError, UnknownMetricError
from logwriter.partial import PartialRunLog
from logwriter.repair import repair


def call(command: click.Command, *arguments: object) -> Result:
    """Run a command; its own errors surface as exceptions."""
    words = [str(argument) for argument in arguments]
    return CliRunner().invoke(command, words, catch_exceptions=False)


def facts_of(path: Path) -> dict[str, Any]:
    """What ``show --json`` says."""
    facts: dict[str, Any] = json.loads(call(show, path, "--json").stdout)
    return facts


def log_steps(path: Path, steps: range, **options: Any) -> None:
    """One attempt that logs these steps, sealed every ten."""
    with Run(path, **options) as run:
        for step in steps:
            run.log({"loss": 1.0}, step=step)
            if step % 10 == 9:
                run.flush()


def die(path: Path, **options: Any) -> None:
    """One attempt that ends without a word, after one row."""
    code = f"import os; from logwriter import Run; Run({str(path)!r}, **{options}).log({{'loss': 1}}); os._exit(1)"
    subprocess.run([sys.executable, "-c", code], check=False)


def test_rewinds_are_told_in_words(run_path: Path) -> None:
    """After which step, how much that hid, and when it was the first row that said so."""
    log_steps(run_path, range(100))
    log_steps(run_path, range(4, 8), resume=True)
    log_steps(run_path, range(7, 9), resume=6)
    with Run(run_path, resume=True):
        pass
    said = call(show, run_path).stdout
    hint = "(its first row is one step later)"
    assert f"attempt 1 resumed after step 3 and hides 96 of 100 earlier rows {hint}" in said
    assert "attempt 2 resumed after step 6 and hides 1 of 8 earlier rows\n" in said
    assert "attempt 3 has not logged a row: it hides nothing" in said
    attempts = facts_of(run_path)["attempts"]
    assert [a["hidden"] for a in attempts] == [96, 1, 0, 0]
    assert [a["resumed_from"] for a in attempts] == [None, 3, 6, None]
    assert [a["resumed_by_first_row"] for a in attempts] == [False, True, False, True]


def test_the_smallest_step_of_all_hides_everything(run_path: Path) -> None:
    """There is no step before it."""
    log_steps(run_path, range(3))
    with Run(run_path, resume=True) as run:
        run.log({"loss": 1.0}, step=-(1 << 63))
    attempt = facts_of(run_path)["attempts"][1]
    assert (attempt["resumed_from"], attempt["hides"], attempt["hides_of"]) == (None, 3, 3)
    assert "attempt 1 hides all 3 earlier rows" in call(show, run_path).stdout


def test_a_dead_run_says_when_its_last_row_came(run_path: Path) -> None:
    """From rows in a journal, and from the footer of a segment once a repair sealed them."""
    die(run_path)
    first = facts_of(run_path)["run"]["last_row"]
    assert first is not None
    said = call(show, run_path).stdout
    assert "(died)" in said
    assert f"last row {first}, " in said
    assert " ago\n" in said
    repair(run_path)
    assert facts_of(run_path)["attempts"][0]["last_row"] == first


def test_what_was_left_out_and_dropped_is_named(run_path: Path) -> None:
    """As the end of the attempt counted it."""
    run = Run(run_path)
    run.log({"a": "x", "b": 1})
    run.log({"a": "x", "b": 1})
    run.finish("failed", error="OSError: \x1b[2J")
    said = call(show, run_path).stdout
    assert "attempt 0 left out 2 values of a: not numbers" in said
    assert "attempt 0 ended with OSError: \\x1b[2J" in said
    assert facts_of(run_path)["attempts"][0]["not_numbers"] == {"a": 2}


def test_happenings_are_counted_and_the_last_ones_shown(run_path: Path) -> None:
    """All of them as JSON."""
    with Run(run_path) as run:
        run.phase("warm-up")
        for number in range(12):
            run.log({"a": 1.0})
            run.message(f"message {number} \x1b[2J")
            run.checkpoint(f"{number}.pt", loss=0.5)
    said = call(show, run_path).stdout
    assert "\x1b" not in said
    assert "Phases\n  step 0  warm-up" in said
    assert "the last 5 of 12 messages:\n  step 7  info  message 7" in said
    assert "step 11  11.pt  loss=0.5" in said
    facts = facts_of(run_path)
    assert [len(facts[name]) for name in ("phases", "messages", "checkpoints")] == [1, 12, 12]
    assert facts["messages"][3]["rank"] == 0
    assert facts["messages"][3]["time"].endswith("Z")


def test_ranks_are_told_apart(run_path: Path) -> None:
    """Where there are several."""
    for rank in range(2):
        log_steps(run_path, range(3), rank=rank, world_size=2)
        die(run_path, rank=rank, world_size=2, resume=1)
    said = call(show, run_path).stdout
    assert "2 attempts, 2 of 2 ranks" in said
    assert "attempt 1 of rank 1 resumed after step 1 and hides 1 of 3 earlier rows" in said


@pytest.fixture
def damaged(run_path: Path) -> Path:
    """A run of two ranks; the second of three segments of rank 1 is gone."""
    log_steps(run_path, range(30), rank=0, world_size=2, config={"lr": 0.1})
    log_steps(run_path, range(30), rank=1, world_size=2)
    next(run_path.glob("writers/r00001-*/steps-000000000010-*")).unlink()
    return run_path


def test_a_damaged_run_is_shown_as_far_as_it_can_be_read(damaged: Path) -> None:
    """With the fault, what to do about it, and exit status 1."""
    result = call(show, damaged)
    assert result.exit_code == 1
    assert "Damage\n  r00001-a000: steps-000000000010-" in result.stdout
    assert "`everystep verify --repair" in result.stdout
    assert "50 rows" in result.stdout
    assert "lr" in result.stdout
    facts = json.loads(call(show, damaged, "--json").stdout)
    assert list(facts["faults"]) == ["r00001-a000"]
    assert [a["rows"] for a in facts["attempts"]] == [30, 20]


def test_gaps_that_a_repair_left_are_named(damaged: Path) -> None:
    """They are no damage any more."""
    repair(damaged)
    result = call(show, damaged)
    assert result.exit_code == 0
    assert "attempt 0 of rank 1 lost rows 10-19: damaged beyond repair" in result.stdout
    facts = facts_of(damaged)
    assert facts["faults"] == {}
    assert [a["lost"] for a in facts["attempts"]] == [0, 10]
    assert [(gap["rank"], gap["first_seq"], gap["last_seq"]) for gap in facts["lost"]] == [
        (1, 10, 19)
    ]


def test_damaged_events_do_not_hide_the_rest(damaged: Path) -> None:
    """A flipped byte in the first line: who it was is lost, not what was logged."""
    for events in damaged.rglob("events.jsonl"):
        data = bytearray(events.read_bytes())
        data[20] ^= 0xFF
        events.write_bytes(data)
    result = call(show, damaged)
    assert result.exit_code == 1
    assert "events.jsonl, line 1" in result.stdout
    assert "unknown" in result.stdout
    assert call(ls, damaged.parent).exit_code == 0


def test_no_run_and_newer_runs_are_errors_as_ever(tmp_path: Path) -> None:
    """There is nothing to show."""
    with pytest.raises(NotARunError):
        PartialRunLog(tmp_path)


def test_nothing_that_can_be_read_is_the_first_fault(
    damaged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an error that says what it is."""

    def refuse(*_: object) -> None:
        raise DamagedError("no")

    monkeypatch.setattr("logwriter.partial.check_writer", refuse)
    monkeypatch.setattr("logwriter.partial.read_writer", refuse)
    with pytest.raises(DamagedError, match="no"):
        PartialRunLog(damaged)


def test_tables_fit_a_narrow_terminal(run_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names lose their middle; then the least important columns go, and are named."""
    name = "model/layers/12/self_attention/query/weight/gradient_norm"
    with Run(run_path) as run:
        run.log({name: 1.0})
    assert name in call(show, run_path).stdout
    monkeypatch.setattr(text, "_terminal_width", lambda: 60)
    said = call(show, run_path).stdout
    tables = said[said.index("Attempts") :]
    assert max(map(len, tables.splitlines())) <= 60
    assert "model/layer…radient_norm" in tables
    assert "(too narrow for: " in tables


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "0 s ago"),
        (119, "119 s ago"),
        (180, "3 min ago"),
        (9_000, "2 h ago"),
        (200_000, "2 d ago"),
    ],
)
def test_times_are_told_in_one_unit(seconds: int, words: str) -> None:
    """As people would."""
    now = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
    moment = (now - dt.timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")
    assert text.ago(moment, now) == words


def log_losses(path: Path) -> None:
    """A run that declares what it watches, with a metric of every kind."""
    with Run(path, monitor="val/loss", mode="min") as run:
        run.define("aux/acc", goal="max")
        for epoch in run.epochs(4):
            for _ in range(5):
                run.log({"train/loss": 4.0 - epoch, "lr": 0.1, "grad_norm": 1.0})
            run.log({"val/loss": 1.0 + (epoch - 2) ** 2, "aux/acc": epoch, "val/acc": epoch})


def titles(said: str) -> list[str]:
    """The names of the curves that were drawn."""
    curves = said.partition("\nCurves\n")[2].splitlines()
    return [line for line in curves if line and not line.startswith(" ")]


def test_curves_are_for_people_who_look_or_ask(run_path: Path) -> None:
    """A pipe has none unless it wants some; JSON never."""
    log_losses(run_path)
    assert "Curves" not in call(show, run_path).stdout
    assert "Curves" in call(show, run_path, "--curves").stdout
    assert titles(call(show, run_path, "--metric", "lr", "--metric", "lr").stdout) == ["lr"]
    for refused in (["--json", "--curves"], ["--json", "--metric", "lr"], ["--no-curves", "--log"]):
        result = call(show, run_path, *refused)
        assert result.exit_code == 2
        assert f"{refused[0]} leaves curves out" in result.stderr
    with pytest.raises(UnknownMetricError, match="no metric 'acc'; logged are: aux/acc, grad_norm"):
        call(show, run_path, "--metric", "acc")


def test_the_monitor_comes_first_then_what_is_like_it(run_path: Path) -> None:
    """What measures the same, other losses, what has a name in common; no more than a few."""
    log_losses(run_path)
    names = ["val/loss", "train/loss", "val/acc", "aux/acc"]
    assert titles(call(show, run_path, "--curves").stdout) == names


def test_the_best_row_is_marked_where_the_run_says_what_is_good(run_path: Path) -> None:
    """Of the monitor, and of a metric with a goal; elsewhere nobody knows."""
    log_losses(run_path)
    said = call(show, run_path, "--curves").stdout
    assert "★ lowest 1 at epoch 2, step 14" in said
    assert "★ highest 3 at epoch 3, step 19" in said
    assert said.count("★") == 4


def test_rows_that_are_hidden_or_no_numbers_are_not_drawn(run_path: Path) -> None:
    """A curve is the effective history, and says how much of it is missing."""
    with Run(run_path) as run:
        for step in range(20):
            run.log({"loss": 100.0 if step >= 10 else 1.0}, step=step)
        run.flush()
    with Run(run_path, resume=9) as run:
        for step in range(10, 16):
            run.log({"loss": math.nan if step == 12 else 2.0})
    said = call(show, run_path, "--curves").stdout
    assert "         2 ┤" in said
    assert "x 1 of 16 values are NaN or inf" in said
    assert said.splitlines()[-2].split() == ["step", "0", "15"]


def test_a_metric_whose_rows_are_all_hidden_cannot_be_asked_for(run_path: Path) -> None:
    """It was logged, but the history that counts has none of it."""
    with Run(run_path) as run:
        run.log({"loss": 1.0}, step=0)
        run.log({"late": 1.0}, step=5)
    with Run(run_path, resume=0) as run:
        run.log({"loss": 2.0})
    assert titles(call(show, run_path, "--curves").stdout) == ["loss"]
    with pytest.raises(UnknownMetricError, match="'late': later attempts hide all of its rows"):
        call(show, run_path, "--metric", "late")


def test_curves_of_sealed_and_unsealed_rows_are_the_same(run_path: Path) -> None:
    """Segments are read one after the other; what they add up to does not tell."""
    with Run(run_path) as run:
        for step in range(300):
            run.log({"loss": math.sin(step / 20)}, step=step)
            if step % 70 == 69:
                run.flush()
        live = call(show, run_path, "--curves").stdout.partition("Curves")[2]
    assert call(show, run_path, "--curves").stdout.partition("Curves")[2] == live
    assert "         1 ┤" in live


def test_a_metric_that_only_another_rank_logged_is_drawn(run_path: Path) -> None:
    """Each is that of the lowest rank which has it."""
    with Run(run_path, rank=0, world_size=2) as one, Run(run_path, rank=1, world_size=2) as other:
        one.log({"loss": 1.0})
        other.log({"loss": math.nan, "memory": 3.0})
    said = call(show, run_path, "--curves").stdout
    assert titles(said) == ["loss", "memory"]
    assert "3 ┤" in said
    assert not any(line.strip() == "x" for line in said.splitlines())


def test_a_logarithmic_axis_is_named_and_only_for_what_is_positive(run_path: Path) -> None:
    """Zero has no place on it."""
    with Run(run_path) as run:
        for step in range(10):
            run.log({"loss": 10.0**-step, "zero": step})
    assert titles(call(show, run_path, "--log").stdout) == ["loss  log scale", "zero"]


def test_a_terminal_too_narrow_for_curves_says_so(
    run_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is squeezed beyond recognition."""
    log_losses(run_path)
    monkeypatch.setenv("COLUMNS", "31")
    assert "Too narrow for curves: they need 32 columns." in call(show, run_path, "--curves").stdout


def in_terminal(path: Path, **environ: str) -> str:
    """What ``everystep show`` writes to a real terminal, 80 columns wide."""
    control, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 80, 0, 0))
    inherited = {k: v for k, v in os.environ.items() if k not in {"NO_COLOR", "COLUMNS"}}
    code = f"from reports.cli import main; main(['show', {str(path)!r}])"
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env=inherited | {"TERM": "xterm", "PYTHONIOENCODING": "utf-8"} | environ,
    ) as process:
        os.close(terminal)
        data = b""
        with contextlib.suppress(OSError):  # how a terminal says that nobody is left
            while piece := os.read(control, 65536):
                data += piece
    os.close(control)
    assert process.returncode == 0, data
    return data.decode()


def test_a_real_terminal_gets_colour_unless_it_refuses(run_path: Path) -> None:
    """And never a line that it would have to break."""
    log_losses(run_path)
    said = in_terminal(run_path)
    assert "\x1b[36m" in said
    assert max(map(width, said.partition("Metrics")[2].splitlines())) <= 80
    assert "\x1b" not in in_terminal(run_path, NO_COLOR="1")


def test_a_terminal_without_unicode_gets_stars(run_path: Path) -> None:
    """Of a metric in any script."""
    with Run(run_path) as run:
        run.log({"损失": 1.0, "\x1b[31mred": 2.0})
    curves = in_terminal(run_path, PYTHONIOENCODING="ascii", NO_COLOR="1").partition("Curves")[2]
    assert curves.isascii()
    assert "\\u635f\\u5931\r\n" in curves
    assert "*" in curves
    assert "\x1b" not in curves
