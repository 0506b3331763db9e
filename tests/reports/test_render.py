"""Which files a report is, and that drawing again leaves no trace of the last time."""

import io
import sys
from pathlib import Path

import pytest
from PIL import Image
from records import chart, digits, record, run_info

import reports
from compactor.record import RECORD_NAME, Record, encode
from logwriter.errors import EverystepError
from logwriter.rundir import WriterId, writer_path

FILES = [
    "index.html",
    "dashboard.png",
    "charts/01-loss.png",
    "charts/02-acc.png",
    "charts/03-lr.png",
]


def write_run(folder: Path, made: Record) -> Path:
    """A run's folder that holds nothing but its record."""
    folder.mkdir(parents=True)
    (folder / RECORD_NAME).write_bytes(encode(made))
    return folder


def files_in(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its path from there."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def test_a_run_is_drawn_into_its_report_folder(tmp_path: Path) -> None:
    """The page, the sheet of all charts, and a file for each, in the order shown."""
    run = write_run(tmp_path / "digits", digits())
    rendered = reports.render(run)
    assert rendered.files == tuple(run / "report" / name for name in FILES)
    assert sorted(files_in(run / "report")) == sorted(FILES)


def test_a_record_json_is_drawn_beside_itself(tmp_path: Path) -> None:
    """It may be named instead of its folder."""
    run = write_run(tmp_path / "digits", digits())
    rendered = reports.render(str(run / RECORD_NAME))
    assert rendered.files[0] == run / "report" / "index.html"


def test_a_record_needs_to_be_told_where_to_be_drawn(tmp_path: Path) -> None:
    """It has no folder of its own."""
    with pytest.raises(ValueError, match="output="):
        reports.render(digits())
    assert reports.render(digits(), tmp_path / "new" / "folder").files


def test_several_runs_are_drawn_into_numbered_folders(tmp_path: Path) -> None:
    """Named after the runs, and apart even where those have the same name."""
    rendered = reports.render([digits(), digits()], tmp_path, formats=["html"])
    assert rendered.files == (
        tmp_path / "01-digits" / "index.html",
        tmp_path / "02-digits" / "index.html",
    )


def test_only_what_is_asked_for_is_written(tmp_path: Path) -> None:
    """A page, or images."""
    reports.render(digits(), tmp_path / "page", formats=["html"])
    reports.render(digits(), tmp_path / "images", formats=["png"])
    assert sorted(files_in(tmp_path / "page")) == ["index.html"]
    assert "index.html" not in files_in(tmp_path / "images")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"formats": ["gif"]}, "'gif' cannot be drawn; choose of html, png, svg, pdf"),
        ({"formats": []}, "no format"),
        ({"theme": "sepia"}, "'sepia' is unknown; choose of light, dark, paper"),
    ],
)
def test_a_choice_that_does_not_exist_is_refused(
    tmp_path: Path, options: dict[str, object], message: str
) -> None:
    """Before anything is written."""
    with pytest.raises(ValueError, match=message):
        reports.render(digits(), tmp_path, **options)  # type: ignore[arg-type]
    assert files_in(tmp_path) == {}


def test_images_are_written_in_each_format_asked_for(tmp_path: Path) -> None:
    """Each beside the others, and each of the same bytes every time."""
    formats = ["png", "svg", "pdf"]
    reports.render(digits(), tmp_path / "one", formats=formats)  # type: ignore[arg-type]
    reports.render(digits(), tmp_path / "two", formats=formats)  # type: ignore[arg-type]
    made = files_in(tmp_path / "one")
    assert {name for name in made if name.startswith("dashboard")} == {
        f"dashboard.{name}" for name in formats
    }
    assert len(made) == 12
    assert made == files_in(tmp_path / "two")


def test_drawing_again_removes_what_is_gone_in_every_format(tmp_path: Path) -> None:
    """Each format carries our mark."""
    everything = ["png", "svg", "pdf"]
    reports.render(digits(), tmp_path, formats=everything)  # type: ignore[arg-type]
    reports.render(digits(), tmp_path, formats=["png"])
    assert sorted(files_in(tmp_path / "charts")) == ["01-loss.png", "02-acc.png", "03-lr.png"]


