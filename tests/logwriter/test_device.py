"""Values on a GPU: the training never waits for them, their rows keep their place, and few can be lost."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from standin import Buffer, Device, Tensor, plug_in

from logwriter import Run, read
from logwriter.cuda import CudaBuffer
from logwriter.device import CAPACITY, MOST_ROWS
from logwriter.verify import verify

NEVER = 1e6


def look_dead(path: Path, copy: Path) -> Path:
    """The run as a reader would find it, had its process been killed now."""
    shutil.copytree(path, copy)
    return copy


def test_a_row_is_committed_at_once_and_its_values_follow(run_path: Path, tmp_path: Path) -> None:
    """The device stands still meanwhile: the values at hand are safe, the others come later."""
    run = Run(run_path, sync_every=NEVER)
    device = plug_in(run)
    device.runs.clear()
    for step in range(10):
        run.log({"loss": Tensor(device, step / 10), "lr": 1.0 - step}, step=step)
    dead = read(look_dead(run_path, tmp_path / "dead"))
    assert dead.series("lr")[1].tolist() == [1.0 - step for step in range(10)]
    assert dead.metrics == ["lr"]
    device.runs.set()
    run.flush()
    log = read(run_path)
    steps, losses = log.series("loss")
    assert steps.tolist() == list(range(10))
    assert losses.tolist() == [step / 10 for step in range(10)]
    rows = log.rows()
    assert rows.num_rows == 20
    times = rows.column("time").to_numpy()
    assert (times[:10] == times[10:]).all()  # of loss and of lr: those of the same call
    run.finish()


def test_order_is_that_of_the_calls(run_path: Path) -> None:
    """Rows with and without values on the device, in one sequence, however late these come."""
    with Run(run_path, journal_bytes=1 << 18, sync_every=0.01) as run:
        device = plug_in(run)
        for step in range(5_000):
            run.log(
                {"a": Tensor(device, step), "b": -step} if step % 3 else {"b": -step}, step=step
            )
            if step % 1_000 == 0:
                time.sleep(0.02)
    log = read(run_path)
    wanted = np.array([step for step in range(5_000) if step % 3])
    assert np.array_equal(log.series("a")[0], wanted)
    assert np.array_equal(log.series("a")[1], wanted.astype(float))
    assert np.array_equal(log.series("b")[1], -np.arange(5_000.0))
    assert np.array_equal(log.series("b")[0], np.arange(5_000))
    assert not [fault for check in verify(run_path) for fault in check.faults]


def test_a_value_is_that_of_its_call(run_path: Path) -> None:
    """A running sum that goes on in place changes nothing that was logged."""
    with Run(run_path, sync_every=NEVER) as run:
        device = plug_in(run)
        total = Tensor(device, 0.0)
        for step in range(5):
            total.number += 1
            run.log({"total": total}, step=step)
    assert read(run_path).series("total")[1].tolist() == [1, 2, 3, 4, 5]


def test_a_bounded_number_of_rows_is_on_the_device(run_path: Path, tmp_path: Path) -> None:
    """Without flush, finish or the passing of time: a full batch is fetched."""
    run = Run(run_path, sync_every=NEVER)
    device = plug_in(run)
    rows = 5 * MOST_ROWS + 7
    for step in range(rows):
        run.log({"loss": Tensor(device, step)}, step=step)
    wait_until_settled(run, MOST_ROWS)
    dead = read(look_dead(run_path, tmp_path / "dead")).series("loss")[1]
    assert np.array_equal(dead, np.arange(float(rows - 7)))
    run.finish()
    assert np.array_equal(read(run_path).series("loss")[1], np.arange(float(rows)))


def wait_until_settled(run: Run, rows: int) -> None:
    """Until fewer rows than so many wait."""
    deadline = time.monotonic() + 20
    while len(run.current_journal().pending) >= rows:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_time_bounds_it_too(run_path: Path) -> None:
    """A loop that logs once an hour does not leave its values on the device for hours."""
    run = Run(run_path, sync_every=0.02)
    device = plug_in(run)
    run.log({"loss": Tensor(device, 1.0)})
    wait_until_settled(run, 1)
    assert read(run_path).series("loss")[1].tolist() == [1.0]
    run.finish()


def test_a_reader_of_a_live_run_sees_whole_rows(run_path: Path) -> None:
    """Up to the first that waits; so what was seen once never changes."""
    run = Run(run_path, sync_every=0.02)
    device = plug_in(run)
    run.log({"lr": 0.0}, step=0)
    device.runs.clear()
    run.log({"loss": Tensor(device, 1.0), "lr": 1.0}, step=1)
    run.log({"lr": 2.0}, step=2)
    time.sleep(0.1)
    assert read(run_path).series("lr")[1].tolist() == [0.0]
    device.runs.set()
    wait_until_settled(run, 1)
    assert read(run_path).series("lr")[1].tolist() == [0.0, 1.0, 2.0]
    run.finish()


def test_a_sync_point_vouches_for_nothing_that_will_change(run_path: Path, tmp_path: Path) -> None:
    """Otherwise a value that comes later would look like damage."""
    run = Run(run_path, sync_every=0.02)
    device = plug_in(run)
    device.runs.clear()
    for step in range(2_000):
        run.log({"loss": Tensor(device, step)} if step == 1_000 else {"lr": step}, step=step)
    time.sleep(0.2)
    assert 0 < run.current_journal()._synced < 1_010
    device.runs.set()
    wait_until_settled(run, 1)
    time.sleep(0.2)
    dead = look_dead(run_path, tmp_path / "dead")
    assert not [fault for check in verify(dead) for fault in check.faults]
    assert run.current_journal()._synced > 2_000
    run.finish()


def test_a_bound_log_and_wide_rows_take_tensors_too(run_path: Path) -> None:
    """More values in one row than a batch holds."""
    many = [f"m{k}" for k in range(CAPACITY + 10)]
    with Run(run_path) as run:
        device = plug_in(run)
        log = run.bind("loss", "lr")
        log(0, 0.5, 0.1)
        log(1, Tensor(device, 0.25), 0.1)
        run.log({name: Tensor(device, k) for k, name in enumerate(many)}, step=2)
    log_ = read(run_path)
    assert log_.series("loss")[1].tolist() == [0.5, 0.25]
    assert [log_.series(many[k])[1].tolist() for k in (0, CAPACITY, CAPACITY + 9)] == [
        [0.0],
        [CAPACITY],
        [CAPACITY + 9],
    ]


def test_no_tensor_is_asked_for_its_number_once_cuda_is_in_use(
    run_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Packing a tensor as a float would wait for the device: so types are looked at first."""
    asked: list[Tensor] = []

    def ask(tensor: Tensor) -> float:
        asked.append(tensor)
        return 0.0

    with Run(run_path, sync_every=0.02) as run:
        device = plug_in(run)
        log = run.bind("bound")
        run.log({"loss": 1.0}, step=0)
        log(0, 1.0)
        monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
        time.sleep(0.2)
        monkeypatch.setattr(Tensor, "__float__", ask)
        run.log({"loss": Tensor(device, 2.0)}, step=1)
        log(1, Tensor(device, 2.0))
        run.log({"loss": np.float32(3.0)}, step=2)
        run.log({"loss": torch.tensor(4.0, requires_grad=True)}, step=3)
    assert not asked
    found = read(run_path)
    assert found.series("loss")[1].tolist() == [1.0, 2.0, 3.0, 4.0]
    assert found.series("bound")[1].tolist() == [1.0, 2.0]


