"""The command line: light to start, complete in its help, plain in its errors."""

import importlib.metadata
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from records import digits

import compactor
from compactor.record import RECORD_NAME, Record, encode
from logwriter.errors import DamagedError
from logwriter.rundir import WriterId, writer_path
from reports import cli


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run's folder that holds nothing but its record."""
    folder = tmp_path / "digits"
    folder.mkdir()
    (folder / RECORD_NAME).write_bytes(encode(digits()))
    return folder


def raising(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Let ``everystep report`` fail with ``error``."""

    def fail() -> None:
        raise error

    command = click.Command("report", callback=fail)
    monkeypatch.setattr(cli, "load", lambda entry: command)  # noqa: ARG005 - whatever is asked for


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_the_list_of_commands_says_what_each_command_says_of_itself(name: str) -> None:
    """The table is written by hand so that nothing need be imported; it must not drift."""
    command = cli.load(cli.COMMANDS[name])
    assert cli.COMMANDS[name].summary == command.get_short_help_str(limit=100)
    assert command.name == name


def test_help_lists_every_command() -> None:
    """In the order of a day's work."""
    shown = CliRunner().invoke(cli.main, ["--help"])
    assert shown.exit_code == 0
    lines = shown.output.split("Commands:")[1].splitlines()
    listed = [line.split()[0] for line in lines if re.match(r"  \S", line)]
    assert listed == list(cli.COMMANDS)


def test_help_loads_nothing_heavy() -> None:
    """The list of commands is there at once."""
    code = (
        "import sys\n"
        "from reports.cli import main\n"
        "main(['--help'], standalone_mode=False)\n"
        "heavy = {'duckdb', 'polars', 'pyarrow', 'matplotlib', 'numpy', 'torch', 'jinja2'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_the_version_is_that_of_the_installed_distribution() -> None:
    """A checkout that is not installed has none to tell."""
    try:
        version = importlib.metadata.version("everystep")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("everystep is not installed")
    shown = CliRunner().invoke(cli.main, ["--version"])
    assert shown.output == f"everystep, version {version}\n"


def test_an_unknown_command_is_a_usage_error() -> None:
    """Exit code 2, and the name that was not found."""
    shown = CliRunner().invoke(cli.main, ["reprot"])
    assert shown.exit_code == 2
    assert "No such command 'reprot'" in shown.output


def test_a_library_error_is_one_line_and_exit_code_1(monkeypatch: pytest.MonkeyPatch) -> None:
    """No traceback: the message already says what to do."""
    raising(monkeypatch, DamagedError("record.json is damaged; delete it"))
    shown = CliRunner().invoke(cli.main, ["report"])
    assert shown.exit_code == 1
    assert shown.output == "Error: record.json is damaged; delete it\n"


def test_an_error_of_the_disk_names_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the disk told it."""
    raising(monkeypatch, PermissionError(13, "Permission denied", "/data/run"))
    shown = CliRunner().invoke(cli.main, ["report"])
    assert shown.exit_code == 1
    assert shown.output == "Error: /data/run: Permission denied\n"


def test_any_other_error_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug keeps its traceback."""
    raising(monkeypatch, ZeroDivisionError())
    assert isinstance(CliRunner().invoke(cli.main, ["report"]).exception, ZeroDivisionError)


def test_an_interrupt_is_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """No traceback, and the exit status that a shell expects."""
    raising(monkeypatch, KeyboardInterrupt())
    shown = CliRunner().invoke(cli.main, ["report"])
    assert shown.exit_code == 130
    assert shown.output == "Aborted!\n"


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "utf-8"])
def test_a_name_that_the_terminal_cannot_show_is_escaped(encoding: str) -> None:
    """No command fails for it."""
    code = (
        "import click\n"
        "from reports import cli\n"
        "say = click.Command('report', callback=lambda: print('caf\\xe9 \\u2026'))\n"
        "cli.load = lambda entry: say\n"
        "cli.main(['report'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        env=os.environ | {"PYTHONIOENCODING": encoding},
    )
    assert done.stdout == "café …\n".encode(encoding, errors="backslashreplace")


def test_a_closed_pipe_is_quiet(run: Path) -> None:
    """As behind ``| head``: no traceback, no message."""
    code = (
        "import os, sys\n"
        "read, write = os.pipe()\n"
        "os.close(read)\n"
        "os.dup2(write, 1)\n"
        "from reports.cli import main\n"
        f"main(['report', {str(run)!r}, '--format', 'png'])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)
    assert done.stderr == b""


def test_report_prints_the_files_it_wrote(run: Path) -> None:
    """One a line, the page first."""
    shown = CliRunner().invoke(cli.main, ["report", str(run)])
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.splitlines()[0] == str(run / "report" / "index.html")
    assert all(Path(line).is_file() for line in shown.stdout.splitlines())


def test_report_prints_json_for_programs(run: Path, tmp_path: Path) -> None:
    """Files and notes."""
    arguments = [
        "report",
        str(run),
        "--output",
        str(tmp_path / "out"),
        "--format",
        "html",
        "--json",
    ]
    shown = CliRunner().invoke(cli.main, arguments)
    said = json.loads(shown.stdout)
    assert said == {"files": [str(tmp_path / "out" / "index.html")], "notes": []}


def test_report_compacts_a_run_that_has_no_record_yet(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And says so beside its output."""
    (run / RECORD_NAME).unlink()
    writer_path(run, WriterId(0, 0)).mkdir(parents=True)

    def compact(path: Path) -> Record:
        (path / RECORD_NAME).write_bytes(encode(digits()))
        return digits()

    monkeypatch.setitem(vars(compactor), "compact", compact)
    shown = CliRunner().invoke(cli.main, ["report", str(run), "--format", "html"])
    assert shown.exit_code == 0, shown.output
    assert "has no record.json yet: compacting it first" in shown.stderr
    assert shown.stdout.splitlines() == [str(run / "report" / "index.html")]


def test_report_elsewhere_writes_nothing_into_the_run(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that may only be read can be drawn; its record is made for the report alone."""
    (run / RECORD_NAME).unlink()
    writer_path(run, WriterId(0, 0)).mkdir(parents=True)

    def compact(path: Path, *, output: Path) -> Record:
        assert not output.is_relative_to(path)
        output.write_bytes(encode(digits()))
        return digits()

    monkeypatch.setitem(vars(compactor), "compact", compact)
    before = sorted(run.rglob("*"))
    arguments = ["report", str(run), "--output", str(tmp_path / "out"), "--format", "html"]
    shown = CliRunner().invoke(cli.main, arguments)
    assert shown.exit_code == 0, shown.output
    assert "making one for this report alone" in shown.stderr
    assert shown.stdout.splitlines() == [str(tmp_path / "out" / "index.html")]
    assert sorted(run.rglob("*")) == before
