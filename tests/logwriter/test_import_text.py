"""Text logs: which lines count, what they say, and what a pattern makes of others."""

import json
import math
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from importedrows import column, rows, steps_and_values

from logwriter import read
from logwriter.errors import EverystepError
from logwriter.importing import import_log
from logwriter.importing.formats import detect, find_format
from logwriter.importing.records import Row
from logwriter.importing.sayings import Sayings
from logwriter.importing.source import Options, look
from logwriter.importing.target import Imported
from logwriter.importing.textlogs.log import LogReader
from logwriter.importing.textlogs.quantities import count, quantity

LOGS = Path(os.environ.get("EVERYSTEP_REAL_LOGS", ""))
MINE = {
    "cyclegan": "text",
    "hf_trainer_state": "huggingface",
    "lerobot": "text",
    "llamafactory_jsonl": "jsonl",
    "llmc_log": "text",
    "megatron": "text",
    "mlperf": "text",
    "modded_txt": "text",
}
"""What `truth.json` calls a format, and what it is called here."""


def imported(tmp_path: Path, log: str | bytes, **how: Any) -> Imported:
    """The one run in a log."""
    source = tmp_path / "train.log"
    source.write_bytes(log.encode() if isinstance(log, str) else log)
    (done,) = import_log(source, tmp_path / "run", **{"format": "text", **how})
    return done


def truths() -> list[Any]:
    """The real logs that these formats read."""
    if not (LOGS / "truth.json").is_file():
        skip = pytest.mark.skip(reason="EVERYSTEP_REAL_LOGS does not name the real logs")
        return [pytest.param("", {}, marks=skip)]
    known = json.loads((LOGS / "truth.json").read_text(encoding="utf-8"))
    return [
        pytest.param(name, truth, id=name)
        for name, truth in known.items()
        if truth["format"] in MINE
    ]


@pytest.mark.parametrize(("name", "truth"), truths())
def test_a_real_log_has_the_rows_of_a_plain_reading(
    tmp_path: Path, name: str, truth: dict[str, Any]
) -> None:
    """Counts, extremes with their rows, and NaN, of every metric; MLPerf's times are times."""
    (done,) = import_log(LOGS / name, tmp_path / "run", keep_restarts=True)
    assert (done.format, done.rows, done.skipped) == (MINE[truth["format"]], truth["rows"], 0)
    wanted = truth["all_metrics"].keys() - ({"wall_time"} if truth["format"] == "mlperf" else set())
    assert set(done.metrics) >= wanted
    log = read(tmp_path / "run")
    for metric in sorted(wanted):
        known = truth["all_metrics"][metric]
        table = log.rows([metric], attempts="all")
        values, seq = table["value"].to_numpy(), table["seq"].to_numpy()
        assert (len(values), np.isnan(values).sum()) == (known["n"], known.get("nan", 0))
        for side, place in (("min", np.nanargmin(values)), ("max", np.nanargmax(values))):
            assert (values[place], seq[place]) == (known[side]["value"], known[side]["row"])


@pytest.mark.parametrize(("name", "truth"), truths())
def test_a_real_log_is_told_from_others(name: str, truth: dict[str, Any]) -> None:
    """By what is in it; and each log of another tool is none of text."""
    assert detect(look(LOGS / name)).name == MINE[truth["format"]]


@pytest.mark.parametrize("name", ["text", "jsonl", "huggingface", "mlflow", "dvclive"])
def test_no_format_claims_real_logs_of_another(name: str) -> None:
    """Each says yes to its own files alone."""
    if not (LOGS / "truth.json").is_file():
        pytest.skip("EVERYSTEP_REAL_LOGS does not name the real logs")
    known = json.loads((LOGS / "truth.json").read_text(encoding="utf-8"))
    own = {file for file, truth in known.items() if MINE.get(truth["format"]) == name}
    chosen = find_format(name)
    assert {path.name for path in LOGS.iterdir() if chosen.detects(look(path))} == own
    assert not chosen.detects(look(LOGS))