def test_no_run_is_refused(tmp_path: Path) -> None:
    """An empty list is a mistake, not a report."""
    with pytest.raises(ValueError, match="no run to draw"):
        reports.render([], tmp_path)


def test_a_run_without_a_record_is_told_to_be_compacted(tmp_path: Path) -> None:
    """The message names the command."""
    writer_path(tmp_path / "digits", WriterId(0, 0)).mkdir(parents=True)
    with pytest.raises(EverystepError, match="everystep compact"):
        reports.render(tmp_path / "digits")


def test_the_same_record_gives_the_same_bytes(tmp_path: Path) -> None:
    """Wherever and how often it is drawn."""
    reports.render(digits(), tmp_path / "one")
    reports.render(digits(), tmp_path / "other")
    reports.render(digits(), tmp_path / "other")
    assert files_in(tmp_path / "one") == files_in(tmp_path / "other")


def test_images_are_whole_and_of_the_size_promised(tmp_path: Path) -> None:
    """1280 pixels wide a chart; in the dark, dark."""
    reports.render(digits(), tmp_path, formats=["png"], theme="dark")
    for name, data in files_in(tmp_path).items():
        image = Image.open(io.BytesIO(data))
        image.load()
        assert image.width == 1280 if name.startswith("charts/") else image.width > 1600
        assert image.convert("RGB").getpixel((2, 2)) == (0x14, 0x17, 0x1A)


def test_drawing_again_removes_charts_that_are_gone(tmp_path: Path) -> None:
    """The folder never mixes two reports."""
    reports.render(digits(), tmp_path)
    reports.render(record({"loss": digits().charts["loss"]}), tmp_path)
    assert sorted(files_in(tmp_path / "charts")) == ["01-loss.png"]


def test_files_of_others_are_left_alone(tmp_path: Path) -> None:
    """Even under a name that might be ours."""
    charts = tmp_path / "charts"
    charts.mkdir()
    (charts / "07-mine.png").write_bytes(b"\x89PNG mine")
    (charts / "notes.txt").write_bytes(b"mine")
    reports.render(digits(), tmp_path)
    kept = files_in(charts)
    assert kept["07-mine.png"] == b"\x89PNG mine"
    assert kept["notes.txt"] == b"mine"


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "</script>", "", ".", "a\0b", "n" * 4000, "模型"]
)
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    """A file's name is made of a number and the letters of the chart's."""
    points = [(0, 1.0), (1, 2.0)]
    made = record(
        {name: chart(name, {name: points}), name + "!": chart(name, {name: points})},
        run=run_info(name=name, id=name),
    )
    rendered = reports.render(made, tmp_path / "out", formats=["png"])
    assert len(set(rendered.files)) == 3
    assert sorted(tmp_path.iterdir()) == [tmp_path / "out"]
    assert {path.parent for path in rendered.files[1:]} == {tmp_path / "out" / "charts"}


def test_letters_that_no_font_has_are_named(tmp_path: Path) -> None:
    """The images show boxes for them, and the caller hears of it."""
    made = record({"loss": chart("loss", {"\ue123": [(0, 1.0)]})})
    (note,) = reports.render(made, tmp_path).notes
    assert "\ue123" in note
    assert reports.render(digits(), tmp_path).notes == ()


def test_an_empty_record_is_drawn(tmp_path: Path) -> None:
    """A page and a sheet that say there is nothing."""
    rendered = reports.render(record(), tmp_path)
    assert [path.name for path in rendered.files] == ["index.html", "dashboard.png"]


def test_drawing_does_not_load_pyplot_or_duckdb(tmp_path: Path) -> None:
    """No global figures, and no database for a document that is already there."""
    import subprocess

    run = write_run(tmp_path / "digits", digits())
    code = (
        "import sys, reports\n"
        "assert not {'matplotlib', 'duckdb', 'jinja2', 'compactor'} & set(sys.modules)\n"
        f"reports.render({str(run)!r})\n"
        "assert not {'matplotlib.pyplot', 'duckdb', 'pyarrow', 'torch'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, cwd=Path.cwd())
