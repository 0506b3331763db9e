"""Importing, whatever the format: what a target makes of items."""

import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from logwriter import read
from logwriter.cli.import_ import import_
from logwriter.errors import EverystepError, NotARunError, NothingLoggedError, RunExistsError
from logwriter.importing import attempt, import_log
from logwriter.importing.items import Ended, Facts, Item, Noted, Restart, Rows, Saved, Skipped, Told
from logwriter.importing.records import Row, gather, numbers_of
from logwriter.importing.restarts import Falls
from logwriter.importing.skips import SKIPPED_NAMED
from logwriter.importing.source import Source
from logwriter.importing.target import Imported, Origin, Target
from logwriter.importing.transfer import _places
from logwriter.journal import NO_EPOCH
from logwriter.verify import verify

METRICS = ("train/loss", "val/loss", "lr")
few = settings(max_examples=60, deadline=None)
ROWS = st.lists(
    st.builds(
        Row,
        step=st.integers(0, 30),
        values=st.dictionaries(st.sampled_from(METRICS), st.floats(), max_size=3),
        epoch=st.one_of(st.none(), st.integers(0, 3)),
        time=st.integers(1, 10**15),
    ),
    min_size=1,
    max_size=40,
)


def write(path: Path, items: list[Item], **how: Any) -> Imported:
    """A run of these items."""
    origin = Origin(source="x.log", format="made up", run_id="ab" * 8, name="x", time=7)
    target = Target(path, origin, **how)
    for item in items:
        target.take(item)
    return target.finish()


def logged(path: Path, attempts: Any = "all") -> list[tuple[Any, ...]]:
    """Attempt, row, metric, step, epoch, time and the value's bits, in the order of the log."""
    table = read(path).rows(attempts=attempts).to_pydict()
    times = [int(moment.timestamp() * 1e6 + 0.5) for moment in table["time"]]
    bits = np.array(table["value"], np.float64).view(np.int64).tolist()
    columns = (table["attempt"], table["seq"], table["metric"], table["step"], table["epoch"])
    return sorted(zip(*columns, times, bits, strict=True))


@few
@given(rows=ROWS, pieces=st.integers(1, 7))
def test_every_value_comes_back_to_the_bit(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Row], pieces: int
) -> None:
    """Whatever metrics a row has, and however the rows are cut into chunks."""
    path = tmp_path_factory.mktemp("run") / "r"
    wanted, latest, seq = [], 0, 0
    for row in rows:
        if not row.values:
            continue
        assert row.time is not None
        latest = max(latest, row.time) if seq else row.time
        for metric, value in row.values.items():
            bits = int(np.float64(value).view(np.int64))
            wanted.append((0, seq, metric, row.step, row.epoch, latest, bits))
        seq += 1
    chunks: list[Item] = []
    for start in range(0, len(rows), pieces):
        chunks += gather(rows[start : start + pieces])
    if not wanted:
        with pytest.raises(NothingLoggedError):
            write(path, chunks, keep_restarts=True)
        assert not path.exists()
        return
    done = write(path, chunks, keep_restarts=True)
    assert logged(path) == sorted(wanted)
    assert (done.rows, done.values, done.attempts) == (seq, len(wanted), 1)
    assert whole(path)


def whole(path: Path) -> bool:
    """Whether `everystep verify` finds no fault."""
    return not any(check.faults for check in verify(path))


def naive_cuts(rows: list[Row]) -> list[int]:
    """Row by row: a new attempt begins where a metric's step is less than its last one in this."""
    last: dict[str, int] = {}
    cuts = []
    for place, row in enumerate(rows):
        if any(row.step < last.get(metric, -1) for metric in row.values):
            cuts.append(place)
            last = {}
        last |= dict.fromkeys(row.values, row.step)
    return cuts


@few
@given(rows=ROWS, pieces=st.integers(1, 7))
def test_an_attempt_begins_where_the_steps_of_a_metric_fall(rows: list[Row], pieces: int) -> None:
    """As a walk over the rows finds, however they are cut into chunks."""
    falls = Falls()
    cuts = []
    for start in range(0, len(rows), pieces):
        for chunk in gather(rows[start : start + pieces]):
            assert isinstance(chunk, Rows)
            cuts += [start + cut for cut in falls.cut(chunk)]
    assert cuts == naive_cuts(rows)


