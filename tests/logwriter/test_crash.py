"""What kills training jobs, and what is left: every row whose ``log`` had returned."""

import itertools
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.utils.data

from logwriter import Run, read
from logwriter.errors import ForkedError
from logwriter.repair import repair
from logwriter.verify import verify

WRITER = """
import mmap, os, sys
from logwriter import Run

path, receipt = sys.argv[1:]
file = os.open(receipt, os.O_RDWR)
returned = memoryview(mmap.mmap(file, 8)).cast("q")  # stored whole, and the kernel keeps the page
with Run(path, journal_bytes=1 << 18, sync_every=0.02) as run:
    bound = run.bind("c", "d")
    for number in range(1 << 40):
        if number % 3:
            run.log({"a": number, "b": -number}, step=number)
        else:
            bound(number, number, -number)
        returned[0] = number + 1
"""


def receipt_of(path: Path) -> int:
    """How many calls of ``log`` had returned."""
    return int.from_bytes(path.read_bytes(), "little")


KILLS = int(os.environ.get("EVERYSTEP_KILLS", "20"))  # more of them take longer


@pytest.mark.parametrize("seed", range(KILLS))
def test_a_killed_writer_loses_no_acknowledged_row(
    run_path: Path, tmp_path: Path, seed: int
) -> None:
    """SIGKILL at a random moment, journals rolling and sealing all the while: all rows, in order."""
    receipt = tmp_path / "receipt"
    receipt.write_bytes(bytes(8))
    with subprocess.Popen([sys.executable, "-c", WRITER, str(run_path), str(receipt)]) as child:
        deadline = time.monotonic() + 30
        while not receipt_of(receipt) and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(random.Random(seed).uniform(0, 0.4))
        child.send_signal(signal.SIGKILL)
        child.wait()
    acknowledged = receipt_of(receipt)
    assert acknowledged > 0
    check_rows(run_path, acknowledged)
    repair(run_path)
    assert not list(run_path.rglob("*.wal"))
    check_rows(run_path, acknowledged)
    assert all(not check.faults for check in verify(run_path))


def check_rows(path: Path, acknowledged: int) -> None:
    """Rows 0 to ``acknowledged``, and at most the one that was on its way."""
    log = read(path)
    table = log.rows()
    seq = table.column("seq").to_numpy()
    step = table.column("step").to_numpy()
    assert np.array_equal(seq, step)
    total = sum(part.rows for part in log.parts())
    assert acknowledged <= total <= acknowledged + 1
    for name, sign in (("a", 1), ("b", -1), ("c", 1), ("d", -1)):
        steps, values = log.series(name)
        wanted = np.arange(total)
        wanted = wanted[(wanted % 3 == 0) == (name in "cd")]
        assert np.array_equal(steps, wanted)
        assert np.array_equal(values, sign * wanted.astype(float))


@pytest.mark.parametrize(
    "end", ["os._exit(3)", "os.abort()", "os.kill(os.getpid(), signal.SIGTERM)"]
)
def test_an_end_without_goodbye_loses_nothing(run_path: Path, end: str) -> None:
    """No handler, no ``finally``, no exit hook runs."""
    code = (
        "import os, signal, resource; from logwriter import Run\n"
        "resource.setrlimit(resource.RLIMIT_CORE, (0, 0))\n"
        f"run = Run({str(run_path)!r})\nfor n in range(50_000): run.log({{'a': n}})\n{end}"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode
        != 0
    )
    assert np.array_equal(read(run_path).series("a")[1], np.arange(50_000.0))
    assert read(run_path).state.status == "unfinished"


