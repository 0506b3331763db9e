"""The tables of a record as frames: what they hold, exact types, and names that collide."""

import pandas as pd
import polars as pl
import pytest
from msgspec.structs import replace
from records import digits, record

from compactor.frames import NULLABLE, record_table
from compactor.record import EpochMetric, Finding, MetricBest, Record


@pytest.fixture
def full() -> Record:
    """A record with an entry in each table, and nulls where there may be some."""
    finding = Finding(
        rule="divergence",
        severity="critical",
        metric="loss",
        rank=0,
        step=2**53 + 1,
        last_step=None,
        text="It diverged.",
        evidence={"value": 1.0},
        advice="Lower the rate.",
    )
    best = MetricBest(mode="min", value=0.4, step=69, epoch=None, per="step")
    return replace(digits(), findings=[finding], best_by_metric={"val/loss": best})


def test_the_table_of_epochs_has_a_column_a_metric(full: Record) -> None:
    """Its values, or its means; the first table that is asked for."""
    frame = full.to_pandas()
    assert {name: str(kind) for name, kind in frame.dtypes.items()} == {
        "epoch": "int64",
        "first_step": "int64",
        "last_step": "int64",
        "ended": "bool",
        "seconds": "float64",
        "val/loss": "float64",
        "val/acc": "float64",
    }
    assert frame["val/loss"].tolist() == [0.4 + 0.02 * (n - 6) ** 2 for n in range(10)]
    assert full.to_polars().equals(pl.DataFrame(record_table(full, "epochs")))


def test_a_metric_named_like_a_column_of_the_table_keeps_its_values(full: Record) -> None:
    """Hugging Face logs one that is called ``epoch``."""
    epochs = [replace(e, values={"epoch": e.epoch + 0.5}, metrics={}) for e in full.epochs]
    frame = replace(full, epochs=epochs, epoch_columns=["epoch"]).to_pandas()
    assert frame["epoch"].tolist() == list(range(10))
    assert frame["epoch (metric)"].tolist() == [n + 0.5 for n in range(10)]


def test_a_metric_without_a_value_is_null(full: Record) -> None:
    """Whether it was not logged in the epoch, or not finite."""
    nothing = EpochMetric(rows=1, mean=None, min=None, max=None, last=None, change=None)
    first, second, *rest = full.epochs
    epochs = [
        replace(first, values={"val/loss": None}, metrics={"val/loss": nothing}),
        replace(second, values={}),
        *rest,
    ]
    polars = replace(full, epochs=epochs).to_polars()
    assert polars["val/loss"].to_list()[:3] == [None, None, 0.4 + 0.02 * 16]


def test_other_tables_are_asked_for_by_name(full: Record) -> None:
    """Integers that may be null stay integers."""
    findings = full.to_pandas("findings")
    assert findings.loc[0, "step"] == 2**53 + 1
    assert findings.loc[0, "last_step"] is pd.NA
    assert str(findings["step"].dtype) == "Int64"
    best = full.to_pandas("best")
    assert best.loc[0, ["metric", "value", "step"]].tolist() == ["val/loss", 0.4, 69]
    assert best.loc[0, "epoch"] is pd.NA
    points = full.to_polars("points")
    assert points.height == sum(len(p) for c in full.charts.values() for p in c.lines.values())
    assert str(full.to_pandas("points")["rank"].dtype) == "Int32"


def test_a_table_that_there_is_not_is_an_error_that_lists_those_there_are(full: Record) -> None:
    """For both libraries."""
    said = "no table 'lines'; it has epochs, points, findings, best"
    with pytest.raises(ValueError, match=said):
        full.to_polars("lines")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=said):
        full.to_pandas("lines")  # type: ignore[arg-type]


def test_an_empty_record_has_empty_tables() -> None:
    """Of the same columns."""
    for table in NULLABLE:
        frame = record().to_polars(table)
        assert frame.height == 0
        assert frame.columns == record_table(digits(), table).column_names[: frame.width]
        assert len(record().to_pandas(table)) == 0
