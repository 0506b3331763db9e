"""Tables as particular tools write them, with what lies beside them."""

import datetime as dt
import json
from pathlib import Path

import pytest
from tabled import column, imported, notes, points

from logwriter import read
from logwriter.errors import EverystepError, NothingLoggedError
from logwriter.importing import import_log
from logwriter.importing.formats import detect
from logwriter.importing.source import look

LIGHTNING = "epoch,step,train_loss,val_loss\n0,49,0.5,\n0,99,,0.7\n1,149,0.25,\n"
YOLO = (
    "                  epoch,         train/box_loss,                 lr/pg0\n"
    "                      0,                 2.0133,               0.000663\n"
    "                      1,                 1.9,                  0.00065\n"
)
PROGRESS = "rollout/ep_rew_mean,time/iterations,time/total_timesteps\n-100,1,2048\n-80,2,4096\n"
MONITOR = '#{"t_start": 1700000000.5, "env_id": "Pole-v1"}\nr,l,t\n10.0,10,0.25\n12.5,12,0.5\n'


def test_keras_csv_logger_counts_epochs(tmp_path: Path) -> None:
    """The epoch is the step, and the epoch; a file that was appended to begins an attempt."""
    text = "epoch,accuracy,loss,val_loss\n0,0.5,1.5,NA\n1,0.6,1.25,1.0\n1,0.7,1.0,0.9\n0,0.1,2,3\n"
    one = imported(tmp_path / "run", text)
    assert column(one.path, "step", "loss") == column(one.path, "epoch", "loss") == [0, 1, 1, 0]
    assert column(one.path, "value", "val_loss") == [1.0, 0.9, 3.0]
    assert (one.format, one.attempts) == ("csv", 2)


def test_keras_history_is_a_row_an_epoch(tmp_path: Path) -> None:
    """NaN is a value, null is none, and a shorter list was validated every so many epochs."""
    history = {
        "loss": [4.0, 0.1 + 0.2, float("nan"), None],
        "val_loss": [3.0, 1e-320],
        "lr": [1, 1, 1, 1],
    }
    one = imported(tmp_path / "run", json.dumps(history), name="history.json")
    assert one.format == "keras"
    assert points(one.path)[:3] == [(0, "loss", 4.0), (0, "lr", 1.0), (1, "loss", 0.1 + 0.2)]
    assert column(one.path, "value", "val_loss") == [3.0, 1e-320]
    assert column(one.path, "step", "val_loss") == column(one.path, "epoch", "val_loss") == [1, 3]
    assert "'val_loss' has 2 entries of 4: they count as every 2 epochs" in notes(one)


def test_keras_history_may_be_wrapped_or_by_epoch(tmp_path: Path) -> None:
    """As a data frame writes it, or with the epochs beside it."""
    frame = {"loss": {"0": 2.0, "1": 1.0}}
    one = imported(tmp_path / "a", json.dumps(frame), name="history.json")
    assert points(one.path) == [(0, "loss", 2.0), (1, "loss", 1.0)]
    whole = {"history": {"loss": [2.0, "x", 1.0]}, "epoch": [5, 6, 7], "params": {"epochs": 3}}
    two = imported(tmp_path / "b", json.dumps(whole), name="history.json")
    assert points(two.path) == [(5, "loss", 2.0), (7, "loss", 1.0)]
    assert two.skipped_first == ("entry 2 of 'loss': 'x' is no number",)
    assert read(two.path).state.config == {"epochs": 3}


@pytest.mark.parametrize("text", ["{", "[]", '{"loss": 1}', '{"a": {}}'])
def test_json_that_is_no_history_is_refused(tmp_path: Path, text: str) -> None:
    """With the reason, whatever it is instead."""
    with pytest.raises(EverystepError, match=r"no JSON|no history of Keras"):
        imported(tmp_path / "run", text, name="history.json", format="keras")


def test_lightning_versions_are_runs_with_their_hyper_parameters(tmp_path: Path) -> None:
    """In natural order; versions without a table are none."""
    for number in (2, 10):
        folder = tmp_path / "lightning_logs" / f"version_{number}"
        folder.mkdir(parents=True)
        (folder / "metrics.csv").write_text(LIGHTNING)
        (folder / "hparams.yaml").write_text(f"lr: 0.{number}\nnet: [8, 8]\n")
    (tmp_path / "lightning_logs" / "version_3").mkdir()
    for given in (tmp_path, tmp_path / "lightning_logs"):
        runs = import_log(given, tmp_path / f"runs-{given.name}")
        assert [run.path.name for run in runs] == ["version_2", "version_10"]
        assert [run.format for run in runs] == ["lightning"] * 2
    assert points(runs[0].path) == [
        *((49, "train_loss", 0.5), (99, "val_loss", 0.7), (149, "train_loss", 0.25)),
    ]
    assert column(runs[0].path, "epoch", "train_loss") == [0, 1]
    assert read(runs[1].path).state.config == {"lr": 0.1, "net": [8, 8]}


