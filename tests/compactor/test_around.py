"""What a chart tells around its lines, and which rows it reads again for that."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from longlines import lines, long_line

from compactor.deciding.best import Winner
from compactor.drawing.around import Drawing, Style, portray
from compactor.drawing.charts import draw_chart, plan_charts, ranks_left_out
from compactor.drawing.smoothing import parse_smoothing, smooth
from compactor.fold import line_of
from compactor.reading.lines import Line, Points
from compactor.record import Chart
from compactor.sampling import parse_policy
from compactor.sampling.arrays import Floats

EMA = parse_smoothing("ema:0.9")


class Log:
    """Lines whose rows can be read again; tells which were."""

    def __init__(self, *held: Line, width: int = 64) -> None:
        self.rows = {(line.metric, line.rank): line.points for line in held}
        self.long = [long_line(line, width) for line in held]
        self.asked: list[tuple[str, int]] = []

    def fetch(self, line: Line) -> Points:
        """All rows."""
        self.asked.append((line.metric, line.rank))
        return self.rows[line.metric, line.rank]


def never(line: Line) -> Points:
    """For lines whose rows nobody needs."""
    raise AssertionError(f"the rows of {line.metric} were fetched")


def drawing(**how: Any) -> Drawing:
    """A hundred points a line, in a run that started at 0 and has no epochs."""
    usual: dict[str, Any] = {"fetch": never, "start_us": 0, "spans": {}}
    run = {name: how.pop(name) for name in usual if name in how}
    return Drawing(style=Style(**{"max_points": 100} | how), **usual | run)


def noise(metric: str = "loss", rank: int = 0, count: int = 1500) -> Line:
    """Seeded noise, a row a step."""
    return line_of(metric, rank, np.arange(count), values(rank, count))


def values(seed: int, count: int) -> Floats:
    """A noisy line that falls."""
    return np.random.default_rng(seed).standard_normal(count) + 5000 / (1000 + np.arange(count))


def chart_of(*several: Line, how: Drawing, **plan: Any) -> Chart:
    """The one chart that draws some lines."""
    (planned,) = plan_charts(several, {}, None, **plan)
    return draw_chart(planned, {}, how, monitor=None)


def test_the_default_policy_reads_nothing_again() -> None:
    """The extremes of the buckets suffice; bounds, bands and times come from what is there."""
    log = Log(noise())
    chart = chart_of(*log.long, how=drawing())
    info = chart.line_info["loss"]
    assert info.max_error is not None
    assert info.max_error > 0
    assert info.mean == pytest.approx(values(0, 1500).mean(), rel=1e-12)
    assert info.std == pytest.approx(values(0, 1500).std(), rel=1e-12)
    assert len(chart.bands["loss"]) == 24
    assert chart.smoothed == {}
    assert info.smoothing is None
    assert len(chart.along["loss"].seconds) == len(chart.lines["loss"]) == info.drawn_points


def test_a_line_that_leaves_nothing_out_has_no_band() -> None:
    """It would be the line itself."""
    chart = chart_of(noise(count=50), how=drawing())
    assert chart.bands == {}
    assert chart.line_info["loss"].max_error == 0


def test_rows_left_out_of_a_step_are_in_the_band() -> None:
    """Though the line was drawn as a whole, a row a step."""
    line = line_of("loss", 0, np.array([0, 1, 1, 1, 2]), np.array([0.0, 5.0, 4.0, 1.0, 2.0]))
    chart = chart_of(line, how=drawing())
    assert chart.bands["loss"] == [(0, 0.0, 0.0), (1, 1.0, 5.0), (2, 2.0, 2.0)]
    assert chart.line_info["loss"].max_error == 4


@pytest.mark.parametrize("policy", ["piecewise", "volatility:window_std", "uniform"])
@pytest.mark.parametrize("smoothing", [None, EMA])
def test_a_policy_that_needs_all_rows_gets_them_once(policy: str, smoothing: Any) -> None:
    """Then a long line is drawn as if it were whole, and so is its smoothed one."""
    log = Log(noise())
    how = {"policy": parse_policy(policy), "smooth": smoothing}
    found = chart_of(*log.long, how=drawing(fetch=log.fetch, **how))
    assert log.asked == [("loss", 0)]
    expected = chart_of(noise(), how=drawing(**how))
    assert found.lines == expected.lines
    assert found.smoothed == expected.smoothed
    told, known = found.line_info["loss"], expected.line_info["loss"]
    assert told.max_error == known.max_error
    assert (told.policy, told.first, told.last) == (known.policy, known.first, known.last)


def test_smoothing_changes_no_point() -> None:
    """It reads the rows of long lines, but the line itself is drawn as it is without."""
    log = Log(noise())
    plain = chart_of(*log.long, how=drawing())
    smoothed = chart_of(*log.long, how=drawing(fetch=log.fetch, smooth=EMA))
    assert log.asked == [("loss", 0)]
    assert smoothed.lines == plain.lines
    assert smoothed.line_info["loss"].smoothing == "ema:0.9"


@settings(deadline=None, max_examples=60)
@given(lines(), st.sampled_from(["ema:0.9", "mean:4"]))
def test_the_smoothed_line_is_filtered_over_all_rows(line: Line, text: str) -> None:
    """At the drawn rows, whichever of a step that is; a gap where the row is one."""
    smoothing = parse_smoothing(text)
    portrait = portray(line, drawing(max_points=16, smooth=smoothing), chart="m", mode=None)
    everything = smooth(line.points.value, smoothing).tolist()
    by_row = dict(zip(line.points.position.tolist(), everything, strict=True))
    shown = portrait.drawn.rows
    assert [step for step, _ in portrait.smoothed] == shown.step.tolist()
    for (_, found), position in zip(portrait.smoothed, shown.position.tolist(), strict=True):
        assert found == (by_row[position] if math.isfinite(by_row[position]) else None)


def test_the_rank_that_is_asked_for_is_drawn() -> None:
    """Under the plain name; the others are not said to be left out."""
    several = [noise(rank=rank, count=20) for rank in range(3)]
    chart = chart_of(*several, how=drawing(), ranks=2)
    assert list(chart.lines) == ["loss"]
    assert chart.line_info["loss"].rank == 2
    assert plan_charts(several, {}, None, ranks=7) == []
    assert ranks_left_out(several, 2) == ranks_left_out(several, "mean") == []


def test_the_mean_is_one_line_with_the_range_of_the_ranks_around_it() -> None:
    """Planning it reads nothing; drawing it reads the long lines of that chart."""
    log = Log(*(noise(rank=rank) for rank in range(3)), noise("other/loss"))
    plans = plan_charts(log.long, {}, "loss", ranks="mean")
    assert log.asked == []
    chart = draw_chart(plans[0], {}, drawing(fetch=log.fetch, smooth=EMA), monitor=None)
    assert log.asked == [("loss", 0), ("loss", 1), ("loss", 2)]
    table = np.stack([values(rank, 1500) for rank in range(3)])
    steps = [step for step, _ in chart.lines["loss"]]
    assert [value for _, value in chart.lines["loss"]] == pytest.approx(table.mean(axis=0)[steps])
    assert 225 <= len(chart.bands["loss"]) <= 300
    step, least, greatest = chart.bands["loss"][7]
    inside = table[:, step : chart.bands["loss"][8][0]]
    assert (least, greatest) == (inside.min(), inside.max())
    info = chart.line_info["loss"]
    assert (info.rank, info.raw_points) == (None, 1500)
    smoothed = smooth(table.mean(axis=0), EMA)[steps]
    assert [value for _, value in chart.smoothed["loss"]] == pytest.approx(smoothed.tolist())


def test_a_metric_of_one_rank_is_its_own_mean() -> None:
    """A line of that rank: nothing is read."""
    log = Log(noise())
    assert chart_of(*log.long, how=drawing(), ranks="mean").line_info["loss"].rank == 0


def test_the_mean_that_won_is_marked() -> None:
    """The deciding line and the drawn one are the same by metric and rank."""
    several = [noise("val/loss", rank, 20) for rank in range(2)]
    (plan,) = plan_charts(several, {}, "val/loss", ranks="mean")
    (traced,) = plan.lines.values()
    winner = Winner(0.5, 3, None, 3, "step", 20)
    deciding = line_of(traced.metric, traced.rank, np.arange(20), np.zeros(20))
    chart = draw_chart(plan, {}, drawing(), monitor=(deciding, winner))
    assert chart.best_point["val"].value == 0.5


def test_a_winning_row_that_the_scan_left_out_is_drawn() -> None:
    """With a least improvement to beat, any row may have won; it is read again."""
    log = Log(noise())
    (line,) = log.long
    position = next(p for p in range(1500) if p not in line.points.position)
    value = float(values(0, 1500)[position])
    winner = Winner(value, position, None, position, "step", 1500)
    found = portray(line, drawing(fetch=log.fetch), chart="loss", mode=None, winner=winner)
    assert log.asked == [("loss", 0)]
    assert (position, value) in found.drawn.points
    assert len(found.drawn.points) <= 100


def test_policies_are_chosen_by_metric_then_chart_then_pattern() -> None:
    """The first pattern that fits; brackets in a name are no pattern for itself."""
    texts = {
        "val/*": "uniform",
        "*": "minmaxlttb",
        "loss": "piecewise",
        "acc": "piecewise",
        "val/acc": "adaptive",
        "w[0]": "volatility",
    }
    how = drawing(policies={name: parse_policy(text) for name, text in texts.items()})

    def chosen(metric: str, chart: str) -> str:
        return how.style.policy_for(metric, chart).text.partition(":")[0]

    assert chosen("val/acc", "acc") == "adaptive"
    assert chosen("val/loss", "loss") == "piecewise"
    assert chosen("val/f1", "f1") == "uniform"
    assert chosen("w[0]", "w[0]") == "volatility"
    assert chosen("w0", "w0") == "minmaxlttb"
    assert drawing().style.policy_for("w0", "w0").text == "adaptive"


def test_without_a_budget_a_policy_keeps_what_its_rule_keeps() -> None:
    """The table alone: every step up to a thousand, then each tenth."""
    chart = chart_of(noise(), how=drawing(max_points=None, policy=parse_policy("piecewise")))
    steps = [step for step, _ in chart.lines["loss"]]
    assert set(steps) >= {*range(1000), *range(1000, 1500, 10)}
    assert len(steps) <= 1050 + 4


def test_the_same_rows_give_the_same_bytes() -> None:
    """Whether they had to be read again or not, where a policy needs all of them."""
    log = Log(noise(), width=1)
    how = {"policy": parse_policy("piecewise"), "smooth": EMA}
    found = chart_of(*log.long, how=drawing(fetch=log.fetch, **how))
    assert found == chart_of(noise(), how=drawing(**how))
