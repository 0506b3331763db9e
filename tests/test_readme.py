"""The README is true: each of its commands and examples is run here or by the project's CI script."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from logwriter import read
from reports.cli import COMMANDS, main

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The fenced blocks of a language, in order."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_every_example_runs_and_does_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Logging in ten lines, reading in two, then each command on what was logged."""
    monkeypatch.chdir(tmp_path)
    log, *reading = blocks("python")
    assert len(log.strip().splitlines()) <= 10
    names: dict[str, object] = {}
    exec(log.replace("runs/first", "runs/second"), {})  # noqa: S102  a second run, to compare with
    for block in (log, *reading):
        assert "\n\n" in block or len(block.strip().splitlines()) <= 10
        exec(block, names)  # noqa: S102  the README's own code
    assert np.array_equal(np.asarray(names["steps"]), np.arange(300))
    printed = capsys.readouterr().out
    assert "train/loss" in printed
    assert "shape: (3, 6)" in printed
    (tmp_path / "old.csv").write_text("epoch,loss,val_loss\n0,2.5,2.6\n1,1.5,1.75\n")
    commands = [line.split("#")[0] for line in blocks("sh")[-1].splitlines()]
    assert len(commands) == 12
    for command in commands:
        program, *arguments = shlex.split(command)
        assert program == "everystep"
        result = CliRunner().invoke(main, arguments, catch_exceptions=False)
        assert result.exit_code == 0, command
    assert read("runs/old").series("val_loss")[1].tolist() == [2.6, 1.75]
    assert read("runs/first").state.status == "completed"
    for file in ("record.json", "report/index.html", "report/dashboard.png"):
        assert (tmp_path / "runs/first" / file).is_file()


def test_ci_runs_the_two_commands_word_for_word() -> None:
    """The script takes them from the README, by their first words."""
    lines = [line for line in README.splitlines() if line.startswith("python3 -m venv")]
    assert len(lines) == 2
    assert lines[0].endswith("everystep demo")
    assert lines[1].endswith("-m pytest --quiet")
    script = (ROOT / ".ci/run").read_text(encoding="utf-8")
    assert "grep '^python3 -m venv' README.md" in script
    assert script.count('bash -euo pipefail -c "$(readme_command') == 2


def test_every_command_is_in_the_readme_or_is_the_demo() -> None:
    """Nothing is hidden, nothing is promised that is not there."""
    told = set(re.findall(r"^everystep (\w+)", README, re.MULTILINE)) | {"demo"}
    assert told == set(COMMANDS)


def test_every_link_leads_somewhere() -> None:
    """Pictures and files of the project."""
    targets = [target for target in re.findall(r"\]\(([^)]+)\)", README) if "://" not in target]
    assert targets
    for target in targets:
        assert (ROOT / target).is_file(), target


def test_every_file_that_the_readme_names_is_there() -> None:
    """The layout of the project, as described."""
    for name in re.findall(r"`(\w+\.(?:py|json|md))`", README):
        if name not in {"record.json", "trainer_state.json"}:  # made by runs, ours and others'
            assert list(ROOT.glob(f"*/{name}")), name
