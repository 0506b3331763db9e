"""Calls in processes that may die."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import calls
import pytest

from compactor.workers import Died, call_all

TESTS = Path(calls.__file__).parent


def answers(
    function: Callable[[int], int], arguments: list[int], processes: int
) -> dict[int, int | Died]:
    """What `call_all` told, by argument; each of them once."""
    told: dict[int, int | Died] = {}

    def done(number: int, answer: int | Died) -> None:
        assert arguments[number] not in told
        told[arguments[number]] = answer

    call_all(function, arguments, processes, done)
    return told


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_every_call_is_answered(processes: int) -> None:
    """Whatever the number of processes."""
    assert answers(calls.double, list(range(5)), processes) == {n: 2 * n for n in range(5)}
    assert answers(calls.double, [], processes) == {}


def test_a_process_answers_many_calls() -> None:
    """Starting one costs more than a short call."""
    assert len(set(answers(calls.process, list(range(20)), 2).values())) <= 2


def test_every_signal_has_a_name_or_a_number() -> None:
    """Real-time signals have none of their own."""
    assert str(Died(-9)) == "its process was killed by SIGKILL"
    assert str(Died(-40)) == "its process was killed by signal 40"


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (calls.die_at_three, "its process was killed by SIGKILL"),
        (calls.exit_at_three, "its process ended with exit code 7"),
    ],
)
@pytest.mark.parametrize("processes", [1, 2])
def test_a_process_that_dies_takes_its_own_call_alone(
    function: Callable[[int], int], said: str, processes: int
) -> None:
    """All others are made."""
    told = answers(function, [3, 1, 2, 4, 5], processes)
    assert str(told.pop(3)) == said
    assert told == {n: 2 * n for n in (1, 2, 4, 5)}


CALLING = """
import sys
from pathlib import Path
import calls
from compactor.workers import call_all
if __name__ == "__main__":
    paths = [Path(sys.argv[2], str(number)) for number in range(4)]
    call_all(getattr(calls, sys.argv[1]), paths, 2, print)
"""


def _calling(function: str, folder: Path, script: Path) -> "subprocess.Popen[str]":
    """A program in the middle of two calls, in a process group of its own."""
    script.write_text(CALLING)
    child = subprocess.Popen(
        [sys.executable, str(script), function, str(folder)],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    _wait_until(lambda: len(list(folder.iterdir())) == 2)
    return child


def _wait_until(happened: Callable[[], bool]) -> None:
    for _ in range(3000):
        if happened():
            return
        time.sleep(0.01)
    pytest.fail("waited in vain")


def _group_is_gone(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


def test_an_interrupt_ends_the_processes_cleanly(tmp_path: Path) -> None:
    """As Ctrl-C does, for the whole group: they clear up, end, and are silent about it."""
    folder = tmp_path / "files"
    folder.mkdir()
    with _calling("write_slowly", folder, tmp_path / "main.py") as child:
        os.killpg(child.pid, signal.SIGINT)
        _, said = child.communicate(timeout=30)
    assert child.returncode == -signal.SIGINT
    assert said.count("KeyboardInterrupt") == 1
    assert list(folder.iterdir()) == []
    _wait_until(lambda: _group_is_gone(child.pid))


def test_processes_do_not_outlive_who_called(tmp_path: Path) -> None:
    """They finish the call they are in, and begin no other."""
    folder = tmp_path / "files"
    folder.mkdir()
    with _calling("do_slowly", folder, tmp_path / "main.py") as child:
        child.kill()
        child.communicate(timeout=30)
    _wait_until(lambda: _group_is_gone(child.pid))
    assert list(folder.iterdir()) == []
