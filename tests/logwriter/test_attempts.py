"""Resuming: history is never rewritten, only read differently."""

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logwriter import Run, earlier, read, rewind
from logwriter.part import Part
from logwriter.repair import repair


def log_steps(
    path: Path, steps: range | list[int], *, resume: bool | int = False, **values: float
) -> None:
    """One attempt that logs these steps explicitly."""
    with Run(path, resume=resume) as run:
        for step in steps:
            run.log({"loss": float(step), **values}, step=step)


def effective(path: Path) -> list[tuple[int, int]]:
    """(attempt, step) of each effective row."""
    table = read(path).rows(["loss"])
    return list(
        zip(table.column("attempt").to_pylist(), table.column("step").to_pylist(), strict=True)
    )


def test_resuming_goes_on_after_the_last_step(run_path: Path) -> None:
    """Without steps of its own, a resumed attempt continues the count and hides nothing."""
    with Run(run_path) as run:
        for _ in range(3):
            run.log({"loss": 1.0})
    with Run(run_path, resume=True) as run:
        assert (run.attempt, run.id) == (1, read(run_path).state.run_id)
        run.log({"loss": 2.0})
    assert effective(run_path) == [(0, 0), (0, 1), (0, 2), (1, 3)]


def test_resuming_an_empty_folder_starts_the_run(run_path: Path) -> None:
    """Scripts that always say resume=True need no special first time."""
    with Run(run_path, resume=True) as run:
        run.log({"loss": 0.0})
    assert effective(run_path) == [(0, 0)]


def test_resuming_at_a_step_hides_what_came_after_it(run_path: Path) -> None:
    """Hidden, not deleted: all attempts can still be read."""
    log_steps(run_path, range(10))
    with Run(run_path, resume=4) as run:
        run.log({"loss": 50.0})
    assert effective(run_path) == [*((0, step) for step in range(5)), (1, 5)]
    assert read(run_path).rows(attempts="all").num_rows == 11


def test_a_checkpoint_decides_when_the_attempt_gives_its_own_steps(run_path: Path) -> None:
    """resume=True takes the point from the new attempt's first row."""
    log_steps(run_path, range(10))
    log_steps(run_path, range(6, 8), resume=True)
    assert effective(run_path) == [*((0, step) for step in range(6)), (1, 6), (1, 7)]


def test_a_rewind_is_a_point_in_the_log_not_a_comparison_of_steps(run_path: Path) -> None:
    """Validation that counts epochs is hidden with the training rows around it."""
    with Run(run_path) as run:
        for epoch in range(3):
            for batch in range(10):
                run.log({"loss": 0.0}, step=10 * epoch + batch)
            run.log({"val": float(epoch)}, step=epoch)
    with Run(run_path, resume=14) as run:
        run.log({"loss": 1.0})
    log = read(run_path)
    assert log.series("val")[1].tolist() == [0.0]
    assert log.rows(["loss"], attempts="all").num_rows == 31
    assert [step for attempt, step in effective(run_path) if attempt == 0] == list(range(15))


def test_rewinds_of_rewinds_hide_in_all_earlier_attempts(run_path: Path) -> None:
    """The latest word about a stretch of steps is the one that counts."""
    log_steps(run_path, range(10))
    log_steps(run_path, range(8, 20), resume=7)
    log_steps(run_path, range(4, 12), resume=3)
    assert effective(run_path) == [*((0, s) for s in range(4)), *((2, s) for s in range(4, 12))]


def test_an_attempt_that_died_before_its_first_row_hides_nothing(run_path: Path) -> None:
    """resume=True has no point to rewind to until a row is there."""
    log_steps(run_path, range(5))
    with Run(run_path, resume=True):
        pass
    assert len(effective(run_path)) == 5


def test_the_smallest_and_the_largest_step_are_steps(run_path: Path) -> None:
    """An attempt that begins at the smallest hides all before it; one after the largest, nothing."""
    smallest, largest = -(1 << 63), (1 << 63) - 1
    log_steps(run_path, [smallest, 0, largest])
    log_steps(run_path, [smallest, 7], resume=True)
    assert effective(run_path) == [(1, smallest), (1, 7)]
    log_steps(run_path, [largest], resume=largest - 1)
    assert effective(run_path) == [(1, smallest), (1, 7), (2, largest)]


def test_an_attempt_whose_first_values_are_lost_resumes_at_the_first_that_is_left(
    run_path: Path,
) -> None:
    """A repair kept the second half of its rows."""
    log_steps(run_path, range(10))
    with Run(run_path, resume=True) as run:
        run.log({"loss": 0.0}, step=4)
        run.flush()
        run.log({"loss": 0.0}, step=6)
    next(run_path.glob("writers/*-a001/steps-000000000000-*")).unlink()
    repair(run_path)
    assert effective(run_path) == [*((0, step) for step in range(6)), (1, 6)]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.one_of(st.none(), st.integers(0, 12)), st.lists(st.integers(0, 15), max_size=8)
        ),
        min_size=1,
        max_size=4,
    )
)
def test_the_effective_history_equals_a_plain_list_cut_at_each_rewind(
    tmp_path_factory: pytest.TempPathFactory, attempts: list[tuple[int | None, list[int]]]
) -> None:
    """Against a model that keeps a list and cuts it: any attempts, any order of steps."""
    path = tmp_path_factory.mktemp("attempts") / "run"
    model: list[list[int]] = []
    for number, (resume, steps) in enumerate(attempts):
        log_steps(path, steps, resume=False if not number else True if resume is None else resume)
        if number:
            point = resume if resume is not None else steps[0] - 1 if steps else None
            if point is not None:
                model = [_cut(rows, point) for rows in model]
        model.append(steps)
    if any(attempt[1] for attempt in attempts):
        assert effective(path) == [(k, step) for k, rows in enumerate(model) for step in rows]