def test_a_handler_that_flushes_in_the_middle_of_gathering_loses_nothing(
    run_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The batch is closed under the row that is on its way: it is gathered once more."""
    run = Run(run_path)
    device = plug_in(run)
    gather = Buffer.gather
    nested: list[bool] = []

    def interrupted(self: Buffer, tensors: list[Tensor], at: int) -> None:
        if not nested:
            nested.append(True)
            run.log({"handler": Tensor(device, 7.0)}, step=0)
            run.close_batches()
        gather(self, tensors, at)

    monkeypatch.setattr(Buffer, "gather", interrupted)
    run.log({"loss": Tensor(device, 1.0)}, step=0)
    run.log({"loss": Tensor(device, 2.0)}, step=1)
    run.finish()
    log = read(run_path)
    assert log.series("loss")[1].tolist() == [1.0, 2.0]
    assert log.series("handler")[1].tolist() == [7.0]


@pytest.mark.parametrize("when", ["gathered", "fetched"])
def test_a_device_that_breaks_down_costs_its_values_alone(run_path: Path, when: str) -> None:
    """Rows and values at hand are kept, the training goes on, and it is told."""
    run = Run(run_path, sync_every=NEVER)
    device = plug_in(run)
    run.log({"loss": Tensor(device, 1.0), "lr": 0.1}, step=0)
    if when == "gathered":
        run.flush()
    device.fails = True
    run.log({"loss": Tensor(device, 2.0), "lr": 0.2}, step=1)
    summary = run.finish()
    assert (summary.rows, summary.dropped) == (2, 0)
    log = read(run_path)
    assert log.series("lr")[1].tolist() == [0.1, 0.2]
    if when == "gathered":
        assert summary.not_numbers == {"loss": 1}
        assert log.series("loss")[1].tolist() == [1.0]
    else:
        assert any("device" in trouble for trouble in summary.troubles)
        assert "loss" not in log.metrics


def test_what_is_no_one_number_is_refused_without_waiting(run_path: Path) -> None:
    """A tensor of several elements on the device."""
    with Run(run_path) as run:
        device = plug_in(run)
        run.log({"loss": Tensor(device, 1.0), "all": Tensor(device, 1.0, size=3)})
        assert run.finish().not_numbers == {"all": 1}
    assert read(run_path).series("loss")[1].tolist() == [1.0]


KILLED = """
import os, sys
sys.path.insert(0, sys.argv[2])
from logwriter import Run
from standin import Tensor, plug_in
run = Run(sys.argv[1], sync_every=0.01, journal_bytes=1 << 18)
device = plug_in(run)
for step in range(20_000):
    run.log({"loss": Tensor(device, step), "lr": -step}, step=step)
os._exit(0)
"""


def test_a_kill_loses_the_last_values_on_the_device_and_no_other(run_path: Path) -> None:
    """At most those of batches under way; every row, and every value at hand, is there."""
    tests = Path(__file__).parent.parent
    subprocess.run([sys.executable, "-c", KILLED, str(run_path), str(tests)], check=True)
    log = read(run_path)
    assert np.array_equal(log.series("lr")[1], -np.arange(20_000.0))
    steps, losses = log.series("loss")
    assert np.array_equal(steps, losses)
    assert np.array_equal(steps, np.arange(len(steps)))
    notes = [note for check in verify(run_path) for note in check.notes]
    if len(steps) < 20_000:
        assert any("still on a device" in note for note in notes), notes
    assert not [fault for check in verify(run_path) for fault in check.faults]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_on_a_gpu_nothing_synchronises(run_path: Path) -> None:
    """PyTorch itself raises at any synchronisation in the loop."""
    device = torch.device("cuda")
    weight = torch.ones(64, 64, device=device)
    other = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    run = Run(run_path)
    torch.cuda.set_sync_debug_mode("error")
    try:
        for step in range(1_000):
            loss = (weight * step).mean()
            run.log({"loss": loss, "half": loss.half(), "int": loss.long(), "lr": 0.1}, step=step)
            if step % 100 == 0:
                with torch.cuda.stream(other):
                    other.wait_stream(torch.cuda.default_stream(device))
                    run.log({"other": weight.sum() * step}, step=step)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert run.finish().not_numbers == {}
    log = read(run_path)
    assert np.array_equal(log.series("loss")[1], np.arange(1_000.0))
    assert np.array_equal(log.series("int")[1], np.arange(1_000.0))
    assert log.series("lr")[1].tolist() == [0.1] * 1_000
    assert np.array_equal(log.series("other")[1], 4096.0 * np.arange(0, 1_000, 100))


def test_a_lost_value_does_not_hold_readers_of_a_live_run_back(run_path: Path) -> None:
    """It will never come: they go on behind it."""
    run = Run(run_path, sync_every=NEVER)
    device = plug_in(run)
    device.fails = True
    run.log({"loss": Tensor(device, 1.0), "lr": 0.0}, step=0)
    run.log({"lr": 1.0}, step=1)
    assert read(run_path).series("lr")[1].tolist() == [0.0, 1.0]
    run.finish()


def test_ctrl_c_while_the_device_is_waited_for_loses_nothing(
    run_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next flush, or finish, waits again."""
    run = Run(run_path, sync_every=NEVER)
    device = plug_in(run)
    run.log({"loss": Tensor(device, 1.0)}, step=0)
    take = Buffer.take

    def interrupted(_: Buffer) -> list[float]:
        monkeypatch.setattr(Buffer, "take", take)
        raise KeyboardInterrupt

    monkeypatch.setattr(Buffer, "take", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run.flush()
    assert run.finish().rows == 1
    assert read(run_path).series("loss")[1].tolist() == [1.0]


def test_ctrl_c_while_values_are_gathered_holds_nothing_up(
    run_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That row stays without its value; it is sealed, and so is all behind it."""
    run = Run(run_path, sync_every=NEVER)
    device = plug_in(run)
    gather = Buffer.gather

    def interrupted(_self: Buffer, _tensors: list[Tensor], _at: int) -> None:
        monkeypatch.setattr(Buffer, "gather", gather)
        raise KeyboardInterrupt

    monkeypatch.setattr(Buffer, "gather", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run.log({"loss": Tensor(device, 1.0), "lr": 0.0}, step=0)
    run.log({"loss": Tensor(device, 2.0), "lr": 1.0}, step=1)
    assert not len(run.current_journal().pending) > 1
    assert run.finish().rows == 2
    log = read(run_path)
    assert log.series("lr")[1].tolist() == [0.0, 1.0]
    assert log.series("loss")[1].tolist() == [2.0]
    assert not list(run_path.rglob("*.wal"))


def test_a_handler_that_logs_while_a_buffer_is_made_loses_nothing(
    run_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both batches are settled."""
    run = Run(run_path, sync_every=NEVER)
    device = plug_in(run)
    make = Buffer.__init__
    nested: list[bool] = []

    def interrupted(self: Buffer, tensor: Tensor) -> None:
        make(self, tensor)
        if not nested:
            nested.append(True)
            run.log({"handler": Tensor(device, 7.0)}, step=0)

    monkeypatch.setattr(Buffer, "__init__", interrupted)
    run.log({"loss": Tensor(device, 1.0)}, step=0)
    run.finish()
    log = read(run_path)
    assert log.series("handler")[1].tolist() == [7.0]
    assert log.series("loss")[1].tolist() == [1.0]


def test_a_second_device_is_settled_though_the_first_broke_down(run_path: Path) -> None:
    """Each batch for itself."""
    run = Run(run_path, sync_every=NEVER)
    broken = plug_in(run)
    sound = Device()
    run.log({"a": Tensor(broken, 1.0), "b": Tensor(sound, 2.0)}, step=0)
    broken.fails = True
    run.finish()
    log = read(run_path)
    assert log.metrics == ["b"]
    assert log.series("b")[1].tolist() == [2.0]


@pytest.mark.parametrize(
    ("dtype", "number"),
    [
        (torch.float64, 1 / 3),
        (torch.float32, 0.1),
        (torch.float16, 0.1),
        (torch.bfloat16, 0.1),
        (torch.float8_e4m3fn, 0.5),
        (torch.int64, 1 << 40),
        (torch.uint8, 200),
        (torch.bool, 1),
    ],
)
def test_numbers_of_every_type_are_gathered_exactly(
    monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype, number: float
) -> None:
    """The buffer for GPUs, on the CPU: made in inference mode, used outside, whatever the shape."""
    monkeypatch.setattr(torch.cuda, "current_stream", lambda _device: None)
    monkeypatch.setattr(torch.cuda, "is_current_stream_capturing", lambda: False)
    tensors = [torch.tensor(number).to(dtype), torch.tensor([[2.5]], requires_grad=True)]
    with torch.inference_mode():
        buffer = CudaBuffer(tensors[0])
    buffer.gather(tensors, 3)
    assert buffer._numbers[3:5].tolist() == [float(tensors[0].double()), 2.5]
