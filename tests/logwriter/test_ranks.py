"""Ranks for real: processes that torchrun starts and that talk to each other at every step."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from logwriter import Run, RunLog, read
from logwriter.summary import summarize_attempts
from logwriter.verify import verify

# Each rank's loss is its rank plus the number of its row; `sum` is the same on all, by all_reduce.
_TRAIN = """
import os, signal, sys
import torch
import torch.distributed as dist
from logwriter import Run

path, steps, ending, back = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4:]
rank, world, attempt = (int(os.environ[name]) for name in ("RANK", "WORLD_SIZE", "TORCHELASTIC_RESTART_COUNT"))
# a store for each attempt: in the launcher's own, a restarted rank may find a dead one's address
dist.init_process_group("gloo", store=dist.FileStore(f"{path}.store.{attempt}", world), rank=rank, world_size=world)
receipt = open(f"{path}.{rank}.{attempt}", "wb", buffering=0)
run = Run(path, resume=int(back[0]) if back and attempt else True, journal_bytes=1 << 18)
for number in range(steps):
    total = torch.tensor(float(rank))
    dist.all_reduce(total)
    run.log({"loss": rank + number, "sum": total})
    os.pwrite(receipt.fileno(), b"%d" % number, 0)
    if ending == "kill" and rank == 1 and attempt == 0 and number == steps // 2:
        os.kill(os.getpid(), signal.SIGKILL)
run.finish()
dist.destroy_process_group()
"""
_RANK_ZERO = """
import sys
import torch.distributed as dist
from logwriter import Run

dist.init_process_group("gloo")
if dist.get_rank() == 0:
    with Run(sys.argv[1], rank=0, world_size=1) as run:
        run.log({"loss": 1.0})
