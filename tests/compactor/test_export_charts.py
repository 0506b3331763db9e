"""Charts for other libraries: what is drawn is what the record holds, whatever things are called."""

import importlib.util
import json
import math
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import jsonschema
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from records import chart, digits, record

from compactor.export import (
    Axis,
    ExportError,
    json_bytes,
    select,
    to_chartjs,
    to_echarts,
    to_series,
    to_vega_lite,
)
from compactor.export.colours import colours_of, own_colour
from compactor.export.curves import outline, plots
from compactor.palette import PALETTE
from compactor.record import Along, Chart, Point, Record
from logwriter.errors import UnknownMetricError

HOSTILE = "</script><b>\u2028\"'`\n=cmd()|'/C calc'!A0 {a|b} ${x} \x00 ../../etc 损失"
EXPORTERS: dict[str, Callable[..., Any]] = {
    "echarts": to_echarts,
    "chartjs": to_chartjs,
    "vega-lite": to_vega_lite,
    "series": to_series,
}


def thinned() -> Chart:
    """A line that leaves rows out, begins outside epochs, and has a best point and a filter."""
    points = [(0, 4.0), (10, 3.0), (20, math.nan), (30, 1.0), (40, 2.0)]
    plain = chart(
        "loss",
        {"train": points, "val": [(5, 3.5)]},
        best={"train": Point(step=30, value=1.0, epoch=2)},
    )
    return msgspec.structs.replace(
        plain,
        bands={
            "train": [(0, 2.0, 5.0), (10, 1.5, 3.5), (12, 1.0, 3.7), (15, 1.2, 3.0), (30, 0.5, 6.0)]
        },
        smoothed={"train": [(0, 4.0), (10, 3.5), (20, 3.5), (30, 2.0), (40, 2.0)]},
        along={
            "train": Along(seconds=[0.0, 1.5, 3.0, 4.5, 6.0], epoch=[None, 1.0, 1.5, 2.0, 2.5]),
            "val": Along(seconds=[0.75], epoch=[1.0]),
        },
    )


def called(name: str) -> Record:
    """A record in which everything that has a name has this one."""
    drawn = chart(
        name,
        {name: [(0, 1.0), (1, math.nan), (2, 3.0)], f"{name}, best": [(0, 1.0)]},
        best={name: Point(step=0, value=1.0)},
        infos={name: {"metric": name, "colour": name, "unit": name, "note": name}},
        x_label=name,
        y_label=name,
    )
    drawn = msgspec.structs.replace(
        drawn, bands={name: [(0, 0.5, 3.5)]}, smoothed={name: [(0, 1.0), (1, 2.0), (2, 3.0)]}
    )
    return record({name: drawn})


def floats(value: Any) -> Iterator[float]:
    """Every number inside a JSON value."""
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from floats(each)
    elif isinstance(value, float):
        yield value


@pytest.mark.parametrize("export", EXPORTERS.values(), ids=EXPORTERS)
@pytest.mark.parametrize("made", [digits(), record({"loss": thinned()}), called(HOSTILE), record()])
def test_an_export_is_strict_json_and_the_same_twice(
    export: Callable[..., Any], made: Record
) -> None:
    """No NaN token, nothing that JSON changes, and no state between calls."""
    exported = export(made)
    assert all(map(math.isfinite, floats(exported)))
    data = json_bytes(exported)
    assert json.loads(data, parse_constant=pytest.fail) == exported
    assert data == json_bytes(export(made))


@pytest.mark.parametrize("export", EXPORTERS.values(), ids=EXPORTERS)
def test_a_hostile_name_is_text(export: Callable[..., Any]) -> None:
    """It ends no script element, names no field, and comes back as it was."""
    data = json_bytes(export(called(HOSTILE)))
    assert b"<" not in data
    assert "\u2028" not in data.decode()
    texts = json.dumps(json.loads(data), ensure_ascii=False)
    assert json.dumps(HOSTILE, ensure_ascii=False)[1:-1] in texts


@pytest.mark.parametrize("export", [to_echarts, to_chartjs, to_vega_lite])
def test_charts_come_by_key_in_the_order_of_the_record(export: Callable[..., Any]) -> None:
    """So that a front end finds the one it wants."""
    assert list(export(digits())) == ["lr", "acc", "loss"]


