"""Sources that are broken, hostile or endless: an error that says so, or what could be read."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tabled import column, imported, notes, points

from logwriter.errors import EverystepError, NothingLoggedError
from logwriter.importing import import_log
from logwriter.importing.formats import text as textformat
from logwriter.importing.source import Source
from logwriter.importing.yamlfile import read_yaml

BILLIONS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{after}: &{after} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)
LIMIT = 1 << 29


def test_a_pipe_is_refused_before_it_is_opened(tmp_path: Path) -> None:
    """It may never end, and nobody may write to it."""
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(EverystepError, match="neither a file nor a folder"):
        import_log(tmp_path / "pipe.csv", tmp_path / "run")


def test_a_pipe_among_event_files_is_none(tmp_path: Path) -> None:
    """Nor is a link that leads nowhere."""
    os.mkfifo(tmp_path / "events.out.tfevents.1.host")
    (tmp_path / "events.out.tfevents.2.host").symlink_to("nowhere")
    with pytest.raises(EverystepError, match="of no format"):
        import_log(tmp_path, tmp_path.parent / f"{tmp_path.name} run")


@pytest.mark.parametrize("said", [BILLIONS, "a: &a [*a]\n"], ids=["billions", "itself"])
def test_a_configuration_that_unfolds_without_end_is_left_out(tmp_path: Path, said: str) -> None:
    """A few lines of YAML can stand for billions of values, or for themselves; the rows are read."""
    (tmp_path / "hparams.yaml").write_text(said)
    with pytest.raises(EverystepError, match="more than 100,000 values"):
        read_yaml(tmp_path / "hparams.yaml")
    one = imported(tmp_path / "run", "step,epoch,loss\n1,0,0.5\n", name="metrics.csv")
    assert "its configuration is left out" in notes(one)
    assert points(one.path) == [(1, "loss", 0.5)]


def test_a_configuration_that_is_nested_too_deeply_is_skipped(tmp_path: Path) -> None:
    """What JSON may nest is more than Python may walk."""
    deep = '{"a": ' + "[" * 600 + "]" * 600 + "}\n"
    rows = '{"step": 1, "loss": 2}\n{"step": 2, "loss": 1}\n'
    one = imported(tmp_path / "run", deep + rows, name="a.jsonl")
    assert points(one.path) == [(1, "loss", 2.0), (2, "loss", 1.0)]
    assert one.skipped_first == ("configuration: it is nested too deeply",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"loss": {"0": 1, "7": 5}}', [(0, "loss", 1.0), (7, "loss", 5.0)]),
        ('{"history": {"loss": [1, 2]}, "epoch": [3, 4]}', [(3, "loss", 1.0), (4, "loss", 2.0)]),
    ],
    ids=["epochs with gaps", "epochs that are told"],
)
def test_a_history_of_keras_has_its_epochs(
    tmp_path: Path, text: str, expected: list[tuple[int, str, float]]
) -> None:
    """An epoch far behind the others is not lost."""
    assert points(imported(tmp_path / "run", text, name="h.json").path) == expected


@pytest.mark.parametrize("epoch", [10**30, 10**4000], ids=["30 digits", "4000 digits"])
def test_an_epoch_beyond_64_bits_is_skipped(tmp_path: Path, epoch: int) -> None:
    """Those beside it are read."""
    text = f'{{"history": {{"loss": [1, 2]}}, "epoch": [{epoch}, 2]}}'
    one = imported(tmp_path / "run", text, name="h.json")
    assert points(one.path) == [(2, "loss", 2.0)]
    assert one.skipped == 1


def test_running_steps_beyond_64_bits_are_skipped(tmp_path: Path) -> None:
    """The epochs before them are read."""
    last = (1 << 63) - 2
    text = "".join(f'{{"step": {last}, "epoch": {n}, "loss": 1}}\n' for n in (1, 2, 3))
    one = imported(tmp_path / "run", text, name="a.jsonl")
    assert points(one.path) == [(last, "loss", 1.0)]
    assert one.skipped == 2


@pytest.mark.parametrize("began", ['"x"', "null", "1e400", "-1e18", "[1]"])
def test_a_monitor_that_began_at_no_time_has_that_of_the_file(tmp_path: Path, began: str) -> None:
    """What stands behind ``t_start`` need be no number."""
    text = f'#{{"t_start": {began}}}\nr,l,t\n1,10,0.5\n2,20,1.5\n'
    one = imported(tmp_path / "run", text, name="monitor.csv")
    assert column(one.path, "step", "r") == [10, 30]
    changed = (tmp_path / "monitor.csv").stat().st_mtime_ns // 1000
    times = [round(moment.timestamp() * 1e6) for moment in column(one.path, "time", "r")]
    assert times == [changed, changed]


def test_a_line_without_bounds_is_skipped_in_bounded_memory(tmp_path: Path) -> None:
    """Half a gigabyte on one line, read by a process that may take less."""
    source = tmp_path / "log.csv"
    with source.open("wb") as file:
        file.write(b"step,loss\n1,2\n")
        file.truncate(file.tell() + LIMIT)
        file.seek(0, os.SEEK_END)
        file.write(b"\n3,4\n")
    program = (
        "import re, sys\n"
        "from pathlib import Path\n"
        "from logwriter.importing import import_log\n"
        "one, = import_log(sys.argv[1], sys.argv[2])\n"
        "status = Path('/proc/self/status').read_text()\n"  # getrusage knows the parent's peak, too
        "print(one.rows, one.skipped, int(re.search(r'VmHWM:\\s*(\\d+) kB', status)[1]) * 1024)"
    )
    command = [sys.executable, "-c", program, str(source), str(tmp_path / "run")]
    said = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    rows, skipped, memory = map(int, said.stdout.split())
    assert (rows, skipped) == (2, 1)
    assert memory < LIMIT


@pytest.mark.parametrize("longest", [3, 5, 8])
def test_lines_are_cut_where_they_are_too_long(tmp_path: Path, longest: int) -> None:
    """Each keeps its number, and shows that it is too long; a character is never cut in two."""
    lines = ["a", "ééé", "𝄞" * 40, "", "12345", "x" * 100]
    (tmp_path / "a").write_text("\r\n".join(lines), encoding="utf-8")
    source = Source(tmp_path / "a", "a", (tmp_path / "a",))
    expected = [(n, line[: longest + 1]) for n, line in enumerate(lines, start=1)]
    assert list(source.lines(longest)) == expected


def test_all_bytes_are_told_to_have_been_read(tmp_path: Path) -> None:
    """Long lines, short ones, and the last without an end."""
    (tmp_path / "a").write_bytes(b"x" * 3_000_000 + b"\n" + b"abc\n" * 1000 + b"end")
    told: list[int] = []
    source = Source(tmp_path / "a", "a", (tmp_path / "a",), advance=told.append)
    assert len(list(source.lines(10))) == 1002
    assert sum(told) == source.size


def test_the_error_says_what_was_decided_where_there_is_no_row(tmp_path: Path) -> None:
    """Decimal commas in quotes make a column of text."""
    with pytest.raises(NothingLoggedError, match="columns of text are left out: 'loss'"):
        imported(tmp_path / "run", 'step,loss\n1,"0,5"\n2,"0,4"\n')


@pytest.mark.parametrize("mark", ["[2024-03-01 10:00:00]", "[rank0]:", "[INFO]"])
def test_a_line_may_begin_with_a_bracket(tmp_path: Path, mark: str) -> None:
    """JSON begins so, too, but goes on otherwise."""
    text = "".join(f"{mark} step: {n}, loss: 0.5\n" for n in range(3))
    one = imported(tmp_path / "run", text, name="a.log")
    assert one.format == textformat.FORMAT.name
    assert points(one.path) == [(n, "loss", 0.5) for n in range(3)]


def test_many_columns_of_one_name_are_numbered(tmp_path: Path) -> None:
    """Each has a name of its own, whatever the others are called."""
    header = ["step", "a", "a_2", *["a"] * 2000]
    one = imported(tmp_path / "run", f"{','.join(header)}\n{','.join(['1'] * len(header))}\n")
    assert len(one.metrics) == 2002
    assert {"a", "a_2", "a_3", "a_2001"} < set(one.metrics)
