"""JSON objects one after another, however they are laid out: one a line, glued, pretty-printed, in an array.

What is between objects may be blanks, commas and brackets. An object that does not end before another
begins at its place was cut, and is skipped; one that was glued to it is found. ``NaN`` and
``Infinity`` are numbers. Memory is bounded by the longest object, and that by `LONGEST`.
"""

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from logwriter.importing.items import Skipped
from logwriter.importing.source import Source

LONGEST = 1 << 24
"""An object of more characters is skipped."""
_PIECE = 1 << 20
_GLUED = 16
"""So many places of a broken line are tried for a whole object."""
_SOMETHING = re.compile(r"[^\s,\[\]]")
_MARK = re.compile(r'\\.?|["{}\[\]]', re.DOTALL)
_OPENING = re.compile(r'(?<=[^\s:,\[])\s*(\{\s*")')
_DECODE = json.JSONDecoder().raw_decode


@dataclass(frozen=True, slots=True)
class Found:
    """An object, and the line where it begins."""

    line: int
    value: dict[str, Any]


def objects(source: Source) -> Iterator[Found | Skipped]:
    """The objects of a file, in order, and by line what is none."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
    reader = ObjectReader()
    with source.path.open("rb") as file:
        number = 1
        while piece := file.readline(_PIECE):
            source.advance(len(piece))
            yield from reader.take(decoder.decode(piece), number)
            number += piece.endswith(b"\n")
    yield from reader.end()


class ObjectReader:
    """Finds the objects in text that comes in pieces: lines, or parts of very long ones."""

    def __init__(self) -> None:
        self._pending: list[str] = []
        self._line = self._indent = self._depth = self._length = 0
        self._in_string = self._escapes = False

    def take(self, text: str, line: int) -> Iterator[Found | Skipped]:
        """What is complete with this piece, which is in this line."""
        if self._pending and self._starts_anew(text):
            yield from self._broken("it was cut: another object begins before it ends")
        if not self._pending:
            yield from self._scan(text, line)
            return
        self._pending.append(text)
        self._length += len(text)
        if self._closes(text):
            text, line = "".join(self._pending), self._line
            self._pending = []
            yield from self._scan(text, line, whole=True)
        elif self._length > LONGEST:
            yield from self._broken(f"it has more than {LONGEST:,} characters")

    def end(self) -> Iterator[Found | Skipped]:
        """What is left at the end of the file."""
        if self._pending:
            yield from self._broken("it was cut: the file ends before it does")

    def _scan(self, text: str, line: int, *, whole: bool = False) -> Iterator[Found | Skipped]:
        at = 0
        while True:
            something = _SOMETHING.search(text, at)
            if something is None:
                return
            begin = something.start()
            line += text.count("\n", at, begin)
            if text[begin] != "{":
                yield Skipped(f"line {line}", "no JSON object")
                return
            try:
                value, at = _DECODE(text, begin)
            except (ValueError, RecursionError) as error:
                self._begin(text, begin, line)
                if self._depth <= 0 or whole:
                    yield from self._broken(f"no JSON: {error}".partition(": line")[0])
                return
            yield Found(line, value)
            line += text.count("\n", begin, at)
            whole = False

    def _begin(self, text: str, begin: int, line: int) -> None:
        """Wait for the rest of an object."""
        rest = text[begin:]
        self._pending, self._line, self._length = [rest], line, len(rest)
        self._indent = begin - text.rfind("\n", 0, begin) - 1
        self._depth, self._in_string, self._escapes = 0, False, False
        self._closes(rest)

    def _closes(self, text: str) -> bool:
        """Whether the object ends in this piece."""
        rest = text[self._escapes :]
        for mark in _MARK.findall(rest):
            if mark == '"':
                self._in_string = not self._in_string
            elif not self._in_string and mark[0] != "\\":
                self._depth += 1 if mark in "{[" else -1
                if self._depth <= 0:
                    return True
        if text:
            self._escapes = (len(rest) - len(rest.rstrip("\\"))) % 2 == 1
        return False

    def _starts_anew(self, text: str) -> bool:
        """Whether a line begins an object where the one that is waited for began."""
        indent = len(text) - len(text.lstrip())
        return (
            self._pending[-1].endswith("\n")
            and text[indent : indent + 1] == "{"
            and indent <= self._indent
        )

    def _broken(self, why: str) -> Iterator[Found | Skipped]:
        """Skip what was waited for, but for a whole object that was glued to its first line."""
        text, line = "".join(self._pending), self._line
        self._pending = []
        yield Skipped(f"line {line}", why)
        first = text.partition("\n")[0]
        for opening, _ in zip(_OPENING.finditer(first), range(_GLUED), strict=False):
            try:
                value, end = _DECODE(first, opening.start(1))
            except (ValueError, RecursionError):
                continue
            if not first[end:].strip(" \r\t,]"):
                yield Found(line, value)
                return
