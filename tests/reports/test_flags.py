"""Findings in figures."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from records import chart, record

from compactor.record import Chart, Finding
from reports import figures
from reports.flags import FINDING_LABEL, captions, marks_of
from reports.theme import LIGHT
from reports.view import ChartView

RAMP = [(step, 100.0 - step) for step in range(100)]


def finding(
    step: int | None, severity: str = "warning", metric: str = "train/loss", rank: int = 0
) -> Finding:
    """Something found."""
    return Finding(
        rule="spikes",
        severity=severity,
        metric=metric,
        rank=rank,
        step=step,
        last_step=None,
        text=f"{severity} at {step}",
        evidence={},
        advice="",
    )


def made() -> Chart:
    """A chart of one line."""
    return chart("loss", {"train": RAMP}, infos={"train": {"metric": "train/loss"}})


VIEW = ChartView.of("loss", made())


def drawn(*findings: Finding) -> Axes:
    """The chart with findings."""
    style = figures.style_of(record({"loss": made()}, findings=list(findings)), LIGHT)
    return figures.chart_figure(VIEW, style).axes[0]


def test_a_finding_is_marked_at_its_step_and_explained_beneath() -> None:
    """By one number."""
    axes = drawn(finding(40))
    lines = {str(each.get_label()): each for each in axes.get_lines()}
    hair = lines[f"{FINDING_LABEL} 1: from"]
    (step, value), (above, _) = np.asarray(hair.get_xydata()).tolist()
    assert (step, value, above) == (40.0, 60.0, 40.0)
    said = [text.get_text() for text in axes.texts]
    assert "1" in said
    assert "[1] warning at 40" in said


def test_severities_differ_in_colour_and_in_shape() -> None:
    """So that no one needs to see colours."""
    looks = set()
    for severity in ("critical", "warning", "info"):
        lines = {str(each.get_label()): each for each in drawn(finding(40, severity)).get_lines()}
        mark = lines[f"{FINDING_LABEL} 1"]
        looks.add((mark.get_marker(), to_hex(mark.get_markerfacecolor())))
    assert looks == {
        ("s", LIGHT.trouble),
        ("o", LIGHT.warning),
        ("o", LIGHT.background),
    }


def test_the_severest_three_are_marked_in_the_order_of_their_steps() -> None:
    """And the others are counted."""
    found = [finding(90, "critical"), finding(10, "info"), finding(20), finding(30), finding(5)]
    assert [mark.finding.step for mark in marks_of(VIEW, found)] == [20, 30, 90]
    assert captions(VIEW, found)[-1] == "2 more findings not marked"


def test_findings_about_other_metrics_or_no_step_are_not_marked() -> None:
    """They stand on the page."""
    assert marks_of(VIEW, [finding(None), finding(3, metric="val/loss")]) == []
    assert captions(VIEW, []) == []


def test_marks_at_one_step_stand_side_by_side() -> None:
    """Each number can be read."""
    lines = drawn(finding(40), finding(40, "critical")).get_lines()
    marks = [each for each in lines if each.get_label() in {f"{FINDING_LABEL} {n}" for n in (1, 2)}]
    one, two = (np.asarray(each.get_xydata())[0, 0] for each in marks)
    assert abs(one - two) > 0.01


def test_a_finding_marks_the_line_of_its_rank_only() -> None:
    """Of several, its own; where that is not drawn, that of the mean over the ranks, or none."""
    twice = [(step, 2 * value) for step, value in RAMP]
    for ranks, down in (((0, 1), 120.0), ((0, None), 120.0), ((0, 2), None)):
        infos = {
            name: {"metric": "train/loss", "rank": rank}
            for name, rank in zip(("a", "b"), ranks, strict=True)
        }
        both = chart("loss", {"a": RAMP, "b": twice}, infos=infos)
        about = finding(40, rank=1)
        style = figures.style_of(record({"loss": both}, findings=[about]), LIGHT)
        axes = figures.chart_figure(ChartView.of("loss", both), style).axes[0]
        hairs = [
            float(np.asarray(each.get_xydata())[0, 1])
            for each in axes.get_lines()
            if each.get_label() == f"{FINDING_LABEL} 1: from"
        ]
        assert hairs == ([] if down is None else [down])