def test_echarts_draws_points_gaps_and_the_best_point() -> None:
    """A gap is null, and a value between two gaps has a mark of its own."""
    drawn = chart(
        "loss",
        {"val": [(0, 2.0), (1, math.nan), (2, 1.0), (3, math.inf), (4, 3.0), (5, 4.0)]},
        best={"val": Point(step=2, value=1.0)},
        title="Loss",
        y_label="nats",
    )
    option = to_echarts(record({"loss": drawn}))["loss"]
    (line,) = option["series"]
    alone = {"symbol": "circle", "symbolSize": 5}
    assert line["data"] == [
        {"value": [0, 2.0], **alone},
        [1, None],
        {"value": [2, 1.0], **alone},
        [3, None],
        [4, 3.0],
        [5, 4.0],
    ]
    assert line["markPoint"]["data"][0]["coord"] == [2, 1.0]
    assert (option["title"]["text"], option["yAxis"]["name"]) == ("Loss", "nats")
    assert option["legend"]["data"] == ["val"]
    assert not line["connectNulls"]


def test_echarts_draws_the_range_and_the_filtered_line() -> None:
    """The range shares its line's name and colour, so that the legend hides both."""
    option = to_echarts(record({"loss": thinned()}))["loss"]
    line, band, smoothed, other = option["series"]
    assert (line["name"], band["name"], other["name"]) == ("train", "train", "val")
    assert band["color"] == line["color"] == smoothed["color"] != other["color"]
    assert band["data"][:2] == [[0, 5.0], [10, 5.0]]
    assert band["z"] < 2
    assert smoothed["data"] == [[0, 4.0], [10, 3.5], [20, 3.5], [30, 2.0], [40, 2.0]]
    assert line["lineStyle"]["opacity"] < other["lineStyle"]["opacity"]


def test_chartjs_has_a_dataset_for_each_thing_drawn() -> None:
    """Front to back, under names that no two of them share."""
    configuration = to_chartjs(record({"loss": thinned()}))["loss"]
    by_label = {each["label"]: each for each in configuration["data"]["datasets"]}
    assert list(by_label) == ["train, best", "train, smoothed", "train", "val", "train, range"]
    assert by_label["train"]["data"][2] == {"x": 20, "y": None}
    assert by_label["train, best"]["data"] == [{"x": 30, "y": 1.0}]
    assert by_label["train, range"]["fill"] == "shape"
    assert by_label["val"]["pointRadius"] == [2.5]
    assert configuration["options"]["scales"]["y"]["type"] == "linear"
    labels = [each["label"] for each in to_chartjs(called("a"))["a"]["data"]["datasets"]]
    assert len(set(labels)) == len(labels)


def test_vega_lite_keeps_names_out_of_its_fields() -> None:
    """Rows have fixed fields; each layer's data are there, and none is unused."""
    specification = to_vega_lite(called(HOSTILE))[HOSTILE]
    sets = specification["datasets"]
    assert list(sets) == [layer["data"]["name"] for layer in specification["layer"]]
    assert {key for rows in sets.values() for row in rows for key in row} == {
        *("line", "x", "value", "least", "greatest"),
    }
    assert sets["best"] == [{"line": HOSTILE, "x": 0, "value": 1.0}]
    assert sets["ranges"][-1] == {"line": HOSTILE, "x": 2, "least": 0.5, "greatest": 3.5}
    behind = {row["line"] for row in sets["behind"]}
    assert behind == {row["line"] for row in sets["smoothed"]} == {HOSTILE}
    assert {row["line"] for row in sets["points"]} == {f"{HOSTILE}, best"}
    empty = to_vega_lite(record({"k": chart("k", {"a": []})}))["k"]
    assert empty["datasets"] == {"points": []}


def test_vega_lite_obeys_its_schema() -> None:
    """The published one, as Altair ships it."""
    found = importlib.util.find_spec("altair")
    if found is None or found.origin is None:
        pytest.skip("altair, which brings the schema of Vega-Lite, is not installed")
    path = Path(found.origin).parent / "vegalite/v6/schema/vega-lite-schema.json"
    schema = json.loads(path.read_text(encoding="utf-8"))
    judge = jsonschema.validators.validator_for(schema)(schema)
    for made in (digits(), record({"loss": thinned()}), called(HOSTILE), logarithmic()):
        for specification in to_vega_lite(made).values():
            judge.validate(json.loads(json_bytes(specification)))


def logarithmic() -> Record:
    """Positive values over six decades."""
    return record({"norm": chart("norm", {"norm": [(s, 10.0**-s) for s in range(7)]})})


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1e-3, 1.0, 10.0], True),
        ([1.0, 2.0, 900.0], False),
        ([0.0, 1.0, 1e6], False),
        ([-1.0, 1.0, 1e6], False),
        ([math.nan], False),
        ([1e-12, *[1.0] * 100], False),
        ([1e-300, 1e300], True),
    ],
)
def test_the_axis_is_logarithmic_for_positive_values_over_decades(
    values: list[float], expected: bool
) -> None:
    """Every library is told the same; one tiny value does not decide."""
    made = record({"a": chart("a", {"a": list(enumerate(values))})})
    assert (to_echarts(made)["a"]["yAxis"]["type"] == "log") is expected
    kind = to_chartjs(made)["a"]["options"]["scales"]["y"]["type"]
    assert (kind == "logarithmic") is expected
    scale = to_vega_lite(made)["a"]["encoding"]["y"]["scale"]
    assert (scale == {"type": "log"}) is expected


