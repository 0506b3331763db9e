"""Which column counts steps, which epochs, which holds times, and which tells runs apart."""

import datetime as dt
from pathlib import Path

import pytest
from tabled import column, imported, notes, points

from logwriter import read
from logwriter.errors import EverystepError
from logwriter.importing import import_log


@pytest.mark.parametrize(
    ("header", "step"),
    [
        ("step,a", "step"),
        ("a,Global Step", "Global Step"),
        ("trainer/global_step,a", "trainer/global_step"),
        ("iter,frames,a", "iter"),
        ("time/iterations,time/total_timesteps,a", "time/total_timesteps"),
        ("epoch,a", "epoch"),
        ("TotalEnvInteracts,Epoch,a", "TotalEnvInteracts"),
    ],
)
def test_a_column_with_a_known_name_counts_steps(tmp_path: Path, header: str, step: str) -> None:
    """The surest name wins, whatever its place, case or prefix; it is said."""
    names = header.split(",")
    rows = "\n".join(
        ",".join("0.5" if name == "a" else str(n) for name in names) for n in (3, 5, 9)
    )
    one = imported(tmp_path / "run", f"{header}\n{rows}\n")
    assert column(one.path, "step", "a") == [3, 5, 9]
    assert one.notes[0] == f"steps are those of column {step!r}"


def test_what_the_user_says_goes_first(tmp_path: Path) -> None:
    """Case and blanks need not be right where there is no doubt."""
    text = "step,Images Seen,Round,When,a\n0,64,1,1700000000,5\n1,128,2,1700000001,6\n"
    one = imported(tmp_path / "run", text, step=" images seen", epoch="round", time="when")
    assert column(one.path, "step", "a") == [64, 128]
    assert column(one.path, "epoch", "a") == [1, 2]
    assert column(one.path, "time", "a")[0] == dt.datetime(2023, 11, 14, 22, 13, 20, tzinfo=dt.UTC)
    assert one.metrics == ("step", "a")


def test_a_column_that_is_not_there_is_an_error_that_lists_those_that_are(tmp_path: Path) -> None:
    """For each option."""
    for option in ("step", "epoch", "time", "split"):
        with pytest.raises(
            EverystepError, match=rf"no column 'x' for --{option}; there are 'it', 'a'"
        ):
            imported(tmp_path / "run", "it,a\n0,1\n", **{option: "x"})


def test_fractions_cannot_count(tmp_path: Path) -> None:
    """A known name alone does not make a step; a column that was said to be one is refused."""
    text = "step,iter,a\n0.5,1,1\n0.75,2,2\n"
    assert column(imported(tmp_path / "run", text).path, "step", "a") == [1, 2]
    mostly = "step,a\n" + "".join(f"{n},1\n" for n in range(20)) + "20.5,1\n"
    assert imported(tmp_path / "mostly", mostly).skipped == 1
    with pytest.raises(EverystepError, match=r"column 'step' holds '0.5', and steps are whole"):
        imported(tmp_path / "other", text, step="step")


def test_a_row_without_a_step_is_skipped_by_line(tmp_path: Path) -> None:
    """Its numbers belong nowhere."""
    text = "step,a\n0,1\n,2\n1.5,3\n1e3,4\n2.0,5\n9e99,6\n3,7\n"
    one = imported(tmp_path / "run", text, step="step")
    assert points(one.path) == [(0, "a", 1.0), (1000, "a", 4.0), (2, "a", 5.0), (3, "a", 7.0)]
    assert one.skipped_first == (
        "line 3: it has no step",
        "line 4: its step is '1.5', no whole number",
        "line 7: its step is '9e99', no whole number",
    )


def test_rows_are_counted_where_nothing_else_counts(tmp_path: Path) -> None:
    """From 0, over headers and blank lines; it is said."""
    one = imported(tmp_path / "run", "loss,kl\n1,2\n\nloss,kl\n3,4\n5,6\n")
    assert column(one.path, "step", "loss") == [0, 1, 2]
    assert "no column counts steps: the row's number is its step" in notes(one)


def test_rows_with_a_step_alone_are_told(tmp_path: Path) -> None:
    """A training that diverged often leaves such."""
    one = imported(tmp_path / "run", "step,a\n0,1\n1,\n2,\n")
    assert "rows without any number but their step or time: 2" in notes(one)


