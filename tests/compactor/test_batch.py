"""Many runs at once."""

import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from compactor.batch import (
    LEAST_SCAN_BYTES,
    PROCESS_BYTES,
    compact_runs,
    expand,
    is_batch,
    parse_size,
    scan_bytes,
    shares,
)
from compactor.cli.compact import compact
from compactor.compaction import compact as compact_one
from logwriter import Run
from logwriter.errors import EverystepError
from reports.cli import main


@pytest.fixture
def runs(run_path: Path) -> Path:
    """A folder with three runs, a damaged one, and things that are none."""
    folder = run_path.parent / "runs"
    for name in ("a", "b", "c"):
        with Run(folder / name, name=name) as run:
            for epoch in run.epochs(3):
                run.log({"val/loss": abs(epoch - 1) + 0.5})
    with Run(folder / "none"):
        pass
    (folder / "none/writers/r00000-a000/events.jsonl").write_bytes(b"nothing\nof ours\n")
    (folder / "plots").mkdir()
    (folder / "notes.txt").write_text("notes")
    return folder


def command(*arguments: str) -> Result:
    """What ``everystep compact`` does."""
    return CliRunner().invoke(main, ["compact", *arguments])


def test_patterns_are_expanded_as_a_shell_does(tmp_path: Path) -> None:
    """Sorted; each path once; what exists, or matches nothing, is meant as it is."""
    for name in ("b", "a", "[a]", ".hidden"):
        (tmp_path / name).mkdir()
    here = str(tmp_path)
    assert expand([f"{here}/*"]) == [tmp_path / name for name in ("[a]", "a", "b")]
    assert expand([f"{here}/b", f"{here}/?", f"{here}/a/../b"]) == [tmp_path / "b", tmp_path / "a"]
    assert expand([f"{here}/[a]"]) == [tmp_path / "[a]"]
    assert expand([f"{here}/x*"]) == [tmp_path / "x*"]


def test_a_single_path_is_no_batch(tmp_path: Path) -> None:
    """Whatever characters it has."""
    (tmp_path / "a[1]").mkdir()
    assert not is_batch([str(tmp_path / "a[1]")])
    assert not is_batch(["runs/a"])
    assert is_batch(["runs/*"])
    assert is_batch(["runs/a", "runs/b"])


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("2GB", 2 * 10**9),
        ("512 MiB", 512 << 20),
        ("1.5g", 1_500_000_000),
        ("1KiB", 1024),
        ("300", 300),
        ("300B", 300),
    ],
)
def test_sizes_are_read_as_people_write_them(text: str, size: int) -> None:
    """Decimal units, and binary ones with an i."""
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "GB", "-1GB", "1 GB/s", "2XB", "1e9", "²GB", "nan"])
def test_what_is_no_size_is_told(text: str) -> None:
    """With an example."""
    with pytest.raises(ValueError, match="is no size; give one such as 2GB"):
        parse_size(text)


def test_more_memory_than_any_machine_has_is_a_slip() -> None:
    """It is told here, before a database library says something about syntax."""
    with pytest.raises(ValueError, match="more than any machine has"):
        parse_size("99999999TB")


LEAST = PROCESS_BYTES + LEAST_SCAN_BYTES
counts = st.integers(1, 100)


@settings(deadline=None)
@given(
    runs=counts,
    jobs=st.none() | counts,
    memory=st.none() | st.integers(LEAST, 100 * LEAST),
    threads=st.none() | counts,
)
def test_shares_stay_within_what_was_given(
    runs: int, jobs: int | None, memory: int | None, threads: int | None
) -> None:
    """Processes and memory; and each process has enough."""
    parts = shares(runs, jobs, memory, threads)
    assert 1 <= parts.jobs <= min(runs, jobs or runs)
    if memory is not None:
        assert parts.memory is not None
        assert parts.jobs * (parts.memory + PROCESS_BYTES) <= memory
    if parts.memory is not None:
        assert parts.memory >= LEAST_SCAN_BYTES
    if threads is not None:
        assert parts.threads == threads


def test_too_little_memory_is_told() -> None:
    """Before anything is read."""
    for share in (scan_bytes, lambda memory: shares(3, None, memory, None)):
        with pytest.raises(EverystepError, match=f"too few to compact a run; .* {LEAST:,}"):
            share(LEAST - 1)


def test_every_run_gets_its_record(runs: Path) -> None:
    """The same bytes as compacted by itself; a damaged run is told, what is none is passed over."""
    outcomes = compact_runs(expand([f"{runs}/*"]), jobs=2)
    assert [Path(each.path).name for each in outcomes] == ["a", "b", "c", "none"]
    assert [each.error is None for each in outcomes] == [True, True, True, False]
    for name in ("a", "b", "c"):
        compact_one(runs / name, output=runs / "alone.json")
        assert (runs / name / "record.json").read_bytes() == (runs / "alone.json").read_bytes()


def test_the_command_tells_a_line_a_run(runs: Path) -> None:
    """What failed goes to the error stream, and to the exit code."""
    result = command(f"{runs}/*", "--jobs", "1")
    assert result.exit_code == 1
    told = result.stdout.splitlines()
    assert sorted(told[:3]) == [
        f"{runs}/{name}: {name}: completed, 3 rows, 1 chart, val/loss 0.5 at step 1"
        for name in ("a", "b", "c")
    ]
    assert told[3:] == ["3 of 4 runs compacted"]
    (failed,) = result.stderr.splitlines()
    assert failed.startswith(f"{runs}/none: failed: ")


