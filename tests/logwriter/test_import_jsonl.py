"""JSON records of many loggers come back exactly, however the objects are laid out."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from importedrows import column, rows, steps_and_values

from logwriter import read
from logwriter.errors import EverystepError
from logwriter.importing import import_log, parts
from logwriter.importing.formats import detect, jsonl
from logwriter.importing.items import Skipped
from logwriter.importing.jsonrecords.objects import Found, ObjectReader
from logwriter.importing.names import EPOCHS, TIMES, known_among
from logwriter.importing.source import Source, look
from logwriter.importing.target import Imported


def imported(tmp_path: Path, log: str | bytes, **how: Any) -> Imported:
    """The one run in a log."""
    source = tmp_path / "log.json"
    source.write_bytes(log.encode() if isinstance(log, str) else log)
    (done,) = import_log(source, tmp_path / "run", **{"format": "jsonl", **how})
    return done


def lines(*records: dict[str, Any]) -> str:
    """JSON lines."""
    return "".join(f"{json.dumps(record)}\n" for record in records)


def objects(text: str) -> list[dict[str, Any] | str]:
    """The objects in a text, and the places of what is none."""
    reader = ObjectReader()
    pieces = enumerate(text.splitlines(keepends=True), start=1)
    found = [each for number, line in pieces for each in reader.take(line, number)]
    found += reader.end()
    return [each.value if isinstance(each, Found) else each.where for each in found]


RECORDS: list[dict[str, Any]] = [
    {"step": 1, "loss": 0.5},
    {"step": 2, "in": {"a": [1, {"b": '}"\\'}]}, "x": {"y": 2}},
]
LAYOUTS = {
    "lines": lines(*RECORDS),
    "no final end": lines(*RECORDS).rstrip(),
    "glued": "".join(map(json.dumps, RECORDS)),
    "array": json.dumps(RECORDS),
    "array of lines": "[\n" + ",\n".join(map(json.dumps, RECORDS)) + "\n]\n",
    "pretty": "\n".join(json.dumps(record, indent=2) for record in RECORDS),
    "pretty array": json.dumps(RECORDS, indent=4),
    "blank lines": "\r\n\r\n".join(map(json.dumps, RECORDS)),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_objects_however_they_are_laid_out(layout: str) -> None:
    """None is lost, none is made up."""
    assert objects(LAYOUTS[layout]) == RECORDS


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_pieces_of_long_lines_make_no_difference(layout: str, size: int) -> None:
    """Wherever a piece ends: in a text, behind a backslash, between objects."""
    text = LAYOUTS[layout]
    reader = ObjectReader()
    found: list[Found | Skipped] = []
    for line in text.splitlines(keepends=True):
        for at in range(0, len(line), size):
            found += reader.take(line[at : at + size], 1)
    found += reader.end()
    assert [each.value for each in found if isinstance(each, Found)] == RECORDS
    assert not any(isinstance(each, Skipped) for each in found)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('{"a":1}\n{"b":2, "x\n{"c":3}\n', [{"a": 1}, "line 2", {"c": 3}]),
        ('{"a":1}\n{"b":2, "lo{"c":3}\n{"d":4}\n', [{"a": 1}, "line 2", {"c": 3}, {"d": 4}]),
        ('{"a":1}\n{"b": {"step": 2}, "c": {"step": 3}', [{"a": 1}, "line 2"]),
        ('{"a":1}\nhello\n\n3\n{"b":2}\n', [{"a": 1}, "line 2", "line 4", {"b": 2}]),
        ('{"a" 1}\n{"b": }\n{"c":3}\n', ["line 1", "line 2", {"c": 3}]),
        ('{"a":1,\n "b":2}\n{"c":3}\n', [{"a": 1, "b": 2}, {"c": 3}]),
        ('{"a":1}\n{"b"', [{"a": 1}, "line 2"]),
        ("[[" * 100_000, []),
        ('{"a":' * 100_000, ["line 1"]),
    ],
)
def test_what_is_no_object_is_named_by_line(text: str, wanted: list[Any]) -> None:
    """A cut object spoils none but itself, and inner objects are never taken for rows."""
    assert objects(text) == wanted


@settings(deadline=None, max_examples=60)
@given(text=st.text(alphabet='{}[]",:\\ \n01ae', max_size=60), size=st.integers(1, 9))
def test_any_text_is_read_without_a_fault(text: str, size: int) -> None:
    """Whole objects on lines of their own are found behind anything that ends."""
    reader = ObjectReader()
    for at in range(0, len(text), size):
        list(reader.take(text[at : at + size], 1))
    list(reader.end())
    assert list(reader.take('{"a": 1}\n', 1)) == [Found(1, {"a": 1})]


names = st.text(min_size=1, max_size=8).filter(lambda name: name.lower() not in {"step", "s"})
values = st.floats(allow_nan=True, allow_infinity=True)


@settings(deadline=None, max_examples=25)
@given(
    logged=st.lists(
        st.tuples(st.integers(0, 1 << 53), st.dictionaries(names, values, min_size=1, max_size=4)),
        min_size=1,
        max_size=12,
    )
)
def test_random_rows_come_back_exactly(
    tmp_path_factory: pytest.TempPathFactory, logged: list[tuple[int, dict[str, float]]]
) -> None:
    """Every bit of every value, every name, in order."""
    if any(name == "iter" or has_a_meaning(name) for _, row in logged for name in row):
        return
    place = tmp_path_factory.mktemp("jsonl")
    log = "".join(json.dumps({"step": step, **row}) + "\n" for step, row in logged)
    done = imported(place, log, keep_restarts=True, step="step")
    found = steps_and_values(done.path)
    assert [step for step, _ in found] == [step for step, _ in logged]
    for (_, got), (_, sent) in zip(found, logged, strict=True):
        assert {name.encode() for name in got} == {name.encode() for name in sent}
        for name, value in sent.items():
            assert np.float64(got[name]).tobytes() == np.float64(value).tobytes() or (
                math.isnan(got[name]) and math.isnan(value)
            )


def has_a_meaning(name: str) -> bool:
    """Whether a name may be taken for a time, an epoch or a part of the data."""
    return any(known_among([name], (*EPOCHS, *TIMES, *parts.NAMES)))


def test_detectron2(tmp_path: Path) -> None:
    """``iteration`` counts; NaN tokens are values; names with slashes stay."""
    log = '{"bbox/AP": 1.5, "iteration": 19, "loss": NaN}\n{"iteration": 39, "loss": -Infinity}\n'
    done = imported(tmp_path, log)
    (_, first), (step, second) = steps_and_values(done.path)
    assert first["bbox/AP"] == 1.5
    assert math.isnan(first["loss"])
    assert (step, second) == (39, {"loss": -math.inf})
    assert "steps: 'iteration'" in done.notes


def test_mmdetection(tmp_path: Path) -> None:
    """The first line is the configuration; iterations run on; validation is at the step before."""
    log = lines(
        {"env_info": "python 3", "config": "lr = 1", "seed": 0},
        {"mode": "train", "epoch": 1, "iter": 50, "loss": 2.0, "time": 0.5},
        {"mode": "train", "epoch": 1, "iter": 100, "loss": 1.5, "time": 0.5},
        {"mode": "val", "epoch": 1, "iter": 7, "bbox_mAP": 0.25},
        {"mode": "train", "epoch": 2, "iter": 50, "loss": 1.0, "time": 0.5},
        {"mode": "val", "epoch": 2, "iter": 7, "bbox_mAP": 0.5},
    )
    done = imported(tmp_path, log)
    assert done.attempts == 1
    assert steps_and_values(done.path) == [
        (50, {"train/loss": 2.0, "train/time": 0.5}),
        (100, {"train/loss": 1.5, "train/time": 0.5}),
        (100, {"val/bbox_mAP": 0.25}),
        (150, {"train/loss": 1.0, "train/time": 0.5}),
        (150, {"val/bbox_mAP": 0.5}),
    ]
    assert column(done.path, "epoch") == [1, 1, 1, 2, 2]
    assert read(done.path).state.config["seed"] == 0
    told = "\n".join(done.notes)
    assert "'iter' counts within epochs" in told
    assert "validation records have the step" in told


def test_mmengine(tmp_path: Path) -> None:
    """Validation lines, which count epochs and share names, neither fall back nor mix."""
    log = lines(
        {"lr": 0.1, "loss": 2.0, "time": 0.5, "epoch": 1, "iter": 50, "step": 50},
        {"coco/bbox_mAP": 0.25, "time": 0.75, "step": 1},
        {"lr": 0.1, "loss": 1.0, "time": 0.5, "epoch": 2, "iter": 100, "step": 100},
        {"coco/bbox_mAP": 0.5, "time": 0.75, "step": 2},
    )
    done = imported(tmp_path, log)
    assert done.attempts == 1
    assert [step for _, step, _ in rows(done.path)] == [50, 1, 100, 2]
    assert read(done.path).series("val/time")[1].tolist() == [0.75, 0.75]
    assert read(done.path).series("time")[1].tolist() == [0.5, 0.5]


def test_llama_factory(tmp_path: Path) -> None:
    """Texts of durations are no numbers; a run that stopped early is not completed."""
    record = {"total_steps": 20, "epoch": 0.5, "elapsed_time": "0:32:48", "percentage": 50.0}
    done = imported(tmp_path, lines({"current_steps": 10, "loss": 2.5, **record}))
    ((step, found),) = steps_and_values(done.path)
    assert step == 10
    assert found == {"loss": 2.5, "total_steps": 20.0, "epoch": 0.5, "percentage": 50.0}
    assert "the run stopped at step 10 of 20" in done.notes


def test_texts_that_are_numbers(tmp_path: Path) -> None:
    """They count, and are told; other texts, lists and ``null`` are no values."""
    log = lines({"step": "1", "loss": "nan", "lr": "1e-3", "host": "a1", "x": None, "y": [1, 2]})
    done = imported(tmp_path, log)
    ((step, found),) = steps_and_values(done.path)
    assert (step, sorted(found), found["lr"]) == (1, ["loss", "lr"], 0.001)
    assert "texts read as numbers: loss, lr" in done.notes


def test_named_keys(tmp_path: Path) -> None:
    """Nested ones with slashes; a named epoch may be written ``1.0``."""
    record = {"at": {"n": 7, "when": "2024-05-01T10:00:00+02:00"}, "round": 3.0, "loss": 0.5}
    done = imported(tmp_path, lines(record), step="at/n", time="at/when", epoch="round")
    assert steps_and_values(done.path) == [(7, {"loss": 0.5})]
    assert column(done.path, "epoch") == [3]
    assert column(done.path, "time")[0].isoformat() == "2024-05-01T08:00:00+00:00"


def test_a_key_that_is_nowhere_is_an_error(tmp_path: Path) -> None:
    """It names the keys there are."""
    with pytest.raises(EverystepError, match=r"'it' that --step names; there are step, loss"):
        imported(tmp_path, lines({"step": 1, "loss": 0.5}), step="it")


@pytest.mark.parametrize(
    ("key", "leaf"),
    [
        ("timestamp", 1700000000.5),
        ("_timestamp", 1700000000.5),
        ("wall_time", 1700000000500),
        ("time", 1700000000500000),
        ("ts", "2023-11-14 22:13:20.500"),
    ],
)
def test_times(tmp_path: Path, key: str, leaf: Any) -> None:
    """Seconds and parts of them since 1970, and dates; how they were read is told."""
    done = imported(tmp_path, lines({"step": 1, "loss": 0.5, key: leaf}, {"step": 2, "loss": 1.0}))
    assert [moment.timestamp() for moment in column(done.path, "time")] == [1700000000.5] * 2
    assert any(note.startswith(f"times: {key!r}, ") for note in done.notes)
    assert done.metrics == ("loss",)


def test_how_long_something_took_is_a_metric(tmp_path: Path) -> None:
    """``time`` is a time only where it can be one."""
    assert imported(tmp_path, lines({"step": 1, "time": 0.5})).metrics == ("time",)


def test_an_epoch_is_the_step_where_there_is_none(tmp_path: Path) -> None:
    """And without either, rows are counted, if the format is named."""
    done = imported(tmp_path, lines({"epoch": 3, "loss": 0.5}, {"epoch": 4, "loss": 0.25}))
    assert [step for step, _ in steps_and_values(done.path)] == [3, 4]
    assert column(done.path, "epoch") == [3, 4]
    assert done.metrics == ("loss",)
    (tmp_path / "bare.json").write_text(lines({"loss": 0.5}, {"loss": 0.25}))
    (bare,) = import_log(tmp_path / "bare.json", tmp_path / "bare", format="jsonl")
    assert [step for step, _ in steps_and_values(bare.path)] == [0, 1]
    assert any("no key counts steps" in note for note in bare.notes)


def test_what_cannot_be_a_row_is_named(tmp_path: Path) -> None:
    """By line: cut, without a step, without a number, with half a step."""
    log = lines({"step": 1, "loss": 0.5}, {"event": "saved"}, {"step": 2}, {"step": 2.5, "loss": 1})
    done = imported(tmp_path, log + '{"step": 3, "lo')
    assert [where.partition(":")[0] for where in done.skipped_first] == [
        f"line {number}" for number in (2, 3, 4, 5)
    ]
    assert done.rows == 1


def test_a_second_run_appended_is_another_attempt(tmp_path: Path) -> None:
    """Steps that fall."""
    log = lines(*({"step": step, "loss": 0.5} for step in (1, 2, 3, 2, 3)))
    assert imported(tmp_path, log).attempts == 2


def test_an_integer_beyond_all_floats_is_infinite(tmp_path: Path) -> None:
    """It is not dropped, and it is no fault."""
    done = imported(tmp_path, lines({"step": 1, "a": 10**400, "b": True}))
    assert steps_and_values(done.path) == [(1, {"a": math.inf, "b": 1.0})]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (lines(*RECORDS), True),
        ("\ufeff" + lines(*RECORDS), True),
        (json.dumps(RECORDS), True),
        (lines({"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.5}), True),
        (lines({"loss": [1, 2], "val_loss": [3, 4]}), False),
        (json.dumps({"_step": 3, "loss": 0.5}, indent=2), False),
        (lines({"image_id": 1, "score": 0.5}, {"image_id": 2, "score": 0.5}), False),
        ("step,loss\n1,0.5\n", False),
        ("{", False),
    ],
)
def test_detection_is_sure_or_says_no(tmp_path: Path, text: str, says: bool) -> None:
    """Several objects with a step and a number; one alone is any document."""
    (tmp_path / "a.json").write_text(text, encoding="utf-8")
    assert jsonl.detects(look(tmp_path / "a.json")) is says


def test_half_a_character_in_a_name_is_escaped(tmp_path: Path) -> None:
    """JSON can name what UTF-8 cannot hold."""
    done = imported(tmp_path, '{"step": 1, "\\ud800": 0.5}\n')
    assert steps_and_values(done.path) == [(1, {r"\ud800": 0.5})]


leaf = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4)
keys = st.sampled_from(
    ["step", "iter", "epoch", "mode", "time", "timestamp", "loss", "total_steps"]
)
anything = st.recursive(
    leaf, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(keys, inner)
)


@settings(deadline=None, max_examples=60)
@given(records=st.lists(st.dictionaries(keys, anything, max_size=5), min_size=1, max_size=5))
def test_any_records_are_read_without_a_fault(
    tmp_path_factory: pytest.TempPathFactory, records: list[dict[str, Any]]
) -> None:
    """Whatever stands under the names that have a meaning."""
    path = tmp_path_factory.mktemp("any") / "log.json"
    path.write_text(lines(*records))
    for _ in jsonl.reads(Source(path, "log", (path,))):
        pass


def test_one_line_is_enough_by_its_name(tmp_path: Path) -> None:
    """A file that says that it is JSON lines."""
    (tmp_path / "a.jsonl").write_text(lines(RECORDS[0]))
    assert detect(look(tmp_path / "a.jsonl")).name == "jsonl"


def test_no_json_at_all_is_an_error(tmp_path: Path) -> None:
    """It is not an empty run."""
    with pytest.raises(EverystepError, match="there is no JSON object at its beginning"):
        imported(tmp_path, "hello\n")
