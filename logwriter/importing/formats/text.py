"""Text logs: lines with a step and numbers among anything else, or lines that a pattern describes.

Control sequences of terminals are removed; what a carriage return overwrote counts as a line of its own.
What is no row is no fault: a note says how many lines gave rows, and shows the first.
"""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from logwriter.errors import EverystepError
from logwriter.importing.formats import Format, one_file
from logwriter.importing.items import Item, Noted, Skipped
from logwriter.importing.records import Row, gather
from logwriter.importing.sayings import Sayings
from logwriter.importing.source import Look, Options, Source
from logwriter.importing.textlogs.log import LogReader
from logwriter.importing.textlogs.pattern import PatternReader, compiled

LONGEST_LINE = 1 << 16
"""A line of more characters is skipped."""
_SEARCHED = 1 << 23
"""So many bytes are searched for rows to tell the format: logs may begin with their source code."""
_ALIKE = 2
_SHOWN = 100
_JSON = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:\{|\[\s*[\[{\"\]])")
"""How JSON begins; ``[2024-03-01 …]`` and ``[rank0]`` begin lines of logs."""
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")


def detects(looked: Look) -> bool:
    """Some lines that read alike, with a step and the same names."""
    if looked.is_folder or b"\0" in looked.head or _JSON.match(looked.head):
        return False
    reader, kinds = LogReader(Options(), Sayings()), Counter[tuple[str, ...]]()
    for line in _beginning(looked.path):
        for each in reader.read(line, ""):
            if isinstance(each, Row):
                kind = tuple(each.values)
                kinds[kind] += 1
                if kinds[kind] == _ALIKE:
                    return True
    return False


def finds(looked: Look, options: Options) -> list[Source]:
    """The one run in a file.

    Raises:
        EverystepError: It is a folder, or the pattern is none.
    """
    if options.pattern is not None:
        compiled(options)
    return one_file(looked, options)


def reads(source: Source) -> Iterator[Item]:
    """The rows, and how many lines gave some.

    Raises:
        EverystepError: No line gave one.
    """
    return gather(_items(source))


def _items(source: Source) -> Iterator[Row | Item]:
    sayings = Sayings()
    options = source.options
    reader = PatternReader(options, sayings) if options.pattern else LogReader(options, sayings)
    gave = number = 0
    first, fault, gives = "", "", False
    for number, text in source.lines(LONGEST_LINE):
        gives = False
        if len(text) > LONGEST_LINE:
            yield Skipped(f"line {number}", f"it has more than {LONGEST_LINE:,} characters")
            continue
        for line in cleaned(text):
            for each in reader.read(line, f"line {number}"):
                yield from sayings.notes()
                yield each
                gives |= isinstance(each, Row)
                if isinstance(each, Skipped):
                    fault = fault or f"{each.where}: {each.why}"
        gave += gives
        if gives:
            first = first or f"line {number}: {cleaned(text)[0].strip()[:_SHOWN]!r}"
    if not gave:
        raise EverystepError(_nothing(source, fault))
    yield Noted(f"{gave:,} of {number:,} lines gave rows; the first is {first}")
    if gives and not source.ends_whole:
        yield Noted("the last line has no end: its last number may have been cut")


def cleaned(text: str) -> list[str]:
    """The lines that a terminal would have shown one after another in the place of one."""
    plain = _ESCAPES.sub("", text) if "\x1b" in text else text
    return [line for line in plain.split("\r") if line.strip()]


def _beginning(path: Path) -> Iterator[str]:
    left = _SEARCHED
    with path.open("rb") as file:
        while left > 0 and (piece := file.readline(LONGEST_LINE)):
            left -= len(piece)
            yield from cleaned(piece.decode("utf-8", "replace").rstrip("\r\n"))


def _nothing(source: Source, fault: str) -> str:
    pattern = source.options.pattern
    if pattern and fault:
        return f"{source.path}: no row comes of --pattern '{pattern}'; the first match, {fault}"
    lines = (line.strip()[:_SHOWN] for line in _beginning(source.path))
    shown = "; ".join(repr(line) for line in islice(lines, 3))
    tried = (
        f"no line matches --pattern '{pattern}'"
        if pattern
        else "no line has a step and a number that can be told from what is around them; describe the "
        "lines by --pattern"
    )
    return f"{source.path}: {tried}. It begins: {shown}"


FORMAT = Format(
    "text",
    "logs for people, such as 'step:10 loss:0.5', of llm.c, Megatron-LM, CycleGAN, MLPerf, or by --pattern",
    detects,
    finds,
    reads,
    takes=frozenset({"step", "epoch", "time", "pattern"}),
)