@pytest.mark.parametrize(
    ("cells", "unit"),
    [
        (("1700000000.25", "1700000001.5"), "seconds since 1970"),
        (("1700000000250", "1700000001500"), "milliseconds since 1970"),
        (("1700000000250000", "1700000001500000"), "microseconds since 1970"),
        (("1700000000250000000", "1700000001500000000"), "nanoseconds since 1970"),
        (("2023-11-14T22:13:20.25Z", "2023-11-14T23:13:21.5+01:00"), "ISO 8601"),
        (("2023-11-14 22:13:20.25", "2023-11-14 22:13:21.5"), "ISO 8601"),
    ],
)
def test_times_are_read_and_their_unit_is_told_by_their_size(
    tmp_path: Path, cells: tuple[str, str], unit: str
) -> None:
    """A text without a zone is UTC; a row without a time has that of the row before."""
    text = f"step,timestamp,a\n0,{cells[0]},1\n1,,1\n2,{cells[1]},1\n"
    one = imported(tmp_path / "run", text)
    start = dt.datetime(2023, 11, 14, 22, 13, 20, 250_000, tzinfo=dt.UTC)
    later = start + dt.timedelta(seconds=1.25)
    assert column(one.path, "time", "a") == [start, start, later]
    assert one.metrics == ("a",)
    assert unit in notes(one)


def test_seconds_that_went_by_are_a_metric(tmp_path: Path) -> None:
    """Even if the user calls them the time: the moment they count from is not known."""
    one = imported(tmp_path / "run", "step,time,a\n0,0.5,1\n1,1.5,1\n", time="time")
    assert column(one.path, "value", "time") == [0.5, 1.5]
    assert "column 'time' holds no times since 1970, so it is a metric" in notes(one)


def test_steps_that_fall_begin_an_attempt(tmp_path: Path) -> None:
    """A second session was appended to the file."""
    one = imported(tmp_path / "run", "step,a\n0,1\n1,2\n2,3\n1,4\n2,5\n")
    assert one.attempts == 2
    assert read(one.path).series("a")[1].tolist() == [1.0, 4.0, 5.0]
    kept = imported(tmp_path / "kept", "step,a\n0,1\n1,2\n1,4\n0,5\n", keep_restarts=True)
    assert kept.attempts == 1


def counted(rows: list[tuple[int, int]]) -> list[int]:
    """The slow twin: each epoch's batches go on from the last step before it."""
    steps: list[int] = []
    begins: dict[int, int] = {}
    offset = 0
    for place, (epoch, batch) in enumerate(rows):
        before = rows[place - 1] if place else (epoch, batch)
        begins.setdefault(before[0], offset)
        if epoch > before[0] and batch < before[1]:
            offset = steps[-1] + (batch == 0)
        elif epoch < before[0]:
            offset = begins.get(epoch, 0)
        begins[epoch] = offset
        steps.append(batch + offset)
    return steps


@pytest.mark.parametrize("first", [0, 1])
def test_batches_numbered_anew_in_each_epoch_count_on(tmp_path: Path, first: int) -> None:
    """No epoch hides another; a restart goes back to where its epoch began."""
    rows = [(epoch, first + batch) for epoch in (1, 2, 3, 2, 3, 4) for batch in range(3)]
    text = "epoch,batch,a\n" + "".join(f"{epoch},{batch},1\n" for epoch, batch in rows)
    one = imported(tmp_path / "run", text)
    expected = [first + n for n in [*range(9), *range(3, 12)]]
    assert column(one.path, "step", "a") == expected == counted(rows)
    assert one.attempts == 2
    assert "'batch' counts within epochs: steps run on instead" in notes(one)


def test_a_column_of_runs_splits_the_table(tmp_path: Path) -> None:
    """Each value is a run, named by it; what it tells is in the configuration."""
    source = tmp_path / "all.csv"
    source.write_text("seed,step,a\n1,0,0.5\n 1 ,1,0.25\n../2,0,7\n../2,1,8\n")
    first, second = import_log(source, tmp_path / "runs", split="seed")
    assert [first.path.name, second.path.name] == ["all-seed=1", "all-seed=..-2"]
    assert points(first.path) == [(0, "a", 0.5), (1, "a", 0.25)]
    assert points(second.path) == [(0, "a", 7.0), (1, "a", 8.0)]
    assert read(first.path).state.config == {"seed": "1"}
    assert read(second.path).state.name == "all seed=../2"
    assert read(first.path).state.run_id != read(second.path).state.run_id
    assert {each.name for each in tmp_path.iterdir()} == {"all.csv", "runs"}


def test_without_a_split_it_is_suggested(tmp_path: Path) -> None:
    """As the reason why steps go back only if every fall goes with a change of that column."""
    text = "seed,step,a\n1,0,1\n1,1,2\n2,0,3\n2,1,4\n"
    assert "--split seed makes each of its values a run" in notes(imported(tmp_path / "a", text))
    more = imported(tmp_path / "b", text + "2,0,5\n")
    assert "steps go back where" not in notes(more)
    assert "'seed' has several values, whose rows are all in this run: --split seed" in notes(more)


def test_more_values_than_runs_are_refused(tmp_path: Path) -> None:
    """A column of numbers is soon named by mistake."""
    text = "step,a\n" + "".join(f"{n},{n}\n" for n in range(1001))
    with pytest.raises(EverystepError, match="more than 1,000 values"):
        imported(tmp_path / "run", text, split="a")