SHAPES = {
    "s:7 trl:3.5 lr:0.000001": (7, {"trl": 3.5, "lr": 1e-6}),
    "step:7/100 val_loss:2.5 step_avg:nanms": (7, {"val_loss": 2.5, "step_avg": math.nan}),
    "step=7, loss=0.5,acc=97.5%": (7, {"loss": 0.5, "acc": 97.5}),
    "[2024-05-01 10:00:00,123] INFO train.py:357 step: 7 loss: -inf": (7, {"loss": -math.inf}),
    "step:13K smpl:1.5M loss:1.0e-05": (13_000, {"smpl": 1.5e6, "loss": 1e-5}),
    "Step: 7 | train loss: 0.5 | val loss: 0.25 | eta: 0:10:00": (
        7,
        {"train loss": 0.5, "val loss": 0.25},
    ),
    " iteration  7/ 100 | time per iteration (ms): 12.5 | lm loss: 1.5E+01 |": (
        7,
        {"time per iteration (ms)": 12.5, "lm loss": 15.0},
    ),
    "iter 7: loss 2.5, time 10.5ms, mfu 1.5%": (7, {"loss": 2.5, "time": 10.5, "mfu": 1.5}),
    "step 250: train loss 2.5, val loss 2.75": (250, {"train loss": 2.5, "val loss": 2.75}),
    "step 7/100 | loss 11.5 (+nanz)| norm 15.25 (+nanz)| 300 ms": (
        7,
        {"loss": 11.5, "norm": 15.25},
    ),
    "loss: 0.5 batch: 64 step: 7": (7, {"loss": 0.5, "batch": 64}),
    "global_step=7 - loss: 0.5 - acc: 0.25": (7, {"loss": 0.5, "acc": 0.25}),
}


@pytest.mark.parametrize("line", SHAPES, ids=range(len(SHAPES)))
def test_a_line_of_a_known_shape(tmp_path: Path, line: str) -> None:
    """The step and every number, under the names that stand there."""
    done = imported(tmp_path, f"{line}\n")
    ((_, step, values),) = rows(done.path)
    wanted = SHAPES[line]
    assert step == wanted[0]
    assert values.keys() == wanted[1].keys()
    for name, value in wanted[1].items():
        np.testing.assert_equal(values[name], value)


@pytest.mark.parametrize(
    "line",
    [
        "print(f'step:{step} loss:{loss:.4f}')",
        "def train(step=0, lr=0.1):",
        "step = 0; lr = 0.1",
        "Namespace(lr=0.1, step=100)",
        "# step: 1, lr: 0.1",
        "{'loss': 0.5, 'step': 7}",
        "if step == 7 and loss < 0.5",
        "step += 1, lr = 0.5",
        "warning: step 10 of 50 took long",
        "saved at step 500",
        "Checkpoint policy after step 5000",
        "resumed from step 1000, epoch 3",
        '  File "train.py", line 10, in step: 5',
        "loss: 0.5 lr: 0.1",
        "step:1,234 loss:1,234",
        "step: 7",
    ],
)
def test_a_line_that_is_no_row(tmp_path: Path, line: str) -> None:
    """Source code, warnings, and lines without a step or a number give none."""
    log = f"{line}\nstep:1 loss:0.5\n"
    done = imported(tmp_path, log)
    assert steps_and_values(done.path) == [(1, {"loss": 0.5})]
    assert any(
        "1 of 2 lines gave rows; the first is line 2: 'step:1 loss:0.5'" in note
        for note in done.notes
    )


def test_what_was_decided_is_told(tmp_path: Path) -> None:
    """The step, what was left off, how dates were read, which lines counted."""
    line = "2024-05-01 10:00:00 step:{}K loss:0.5 took:3ms"
    done = imported(tmp_path, "".join(f"{line.format(n)}\n" for n in range(1, 4)))
    told = "\n".join(done.notes)
    for part in ("'step'", "K, M, B and T", "numbers: ms", "UTC", "3 of 3 lines"):
        assert part in told
    times = [moment.isoformat() for moment in column(done.path, "time")]
    assert times == ["2024-05-01T10:00:00+00:00"] * 3