def test_metrics_that_count_differently_are_no_restart(tmp_path: Path) -> None:
    """A validation whose steps are epochs lies among training steps."""
    rows = [Row(n, {"train/loss": 1.0}) for n in range(20)]
    rows[10:10] = [Row(1, {"val/loss": 1.0})]
    rows += [Row(2, {"val/loss": 1.0})]
    assert write(tmp_path / "r", list(gather(rows))).attempts == 1


def test_what_a_new_attempt_repeats_is_hidden_not_lost(tmp_path: Path) -> None:
    """A run that was resumed from step 3: its second half replaces what came after step 3."""
    rows = [Row(step, {"loss": float(step)}) for step in (1, 2, 3, 4, 5)]
    rows += [Row(step, {"loss": 10.0 * step}) for step in (4, 5, 6)]
    done = write(tmp_path / "r", list(gather(rows)))
    assert done.attempts == 2
    steps, values = read(tmp_path / "r").series("loss")
    assert steps.tolist() == [1, 2, 3, 4, 5, 6]
    assert values.tolist() == [1.0, 2.0, 3.0, 40.0, 50.0, 60.0]
    assert len(logged(tmp_path / "r")) == 8


def test_a_restart_that_the_source_tells_begins_an_attempt(tmp_path: Path) -> None:
    """Even where no step falls."""
    items: list[Item] = [*gather([Row(1, {"a": 1.0})]), Restart(), *gather([Row(2, {"a": 2.0})])]
    assert write(tmp_path / "r", items).attempts == 2
    assert len(read(tmp_path / "r").state.attempts) == 2


def test_facts_messages_checkpoints_and_the_end_are_events(tmp_path: Path) -> None:
    """Facts before the first row describe the run; later ones update its configuration."""
    items: list[Item] = [
        Facts(config={"lr": 0.1, "depth": 2}, tags=("old",), monitor="loss", mode="min"),
        *gather([Row(1, {"loss": 1.0}, time=5_000_000)]),
        Facts(config={"lr": 0.2}),
        Told("half way", step=1, level="warning"),
        Saved("last.ckpt", step=1, facts={"score": math.inf}),
        Ended("failed", "out of memory"),
    ]
    write(tmp_path / "r", items)
    state = read(tmp_path / "r").state
    assert state.config == {"lr": 0.2, "depth": 2}
    assert (state.tags, state.monitor, state.mode) == (["old"], "loss", "min")
    assert [message.text for message in state.last.messages] == ["half way"]
    assert [saved.path for saved in state.last.checkpoints] == ["last.ckpt"]
    assert state.status == "failed"
    assert state.last.finished is not None
    assert state.last.finished.error == "out of memory"
    assert state.last.started is not None
    assert state.last.started.environment["imported_from"] == "x.log"


def test_what_could_not_be_read_is_counted_and_the_first_of_it_named(tmp_path: Path) -> None:
    """In the result, and in the log itself."""
    items: list[Item] = [*gather([Row(1, {"loss": 1.0})])]
    items += [Skipped(f"line {n}", "no number") for n in range(50)]
    items += [Noted("the row number is the step")] * 2
    done = write(tmp_path / "r", items)
    assert done.skipped == 50
    assert done.skipped_first == tuple(f"line {n}: no number" for n in range(SKIPPED_NAMED))
    assert done.notes == ("the row number is the step",)
    (message,) = read(tmp_path / "r").state.last.messages
    assert message.text.startswith("import: 50 not read: line 0: no number; line 1")


