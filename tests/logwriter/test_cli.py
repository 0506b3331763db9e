"""The log's own commands, as a user would call them."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from logwriter import Run
from logwriter.cli import ls, show, tail, verify


def call(command: click.Command, *arguments: object) -> Result:
    """Run a command; its own errors surface as exceptions."""
    return CliRunner().invoke(
        command, [str(argument) for argument in arguments], catch_exceptions=False
    )


def make_run(path: Path) -> Path:
    """A small finished run."""
    with Run(path, config={"lr": 0.1}, tags=["x"], monitor="val/loss", mode="min") as run:
        for epoch in run.epochs(2):
            for _ in range(10):
                run.log({"train/loss": 1.0})
            run.log({"val/loss": 0.5 - epoch / 10})
    return path


def test_ls_lists_runs_and_names_what_it_cannot_read(tmp_path: Path) -> None:
    """One damaged run does not hide the others."""
    make_run(tmp_path / "good")
    events = make_run(tmp_path / "bad") / "writers/r00000-a000/events.jsonl"
    events.write_bytes(events.read_bytes().replace(b"completed", b"cOmpleted"))
    result = call(ls, tmp_path)
    assert "good" in result.stdout
    assert "completed" in result.stdout
    assert f"{tmp_path / 'bad'}: cannot be read" in result.stderr
    facts = json.loads(call(ls, tmp_path, "--json").stdout)
    assert [run["rows"] for run in facts["runs"]] == [22]
    assert list(facts["unreadable"]) == [str(tmp_path / "bad")]


def test_ls_of_nothing_says_how_to_begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The default folder comes from the environment."""
    monkeypatch.setenv("EVERYSTEP_DIR", str(tmp_path / "none"))
    assert "`everystep demo` makes one" in call(ls).stdout


def test_show_tells_status_attempts_configuration_and_metrics(tmp_path: Path) -> None:
    """For people, and the same facts as JSON."""
    path = make_run(tmp_path / "run")
    with Run(path, resume=4) as run:
        run.log({"train/loss": 2.0})
    text = call(show, path).stdout
    for fact in (
        "run  (completed)",
        "monitors val/loss, min",
        "lr",
        "train/loss",
        "resumed after step",
    ):
        assert fact in text
    facts = json.loads(call(show, path, "--json").stdout)
    assert [(a["attempt"], a["rows"], a["hidden"]) for a in facts["attempts"]] == [
        (0, 22, 17),
        (1, 1, 0),
    ]
    assert facts["metrics"][0]["last"] == 2.0


def test_show_of_a_run_without_rows_says_so(tmp_path: Path) -> None:
    """Only events: a run all the same."""
    with Run(tmp_path / "run"):
        pass
    assert "No rows were logged." in call(show, tmp_path / "run").stdout


def test_show_tells_living_from_dead(tmp_path: Path) -> None:
    """By the lock, which the kernel drops with the process."""
    code = f"import os; from logwriter import Run; Run({str(tmp_path / 'dead')!r}).log({{'a': 1}}); os._exit(1)"
    subprocess.run([sys.executable, "-c", code], check=False)
    assert "(died)" in call(show, tmp_path / "dead").stdout
    with Run(tmp_path / "live"):
        assert "(running)" in call(show, tmp_path / "live").stdout


def test_tail_prints_the_last_rows(tmp_path: Path) -> None:
    """Of all metrics, or of those asked for; as text or as JSON lines."""
    path = make_run(tmp_path / "run")
    assert call(tail, path, "-n", 1).stdout == "step 19  epoch 1  val/loss 0.4\n"
    rows = [json.loads(line) for line in call(tail, path, "val/loss", "--json").stdout.splitlines()]
    assert [(row["step"], row["values"]) for row in rows] == [
        (9, {"val/loss": 0.5}),
        (19, {"val/loss": 0.4}),
    ]


def test_tail_follows_a_live_run_to_its_last_row(tmp_path: Path) -> None:
    """Each row once, in order, until the writer is gone, however it went."""
    code = (
        "import os, sys, time; from logwriter import Run\n"
        f"run = Run({str(tmp_path / 'run')!r}, journal_bytes=1 << 18)\n"
        "run.log({'a': -1}); sys.stdout.write('x'); sys.stdout.flush()\n"
        "for n in range(10_000):\n    run.log({'a': n})\n    n % 1000 or time.sleep(0.05)\n"
        "os._exit(9)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.read(1)
        lines = call(
            tail, tmp_path / "run", "--json", "--every", "0.05", "-n", 100_000
        ).stdout.splitlines()
    assert [json.loads(line)["values"]["a"] for line in lines] == list(range(-1, 10_000))


def test_verify_exits_with_1_for_a_fault_and_names_it(tmp_path: Path) -> None:
    """And repair leads back to 0."""
    path = make_run(tmp_path / "run")
    assert call(verify, path).exit_code == 0
    (segment,) = path.rglob("*.parquet")
    data = segment.read_bytes()
    segment.write_bytes(data[:-1])
    result = call(verify, path)
    assert result.exit_code == 1
    assert f"fault: {segment.name}" in result.stdout
    assert json.loads(call(verify, path, "--json").stdout)["writers"][0]["faults"]
    repaired = call(verify, path, "--repair")
    assert "is lost" in repaired.stdout or "are lost" in repaired.stdout
    assert "the damaged original is" in repaired.stdout
    assert repaired.exit_code == 0


def test_names_cannot_steer_the_terminal(tmp_path: Path) -> None:
    """Control characters of a name are printed as escapes."""
    with Run(tmp_path / "run", name="\x1b[2Jevil") as run:
        run.log({"a\x1b]0;title\x07": 1.0})
    for command in (show, tail):
        out = call(command, tmp_path / "run").stdout
        assert "\x1b" not in out
        assert "\\x1b" in out


@pytest.mark.parametrize("command", [ls, show, tail, verify], ids=lambda command: str(command.name))
def test_every_command_has_help_with_an_example(command: click.Command) -> None:
    """What it does, and how it is called."""
    text = call(command, "--help").stdout
    assert "Example:" in text
    assert f"everystep {command.name}" in text


def test_commands_change_nothing_on_disk(tmp_path: Path) -> None:
    """Looking is not touching."""

    def state() -> dict[str, Any]:
        return {
            str(path): (path.stat().st_mtime_ns, path.stat().st_size)
            for path in tmp_path.rglob("*")
        }

    code = f"import os; from logwriter import Run; Run({str(tmp_path / 'dead')!r}).log({{'a': 1}}); os._exit(1)"
    subprocess.run([sys.executable, "-c", code], check=False)
    make_run(tmp_path / "run")
    before = state()
    for path in (tmp_path / "dead", tmp_path / "run"):
        for command in (show, tail, verify):
            call(command, path)
    call(ls, tmp_path)
    assert state() == before
