"""Tables of text become runs: every number as it was, and a word for all that was decided."""

import csv
import io
import math
import random
import struct
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tabled import column, imported, notes, points

from logwriter import read
from logwriter.errors import EverystepError, NothingLoggedError
from logwriter.importing import import_log
from logwriter.importing.formats import detect
from logwriter.importing.source import look
from logwriter.importing.table import records
from logwriter.importing.table.layout import find_layout

VALUES = st.none() | st.floats(allow_nan=True, allow_infinity=True, width=64)
NAMES = st.lists(
    st.text("abcdefgxyz/_. -", min_size=1, max_size=9)
    .map(str.strip)
    .filter(
        lambda name: name and name.lower() not in {"nan", "-", "--", "na", "step", "date", "_date"}
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda name: name.lower(),
)


def bits(value: float) -> bytes:
    """The 64 bits of a value; every NaN a text can hold is the same one."""
    return b"nan" if math.isnan(value) else struct.pack("<d", value)


@settings(deadline=None, max_examples=40)
@given(data=st.data(), names=NAMES, delimiter=st.sampled_from(",\t;|"))
def test_a_table_of_random_numbers_comes_back_bit_for_bit(
    data: st.DataObject, names: list[str], delimiter: str
) -> None:
    """Written by Python's csv, a column a metric, blank where nothing was logged."""
    rows = data.draw(st.lists(st.tuples(*[VALUES for _ in names]), min_size=1, max_size=12))
    rows.append(tuple(0.5 for _ in names))  # a table of nothing is another test's
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerow(["step", *names])
    writer.writerows([n, *row] for n, row in enumerate(rows))
    expected = [
        (n, name, bits(value))
        for n, row in enumerate(rows)
        for name, value in sorted(zip(names, row, strict=True))
        if value is not None
    ]
    with tempfile.TemporaryDirectory() as folder:
        one = imported(Path(folder) / "run", text.getvalue(), format="csv")
        found = [(step, name, bits(value)) for step, name, value in points(one.path)]
    assert found == expected
    assert one.skipped == 0


def test_the_size_of_chunks_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Headers, cuts and restarts fall where they fall."""
    dice = random.Random(5)
    lines = ["step,loss,acc"]
    for n in range(300):
        lines.append(f"{n % 120},{dice.random()},{dice.choice(['', '1%', dice.random(), 'x'])}")
        if n % 90 == 70:
            lines.append(dice.choice(["step,loss,acc", "step,loss,f1", "# a remark", '7,"0.5,']))
    text = "\n".join(lines)
    whole = imported(tmp_path / "whole", text)
    for cells in (3, 60):
        monkeypatch.setattr(records, "CELLS_A_PIECE", cells)
        split = imported(tmp_path / f"split{cells}", text)
        assert points(split.path) == points(whole.path)
        assert split.attempts == whole.attempts == 3
        assert split.skipped == whole.skipped > 0


def test_few_cells_wait_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the table is."""
    monkeypatch.setattr(records, "CELLS_A_PIECE", 60)
    layout = find_layout("step,a,b\n0,1,2\n1,3,4")
    assert layout is not None
    lines = ((n, f"{n},0.5,1") for n in range(2, 10_000))
    pieces = records.RecordReader(layout, ends_whole=True).pieces(lines)
    assert {len(piece.records) for piece in pieces if isinstance(piece, records.Piece)} == {20, 18}


def test_each_way_of_writing_numbers_is_read_and_noted(tmp_path: Path) -> None:
    """Percent signs, K and M, thousands in quotes, words for nothing, truth values."""
    text = 'step,a,b\n0,95%,13K\n1,5 %,1.2M\n2,"1,234,567",true\n3,None,False\n4,N/A, 2.5 \n'
    one = imported(tmp_path / "run", text)
    assert points(one.path) == [
        *((0, "a", 95.0), (0, "b", 13_000.0), (1, "a", 5.0), (1, "b", 1_200_000.0)),
        *((2, "a", 1_234_567.0), (2, "b", 1.0), (3, "b", 0.0), (4, "b", 2.5)),
    ]
    said = notes(one)
    for word in (
        "95% is 95 (the first: '95%' in line 2, column 'a')",
        "13K is 13000",
        "thousands",
        "NA",
        "True",
    ):
        assert word in said
    assert one.skipped == 0


def test_blank_is_nothing_and_nan_is_a_value(tmp_path: Path) -> None:
    """So are infinities, however they are spelled."""
    text = "step,a\n0,\n1,nan\n2,NaN\n3,-nan\n4,inf\n5,-Infinity\n6,   \n"
    found = points(imported(tmp_path / "run", text).path)
    assert [step for step, _, _ in found] == [1, 2, 3, 4, 5]
    assert [math.isnan(value) for _, _, value in found] == [True, True, True, False, False]
    assert [value for _, _, value in found[3:]] == [math.inf, -math.inf]


def test_decimal_commas_are_read_between_semicolons_alone(tmp_path: Path) -> None:
    """Elsewhere a comma in a cell is no point."""
    one = imported(tmp_path / "run", "step;a\n0;0,5\n1;1,25e-3\n")
    assert points(one.path) == [(0, "a", 0.5), (1, "a", 0.00125)]
    assert "0,5 is 0.5" in notes(one)
    other = imported(tmp_path / "other", 'step,a\n0,"0,5"\n1,7\n')
    assert points(other.path) == [(1, "a", 7.0)]
    assert other.skipped_first == ("line 2: column 'a': '0,5' is no number",)


def test_a_cell_that_is_no_number_costs_itself_alone(tmp_path: Path) -> None:
    """It is named by line and column; the rest of its row is kept."""
    one = imported(tmp_path / "run", "step,a,b\n0,1,2\n1,oops,3\n2,1_000,4\n")
    assert points(one.path) == [(0, "a", 1.0), (0, "b", 2.0), (1, "b", 3.0), (2, "b", 4.0)]
    assert one.skipped_first == (
        "line 3: column 'a': 'oops' is no number",
        "line 4: column 'a': '1_000' is no number",
    )


def test_columns_of_text_are_left_out_by_name(tmp_path: Path) -> None:
    """They are no fault; an index without a name is left out too."""
    one = imported(tmp_path / "run", ",agent,step,a\n0,x,0,1\n1,y,1,2\n")
    assert points(one.path) == [(0, "a", 1.0), (1, "a", 2.0)]
    assert "columns of text are left out: 'agent'" in notes(one)
    assert "no name, as an index has" in notes(one)
    assert one.skipped == 0


def test_texts_before_the_first_number_are_counted(tmp_path: Path) -> None:
    """A column may turn out to be numbers late."""
    one = imported(tmp_path / "run", "step,a,b\n0,1,x\n1,1,y\n" + "2,1,0.5\n" * 3)
    assert one.skipped == 2
    assert [value for _, name, value in points(one.path) if name == "b"] == [0.5] * 3


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffstep,a,b\n0,1,2\n1,3,4\n",
        "# step,a,b\n0,1,2\n1,3,4\n",
        "#step,a,b\r\n0,1,2\r\n1,3,4\r\n",
        "# written by a tool\n# twice\nstep,a,b\n0,1,2\n\n1,3,4",
        "   step ,   a,  b \n   0,    1,    2\n   1,   3,  4\n",
        "step\ta\tb\n0\t1\t2\n1\t3\t4\n",
        "step;a;b\n0;1;2\n1;3;4\n",
        "  step   a b\n 0  1  2\n 1  3   4\n",
        "\x1b[1mstep,a,b\x1b[0m\n0,\x1b[32m1\x1b[0m,2\n1,3,4\n",
        'step,a,b,why\n0,1,2,"said ""so"",\nand left"\n1,3,4,\n',
        "step,a,b,\n0,1,2,\n1,3,4,\n",
        "step,a,b\n0,1,2,\n1,3,4,\n",
        "step,a,b\n0,1,2\nstep,a,b\n1,3,4\n",
        "# step,a,b\n0,1,2\n# step,a,b\n# a remark\n1,3,4\n",
        "a,b\n0,1,2\n1,3,4\n",
    ],
)
def test_an_untidy_table_is_the_same_table(tmp_path: Path, text: str) -> None:
    """Marks, comments, padding, delimiters, colours, line ends, repeated headers, names of rows."""
    one = imported(tmp_path / "run", text)
    assert points(one.path) == [(0, "a", 1.0), (0, "b", 2.0), (1, "a", 3.0), (1, "b", 4.0)]
    assert one.skipped == 0