dist.barrier()
dist.destroy_process_group()
"""
_NO_PATH = "from logwriter import Run; Run()"
_LAUNCHERS = re.compile(
    "RANK|WORLD_SIZE|LOCAL_.*|GROUP_.*|ROLE_.*|MASTER_.*|(TORCHE|SLURM|OMPI|PMI).*"
)


def clean_environment(**variables: str) -> dict[str, str]:
    """This environment without any launcher's variables, and with some."""
    inherited = {
        name: value for name, value in os.environ.items() if not _LAUNCHERS.fullmatch(name)
    }
    return {**inherited, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", **variables}


def torchrun(
    program: str, *arguments: object, folder: Path, ranks: int = 2, restarts: int = 0
) -> subprocess.CompletedProcess[str]:
    """Start the program on several ranks, as a user does, and wait for the end."""
    script = folder / "train.py"
    script.write_text(program)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += [f"--nproc-per-node={ranks}", f"--max-restarts={restarts}", "--monitor-interval=0.1"]
    return subprocess.run(
        [*command, str(script), *map(str, arguments)],
        env=clean_environment(),
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


def launch_ids(log: RunLog) -> dict[int, set[str | None]]:
    """The launch ids of all ranks, by attempt."""
    found: dict[int, set[str | None]] = {}
    for state in log.state.attempts:
        assert state.started is not None
        found.setdefault(state.writer.attempt, set()).add(state.started.launch_id)
    return found


def acknowledged(path: Path, rank: int, attempt: int) -> int:
    """The last step whose ``log`` had returned on this rank."""
    return int(path.with_name(f"{path.name}.{rank}.{attempt}").read_bytes() or b"-1")


def test_each_rank_of_a_real_job_writes_its_own_rows(tmp_path: Path) -> None:
    """Three processes, one run; readers see ranks as a column and can choose among them."""
    result = torchrun(_TRAIN, tmp_path / "run", 50, "well", folder=tmp_path, ranks=3)
    assert result.returncode == 0, result.stderr
    log = read(tmp_path / "run")
    assert (log.state.ranks, log.state.world_size, log.state.status) == ([0, 1, 2], 3, "completed")
    for rank in range(3):
        assert log.series("loss", rank=rank)[1].tolist() == [rank + step for step in range(50)]
    assert set(log.rows(["sum"]).column("value").to_pylist()) == {3.0}
    chosen = log.rows(ranks=[1])
    assert set(chosen.column("rank").to_pylist()) == {1}
    assert chosen.num_rows == 100
    ((launch,),) = launch_ids(log).values()
    assert launch is not None
    assert launch.endswith(".0")
    assert all(not check.faults for check in verify(tmp_path / "run"))


def test_a_killed_rank_takes_no_acknowledged_row_with_it(tmp_path: Path) -> None:
    """One is killed, torchrun ends the others in mid-step: all that was logged can be read."""
    path = tmp_path / "run"
    assert torchrun(_TRAIN, path, 2000, "kill", folder=tmp_path).returncode != 0
    log = read(path)
    assert not log.is_live
    for rank in range(2):
        steps, values = log.series("loss", rank=rank)
        assert acknowledged(path, rank, 0) >= 999
        assert len(steps) - 1 in {acknowledged(path, rank, 0), acknowledged(path, rank, 0) + 1}
        assert np.array_equal(values, rank + np.arange(len(steps)))
    assert [a.status for a in summarize_attempts(log) if a.rank == 1] == ["died"]


def test_a_restart_is_the_next_attempt_of_every_rank_and_hides_nothing(tmp_path: Path) -> None:
    """They go on after their last step; the launch id ties the ranks of an attempt together."""
    path = tmp_path / "run"
    result = torchrun(_TRAIN, path, 200, "kill", folder=tmp_path, restarts=1)
    assert result.returncode == 0, result.stderr
    log = read(path)
    assert [str(a.writer) for a in log.state.attempts] == [
        "r00000-a000",
        "r00000-a001",
        "r00001-a000",
        "r00001-a001",
    ]
    ids = launch_ids(log)
    ((first,), (second,)) = (ids[0], ids[1])
    assert first is not None
    assert second is not None
    assert (first.rpartition(".")[2], second.rpartition(".")[2]) == ("0", "1")
    assert first.rpartition(".")[0] == second.rpartition(".")[0]
    for rank in range(2):
        table = log.rows(["loss"], ranks=[rank])
        before = table.column("attempt").to_pylist().count(0)
        assert before in {acknowledged(path, rank, 0) + 1, acknowledged(path, rank, 0) + 2}
        assert table.column("step").to_pylist() == list(range(before + 200))
    assert log.rows().num_rows == log.rows(attempts="all").num_rows
    assert log.state.status == "completed"


def test_a_restart_from_a_checkpoint_hides_what_came_after_it_on_every_rank(tmp_path: Path) -> None:
    """And nothing else: each rank goes back to the same step, however far it had come."""
    path = tmp_path / "run"
    result = torchrun(_TRAIN, path, 200, "kill", 59, folder=tmp_path, restarts=1)
    assert result.returncode == 0, result.stderr
    log = read(path)
    for rank in range(2):
        table = log.rows(["loss"], ranks=[rank])
        assert table.column("step").to_pylist() == list(range(60 + 200))
        assert table.column("attempt").to_pylist() == [0] * 60 + [1] * 200
        assert log.rows(["loss"], "all", [rank]).num_rows > 260


def test_one_rank_may_log_for_all(tmp_path: Path) -> None:
    """Only rank 0 makes a run; the others are not waited for."""
    result = torchrun(_RANK_ZERO, tmp_path / "run", folder=tmp_path)
    assert result.returncode == 0, result.stderr
    log = read(tmp_path / "run")
    assert (log.state.ranks, log.state.world_size) == ([0], 1)
    assert log.series("loss")[1].tolist() == [1.0]


def test_without_a_path_every_rank_is_told_to_give_one(tmp_path: Path) -> None:
    """Each would make a run of its own otherwise; nothing is left behind."""
    result = torchrun(_NO_PATH, folder=tmp_path)
    assert result.returncode != 0
    assert "of 2: give Run a path, the same for all ranks" in result.stderr
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    "variables",
    [
        {"SLURM_PROCID": "{rank}", "SLURM_NTASKS": "2", "SLURM_JOB_ID": "77"},
        {
            "OMPI_COMM_WORLD_RANK": "{rank}",
            "OMPI_COMM_WORLD_SIZE": "2",
            "PMIX_NAMESPACE": "77.0",
        },
    ],
    ids=["SLURM", "Open MPI"],
)
def test_processes_of_other_launchers_are_ranks_too(
    tmp_path: Path, variables: dict[str, str]
) -> None:
    """Side by side, without a word to each other; a requeued job is the next attempt."""
    code = "import sys; from logwriter import Run\nwith Run(sys.argv[1], resume=True) as run: run.log({'rank': run.rank})"
    for _ in range(2):
        children = [
            subprocess.Popen(
                [sys.executable, "-c", code, str(tmp_path / "run")],
                env=clean_environment(**{k: v.format(rank=rank) for k, v in variables.items()}),
            )
            for rank in range(2)
        ]
        assert [child.wait() for child in children] == [0, 0]
    log = read(tmp_path / "run")
    assert log.rows().select(["rank", "attempt", "value"]).to_pydict() == {
        "rank": [0, 0, 1, 1],
        "attempt": [0, 1, 0, 1],
        "value": [0.0, 0.0, 1.0, 1.0],
    }
    assert log.state.world_size == 2
    assert launch_ids(log) == {0: {"77.0"}, 1: {"77.0"}}


def test_a_rank_that_lives_keeps_its_place_and_no_other(tmp_path: Path) -> None:
    """A second process under the same rank is refused; another rank may begin."""
    code = f"import time; from logwriter import Run; Run({str(tmp_path / 'run')!r}, resume=True).log({{'a': 1}}); print(flush=True); time.sleep(60)"
    environment = clean_environment(RANK="0", WORLD_SIZE="2")
    with subprocess.Popen(
        [sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        again = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert f"rank 0 is being written by process {child.pid}" in again.stderr
        with Run(tmp_path / "run", rank=1, world_size=2) as run:
            run.log({"a": 2})
        child.send_signal(signal.SIGKILL)
    assert read(tmp_path / "run").rows().column("rank").to_pylist() == [0, 1]