def test_a_range_below_zero_forbids_a_logarithmic_axis() -> None:
    """It must be visible as well."""
    made = logarithmic().charts["norm"]
    below = msgspec.structs.replace(made, bands={"norm": [(0, -1.0, 1.0)]})
    assert to_echarts(record({"a": made}))["a"]["yAxis"]["type"] == "log"
    assert to_echarts(record({"a": below}))["a"]["yAxis"]["type"] == "value"
    wide = msgspec.structs.replace(digits().charts["acc"], bands={"val": [(9, 1e-9, 1e9)]})
    assert to_echarts(record({"a": wide}))["a"]["yAxis"]["type"] == "value", "points decide"


def test_series_are_the_lines_with_their_best_points() -> None:
    """Just these keys; ``best_index`` points into ``x``."""
    assert to_series(record({"loss": thinned()})) == [
        {
            "title": "loss: train",
            "x": [0, 10, 20, 30, 40],
            "y": [4.0, 3.0, None, 1.0, 2.0],
            "best_step": 30,
            "best_value": 1.0,
            "best_index": 3,
        },
        {
            "title": "loss: val",
            "x": [5],
            "y": [3.5],
            "best_step": None,
            "best_value": None,
            "best_index": None,
        },
    ]
    assert [entry["title"] for entry in to_series(digits())][:2] == ["lr", "Accuracy"]


@pytest.mark.parametrize(
    ("x", "expected", "index"),
    [("epoch", [1.0, 1.5, 2.0, 2.5], 2), ("seconds", [0.0, 1.5, 3.0, 4.5, 6.0], 3)],
)
def test_another_axis_moves_every_part_of_a_line(x: str, expected: list[float], index: int) -> None:
    """By epoch, points outside epochs are left out; the best point moves along."""
    made, axis = record({"loss": thinned()}), cast("Axis", x)
    entry = to_series(made, x=axis)[0]
    assert entry["x"] == expected
    assert entry["best_index"] == index
    assert entry["y"][index] == 1.0
    option = to_echarts(made, x=axis)["loss"]
    assert option["series"][0]["markPoint"]["data"][0]["coord"] == [expected[index], 1.0]
    assert [at for at, _ in option["series"][2]["data"]] == expected
    assert option["xAxis"]["name"].startswith(x)


def test_a_record_without_epochs_says_so() -> None:
    """Naming chart and line, and the way out."""
    for x in ("epoch", "seconds"):
        with pytest.raises(ExportError, match=rf"'lr', line 'lr'.*at which {x}.*compact"):
            to_series(digits(), x=x)


def test_a_line_outside_epochs_is_not_exported_by_epoch() -> None:
    """It would be an empty chart, without a word."""
    outside = msgspec.structs.replace(
        chart("lr", {"lr": [(0, 1.0), (1, 2.0)]}),
        along={"lr": Along(seconds=[0.0, 1.0], epoch=[None, None])},
    )
    made = record({"lr": outside})
    with pytest.raises(ExportError, match="none of its rows lies in an epoch"):
        to_chartjs(made, x="epoch")
    assert to_series(made, x="seconds")[0]["x"] == [0.0, 1.0]


def test_a_range_moves_to_other_axes_with_the_drawn_points() -> None:
    """Entries at steps 12 and 15 begin at no drawn point: their reach counts from step 10 on."""
    made = record({"loss": thinned()})
    bands = [plots(made, x)["loss"].curves[0].band for x in ("step", "seconds")]
    assert bands[0] == [*thinned().bands["train"], (40, 0.5, 6.0)]
    assert bands[1] == [
        (0.0, 2.0, 5.0),
        (1.5, 1.0, 3.7),
        (3.0, 1.2, 3.0),
        (4.5, 0.5, 6.0),
        (6.0, 0.5, 6.0),
    ]


Entry = tuple[int, float, float]


@st.composite
def bands_and_points(draw: st.DrawFn) -> tuple[list[Entry], list[int]]:
    """A band and the steps of drawn points, of which the band may know nothing."""
    steps = st.lists(st.integers(0, 30), unique=True, max_size=8).map(sorted)
    edges = st.tuples(st.integers(-9, 0), st.integers(1, 9))
    return [(at, *draw(edges)) for at in draw(steps)], draw(steps)


def reach(band: list[Entry], steps: range) -> tuple[float, float] | None:
    """The oracle: step by step, the entry that holds there."""
    held = [[entry for entry in band if entry[0] <= step][-1:] for step in steps]
    edges = [edge for entries in held for _, *pair in entries for edge in pair]
    return (min(edges), max(edges)) if edges else None