def test_a_header_in_mid_file_may_change_the_columns(tmp_path: Path) -> None:
    """From there on its names count."""
    one = imported(tmp_path / "run", "step,a,b\n0,1,2\nstep,b,c\n1,3,4\n2,5,6\n")
    assert points(one.path) == [
        *((0, "a", 1.0), (0, "b", 2.0), (1, "b", 3.0), (1, "c", 4.0), (2, "b", 5.0), (2, "c", 6.0)),
    ]
    assert "headers in mid-file, which are no rows: 1 (the first: line 3)" in notes(one)


def test_rows_longer_than_the_header_have_numbered_columns(tmp_path: Path) -> None:
    """Nothing of them is lost, and it is said; shorter rows lack what is missing."""
    one = imported(tmp_path / "run", "step,a,b\n0,1,2\n1,3,4,5,6\n2,7\n3,8,9\n")
    assert points(one.path) == [
        *((0, "a", 1.0), (0, "b", 2.0)),
        *((1, "a", 3.0), (1, "b", 4.0), (1, "column_4", 5.0), (1, "column_5", 6.0)),
        *((2, "a", 7.0), (3, "a", 8.0), (3, "b", 9.0)),
    ]
    assert "rows longer than the header, whose further columns" in notes(one)
    assert (
        "rows shorter than the header, which lack what is missing: 1 (the first: line 4)"
        in notes(one)
    )


