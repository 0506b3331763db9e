"""The Lightning logger, called as a Trainer calls it."""

import copy
import pickle
from argparse import Namespace
from pathlib import Path

import pytest

from logwriter import read
from logwriter.lightning import EverystepLogger


def test_only_the_first_rank_logs_unless_all_are_wanted(
    run_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others get an experiment that does nothing."""
    monkeypatch.setattr("lightning.pytorch.utilities.rank_zero_only.rank", 1)
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    quiet = EverystepLogger(run_path)
    quiet.log_metrics({"a": 1.0}, 0)
    quiet.log_hyperparams({"lr": 1})
    quiet.experiment.message("nobody hears this")
    quiet.finalize("success")
    assert not run_path.exists()
    loud = EverystepLogger(run_path, all_ranks=True)
    loud.log_metrics({"a": 1.0}, 0)
    loud.finalize("success")
    state = read(run_path).state
    assert (state.ranks, state.world_size) == ([1], 2)


def test_hyper_parameters_are_kept_whenever_and_however_they_come(run_path: Path) -> None:
    """Before the run is opened and after, as mappings and namespaces in one another."""
    logger = EverystepLogger(run_path, config={"seed": 1})
    logger.log_hyperparams(Namespace(lr=0.1, model=Namespace(width=4)))
    assert not run_path.exists()
    logger.log_metrics({"a": 1.0}, 0)
    logger.log_hyperparams({"data": {"name": "line"}}, note="late")
    logger.log_hyperparams(None)
    logger.finalize("success")
    assert read(run_path).state.config == {
        "seed": 1,
        "lr": 0.1,
        "model": {"width": 4},
        "data": {"name": "line"},
        "note": "late",
    }


def test_saving_costs_nothing(run_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lightning calls it after every row."""
    logger = EverystepLogger(run_path)
    logger.log_metrics({"a": 1.0}, 0)
    with monkeypatch.context() as patch:
        patch.setattr(logger.experiment, "flush", lambda: pytest.fail("flushed"))
        logger.save()
    assert not list(run_path.rglob("*.parquet"))
    logger.finalize("success")


def test_before_slurm_takes_the_job_back_rows_are_sealed_and_logging_goes_on(
    run_path: Path,
) -> None:
    """Lightning then says ``finished``."""
    logger = EverystepLogger(run_path)
    logger.log_metrics({"a": 1.0}, 0)
    logger.finalize("finished")
    assert list(run_path.rglob("*.parquet"))
    logger.log_metrics({"a": 2.0}, 1)
    logger.finalize("success")
    state = read(run_path).state
    assert [each.status for each in state.attempts] == ["completed"]
    assert read(run_path).series("a")[1].tolist() == [1, 2]


def test_an_epoch_that_is_not_whole_or_too_large_is_a_metric(run_path: Path) -> None:
    """One that is whole becomes the row's epoch."""
    logger = EverystepLogger(run_path)
    logger.log_metrics({"a": 1.0, "epoch": 2.0}, 0)
    logger.log_metrics({"a": 2.0, "epoch": 2.5}, 1)
    logger.log_metrics({"epoch": 1e300}, 2)
    logger.finalize("success")
    rows = [
        (row["metric"], row["epoch"], row["value"]) for row in read(run_path).rows().to_pylist()
    ]
    assert rows == [
        ("a", 2, 1.0),
        ("a", None, 2.0),
        ("epoch", None, 2.5),
        ("epoch", None, 1e300),
    ]


def test_copies_of_a_logger_log_to_the_same_run(run_path: Path) -> None:
    """A pickled one opens it where it is unpickled, once the first is done."""
    logger = EverystepLogger(run_path, resume=True)
    logger.log_metrics({"a": 1.0}, 0)
    copy.deepcopy(logger).log_metrics({"a": 2.0}, 1)
    packed = pickle.dumps(logger)
    logger.finalize("success")
    other = pickle.loads(packed)  # noqa: S301  packed above
    other.log_metrics({"a": 3.0}, 2)
    other.finalize("success")
    log = read(run_path)
    assert log.series("a")[1].tolist() == [1, 2, 3]
    assert len(log.state.attempts) == 2