def test_many_values_make_several_segments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that memory is bounded; rows keep their numbers."""
    monkeypatch.setattr(attempt, "SEGMENT_VALUES", 100)
    chunks = [Rows(np.arange(n, n + 60), {"a": np.arange(60.0)}) for n in range(0, 600, 60)]
    done = write(tmp_path / "r", list(chunks))
    assert done.rows == 600
    assert len(list((tmp_path / "r").rglob("*.parquet"))) == 5
    assert [row[1] for row in logged(tmp_path / "r")] == list(range(600))
    assert whole(tmp_path / "r")


def test_times_that_step_back_get_that_of_the_row_before_and_it_is_said(tmp_path: Path) -> None:
    """Times never step back within an attempt, across chunks too."""
    rows = [Row(n, {"a": 1.0}, time=time) for n, time in enumerate((10, 30, 20, 40, 35))]
    done = write(tmp_path / "r", [*gather(rows[:2]), *gather(rows[2:])])
    assert [row[5] for row in logged(tmp_path / "r")] == [10, 30, 30, 40, 40]
    assert done.notes == ("2 rows got the time of the row before: theirs stepped back",)


def test_numbers_of_an_object() -> None:
    """Nested names are joined, truth values count, what is no number does not."""
    entry = {
        "step": 3,
        "loss": 0.5,
        "ok": True,
        "text": "0.5",
        "nothing": None,
        "losses": {"a": 1, "b": {"c": 2.0}},
        "huge": -(10**400),
        "list": [1.0],
    }
    assert numbers_of(entry, but=("step",)) == {
        "loss": 0.5,
        "ok": 1.0,
        "losses/a": 1.0,
        "losses/b/c": 2.0,
        "huge": -math.inf,
    }


def trainer_state(path: Path, steps: int = 3) -> Path:
    """A source that is quick to make."""
    history = [{"step": step, "loss": 1 / step} for step in range(1, steps + 1)]
    path.write_text(json.dumps({"log_history": history, "global_step": steps, "max_steps": steps}))
    return path


def test_the_same_source_gives_the_same_bytes(tmp_path: Path) -> None:
    """Its name and content decide, with the time of the file."""
    source = trainer_state(tmp_path / "trainer_state.json")
    found = []
    for name in "ab":
        (done,) = import_log(source, tmp_path / name)
        files = sorted(path for path in done.path.rglob("*") if path.is_file())
        found.append([(path.name, path.read_bytes()) for path in files])
    assert found[0] == found[1]
    assert len(found[0]) == 2


def test_nothing_is_ever_overwritten(tmp_path: Path) -> None:
    """Neither a run nor a file; an empty folder may be used."""
    source = trainer_state(tmp_path / "trainer_state.json")
    (tmp_path / "empty").mkdir()
    import_log(source, tmp_path / "empty")
    before = sorted((tmp_path / "empty").rglob("*"))
    for taken in (tmp_path / "empty", source):
        with pytest.raises(RunExistsError, match="nothing is ever overwritten"):
            import_log(source, taken)
    assert sorted((tmp_path / "empty").rglob("*")) == before
    assert not list(tmp_path.glob(".*"))


def test_an_import_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """Not even a hidden folder."""
    bad = tmp_path / "trainer_state.json"
    bad.write_text('{"log_history": [{"step": 1, "loss"')
    with pytest.raises(EverystepError, match="is the file complete"):
        import_log(bad, tmp_path / "r")
    assert sorted(path.name for path in tmp_path.iterdir()) == [bad.name]


KILLED = """
import os, signal, sys
from logwriter.importing import transfer, import_log
def read(self, item):
    if type(item).__name__ == "Rows":
        take(self, item)
        os.kill(os.getpid(), signal.SIGKILL)
    take(self, item)