def test_a_name_that_comes_twice_gets_a_number(tmp_path: Path) -> None:
    """Both columns are kept."""
    one = imported(tmp_path / "run", "step,a,a,\n0,1,2,\n1,3,4,5\n")
    assert one.metrics == ("a", "a_2", "column_4")
    assert "a name that was there before" in notes(one)


@pytest.mark.parametrize("tail", ["2,0.1", "2,0.12,", '2,0.1,"0.', "2"])
def test_a_line_that_breaks_off_is_skipped_by_number(tmp_path: Path, tail: str) -> None:
    """What is before it is kept."""
    one = imported(tmp_path / "run", f"step,a,b,c\n0,1,2,3\n1,4,5,6\n{tail}")
    assert max(step for step, _, _ in points(one.path)) == 1
    assert one.skipped == 1
    assert one.skipped_first[0].startswith("line 4: ")


def test_a_last_line_without_an_end_is_kept_if_it_is_whole(tmp_path: Path) -> None:
    """Many tools end their files so."""
    one = imported(tmp_path / "run", "step,a\n0,1\n1,2")
    assert points(one.path) == [(0, "a", 1.0), (1, "a", 2.0)]
    assert one.skipped == 0


def test_a_quote_that_is_not_closed_costs_its_line_alone(tmp_path: Path) -> None:
    """The rows below it are read."""
    text = 'step,a,b\n0,1,2\n1,"3,4\n' + "".join(f"{n},{n},{n}\n" for n in range(2, 200))
    one = imported(tmp_path / "run", text)
    assert one.rows == 199
    assert one.skipped_first == ("line 3: a quote is opened and not closed",)


def test_bytes_of_zero_cost_their_line_alone(tmp_path: Path) -> None:
    """A file system that lost power leaves such blocks."""
    one = imported(tmp_path / "run", b"step,a\n0,1\n1," + bytes(512) + b"\n2,3\n" + bytes(99))
    assert points(one.path) == [(0, "a", 1.0), (2, "a", 3.0)]
    assert one.skipped == 2
    assert one.skipped_first[0] == "line 3: bytes of zero, as a power cut leaves them"


def test_hostile_names_stay_names(tmp_path: Path) -> None:
    """Whatever a header says, it is a metric; nothing of it becomes a path."""
    name = "../../x<script>'\x1b[31m"
    one = imported(tmp_path / "run", f'step,"{name}"\n0,1\n1,2\n')
    assert one.metrics == ("../../x<script>'",)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["log.csv", "run"]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("step,a\n", "holds no row"),
        ("step,a\n0,\n1,\n", "holds no row"),
        ("step,a\n0,x\n1,y\n", "holds no row"),
        ("just a sentence, with a comma\nand another, line\n", "is no table"),
        (b"\xff\xfes\x00t\x00", "UTF-16"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "is no table"),
    ],
)
def test_what_is_no_table_is_refused_with_the_reason(
    tmp_path: Path, text: str | bytes, word: str
) -> None:
    """Nothing is left of the run."""
    with pytest.raises(EverystepError, match=word):
        imported(tmp_path / "run", text, format="csv")
    assert [each.name for each in tmp_path.iterdir()] == ["log.csv"]


