"""`logwriter.tensorboard.SummaryWriter` does what PyTorch's does, and keeps it as a run."""

import gc
import inspect
import signal
import struct
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.utils.tensorboard import SummaryWriter as TorchWriter

from logwriter import read
from logwriter.errors import WriterLockedError
from logwriter.tensorboard import SummaryWriter, writer

KEPT = {
    "add_scalar",
    "add_scalars",
    "add_text",
    "add_hparams",
    "add_histogram",
    "add_histogram_raw",
}
NOT_KEPT = sorted({name for name in dir(TorchWriter) if name.startswith("add_")} - KEPT)

SCRIPT = """
import sys
import torch
from torch.utils.tensorboard import SummaryWriter

torch.manual_seed(3)
model = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), 0.1)
with SummaryWriter(log_dir=sys.argv[1]) as writer:
    writer.add_text("about", "a straight line")
    for step in range(40):
        x = torch.randn(8, 4)
        loss = ((model(x) - x.sum(1, keepdim=True)) ** 2).mean()
        optimizer.zero_grad(); loss.backward(); optimizer.step()
        writer.add_scalar("train/loss", loss, step)
        writer.add_scalar("train/loss_at_hand", loss.item(), global_step=torch.tensor(step))
        writer.add_scalar("lr", optimizer.param_groups[0]["lr"], step + 0.75, new_style=True)
        writer.add_scalar(tag="array", scalar_value=loss.detach().numpy().reshape(1), global_step=step)
        for name, value in model.named_parameters():
            writer.add_histogram(name, value, step)
        writer.flush()
    writer.add_scalar("final", 0.25)
"""


def float32(value: float) -> bytes:
    """The value as TensorBoard keeps it, NaN included."""
    return np.float32(value).tobytes()


def scalars_of(folder: Path) -> dict[str, list[tuple[int, bytes]]]:
    """What TensorBoard's own reader finds."""
    events = EventAccumulator(str(folder), size_guidance={"scalars": 0, "tensors": 0}).Reload()
    found = {tag: events.Scalars(tag) for tag in events.Tags()["scalars"]}
    old = {tag: [(e.step, float32(e.value)) for e in each] for tag, each in found.items()}
    new = {
        tag: [(e.step, float32(e.tensor_proto.float_val[0])) for e in events.Tensors(tag)]
        for tag in events.Tags()["tensors"]
        if "text_summary" not in tag
    }
    return old | new


def series_of(run: Path) -> dict[str, list[tuple[int, bytes]]]:
    """The same of a run."""
    log = read(run)
    return {
        name: [(int(s), float32(v)) for s, v in zip(*log.series(name), strict=True)]
        for name in log.metrics
    }


