"""What is imported: a file or a folder, looked at once to tell its format, and read as a stream."""

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from logwriter.errors import EverystepError, NothingLoggedError

HEAD_BYTES = 1 << 16
LONGEST_LINE = 1 << 22
"""Of a line of more characters, one more than so many are given."""
_PIECE = 1 << 20
_LFS = b"version https://git-lfs.github.com/spec/"


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the user says of the source.

    Attributes:
        step: The column that counts steps.
        epoch: The column that counts epochs.
        time: The column that holds the time.
        pattern: A regular expression with named groups, for text.
        split: The column whose values tell runs apart that share a file.
    """

    step: str | None = None
    epoch: str | None = None
    time: str | None = None
    pattern: str | None = None
    split: str | None = None


@dataclass(frozen=True)
class Look:
    """What a first look shows: the path, and the first bytes of a file, or the names in a folder."""

    path: Path
    head: bytes = b""
    names: frozenset[str] = frozenset()

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return self.path.is_dir()

    @property
    def text(self) -> str:
        """The head as text, without a line that may be cut."""
        text = self.head.decode("utf-8-sig", "replace")
        return text if len(self.head) < HEAD_BYTES else text.rpartition("\n")[0]


@dataclass(frozen=True)
class Source:
    """One run in a source.

    Attributes:
        path: The file or folder it is read from.
        name: What the run is called.
        files: All files that are read, for its identity.
        options: What the user said.
        advance: Told how many bytes more were read.
        part: Which run of several that share the path, in the format's own words.
    """

    path: Path
    name: str
    files: tuple[Path, ...]
    options: Options = field(default_factory=Options)
    advance: Callable[[int], None] = lambda _: None
    part: str = ""

    def lines(self, longest: int = LONGEST_LINE) -> Iterator[tuple[int, str]]:
        """The lines of a text file, numbered from 1, without their ends.

        Bytes that are no UTF-8 become U+FFFD; a byte order mark is dropped. Of a line that is too long,
        ``longest + 1`` characters are given, so that it shows, and memory is bounded.
        """
        told, limit, encoding = 0, 4 * (longest + 1), "utf-8-sig"
        with self.path.open("rb") as file:
            number = 0
            while line := file.readline(limit):
                number += 1
                size, rest = len(line), line
                while len(rest) == limit and not rest.endswith(b"\n"):
                    rest = file.readline(limit)
                    size += len(rest)
                told += size
                if told >= _PIECE:
                    self.advance(told)
                    told = 0
                text = line.decode(encoding, "replace").rstrip("\r\n")
                encoding = "utf-8"
                yield number, text if len(text) <= longest else text[: longest + 1]
        self.advance(told)

    @property
    def ends_whole(self) -> bool:
        """Whether the file's last byte ends a line; otherwise the last line may be cut."""
        with self.path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) in b"\r\n"

    @property
    def last_change(self) -> int:
        """When a file of it was last written to, in microseconds since 1970."""
        return max((file.stat().st_mtime_ns // 1000 for file in self.files), default=1)

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(file.stat().st_size for file in self.files)

    def identity(self) -> str:
        """Sixteen hexadecimal digits that follow from what is imported alone."""
        digest = hashlib.blake2b(repr((self.name, self.part, self.options)).encode(), digest_size=8)
        for file in self.files:
            with file.open("rb") as opened:
                while piece := opened.read(_PIECE):
                    digest.update(piece)
        return digest.hexdigest()


def look(path: Path) -> Look:
    """Look at a source.

    Raises:
        EverystepError: It is a Git LFS pointer, or neither a file nor a folder.
        NothingLoggedError: It is an empty file or folder.
        OSError: It cannot be read.
    """
    if path.is_dir():
        names = frozenset(each.name for each in path.iterdir())
        if not names:
            raise NothingLoggedError(f"{path} is an empty folder: there is nothing to import")
        return Look(path, names=names)
    if not path.is_file():
        raise EverystepError(
            f"{path} is neither a file nor a folder, and a pipe or device may never end: write it to a file, "
            "then import that"
        )
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head.strip():
        raise NothingLoggedError(f"{path} is empty: there is nothing to import")
    if head.startswith(_LFS):
        raise EverystepError(
            f"{path} is a Git LFS pointer, not the log itself: fetch it by `git lfs pull`, then import "
            "again"
        )
    return Look(path, head)