def test_counts_within_epochs_run_on(tmp_path: Path) -> None:
    """Each epoch begins after the largest step before it; nothing is hidden."""
    lines = [
        f"(epoch: {epoch}, iters: {iters}, time: 0.5, data: 0.1) D_A: {epoch + iters / 1000} \n"
        for epoch in (1, 2, 3)
        for iters in (100, 200)
    ]
    header = "================ Training Loss (Mon Feb 14 16:51:32 2022) ================\n"
    done = imported(tmp_path, header + "".join(lines))
    assert done.attempts == 1
    assert [step for _, step, _ in rows(done.path)] == [100, 200, 300, 400, 500, 600]
    assert column(done.path, "epoch") == [1, 1, 2, 2, 3, 3]
    assert any("counts within epochs" in note for note in done.notes)


def test_a_resumed_session_begins_where_its_epoch_began(tmp_path: Path) -> None:
    """A header, and an epoch that goes back, begin a new attempt; steps are those of the epoch."""
    header = "================ Training Loss (Mon Feb 14 16:51:32 2022) ================\n"
    first = "".join(
        f"(epoch: {epoch}, iters: {iters}, time: 0.5) D_A: 0.5 \n"
        for epoch in (1, 2, 3)
        for iters in (100, 200)
    )
    again = "".join(
        f"(epoch: {epoch}, iters: {iters}, time: 0.5) D_A: 0.25 \n"
        for epoch in (2, 3)
        for iters in (100, 200)
    )
    done = imported(tmp_path, header + first + header + again)
    assert done.attempts == 2
    assert [step for _, step, _ in rows(done.path)][6:] == [300, 400, 500, 600]
    steps, values = read(done.path).series("D_A")
    assert steps.tolist() == [100, 200, 300, 400, 500, 600]
    assert values.tolist() == [0.5] * 2 + [0.25] * 4


def test_a_session_that_goes_on_is_an_attempt_that_hides_nothing(tmp_path: Path) -> None:
    """The header of a session tells it, where no step falls."""
    header = "================ Training Loss (Mon Feb 14 16:51:32 2022) ================\n"
    line = "(epoch: {}, iters: 100, time: 0.5) D_A: 0.5 \n"
    done = imported(tmp_path, header + line.format(1) + header + line.format(2))
    assert (done.attempts, done.rows) == (2, 2)
    assert read(done.path).series("D_A")[0].tolist() == [100, 200]


def test_steps_that_fall_begin_an_attempt(tmp_path: Path) -> None:
    """A log of two runs, one appended to the other."""
    lines = [f"step:{step} loss:0.5\n" for step in (1, 2, 3, 1, 2)]
    assert imported(tmp_path, "".join(lines)).attempts == 2


def test_epochs_alone_are_the_steps(tmp_path: Path) -> None:
    """A log with a line an epoch."""
    done = imported(tmp_path, "Epoch 1: loss=0.5 acc=0.25\nEpoch 2: loss=0.25 acc=0.5\n")
    assert steps_and_values(done.path) == [
        (1, {"loss": 0.5, "acc": 0.25}),
        (2, {"loss": 0.25, "acc": 0.5}),
    ]
    assert column(done.path, "epoch") == [1, 2]