@settings(deadline=None, max_examples=100)
@given(bands_and_points())
def test_a_range_between_two_points_is_that_of_the_steps_between_them(
    drawn: tuple[list[Entry], list[int]],
) -> None:
    """Neither narrower nor wider, and closed at the last point."""
    band, steps = drawn
    made = chart("k", {"a": [(step, 0.0) for step in steps]})
    along = {"a": Along(seconds=[2.0 * step for step in steps], epoch=[None] * len(steps))}
    made = msgspec.structs.replace(made, bands={"a": band}, along=along)
    moved = plots(record({"k": made}), "seconds")["k"].curves[0].band
    for start, end in pairwise(steps):
        held = [edges for at, *edges in moved[:-1] if at <= 2 * start][-1:]
        expected = reach(band, range(start, end))
        assert held == ([] if expected is None else [list(expected)])
    assert not moved or moved[-1][0] == 2 * steps[-1]


def area(corners: list[tuple[float, float]]) -> float:
    """Of a closed polygon, positive if it runs clockwise (the shoelace formula)."""
    turned = pairwise(corners)
    return sum((b[0] - a[0]) * (b[1] + a[1]) for a, b in turned) / 2


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(-9, 9), st.integers(0, 9)), max_size=8),
)
def test_an_outline_encloses_just_the_band(parts: list[tuple[int, int, int]]) -> None:
    """Its area is that of the rectangles between least and greatest, and it is closed."""
    band, at = [], 0
    for width, least, height in parts:
        band.append((float(at), float(least), float(least + height)))
        at += width
    expected = sum(w * h for w, _, h in parts[:-1])
    corners = list(outline(band))
    assert area(corners) == expected
    assert not corners or corners[0] == corners[-1]
    # the upper edge runs one way, the lower edge the other: x never turns but once
    turns = [b[0] - a[0] for a, b in pairwise(corners) if a[0] != b[0]]
    assert turns == sorted(turns, key=lambda step: step < 0)


def test_selecting_keeps_what_belongs_to_the_chosen_lines() -> None:
    """Charts without a chosen line go; other parts of the record stay."""
    made = record({"loss": thinned(), "lr": chart("lr", {"lr": [(0, 1.0)]})}, not_drawn=["norm"])
    chosen = select(made, metrics=["val/loss"])
    assert list(chosen.charts) == ["loss"]
    loss = chosen.charts["loss"]
    assert list(loss.lines) == list(loss.line_info) == list(loss.along) == ["val"]
    assert (loss.bands, loss.smoothed, loss.best_point) == ({}, {}, {})
    assert list(select(made, charts=["lr"]).charts) == ["lr"]
    assert select(made) == made
    with pytest.raises(ExportError, match=r"no chart 'los'; the record has 'loss', 'lr'"):
        select(made, charts=["los"])
    with pytest.raises(UnknownMetricError, match=r"no metric 'x'; drawn are: .*'val/loss'"):
        select(made, metrics=["x"])
    with pytest.raises(ExportError, match=r"'norm' is not among the charts.*--full"):
        select(made, metrics=["norm"])
    with pytest.raises(ExportError, match="'lr' draws none of 'val/loss'"):
        select(made, charts=["lr"], metrics=["val/loss"])


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("#0af", "#00aaff"),
        (" #A0B1C2 ", "#a0b1c2"),
        ("Red", "#ff0000"),
        ("C1", None),
        ("red;background:url(x)", None),
        ("#12345", None),
        (None, None),
    ],
)
def test_a_colour_is_hexadecimal_or_not_taken(said: str | None, expected: str | None) -> None:
    """What a run calls a colour reaches no style sheet as it stands."""
    assert own_colour(said) == expected


def test_lines_of_a_chart_have_colours_of_their_own() -> None:
    """Up to eight; roles keep theirs, and a colour asked for is not given twice."""
    names = ["b", "val", "train", "a", "c", "d", "e", "f"]
    infos = {"a": {"colour": PALETTE[3]}}
    drawn = chart("k", {name: [(0, 1.0)] for name in names}, infos=infos)
    found = colours_of(drawn.line_info)
    assert len(set(found.values())) == len(names)
    assert (found["train"], found["val"], found["a"]) == (PALETTE[0], PALETTE[1], PALETTE[3])
    taken = chart(
        "k", {n: [(0, 1.0)] for n in "a train".split()}, infos={"a": {"colour": "#0072B2"}}
    )
    assert len(set(colours_of(taken.line_info).values())) == 2
    many = chart("k", {f"l{n}": [(0, 1.0)] for n in range(20)}).line_info
    assert all(re.fullmatch("#[0-9a-f]{6}", colour) for colour in colours_of(many).values())
