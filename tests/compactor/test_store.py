"""Writing the record: whole or not at all, and nothing left lying about."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import records

from compactor.record import encode
from compactor.store import clear_abandoned, read_record, write_record

DYING = """
import os, signal, sys
from pathlib import Path
from compactor.store import read_record, write_record

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

def write_half(path, data):
    with path.open("wb") as file:
        file.write(data[: len(data) // 2])
        file.flush()
        die()

new, target, moment = read_record(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
if moment == "half written":
    Path.write_bytes = write_half
elif moment == "not synced":
    os.fsync = die
elif moment == "not renamed":
    Path.replace = die
elif moment == "renamed":
    rename = Path.replace
    Path.replace = lambda *paths: (rename(*paths), die())
write_record(new, target)
"""


@pytest.mark.parametrize("moment", ["half written", "not synced", "not renamed", "renamed"])
def test_a_kill_leaves_the_old_record_or_the_new(tmp_path: Path, moment: str) -> None:
    """What it left half written is removed by the next one."""
    old, new = records.record(), records.digits()
    source, target = tmp_path / "new.json", tmp_path / "run" / "record.json"
    target.parent.mkdir()
    source.write_bytes(encode(new))
    write_record(old, target)
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-c", DYING, str(source), str(target), moment], check=False
        )
        assert done.returncode == -9
        assert read_record(target) == (new if moment == "renamed" else old)
        assert len(list(target.parent.iterdir())) <= 2
    write_record(new, target)
    assert read_record(target) == new
    assert list(target.parent.iterdir()) == [target]


def test_what_a_living_process_is_writing_stays(tmp_path: Path) -> None:
    """Only what nobody will finish is removed, and only of the same file."""
    target = tmp_path / "record.json"
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    names = [f".{name}.{{}}.tmp" for name in ("record.json", "other.json")]
    living = [tmp_path / name.format(os.getppid()) for name in names]
    dead = [tmp_path / name.format(ended.pid) for name in names]
    others = [tmp_path / ".record.json.x.tmp", tmp_path / "record.json.1.tmp"]
    for path in [*living, *dead, *others]:
        path.touch()
    clear_abandoned(target)
    assert sorted(tmp_path.iterdir()) == sorted([*living, dead[1], *others])