def _cut(rows: list[int], point: int) -> list[int]:
    """The rows in front of the first that went past the point."""
    past = [number for number, step in enumerate(rows) if step > point]
    return rows[: past[0]] if past else rows


class Model:
    """The plain rule: a list of steps an attempt, and a cut at each rewind."""

    def __init__(self) -> None:
        self.attempts: list[list[int]] = []
        self.points: list[int | None] = []

    def effective(self) -> list[tuple[int, int]]:
        """(attempt, step) of each row that no later attempt hides."""
        kept = []
        for number, rows in enumerate(self.attempts):
            left = rows
            for later in range(number + 1, len(self.attempts)):
                point = self.points[later]
                left = left if point is None else _cut(left, point)
            kept += [(number, step) for step in left]
        return kept

    def begin(self, resume: bool | int) -> None:
        """An attempt that has not logged yet."""
        reached = max((step for _, step in self.effective()), default=-1)
        self.step = reached + 1 if isinstance(resume, bool) else resume + 1
        self.seen: dict[str, int] = {}
        self.from_first_row = bool(self.attempts) and isinstance(resume, bool)
        is_given = self.attempts and not isinstance(resume, bool)
        self.points.append(resume if is_given else None)
        self.attempts.append([])

    def log(self, name: str, given: int | None) -> None:
        """One row of one metric."""
        step = self.step + (self.seen.get(name) == self.step) if given is None else given
        if self.from_first_row and not self.attempts[-1]:
            self.points[-1] = step - 1
        self.step = max(self.step, step)
        self.seen[name] = step
        self.attempts[-1].append(step)


def copy_as_if_killed(run: Path, to: Path) -> None:
    """The files of a living run, as a SIGKILL at this moment would leave them: nobody holds the lock."""
    for _ in range(20):
        try:
            shutil.copytree(run, to)
        except (shutil.Error, FileNotFoundError):  # a journal was sealed meanwhile
            shutil.rmtree(to)
        else:
            return
    raise AssertionError("the run never stood still")


@pytest.mark.parametrize("seed", range(12))
def test_rewinds_of_rewinds_with_crashes_in_between_follow_the_rule(
    tmp_path: Path, seed: int
) -> None:
    """Steps given or counted, two metrics, sealed or not, ended or killed, resumed anywhere."""
    random = Random(seed)
    model, path = Model(), tmp_path / "0"
    for number in range(random.randint(2, 5)):
        resume = random.choice([True, True, random.randint(-1, 20)]) if number else False
        model.begin(resume)
        run = Run(path, resume=resume)
        for _ in range(random.randint(0, 12)):
            name = random.choice(["train", "train", "train", "val"])
            given = random.choice([None, None, None, random.randint(0, 25)])
            model.log(name, given)
            run.log({name: 1.0}, step=given)
            if random.random() < 0.1:
                run.flush()
        if random.random() < 0.5:
            killed, path = path, tmp_path / str(number + 1)
            copy_as_if_killed(killed, path)
        run.finish()
        table = read(path).rows().sort_by([("attempt", "ascending"), ("seq", "ascending")])
        found = zip(table["attempt"].to_pylist(), table["step"].to_pylist(), strict=True)
        assert list(found) == model.effective(), f"after attempt {number}"
    total = sum(map(len, model.attempts))
    assert read(path).rows(attempts="all").num_rows == total


def test_each_segment_is_looked_at_once_however_often_a_run_was_resumed(
    run_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For how far it reaches; and each attempt once for where it begins."""
    attempts = 12
    for attempt in range(attempts):
        log_steps(run_path, range(10 * attempt, 10 * attempt + 10), resume=attempt > 0)
    looked: list[tuple[int, int, int]] = []

    def told(function: Callable[..., object]) -> Callable[..., object]:
        def look(part: Part, *others: str) -> object:
            looked.append(part.place)
            return function(part, *others)

        return look

    for name in ("extent", "first_step"):
        monkeypatch.setattr(rewind, name, told(getattr(rewind, name)))
    assert len(effective(run_path)) == 10 * attempts
    assert max(Counter(looked).values()) == 2


def test_a_start_that_is_interrupted_while_it_reads_what_was_leaves_nothing(
    run_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a folder nor a lock is in the way of the next one."""
    log_steps(run_path, range(3))

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(earlier, "read_earlier", interrupt)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            Run(run_path, resume=True)
    assert [folder.name for folder in (run_path / "writers").iterdir()] == ["r00000-a000"]
    monkeypatch.undo()
    log_steps(run_path, [3], resume=True)
    assert effective(run_path) == [(0, 0), (0, 1), (0, 2), (1, 3)]


def test_an_attempt_that_goes_back_counts_on_from_its_own_first_row(run_path: Path) -> None:
    """Not from what the one before had reached."""
    log_steps(run_path, range(14))
    with Run(run_path, resume=True) as run:
        run.log({"loss": 1.0}, step=8)
        run.log({"loss": 2.0})
        run.log({"other": 3.0})
    assert effective(run_path)[-3:] == [(0, 7), (1, 8), (1, 9)]
    assert read(run_path).series("other")[0].tolist() == [9]