def test_a_training_script_keeps_the_same_scalars_with_another_import(
    tmp_path: Path, run_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Steps and values, rounded to float32, of all tags that TensorBoard has scalars of."""
    ours = SCRIPT.replace("from torch.utils.tensorboard", "from logwriter.tensorboard")
    for script, folder in ((SCRIPT, tmp_path / "events"), (ours, run_path)):
        monkeypatch.setattr(sys, "argv", ["train.py", str(folder)])
        exec(script, {})  # noqa: S102  the script above
    expected, found = scalars_of(tmp_path / "events"), series_of(run_path)
    assert set(expected) == {"train/loss", "train/loss_at_hand", "lr", "array", "final"}
    assert {tag: found[tag] for tag in expected} == expected
    assert len(found["weight/p50"]) == len(found["bias/std"]) == 40
    (attempt,) = read(run_path).state.attempts
    assert [m.text for m in attempt.messages] == ["about: a straight line"]
    assert attempt.finished is not None
    assert attempt.finished.status == "completed"


def test_the_arguments_are_those_of_torch() -> None:
    """Names, order and defaults, of all that is kept; and nothing that torch has is missing."""
    for name in ["__init__", *sorted(KEPT), "add_figure"]:
        theirs, ours = (
            [(p.name, p.kind, p.default) for p in inspect.signature(each).parameters.values()]
            for each in (getattr(TorchWriter, name), getattr(SummaryWriter, name))
        )
        assert theirs == ours, name
    public = {name for name in dir(TorchWriter) if not name.startswith("_")}
    assert public <= set(dir(SummaryWriter))


STEPS = st.integers(-(1 << 62), 1 << 62)
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b/c", "ü"]),
        st.floats(width=64),
        st.one_of(
            STEPS,
            STEPS.map(np.int64),
            st.integers(-1000, 1000).map(torch.tensor),
            st.floats(-1e6, 1e6),
            st.none(),
        ),
        st.sampled_from([float, np.float64, np.array, lambda x: np.array([[x]])]),
    ),
    max_size=40,
)


@settings(deadline=None, max_examples=25)
@given(rows=ROWS)
def test_values_are_kept_bit_for_bit_in_the_order_of_the_calls(rows: list[Any]) -> None:
    """Steps as TensorBoard takes them: cut to whole numbers, 0 without one."""
    with tempfile.TemporaryDirectory() as folder:
        with SummaryWriter(folder) as log:
            for tag, value, step, kind in rows:
                log.add_scalar(tag, kind(value), step)
        table = read(folder).rows() if rows else None
    found = sorted(table.to_pylist(), key=lambda row: row["seq"]) if table else []
    assert [(row["metric"], row["step"], struct.pack("d", row["value"])) for row in found] == [
        (tag, int(step or 0), struct.pack("d", value)) for tag, value, step, _ in rows
    ]


def test_what_is_no_number_is_counted_and_does_not_raise(run_path: Path) -> None:
    """Values, histograms and steps; the row of a bad step is kept at the current one."""
    with SummaryWriter(run_path) as log:
        log.add_scalar("good", 1.0, 3)
        log.add_scalar("word", "blob", 3)
        log.add_scalar("two", np.zeros(2), 3)
        log.add_histogram("words", ["a", "b"], 3)
        log.add_histogram("complex", np.zeros(2, complex), 3)
        log.add_scalar("good", 2.0, "late")
        summary = log.run.finish()
    assert summary.not_numbers == {"word": 1, "two": 1, "words": 1, "complex": 1, "step": 1}
    assert read(run_path).series("good")[0].tolist() == [3, 3]


def test_add_scalars_is_one_row_of_one_run(run_path: Path) -> None:
    """Named ``main_tag/tag``."""
    with SummaryWriter(run_path) as log:
        log.add_scalars("loss", {"train": 1.0, "val": torch.tensor(2.0)}, 5)
    rows = read(run_path).rows().to_pylist()
    assert {(r["metric"], r["step"], r["value"]) for r in rows} == {
        ("loss/train", 5, 1.0),
        ("loss/val", 5, 2.0),
    }
    assert len({r["seq"] for r in rows}) == 1


def test_hyper_parameters_are_the_configuration_of_the_run(run_path: Path) -> None:
    """No run of their own; the metrics belong to the current step, or to the one given."""
    with SummaryWriter(run_path) as log:
        log.add_scalar("loss", 1.0, 7)
        log.add_hparams({"lr": 0.1, "net": "mlp"}, {"best": 0.5}, {"lr": [0.1, 0.2]}, "trial")
        log.add_hparams({"lr": 0.2}, {"best": 0.6}, global_step=9)
        with pytest.raises(TypeError, match="dictionaries"):
            log.add_hparams([("lr", 1)], {})  # type: ignore[arg-type]
    assert read(run_path).state.config == {"lr": 0.2, "net": "mlp"}
    assert read(run_path).series("best")[0].tolist() == [7, 9]


def test_text_is_a_message_at_its_step(run_path: Path) -> None:
    """Without one, at the current step; one that no 64 bits hold is no step."""
    with SummaryWriter(run_path) as log:
        log.add_scalar("loss", 1.0, 7)
        for step in (3, np.int64(4), None, 1 << 70):
            log.add_text("note", "x", step)
    (attempt,) = read(run_path).state.attempts
    assert [(m.text, m.step) for m in attempt.messages] == [("note: x", s) for s in (3, 4, 7, 7)]


@pytest.mark.parametrize("name", NOT_KEPT)
def test_what_is_not_kept_says_so_once(
    run_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """And does nothing, whatever it is given."""
    parameters = list(inspect.signature(getattr(TorchWriter, name)).parameters.values())[1:]
    arguments = [None for p in parameters if p.default is p.empty]
    with SummaryWriter(run_path) as log:
        getattr(log, name)(*arguments)
        getattr(log, name)(*arguments)
    assert [r.message.split("(")[0] for r in caplog.records] == [f"everystep: {name}"]
    assert read(run_path).rows().num_rows == 0


def test_figures_are_closed_as_tensorboard_closes_them(run_path: Path) -> None:
    """Else they would pile up in memory; ``close=False`` leaves them open."""
    with SummaryWriter(run_path) as log:
        figures = [plt.figure() for _ in range(3)]
        log.add_figure("one", figures[0])
        log.add_figure("rest", figures[1:], close=False)
        assert plt.get_fignums() == [each.number for each in figures[1:]]
        log.add_figure("rest", figures[1:], 4)
        assert plt.get_fignums() == []


def test_walltime_and_missing_steps_are_told_once(
    run_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Times are the run's own; a tag that comes twice without a step draws one point."""
    with SummaryWriter(run_path) as log:
        for step in range(3):
            log.add_scalar("timed", 1.0, step, 5.0)
            log.add_scalar("stepless", 1.0)
        log.add_scalar("once", 1.0)
    texts = [r.message for r in caplog.records]
    assert len(texts) == 2
    assert "walltime is not used" in texts[0]
    assert "'stepless' came again without a global_step" in texts[1]


def test_leaving_by_an_exception_records_a_failure(run_path: Path) -> None:
    """As leaving the block of a `Run` does."""
    with pytest.raises(RuntimeError), SummaryWriter(run_path) as log:
        log.add_scalar("a", 1.0, 0)
        raise RuntimeError("out of memory")
    finished = read(run_path).state.attempts[0].finished
    assert finished is not None
    assert (finished.status, finished.error) == ("failed", "RuntimeError: out of memory")


def test_the_folder_and_the_writers_behind_are_found_as_in_torch(run_path: Path) -> None:
    """Open, there is one; closed, none; asked for, it opens again."""
    log = SummaryWriter(run_path)
    assert log.log_dir == log.get_logdir() == run_path
    assert log.file_writer is not None
    assert log.file_writer.get_logdir() == str(run_path)
    assert list(log.all_writers or ()) == [str(run_path)]
    log.close()
    log.close()
    assert [getattr(log, name) for name in ("file_writer", "all_writers")] == [None, None]
    assert log._get_file_writer().get_logdir() == str(run_path)
    assert log.file_writer is not None
    log.close()


def test_without_a_folder_a_fresh_one_ends_in_the_comment(
    run_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Below ``EVERYSTEP_DIR``; a separator in the comment makes no folder."""
    monkeypatch.setenv("EVERYSTEP_DIR", str(run_path))
    with SummaryWriter(comment="_lr/0.1") as log:
        log.add_scalar("a", 1.0, 0)
    (folder,) = run_path.iterdir()
    assert folder == Path(log.log_dir)
    assert folder.name.endswith("_lr-0.1")
    assert read(folder).metrics == ["a"]


def test_disabled_makes_no_file(run_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every call is a no-op."""
    monkeypatch.setenv("EVERYSTEP_MODE", "disabled")
    monkeypatch.setenv("EVERYSTEP_DIR", str(run_path / "runs"))
    for folder in (run_path, None):
        with SummaryWriter(folder) as log:
            log.add_scalar("a", 1.0, 0)
            log.add_histogram("h", [1.0])
            log.add_text("t", "x")
        log.add_scalar("a", 1.0, 1)
        log.close()
    assert not run_path.exists()


def test_an_import_loads_neither_torch_nor_tensorboard() -> None:
    """Nor NumPy, which only histograms need."""
    code = "import sys, logwriter.tensorboard; print(*sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    loaded = {name.split(".")[0] for name in shown.stdout.split()}
    assert not loaded & {"torch", "tensorboard", "numpy", "pyarrow"}


def test_threads_lose_no_row(run_path: Path) -> None:
    """Also where tags are forgotten and found anew all the while."""
    with SummaryWriter(run_path) as log, pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer, "MOST_TAGS", 3)

        def work(number: int) -> None:
            for step in range(1000):
                log.add_scalar(f"{number}/{step % 5}", float(step), step)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    found = read(run_path)
    for number in range(4):
        for rest in range(5):
            steps, values = found.series(f"{number}/{rest}")
            assert steps.tolist() == values.tolist() == list(range(rest, 1000, 5))


def test_a_killed_writer_keeps_every_value(run_path: Path) -> None:
    """SIGKILL right behind the last of 5,000 calls, without a flush."""
    code = f"""
import os, signal
from logwriter.tensorboard import SummaryWriter
writer = SummaryWriter({str(run_path)!r})
for step in range(5000):
    writer.add_scalar(f"m{{step % 7}}", step * 0.5, step)
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGKILL
    rows = sorted(read(run_path).rows().to_pylist(), key=lambda row: row["seq"])
    assert [(r["metric"], r["step"], r["value"]) for r in rows] == [
        (f"m{step % 7}", step, step * 0.5) for step in range(5000)
    ]


def test_a_second_writer_on_a_folder_is_told_what_to_do(run_path: Path) -> None:
    """And the first goes on undisturbed."""
    with SummaryWriter(run_path) as first:
        gc.collect()
        with pytest.raises(WriterLockedError, match=r"close\(\) the one before, or give this one"):
            SummaryWriter(run_path)
        first.add_scalar("a", 1.0, 0)
    assert read(run_path).series("a")[1].tolist() == [1.0]


def test_a_writer_that_nobody_holds_any_more_makes_room(run_path: Path) -> None:
    """Who made it in a function and never closed it could not close it now."""
    for step in range(2):
        SummaryWriter(run_path).add_scalar("a", 1.0, step)
    SummaryWriter(run_path).close()
    assert read(run_path).series("a")[0].tolist() == [0, 1]
    ends = [a.finished.status for a in read(run_path).state.attempts if a.finished]
    assert ends == ["exited", "exited", "completed"]