def test_an_empty_file_holds_nothing(tmp_path: Path) -> None:
    """Blank lines are nothing too."""
    for text in ("", "\n\n  \n"):
        with pytest.raises(NothingLoggedError, match="empty"):
            imported(tmp_path / "run", text)


def test_utf_16_is_refused_without_a_format_too(tmp_path: Path) -> None:
    """The word says how to go on."""
    with pytest.raises(EverystepError, match="iconv -f UTF-16"):
        imported(tmp_path / "run", "step,a\n0,1\n".encode("utf-16"))


def test_a_table_without_a_header_has_numbered_columns(tmp_path: Path) -> None:
    """The rows' numbers are the steps, unless a column is named."""
    text = "0,0.5\n10,0.25\n"
    assert points(imported(tmp_path / "a", text).path) == [
        *((0, "column_1", 0.0), (0, "column_2", 0.5), (1, "column_1", 10.0), (1, "column_2", 0.25)),
    ]
    one = imported(tmp_path / "b", text, step="column_1")
    assert points(one.path) == [(0, "column_2", 0.5), (10, "column_2", 0.25)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.txt", "step 10 loss 0.5\nstep 20 loss 0.25\nstep 30 loss 0.1\n"),
        ("a.log", "INFO, starting, 3 workers\nINFO, epoch 1, loss 0.5\nINFO, epoch 2, loss 0.3\n"),
        ("a.jsonl", '{"step": 1, "loss": 0.5}\n{"step": 2, "loss": 0.4}\n'),
        ("a.json", '{"a": 1,\n "b": 2}\n'),
        ("a.md", "# Results\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"),
        ("a.py", "import os, sys\n\nx = [1, 2]\ny = [3, 4]\n"),
        ("a.csv", "dear reader, this is\nno table, at all\n"),
        ("a.yaml", "lr: 0.1\nsteps: 100\n"),
    ],
)
def test_text_of_another_kind_is_not_taken_for_a_table(
    tmp_path: Path, name: str, text: str
) -> None:
    """Detection is sure, or says no."""
    from logwriter.importing.formats import csv as table

    (tmp_path / name).write_text(text)
    assert not table.detects(look(tmp_path / name))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "loss\n0.5\n0.25\n"),
        ("a.csv", "step,loss\n"),
        ("a.tsv", "iter\tLogloss\n0\t0.5\n1\t0.4\n"),
        ("progress.txt", "Epoch\tAverageEpRet\n0\t1.5\n1\t2.5\n"),
        ("a.dat", "# x y\n0 1\n1 2\n"),
    ],
)
def test_a_table_is_known_by_its_names_and_numbers(tmp_path: Path, name: str, text: str) -> None:
    """Of whatever delimiter and file name."""
    (tmp_path / name).write_text(text)
    assert detect(look(tmp_path / name)).name == "csv"


def test_a_run_follows_from_its_table_alone(tmp_path: Path) -> None:
    """Imported twice, it is the same run, byte for byte."""
    (tmp_path / "log.csv").write_text(
        "step,a,b\n" + "".join(f"{n},{n / 7},{n % 3}\n" for n in range(99))
    )
    kept = []
    for name in ("one", "two"):
        import_log(tmp_path / "log.csv", tmp_path / name)
        files = sorted((tmp_path / name).rglob("*.parquet"))
        kept.append([file.read_bytes() for file in files])
    assert kept[0] == kept[1]
    assert read(tmp_path / "one").state == read(tmp_path / "two").state


def test_epochs_of_a_row_are_whole_numbers(tmp_path: Path) -> None:
    """Fractions of epochs are a metric; where only some are fractions, there."""
    one = imported(tmp_path / "a", "step,epoch,a\n10,1,0.5\n20,2.0,0.25\n30,,1\n")
    assert column(one.path, "epoch", "a") == [1, 2, None]
    other = imported(tmp_path / "b", "step,epoch,a\n10,0.5,0.5\n20,1.0,0.25\n")
    assert column(other.path, "epoch", "a") == [None, None]
    assert column(other.path, "value", "epoch") == [0.5, 1.0]
    assert "fractions of epochs" in notes(other)
