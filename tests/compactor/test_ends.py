"""From when to when attempts go: by footers and digests as by all of their rows."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from standin import Tensor, plug_in

from compactor import compact
from compactor.fold.parts import digest_parts
from compactor.history import Ends
from compactor.reading.ends import attempt_ends
from logwriter import Run, read
from logwriter.errors import EverystepError
from logwriter.extent import extent
from logwriter.runlog import RunLog
from logwriter.summary import summarize_attempts


def plain_ends(log: RunLog) -> dict[tuple[int, int], Ends]:
    """The same from every row of every attempt."""
    table = log.rows(attempts="all")
    table = table.set_column(
        table.schema.get_field_index("time"), "time", table["time"].cast(pa.int64())
    )
    found = {}
    for rank, attempt in {(w.state.writer.rank, w.state.writer.attempt) for w in log.writers}:
        own = table.filter((pc.field("rank") == rank) & (pc.field("attempt") == attempt))
        if own.num_rows:
            step = own.sort_by("seq")["step"][0].as_py()
            times = pc.min_max(own["time"]).as_py()
            found[rank, attempt] = Ends(step, times["min"], times["max"])
    return found


def test_ends_are_those_of_all_rows(run_path: Path) -> None:
    """Steps that fall, rows that later attempts hide, a journal that is not sealed yet."""
    with Run(run_path, rank=0, journal_bytes=1 << 18) as run:
        for number in range(20_000):
            run.log({"a": number, "b": -number}, step=abs(number - 5_000))
    with Run(run_path, rank=0, resume=14_500, journal_bytes=1 << 18) as run:
        for number in range(9_000):
            run.log({"a": number}, step=14_501 + number)
    Run(run_path, rank=0, resume=True).finish()
    live = Run(run_path, rank=0, resume=16_000, journal_bytes=1 << 18)
    live.log({"b": 1.0}, step=17_000)
    live.log({"a": 2.0}, step=3)
    log = read(run_path)
    expected = plain_ends(log)
    assert [expected[0, n].first_step for n in (0, 1, 3)] == [5_000, 14_501, 17_000]
    visible = log.parts("effective")
    assert any(part.hidden_from is not None for part in visible)
    whole = [part for part in visible if part.hidden_from is None]
    known = dict(zip((part.place for part in whole), digest_parts(whole, 1), strict=True))
    assert len(known) > 3
    parts = log.parts("all")
    assert attempt_ends(parts, {}, expected) == expected
    assert attempt_ends(parts, known, expected) == expected
    assert attempt_ends(parts, known, [(0, 1), (0, 2), (7, 7)]) == {(0, 1): expected[0, 1]}
    live.finish()


def test_an_attempt_without_a_value_has_no_ends_and_is_in_nobodys_way(run_path: Path) -> None:
    """The device failed, and its values with it: the run is shown, goes on, and is compacted."""
    run = Run(run_path, rank=0)
    device = plug_in(run)
    device.fails = True
    for step in range(5):
        run.log({"loss": Tensor(device, 1.0)}, step=step)
    run.flush()
    log = read(run_path)
    (part, *_) = log.parts("all")
    assert (part.rows, part.path is None, extent(part, "step")) == (5, False, None)
    assert attempt_ends(log.parts("all"), {}, [(0, 0)]) == {}
    assert summarize_attempts(read(run_path))[0].last_row is None
    run.finish()
    with Run(run_path, rank=0, resume=True) as run:
        run.log({"loss": 2.0})
    record = compact(run_path)
    assert [attempt.rows for attempt in record.run.attempts] == [5, 1]
    assert summarize_attempts(read(run_path))[1].last_row is not None


def test_a_segment_that_went_away_is_told(run_path: Path) -> None:
    """By name, and with what to ask next."""
    with Run(run_path, rank=0) as run:
        run.log({"a": 1.0})
    (part,) = RunLog(run_path, lambda paths, _: [lambda: None for _ in paths]).parts("all")
    assert part.path is not None
    part.path.unlink()
    with pytest.raises(EverystepError, match=r"cannot read steps-.*everystep verify RUN"):
        attempt_ends([part], {}, [(0, 0)])