def test_a_file_beside_a_table_that_cannot_be_read_is_noted(tmp_path: Path) -> None:
    """It may hold objects of Python, which are not made."""
    folder = tmp_path / "version_0"
    folder.mkdir()
    (folder / "metrics.csv").write_text(LIGHTNING)
    (folder / "hparams.yaml").write_text("net: !!python/object/apply:os.getcwd []\n")
    (one,) = import_log(folder, tmp_path / "run")
    assert "its configuration is left out: " in notes(one)
    assert read(one.path).state.config == {}


def test_ultralytics_tables_are_runs_with_their_arguments(tmp_path: Path) -> None:
    """Padded names are names; epochs stay as they count."""
    for name in ("train", "train2"):
        (tmp_path / "detect" / name).mkdir(parents=True)
        (tmp_path / "detect" / name / "results.csv").write_text(YOLO)
    (tmp_path / "detect" / "train" / "args.yaml").write_text("imgsz: 640\n")
    first, second = import_log(tmp_path / "detect", tmp_path / "runs")
    assert [first.path.name, second.path.name] == ["train", "train2"]
    assert points(first.path)[:2] == [(0, "lr/pg0", 0.000663), (0, "train/box_loss", 2.0133)]
    assert column(first.path, "epoch", "lr/pg0") == [0, 1]
    assert read(first.path).state.config == {"imgsz": 640}
    assert first.format == "ultralytics"


def test_stable_baselines_counts_time_steps(tmp_path: Path) -> None:
    """Of its columns of counts, the environment's steps are the axis."""
    one = imported(tmp_path / "run", PROGRESS, name="progress.csv")
    assert one.format == "sb3"
    assert column(one.path, "step", "rollout/ep_rew_mean") == [2048, 4096]
    assert one.metrics == ("rollout/ep_rew_mean", "time/iterations")


def test_a_monitor_row_is_an_episode_at_the_steps_so_far(tmp_path: Path) -> None:
    """Its time is the start of the file and the seconds since; a second start counts from there."""
    again = '#{"t_start": 1700000100.5, "env_id": "Pole-v1"}\nr,l,t\n1.0,5,0.25\n'
    one = imported(tmp_path / "run", MONITOR + again, name="0.monitor.csv")
    assert one.format == "sb3"
    assert column(one.path, "step", "r") == [10, 22, 27]
    assert column(one.path, "value", "t") == [0.25, 0.5, 0.25]
    start = dt.datetime.fromtimestamp(1_700_000_000, dt.UTC)
    seconds = [(time - start).total_seconds() for time in column(one.path, "time", "r")]
    assert seconds == [0.75, 1.0, 100.75]
    assert read(one.path).state.config["env_id"] == "Pole-v1"
    assert "steps are the sums of column 'l' so far" in notes(one)
    assert "times are 't_start' and the seconds since then in column 't'" in notes(one)


def test_each_table_of_stable_baselines_in_a_folder_is_a_run(tmp_path: Path) -> None:
    """A monitor a worker, and the progress."""
    folder = tmp_path / "ppo"
    folder.mkdir()
    (folder / "progress.csv").write_text(PROGRESS)
    for worker in (0, 1):
        (folder / f"{worker}.monitor.csv").write_text(MONITOR)
    runs = import_log(folder, tmp_path / "runs")
    assert [run.source for run in runs] == ["0.monitor.csv", "1.monitor.csv", "progress.csv"]
    assert [run.path.name for run in runs] == ["ppo-0", "ppo-1", "ppo-progress"]
    assert len({read(run.path).state.run_id for run in runs}) == 3


@pytest.mark.parametrize("name", ["lightning", "ultralytics", "sb3"])
def test_a_folder_without_a_table_is_refused_with_the_reason(tmp_path: Path, name: str) -> None:
    """Where the format is given; otherwise it is not detected."""
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(EverystepError, match=r"no (version|results|progress)"):
        import_log(tmp_path, tmp_path / "run", format=name)
    with pytest.raises(EverystepError, match="no format"):
        detect(look(tmp_path))


@pytest.mark.parametrize("name", ["lightning", "ultralytics", "sb3", "csv"])
def test_an_empty_table_of_a_tool_holds_nothing(tmp_path: Path, name: str) -> None:
    """A header was written, and the training failed."""
    (tmp_path / "metrics.csv").write_text("epoch,step\n")
    with pytest.raises(NothingLoggedError, match="holds no row"):
        import_log(tmp_path / "metrics.csv", tmp_path / "run", format=name)
