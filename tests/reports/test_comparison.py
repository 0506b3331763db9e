"""Comparing runs: what the command prints, what programs get, and what goes wrong by itself."""

import json
import math
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from comparisons import first_reaching, make_run
from records import digits, record

import reports
from compactor.record import RECORD_NAME, encode
from logwriter.errors import EverystepError, NoMonitorError, UnknownMetricError
from reports import cli
from reports.comparison.table import columns_of

SLOW = [3.0, 2.0, 1.5, 1.2]
FAST = [2.0, 1.0, 0.5]
WORSE = [3.0, 2.5, 2.6]


def compare(*arguments: object) -> Result:
    """``everystep compare`` with these arguments."""
    return CliRunner().invoke(cli.main, ["compare", *map(str, arguments)])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three compacted runs that differ in their learning rate, and in how long they are."""
    folder = tmp_path_factory.mktemp("runs")
    model = {"width": 8}
    make_run(folder / "slow", SLOW, config={"lr": 0.1, "model": model})
    make_run(folder / "fast", FAST, config={"lr": 0.2, "model": model})
    make_run(folder / "worse", WORSE, config={"lr": 0.3, "model": model | {"heads": 2}})
    reports.compare(sorted(folder.iterdir()))
    return folder


@pytest.fixture
def runs(made: Path, tmp_path: Path) -> Path:
    """A copy of them."""
    return shutil.copytree(made, tmp_path / "runs")


def test_the_best_run_comes_first_and_settings_that_differ_are_columns(runs: Path) -> None:
    """A pattern is expanded; runs without a record get one; what is alike is only counted."""
    for record_file in runs.glob(f"*/{RECORD_NAME}"):
        record_file.unlink()
    shown = compare(runs / "*")
    assert shown.exit_code == 0, shown.output
    lines = shown.stdout.splitlines()
    assert [line.split()[0] for line in lines[2:5]] == ["fast", "slow", "worse"]
    assert {"lr", "model.heads", "missing"} <= set(shown.stdout.split())
    assert "model.width" not in shown.stdout
    assert "1 other key of the configurations is alike." in shown.stdout
    assert shown.stderr.count("compacting it first") == 3
    assert (runs / "fast" / RECORD_NAME).is_file()
    assert "--output DIR draws" in lines[-1]


def test_programs_get_every_figure(runs: Path) -> None:
    """The default target is the worst of the bests, and all runs reached it."""
    told = json.loads(compare(runs / "*", "--json").stdout)
    assert told["metric"] == "val/loss"
    assert told["target"] == 2.5
    assert [run["best"]["value"] for run in told["runs"]] == [0.5, 1.2, 2.5]
    for run, losses in zip(told["runs"], (FAST, SLOW, WORSE), strict=True):
        reached = run["reached"]
        assert (reached["epoch"], reached["step"]) == first_reaching(losses, 2.5)
        assert reached["exact"]
        assert 0 <= reached["seconds"] <= run["seconds"]
    assert told["runs"][2]["settings"] == {"lr": "0.3", "model.heads": "2"}
    assert told["runs"][0]["settings"]["model.heads"] is None


def test_python_gets_the_same_as_rows(runs: Path) -> None:
    """Flat, with the same keys in each, as a data frame takes them."""
    found = reports.compare([runs / "slow", runs / "fast"], to=1.5)
    assert [row["run"] for row in found.rows()] == ["fast", "slow"]
    assert [run.label for run in found] == ["fast", "slow"]
    assert len(found) == 2
    assert found.rows()[1]["reached_epoch"] == 2
    assert found.rows()[0]["config.lr"] == "0.2"
    assert found.files == []


def test_a_run_that_never_reached_the_target_says_so(runs: Path) -> None:
    """It is not left out, nor given its last step."""
    shown = compare(runs / "fast", runs / "worse", "--to", "0.5")
    line = next(line for line in shown.stdout.splitlines() if line.startswith("worse"))
    assert line.count("never") == 2
    assert "Target: val/loss of 0.5" in shown.stdout


def test_a_bad_run_is_told_and_the_others_are_compared(runs: Path) -> None:
    """With exit code 1, and once, not behind its own path."""
    (runs / "slow").joinpath(RECORD_NAME).write_text("{")
    shown = compare(runs / "*")
    assert shown.exit_code == 1
    assert "slow: not compared: " in shown.stderr
    assert shown.stdout.splitlines()[2].startswith("fast")
    absent = compare(runs / "fast", runs / "worse", runs / "nothing")
    assert absent.exit_code == 1
    assert f"{runs / 'nothing'}: not compared: there is no record" in absent.stderr


def test_fewer_than_two_runs_are_an_error(runs: Path) -> None:
    """One run named twice, by its folder and its record, is one."""
    compare(runs / "*")
    shown = compare(runs / "fast", runs / "fast" / RECORD_NAME, runs / "fast/../fast")
    assert shown.exit_code == 1
    assert "there is one run to compare; give two or more" in shown.stderr
    with pytest.raises(EverystepError, match="there is one run"):
        reports.compare([runs / "fast", runs / "slow/../fast", runs / "fast" / RECORD_NAME])
    with pytest.raises(EverystepError, match="there is no run to compare"):
        reports.compare([])


def test_records_and_their_files_are_compared_without_a_log(tmp_path: Path) -> None:
    """A record that came by mail is enough."""
    (tmp_path / "some.json").write_bytes(encode(digits()))
    found = reports.compare([digits(), tmp_path / "some.json"])
    assert [run.label for run in found] == ["digits", "digits #2"]
    assert all(run.reached is not None for run in found)


def test_a_run_with_another_monitor_is_told(runs: Path) -> None:
    """Most decide; ``--metric`` says otherwise; a run without it comes last."""
    make_run(runs / "other", [0.1, 0.9], monitor="val/acc", mode="max")
    shown = compare(runs / "*")
    assert shown.exit_code == 0
    assert "judged by different metrics: val/loss (3) and val/acc (1)" in shown.stdout
    assert shown.stdout.splitlines()[5].startswith("other")
    assert "other: no value of val/loss to judge it by." in shown.stdout
    asked = reports.compare([runs / "fast", runs / "other"], metric="val/acc")
    assert asked.mode == "max"
    assert [run.label for run in asked] == ["other", "fast"]
    assert asked.runs[1].best is None


def test_the_mode_can_be_turned_round(runs: Path) -> None:
    """Then other epochs are best, and the target is reached from below."""
    found = reports.compare([runs / "fast", runs / "slow"], mode="max")
    assert [run.label for run in found] == ["slow", "fast"]
    assert found.runs[0].best is not None
    assert found.runs[0].best.value == 3.0
    assert found.target == 2.0


def test_what_cannot_be_asked_is_refused(runs: Path) -> None:
    """With what to ask instead."""
    both = [runs / "fast", runs / "slow"]
    with pytest.raises(UnknownMetricError, match="did you mean val/loss"):
        reports.compare(both, metric="val/los")
    with pytest.raises(EverystepError, match="no configuration has the seed 'dice'"):
        reports.compare(both, seeds=["dice"])
    with pytest.raises(ValueError, match="give a finite number"):
        reports.compare(both, to=math.nan)
    with pytest.raises(ValueError, match="mode is 'best'"):
        reports.compare(both, mode="best")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="formats: 'gif'"):
        reports.compare(both, runs / "out", formats=["gif"])  # type: ignore[list-item]
    with pytest.raises(NoMonitorError, match="logged no metric"):
        reports.compare([record(), record()])


def test_a_diverged_run_sets_no_target_and_is_named(runs: Path) -> None:
    """Its best came before it broke; the others set the target, and the finding is told."""
    make_run(runs / "broken", [4.0, *[math.nan] * 6])
    shown = compare(runs / "*")
    assert "without those of runs with a critical finding" in shown.stdout
    assert "Target: val/loss of 2.5" in shown.stdout
    assert any(line.startswith("broken: ") for line in shown.stdout.splitlines())


def test_hostile_names_do_not_steer_the_terminal(tmp_path: Path) -> None:
    """Nor do values of the configuration, keys, or runs that cannot be read."""
    attack = "\x1b[2J\x07x"
    make_run(tmp_path / "a", FAST, name=attack, config={attack: attack})
    make_run(tmp_path / "b", SLOW, name=attack, config={attack: 1})
    shown = compare(tmp_path / "a", tmp_path / "b", tmp_path / attack)
    assert shown.exit_code == 1
    assert "\x1b" not in shown.output
    assert "\x07" not in shown.output


def test_repetitions_with_other_seeds_are_a_row_of_their_own(tmp_path: Path) -> None:
    """Mean and deviation of the sample over the best values, and how many there are."""
    for place, end in enumerate((1.0, 2.0, 3.0)):
        make_run(tmp_path / f"a{place}", [4.0, end], config={"lr": 1, "opt": {"seed": place}})
    make_run(tmp_path / "b0", [4.0, 0.5], config={"lr": 2, "opt": {"seed": 0}})
    found = reports.compare(sorted(tmp_path.iterdir()))
    (group,) = found.groups
    assert (group.mean, group.std, group.judged) == (2.0, 1.0, 3)
    assert sorted(group.runs) == ["a0", "a1", "a2"]
    assert found.runs[0].group is None
    shown = compare(tmp_path / "*")
    assert "over seeds" in shown.stdout


def test_long_numbers_are_rounded_unless_that_hides_a_difference(tmp_path: Path) -> None:
    """In full in the document either way."""
    for place, (one, two) in enumerate(((1 / 3, 1 / 3), (2 / 3, 1 / 3 + 1e-12))):
        make_run(tmp_path / f"r{place}", FAST, config={"one": one, "two": two})
    shown = compare(tmp_path / "*", "--json")
    found = reports.compare(sorted(tmp_path.iterdir()))
    cells = {column.heading: [c.text for c in column.cells] for column in columns_of(found)}
    assert cells["one"] == ["0.333333", "0.666667"]
    assert cells["two"] == ["0.3333333333333333", "0.3333333333343333"]
    assert "0.6666666666666666" in shown.stdout


def test_the_table_fits_a_narrow_terminal(
    runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What has no room is named."""
    from reports.comparison.text import print_comparison

    monkeypatch.setattr("logwriter.cli.text._terminal_width", lambda: 60)
    print_comparison(reports.compare([runs / "fast", runs / "slow"]), print)
    table = capsys.readouterr().out.split("\n\n")[0].splitlines()
    assert max(map(len, table[:4])) <= 60
    assert "too narrow for" in table[-1]


def test_a_table_alone_loads_nothing_that_draws(runs: Path) -> None:
    """Nor what scans: it is there at once."""
    code = (
        "import sys, reports\n"
        f"reports.compare([{str(runs / 'fast')!r}, {str(runs / 'slow')!r}])\n"
        "assert not {'matplotlib', 'jinja2', 'duckdb'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.mark.parametrize("target", ["nan", "inf", "-inf", "1e400"])
def test_a_target_must_be_a_finite_number(runs: Path, target: str) -> None:
    """On the command line as in Python, and without a traceback."""
    shown = compare(runs / "*", "--to", target)
    assert shown.exit_code == 2
    assert "is no finite number" in shown.stderr
    with pytest.raises(ValueError, match="give a finite number"):
        reports.compare([runs / "fast", runs / "slow"], to=float(target))


def test_names_of_many_settings_stay_short(tmp_path: Path) -> None:
    """A key may be as long as a book."""
    for name in ("a", "b"):
        config = {f"{name}{place}": 1 for place in range(4)} | {name * 5000: 1}
        make_run(tmp_path / name, FAST, config=config)
    shown = compare(tmp_path / "*")
    line = next(line for line in shown.stdout.splitlines() if line.startswith("More keys"))
    assert len(line) < 200