def test_threads_lose_nothing_and_keep_their_own_order(run_path: Path) -> None:
    """Eight threads, switched as often as the interpreter can, over many small journals."""
    rows = 20_000
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with Run(run_path, journal_bytes=1 << 18) as run:

            def work(name: str) -> None:
                log = run.bind(f"bound{name}")
                for number in range(rows):
                    run.log({name: number}, step=number)
                    log(number, -number)

            threads = [threading.Thread(target=work, args=(f"t{k}",)) for k in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert run.finish().rows == 16 * rows
    finally:
        sys.setswitchinterval(before)
    log = read(run_path)
    for k in range(8):
        assert np.array_equal(log.series(f"t{k}")[1], np.arange(float(rows)))
        assert np.array_equal(log.series(f"boundt{k}")[1], -np.arange(float(rows)))


def test_a_signal_handler_that_logs_loses_neither_row(run_path: Path) -> None:
    """A timer interrupts ``log`` thousands of times; the interrupted and the handler's row are kept."""
    handled, looped = itertools.count(), itertools.count()
    with Run(run_path, journal_bytes=1 << 18) as run:

        def handle(_number: int, _frame: object) -> None:
            run.log({"handler": next(handled)}, step=0)  # and may be interrupted by itself

        before = signal.signal(signal.SIGALRM, handle)
        signal.setitimer(signal.ITIMER_REAL, 1e-4, 1e-4)
        try:
            deadline = time.monotonic() + 1.0
            while time.monotonic() < deadline:
                run.log({"loop": next(looped), "wide": 0.0}, step=0)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
    log = read(run_path)
    loop, handler = log.series("loop")[1], np.sort(log.series("handler")[1])
    assert np.array_equal(loop, np.arange(float(next(looped))))
    assert np.array_equal(handler, np.arange(float(next(handled))))
    assert len(handler) > 100


def test_a_finalizer_that_logs_loses_nothing(run_path: Path) -> None:
    """Garbage collection may run anywhere in ``log`` and log a row of its own."""
    made = 0
    with Run(run_path, journal_bytes=1 << 18) as run:

        class Logs:
            def __init__(self) -> None:
                self.myself = self

            def __del__(self) -> None:
                run.log({"finalizer": 1.0}, step=0)

        for number in range(100_000):
            if number % 10 == 0:
                Logs()
                made += 1
            run.log({"loop": number}, step=0)
        rows = run.finish().rows
    log = read(run_path)
    assert np.array_equal(log.series("loop")[1], np.arange(100_000.0))
    finalized = len(log.series("finalizer")[1])
    assert finalized > made // 2
    assert rows == 100_000 + finalized


def test_a_forked_child_that_logs_is_told_what_to_do(run_path: Path) -> None:
    """It changes nothing of its parent's run, and holds neither lock nor file."""
    run = Run(run_path)
    run.log({"a": 1})
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            run.log({"a": 2})
        except ForkedError as error:
            os.write(writer, str(error).encode())
        time.sleep(0.5)
        os._exit(0)
    os.close(writer)
    said = os.read(reader, 1_000).decode()
    assert "belongs to the parent process: log there, or make a Run of its own" in said
    run.log({"a": 3})
    run.finish()
    with Run(run_path, resume=True) as again:  # while the child still lives
        again.log({"a": 4})
    os.waitpid(child, 0)
    os.close(reader)
    assert read(run_path).series("a")[1].tolist() == [1.0, 3.0, 4.0]


def test_workers_that_load_data_leave_the_run_alone(run_path: Path) -> None:
    """They are forked while rows are logged and journals sealed; they end, live on, or log."""

    class Numbers(torch.utils.data.Dataset[float]):
        def __len__(self) -> int:
            return 64

        def __getitem__(self, index: int) -> float:
            if index == 40:
                with pytest.raises(ForkedError):
                    run.log({"worker": 1.0})
            return float(index)

    run = Run(run_path, journal_bytes=1 << 18)
    count = 0
    for _ in range(3):
        loader = torch.utils.data.DataLoader(Numbers(), batch_size=8, num_workers=2)
        for batch in loader:
            for _ in range(1_000):
                run.log({"sum": float(batch.sum()), "count": count}, step=count)
                count += 1
    summary = run.finish()
    assert (summary.rows, summary.dropped, summary.troubles) == (24_000, 0, {})
    log = read(run_path)
    assert np.array_equal(log.series("count")[1], np.arange(24_000.0))
    assert "worker" not in log.metrics


def test_a_live_run_reads_the_same_while_journals_are_sealed_under_it(run_path: Path) -> None:
    """Each look sees a prefix of the rows, without a gap or a repeat, and never fewer than before."""
    done = threading.Event()
    looks: list[int] = []

    def write() -> None:
        with Run(run_path, journal_bytes=1 << 18) as run:
            for number in itertools.count():
                if number % 20_000 == 0:
                    time.sleep(0.05)
                    if number >= 60_000 and len(looks) > 5:
                        break
                run.log({"a": number}, step=number)
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while not done.is_set():
            if not any(file.stat().st_size for file in run_path.rglob("events.jsonl")):
                continue
            log = read(run_path)
            values = log.series("a")[1] if "a" in log.metrics else np.array([])
            assert np.array_equal(values, np.arange(float(len(values))))
            assert len(values) >= max(looks, default=0)
            looks.append(len(values))
    finally:
        looks += [0] * 6
        writer.join()
    assert len(list(run_path.rglob("*.parquet"))) > 2
    assert not list(run_path.rglob("*.wal"))