def test_a_path_that_leads_nowhere_is_told_and_the_rest_is_done(runs: Path) -> None:
    """A link to itself, a name that is too long, and a folder that is no run, each by its name."""
    (runs / "loop").symlink_to("loop")
    bad = [str(runs / "loop"), str(runs / ("x" * 300)), str(runs / "plots")]
    for paths in ([*bad, f"{runs}/a"], [*bad, f"{runs}/[a]"]):
        result = command(*paths, "--json")
        assert result.exit_code == 1
        found = json.loads(result.stdout)
        assert [each["error"] is None for each in found] == [False, False, False, True]
    assert [path.name for path in expand([f"{runs}/*"])] == ["a", "b", "c", "loop", "none"]


def test_a_path_that_is_not_utf_8_is_printed_escaped(runs: Path) -> None:
    """The answers about the others are not lost."""
    bad = runs / os.fsdecode(b"bad\xff")
    bad.mkdir()
    result = command(str(bad), str(runs / "a"), "--json")
    found = json.loads(result.stdout)
    assert found[0]["path"].endswith("bad\\udcff")
    assert found[1]["error"] is None


def test_the_command_prints_a_list_for_programs(runs: Path) -> None:
    """In the order of the paths, whatever was finished first."""
    result = command(f"{runs}/[cn]*", f"{runs}/a", "--json", "--jobs", "2")
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert [Path(each["path"]).name for each in found] == ["c", "none", "a"]
    assert [each["error"] is None for each in found] == [True, False, True]
    assert found[0]["best"]["step"] == 1
    assert found[0]["record"] == str(runs / "c" / "record.json")
    assert "record" not in found[1]


def test_all_records_are_stored(runs: Path) -> None:
    """From several processes into one file; the exit code is 0 if all went well."""
    result = command(f"{runs}/a", f"{runs}/b", "--store", str(runs / "all.db"))
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines()[-1] == "2 of 2 runs compacted"
    connection = sqlite3.connect(runs / "all.db")
    rows = connection.execute("SELECT name, best_step FROM everystep_runs ORDER BY name").fetchall()
    connection.close()
    assert rows == [("a", 1), ("b", 1)]


def test_a_record_that_cannot_be_stored_is_told_and_stays(runs: Path) -> None:
    """One outcome holds both."""
    (outcome,) = compact_runs([runs / "a"], database=str(runs / "none" / "deep" / "all.db"))
    assert outcome.error is not None
    assert "unable to open database file" in outcome.error
    assert outcome.compacted is not None
    assert (runs / "a" / "record.json").exists()


def test_a_run_that_kills_its_process_does_not_stop_the_others(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the kernel does when memory runs out."""
    folder = runs / "site"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(
        "import os, pathlib\n"
        "read = pathlib.Path.resolve\n"
        "def resolve(path, *rest, **more):\n"
        "    if path.match('runs/b/record.json'):\n"
        "        os.kill(os.getpid(), 9)\n"
        "    return read(path, *rest, **more)\n"
        "pathlib.Path.resolve = resolve\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(folder))
    outcomes = compact_runs([runs / "a", runs / "b"], jobs=2)
    assert outcomes[0].error is None
    assert outcomes[1].error is not None
    assert outcomes[1].error.startswith("its process was killed by SIGKILL; if memory ran out")


def test_one_file_cannot_hold_several_records(runs: Path) -> None:
    """Told before anything is read."""
    result = command(f"{runs}/*", "--output", "one.json")
    assert result.exit_code == 2
    assert "--output names one file, and there may be several runs" in result.stderr


COMPACTING = """
import sys
from compactor import compact
while True:
    compact(sys.argv[1], cache=sys.argv[2] == "cache")
    compact(sys.argv[1], cache=sys.argv[2] == "cache", charts=0)
    print("once", flush=True)
"""


@pytest.mark.parametrize("cache", ["cache", "none"])
def test_a_kill_during_compaction_leaves_the_old_record_or_the_new(runs: Path, cache: str) -> None:
    """At any moment; and a later compaction clears up."""
    run, moments = runs / "a", random.Random(8)
    compact_one(run)
    clean = sorted(run.iterdir())
    whole = [(run / "record.json").read_bytes()]
    compact_one(run, output=runs / "short.json", charts=0)
    whole.append((runs / "short.json").read_bytes())
    for _ in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", COMPACTING, str(run), cache], stdout=subprocess.PIPE
        ) as child:
            assert child.stdout is not None
            child.stdout.readline()
            time.sleep(moments.uniform(0, 0.1))
            child.kill()
        assert (run / "record.json").read_bytes() in whole
    compact_one(run)
    assert (run / "record.json").read_bytes() == whole[0]
    assert sorted(run.iterdir()) == clean


def test_an_interrupt_ends_the_batch(runs: Path) -> None:
    """With one line, the shell's exit code, and no temporary files."""
    arguments = [sys.executable, "-m", "reports.cli", "compact", *[f"{runs}/*"], "--jobs", "2"]
    with subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline()
        os.killpg(child.pid, signal.SIGINT)
        _, said = child.communicate(timeout=60)
    assert child.returncode in {0, 1, 130}
    assert "Traceback" not in said
    left = [path.name for path in runs.rglob("*") if re.search(r"\.tmp$", path.name)]
    assert left == []


def test_help_tells_of_every_option() -> None:
    """Each with its own line or more."""
    told = CliRunner().invoke(compact, ["--help"]).output
    for option in compact.params:
        if option.opts[0].startswith("--"):
            assert re.search(rf"^  (-\w, )?{option.opts[0]}\b", told, re.MULTILINE), option
            assert getattr(option, "help", None), option