def test_a_line_of_an_epoch_has_the_step_before(tmp_path: Path) -> None:
    """Where lines with steps are; fractions of an epoch are a metric."""
    done = imported(
        tmp_path, "step: 50 epoch: 1.5 loss: 0.5\nepoch: 2 val_loss: 0.25\nstep: 60 loss: 0.5\n"
    )
    assert steps_and_values(done.path) == [
        (50, {"epoch": 1.5, "loss": 0.5}),
        (50, {"val_loss": 0.25}),
        (60, {"loss": 0.5}),
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_control_sequences_and_ends_of_lines(tmp_path: Path, end: str) -> None:
    """Colours, a byte order mark, what was overwritten, bytes that are no text, and no final end."""
    log = (
        b"\xef\xbb\xbf\x1b[32mstep:1\x1b[0m loss:0.5\n"
        b" 10%|#   | step:2 loss:0.5\r 20%|##  | step:3 loss:0.5\n"
        b"\xff\xfe junk\n\x1b]0;title\x07step:4 loss:0.5" + end.encode()
    )
    done = imported(tmp_path, log)
    assert steps_and_values(done.path) == [(n, {"loss": 0.5}) for n in (1, 2, 3, 4)]
    assert any("may have been cut" in note for note in done.notes) == (end == "")


def test_a_line_without_bounds_is_skipped(tmp_path: Path) -> None:
    """Only so much of a line is ever looked at."""
    done = imported(tmp_path, f"step:1 loss:0.5\n{'x' * 300_000}step:2\nstep:3 loss:0.5\n")
    assert [step for _, step, _ in rows(done.path)] == [1, 3]
    assert done.skipped_first == ("line 2: it has more than 65,536 characters",)


def test_no_row_at_all_names_what_is_there(tmp_path: Path) -> None:
    """The error shows the first lines, and leads to --pattern."""
    with pytest.raises(EverystepError, match=r"no line has a step.*--pattern.*'hello'; 'world'"):
        imported(tmp_path, "hello\n\nworld\n")
    assert not (tmp_path / "run").exists()


def test_mlperf_lines(tmp_path: Path) -> None:
    """Measurements are rows at their epoch; single values are configuration; the end is the end."""
    log = """garbage
:::MLL 0.0 submission_org: {"value": "someone", "metadata": {}}
:::MLL 1558515573.047 global_batch_size: {"value": 16384, "metadata": {"lineno": 1}}
:::MLL 1558515660.5 block_start: {"value": null, "metadata": {"first_epoch_num": 4}}
:::MLL 1558515719.058 eval_accuracy: {"value": 0.25, "metadata": {"epoch_num": 4}}
0: :::MLLOG {"key": "eval_accuracy", "value": 0.5, "metadata": {"epoch_num": 8, "step_num": 8}}
:::MLPv0.5.0 resnet 1558515801.5 (train.py:10) eval_accuracy: {"epoch": 12, "value": 0.75}
:::MLL 1558515802.0 eval_accuracy: {"value": 0.7
:::MLL 1558516333.791 run_stop: {"value": null, "metadata": {"status": "aborted"}}
"""
    done = imported(tmp_path, log)
    assert steps_and_values(done.path) == [
        (step, {"eval_accuracy": value}) for step, value in ((4, 0.25), (8, 0.5), (12, 0.75))
    ]
    assert column(done.path, "epoch") == [4, 8, 12]
    state = read(done.path).state
    assert state.config == {"submission_org": "someone", "global_batch_size": 16384}
    assert state.status == "failed"
    assert [where.partition(":")[0] for where in done.skipped_first] == ["line 8"]


def test_named_groups_are_metrics(tmp_path: Path) -> None:
    """Several matches a line, ``__`` for a slash, groups that matched nothing, epochs and times."""
    log = (
        "at 1700000000.5 e1 i10 l=0.5 a=1e3; e1 i20 l=nan\nnoise\ne2 i10 l=oops a=2\ne2 i20 l=0.25"
    )
    pattern = (
        r"(?:at (?P<time>\S+) )?e(?P<epoch>\d+) i(?P<step>\d+) l=(?P<train__loss>\w[\w.]*)"
        r"(?: a=(?P<acc>[\w.]+))?"
    )
    done = imported(tmp_path, log, pattern=pattern)
    found = rows(done.path)
    assert [step for _, step, _ in found] == [10, 20, 30, 40]
    assert found[0][2] == {"train/loss": 0.5, "acc": 1000.0}
    assert math.isnan(found[1][2]["train/loss"])
    assert [row[2] for row in found[2:]] == [{"acc": 2.0}, {"train/loss": 0.25}]
    assert done.skipped_first == ("line 3: 'train__loss' is 'oops', no number",)
    assert any("3 of 4 lines gave rows" in note for note in done.notes)
    assert {moment.timestamp() for moment in column(done.path, "time")} == {1700000000.5}


def test_a_pattern_without_a_step_counts(tmp_path: Path) -> None:
    """From 0, and says so; an epoch is better than a count; --step names another group."""
    done = imported(tmp_path, "loss 0.5\nloss 0.25\n", pattern=r"loss (?P<loss>\S+)")
    assert [step for _, step, _ in rows(done.path)] == [0, 1]
    assert any("as the pattern has no group 'step'" in note for note in done.notes)
    (by_epoch,) = import_log(
        tmp_path / "train.log", tmp_path / "b", pattern=r"loss 0.(?P<epoch>\d)(?P<loss>.*)"
    )
    assert [step for _, step, _ in rows(by_epoch.path)] == [2]
    (by_name,) = import_log(
        tmp_path / "train.log", tmp_path / "c", pattern=r"(?P<loss>0)\.(?P<at>\d+)", step="at"
    )
    assert [step for _, step, _ in rows(by_name.path)] == [5, 25]


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"pattern": r"loss (?P<loss>"}, "no regular expression"),
        ({"pattern": r"loss (\S+)"}, "names no metric"),
        ({"pattern": r"(?P<step>\d+)"}, "names no metric"),
        ({"pattern": r"loss (?P<loss>\S+)", "step": "it"}, "has no group 'it' that --step names"),
        ({"pattern": r"nothing (?P<loss>\S+)"}, r"no line matches.*It begins: 'loss 0.5'"),
        ({"pattern": r"(?P<loss>loss)"}, "the first match, line 1: 'loss' is 'loss', no number"),
    ],
)
def test_a_pattern_that_cannot_be_used(tmp_path: Path, how: dict[str, str], why: str) -> None:
    """The error says what is wrong with it."""
    with pytest.raises(EverystepError, match=why):
        imported(tmp_path, "loss 0.5\n", **how)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1.5", 1.5),
        ("-.5e-3", -0.0005),
        ("13K", 13_000.0),
        ("2M", 2e6),
        ("97%", 97.0),
        ("1703.56ms", 1703.56),
        ("3.5it/s", 3.5),
        ("12GB", 12.0),
        ("+inf", math.inf),
        ("NaN", math.nan),
        ("nanms", math.nan),
        ("info", None),
        ("nano", None),
        ("1_000", None),
        ("1,000", None),
        ("3f2a", None),
        ("0:10:00", None),
        ("", None),
    ],
)
def test_quantities(written: str, value: float | None) -> None:
    """What is a number, and what only looks like one."""
    np.testing.assert_equal(quantity(written, Sayings()), value)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("10", 10),
        ("10/100", 10),
        ("7/ 1000", 7),
        ("13K", 13_000),
        ("9007199254740993", 2**53 + 1),
        *[(other, None) for other in ("1.5", "a/b", "1/x", "nan", "inf")],
    ],
)
def test_counts(written: str, value: int | None) -> None:
    """Whole numbers, of how many or not."""
    assert count(written, Sayings()) == value


TOKENS = [
    "step",
    "epoch",
    "iter",
    "loss",
    "it",
    ":",
    "=",
    " ",
    ", ",
    "|",
    " - ",
    "/",
    "(",
    ")",
    "[",
    "%",
]
TOKENS += [
    "1",
    "20",
    ".5",
    "e9",
    "K",
    "ms",
    "nan",
    "-",
    "2024-05-01 10:00:00",
    ":::MLL ",
    "{",
    "}",
    '"',
    "\x1b",
]


@settings(deadline=None, max_examples=150)
@given(line=st.lists(st.sampled_from(TOKENS), max_size=14).map("".join))
def test_any_line_is_read_without_a_fault(line: str) -> None:
    """And what it gives is a row with values."""
    for each in LogReader(Options(), Sayings()).read(line, "line 1"):
        assert not isinstance(each, Row) or each.values


def test_notes_hold_no_control_sequences(tmp_path: Path) -> None:
    """What is shown of a line was cleaned, or is escaped."""
    done = imported(tmp_path, "\x1b[31mstep:1 loss:0.5\x08\x1b[0m loss2:0.5\n")
    assert not any(re.search(r"[\x00-\x1f\x7f]", note) for note in done.notes)
