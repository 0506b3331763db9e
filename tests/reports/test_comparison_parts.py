"""What a comparison is made of: labels, settings, the judge. Pure."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from records import chart, record, run_info

from compactor.record import RECORD_NAME, Best, Finding, Point, Record
from logwriter.errors import NoMonitorError
from reports.comparison.comparing import compare_entries
from reports.comparison.judging import Judge, best_of, choose_judge
from reports.comparison.labels import LONGEST, labels_of
from reports.comparison.settings import differing, repetitions
from reports.comparison.sources import Entry
from reports.comparison.table import columns_of

SMALLEST = Judge("val/loss", "min", "the argument")


def entry(name: str, folder: str = "somewhere", **run: object) -> Entry:
    """A run of which only who it is matters."""
    path = Path(folder)
    holder = path.parent if path.name == RECORD_NAME else path
    return Entry(record(run=run_info(name=name, **run)), path, holder)


@pytest.mark.parametrize(
    ("entries", "labels"),
    [
        ([entry("a"), entry("b")], ["a", "b"]),
        (
            [entry("a", config={"lr": 1, "seed": 3}), entry("a", config={"lr": 2, "seed": 3})],
            ["a lr=1", "a lr=2"],
        ),
        ([entry("a", config={"opt": {"lr": 1}}), entry("a")], ["a lr=1", "a lr=none"]),
        (
            [entry("a", config={"x": x, "y": y}) for x, y in ((1, 1), (1, 2), (2, 1))],
            ["a x=1 y=1", "a x=1 y=2", "a x=2 y=1"],
        ),
        ([entry("a", "here"), entry("a", "there")], ["a (here)", "a (there)"]),
        (
            [entry("a", "x/run"), entry("a", "y/run/record.json")],
            ["a (x/run)", "a (y/run)"],
        ),
        ([entry("a", id="1"), entry("a", id="2")], ["a (1)", "a (2)"]),
        ([entry("a"), entry("a"), entry("a #2")], ["a", "a #2", "a #2 #2"]),
        ([entry("a\x1b[2J\n"), entry("")], ["a [2J", "20260504-quiet-heron"]),
    ],
    ids=[
        "names",
        "one key",
        "missing",
        "keys",
        "folders",
        "parents",
        "identifiers",
        "numbers",
        "hostile",
    ],
)
def test_runs_are_told_apart_by_what_differs(entries: list[Entry], labels: list[str]) -> None:
    """Their names where these differ, and else the least that does it."""
    assert labels_of(entries) == labels


@settings(deadline=None, max_examples=60)
@given(st.lists(st.text(max_size=80), min_size=1, max_size=6))
def test_labels_are_short_unlike_each_other_and_on_one_line(names: list[str]) -> None:
    """Whatever the runs are called."""
    labels = labels_of([entry(name) for name in names])
    assert len(set(labels)) == len(names)
    assert all(0 < len(label) <= LONGEST + 4 and "\n" not in label for label in labels)


def test_settings_differ_where_a_value_does_or_a_run_lacks_the_key() -> None:
    """In the order in which they appear."""
    configs = [{"a": "1", "b": "x", "c": "1"}, {"a": "1", "b": "y"}]
    assert differing(configs) == ["b", "c"]


def test_only_runs_with_a_seed_repeat_each_other() -> None:
    """By seed, random_seed, the last part of a nested key, or as asked; never without any."""
    alike = [{"lr": "1", "seed": "1"}, {"lr": "1", "seed": "2"}, {"lr": "2", "seed": "1"}]
    assert repetitions(alike) == [[0, 1]]
    assert repetitions([{"opt.random_seed": "1"}, {"opt.random_seed": "2"}]) == [[0, 1]]
    assert repetitions([{}, {}]) == []
    assert repetitions([{"lr": "1"}, {"lr": "1"}]) == []
    fold = [{"data.fold": "1"}, {"data.fold": "2"}]
    assert repetitions(fold) == []
    assert repetitions(fold, ["fold"]) == repetitions(fold, ["data.fold"]) == [[0, 1]]


def judged(metric: str, value: float = 1.0, mode: str = "min") -> Record:
    """A record whose best point was decided by ``metric``."""
    return record(
        {metric: chart(metric, {"x": [(0, value)]}, infos={"x": {"metric": metric}})},
        best=Best(
            metric=metric,
            mode=mode,
            value=value,
            step=0,
            epoch=None,
            per="step",
            candidates=1,
            metric_chosen_by="the argument",
            mode_chosen_by="the argument",
            row={},
        ),
    )


def test_most_runs_choose_the_metric_and_the_mode() -> None:
    """Of as many the first given, and a note says that they disagree."""
    records = [judged("quality", mode="max"), judged("val/loss"), judged("val/loss")]
    judge = choose_judge(records, None, None)
    assert (judge.metric, judge.mode, len(judge.notes)) == ("val/loss", "min", 1)
    assert choose_judge(records[:2], None, None).metric == "quality"
    assert choose_judge(records, "quality", None).mode == "max"
    assert choose_judge(records, "quality", "min").mode == "min"


def test_a_metric_that_decided_nothing_is_judged_by_what_the_record_has() -> None:
    """The exact extreme of all rows, even where it is not drawn."""
    least = Point(step=7, value=-3.0)
    made = record(
        {
            "x": chart(
                "x", {"x": [(0, 1.0), (9, 2.0)]}, infos={"x": {"metric": "x", "minimum": least}}
            )
        }
    )
    found = best_of(made, Judge("x", "min", "the argument"))
    assert found is not None
    assert (found.value, found.step, found.per) == (-3.0, 7, "step")
    assert best_of(made, SMALLEST) is None


def test_findings_are_those_of_the_record() -> None:
    """A finding is carried as it is."""
    finding = Finding(
        rule="diverged",
        severity="critical",
        metric="x",
        rank=0,
        step=1,
        last_step=None,
        text="x",
        evidence={},
        advice="y",
    )
    entries = [Entry(judged("x"), None, None), Entry(judged("x", 2.0), None, None)]
    broken = Entry(record(findings=[finding]), None, None)
    found = compare_entries([*entries, broken], [])
    assert found.comparison.runs[2].findings == [finding]
    assert [run.label for run in found.comparison] == ["digits", "digits #2", "digits #3"]


def test_a_setting_that_only_looks_like_a_number_is_a_text() -> None:
    """It would lose its zeros where numbers are sorted and copied."""
    for values, numeric in ((["007", "8"], False), (["1_000", "8"], False), (["1e-3", "-8"], True)):
        entries = [
            Entry(
                record(judged("x").charts, run=run_info(name=name, config={"id": value})),
                None,
                None,
            )
            for name, value in zip("ab", values, strict=True)
        ]
        columns = columns_of(compare_entries(entries, [], metric="x", mode="min").comparison)
        (column,) = [each for each in columns if each.heading == "id"]
        assert column.numeric is numeric
        assert [cell.text for cell in column.cells] == values
        assert all((cell.key is not None) is numeric or cell.text == "8" for cell in column.cells)


def test_runs_that_no_metric_decided_say_which_there_are() -> None:
    """With how to name one."""
    entries = [Entry(msgspec.structs.replace(judged("x"), best=None), None, None)] * 2
    with pytest.raises(NoMonitorError, match=r"give --metric .* one of: x$"):
        compare_entries(entries, [])
