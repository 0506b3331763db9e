"""Tables of any tool: cells between commas, tabs, semicolons, bars or blanks, and a header above them.

Each row is a row at its step, each column of numbers a metric under its own name. How steps, epochs and
times are found, and what is read as a number, `logwriter.importing.table` says. Keras's ``CSVLogger``
needs no more: its ``epoch`` is the step and the epoch.
"""

from logwriter.importing.formats import Format, one_file
from logwriter.importing.source import Look, Options, Source
from logwriter.importing.table.layout import is_utf16_table, layout_of
from logwriter.importing.table.text import read_text, runs_in_text


def detects(looked: Look) -> bool:
    """Names above columns of numbers; less is asked of a file that is called ``.csv`` or ``.tsv``."""
    layout = layout_of(looked)
    return is_utf16_table(looked) or (layout is not None and layout.sure)


def finds(looked: Look, options: Options) -> list[Source]:
    """One run, unless a column tells several apart."""
    return runs_in_text(one_file(looked, options)[0])


FORMAT = Format(
    "csv",
    "tables of CSV, TSV and the like, such as Keras's CSVLogger",
    detects,
    finds,
    read_text,
    takes=frozenset({"step", "epoch", "time", "split"}),
)