take, transfer.Target.take = transfer.Target.take, read
import_log(sys.argv[1], sys.argv[2])
"""


def test_a_killed_import_leaves_no_run_and_can_be_done_again(tmp_path: Path) -> None:
    """What it had written lies under a hidden name, and is removed by the next one."""
    source, run = trainer_state(tmp_path / "trainer_state.json"), tmp_path / "runs" / "r"
    killed = subprocess.run([sys.executable, "-c", KILLED, str(source), str(run)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not run.exists()
    assert list(run.parent.iterdir())
    import_log(source, run)
    assert list(run.parent.iterdir()) == [run]
    assert read(run).series("loss")[0].tolist() == [1, 2, 3]


def test_runs_are_put_where_their_names_say_but_never_elsewhere(tmp_path: Path) -> None:
    """Names are data: no path is made from one as it stands, and no two runs share a folder."""
    names = ["a", "a", "../../etc", "", "..", "é 1", "x" * 300, "a/b"]
    sources = [Source(tmp_path, name, ()) for name in names]
    places = [place.relative_to(tmp_path) for place in _places(sources, tmp_path)]
    assert [str(place) for place in places] == [
        "a", "a-2", "etc", "run", "run-2", "é-1", "x" * 100, "a-b"
    ]  # fmt: skip
    assert _places(sources[:1], None)[0].parent == Path(os.environ.get("EVERYSTEP_DIR") or "runs")


@pytest.mark.parametrize(
    ("content", "error", "word"),
    [
        (b"", NothingLoggedError, "is empty"),
        (b" \n\n", NothingLoggedError, "is empty"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
            EverystepError,
            "git lfs pull",
        ),
        (b"\x7fELF\x02\x01\x01" + bytes(100), EverystepError, "no format that can be told"),
    ],
)
def test_a_file_that_is_no_log_is_refused_with_the_reason(
    tmp_path: Path, content: bytes, error: type[Exception], word: str
) -> None:
    """And nothing is made of it."""
    source = tmp_path / "metrics.bin"
    source.write_bytes(content)
    with pytest.raises(error, match=word) as raised:
        import_log(source, tmp_path / "r")
    assert str(source) in str(raised.value)
    assert not (tmp_path / "r").exists()


def test_nothing_at_the_path_and_an_empty_folder_are_said_to_be_so(tmp_path: Path) -> None:
    """Two different faults."""
    with pytest.raises(NotARunError, match="no such file or folder"):
        import_log(tmp_path / "gone")
    with pytest.raises(NothingLoggedError, match="empty folder"):
        import_log(tmp_path)


def test_the_command_says_what_became_of_the_source(tmp_path: Path) -> None:
    """As text, and as JSON for programs."""
    source = trainer_state(tmp_path / "trainer_state.json", steps=4)
    told = CliRunner().invoke(import_, [str(source), str(tmp_path / "a"), "--name", "mine"])
    assert told.exit_code == 0
    assert "4 rows, 4 values of 1 metric from trainer_state.json (huggingface)" in told.stdout
    assert read(tmp_path / "a").state.name == "mine"
    parsed = CliRunner().invoke(import_, [str(source), str(tmp_path / "b"), "--json"])
    (run,) = json.loads(parsed.stdout)["runs"]
    assert (run["rows"], run["metrics"], run["skipped"]) == (4, ["loss"], 0)


def test_rows_outside_epochs_have_none() -> None:
    """In a chunk in which others have one."""
    (rows,) = gather([Row(1, {"a": 1.0}, epoch=4), Row(2, {"a": 1.0})])
    assert isinstance(rows, Rows)
    assert rows.epoch is not None
    assert rows.epoch.tolist() == [4, NO_EPOCH]


def test_a_record_without_a_time_has_that_of_the_one_before() -> None:
    """Also where something stands between them, which begins another chunk; never a later one."""
    found: list[Row | Item] = [
        Row(0, {"a": 1.0}, time=5),
        Noted("between"),
        Row(1, {"a": 1.0}),
        Row(2, {"a": 1.0}, time=9),
        Noted("again"),
        Row(3, {"a": 1.0}),
    ]
    chunks = [each for each in gather(found) if isinstance(each, Rows)]
    assert [None if rows.time is None else rows.time.tolist() for rows in chunks] == [
        [5],
        [5, 9],
        [9],
    ]


def test_two_imports_into_one_folder_do_not_disturb_each_other(tmp_path: Path) -> None:
    """The first that is done has it; the other is refused, and leaves nothing."""
    origin = Origin(source="x.log", format="made up", run_id="ab" * 8, name="x", time=7)
    one = Target(tmp_path / "r", origin)
    script = f"from logwriter.importing import import_log; import_log(*{[str(trainer_state(tmp_path / 'trainer_state.json')), str(tmp_path / 'r')]!r})"
    for item in gather([Row(1, {"a": 1.0})]):
        one.take(item)
    subprocess.run([sys.executable, "-c", script], check=True)
    with pytest.raises(RunExistsError):
        one.finish()
    one.abandon()
    assert read(tmp_path / "r").series("loss")[0].tolist() == [1, 2, 3]
    assert not list(tmp_path.glob(".*"))
