"""Random harm to the files of a run: what disks, copies and hasty hands do, one thing at a time."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from damage import write


@dataclass(frozen=True)
class Harm:
    """What was done to a run: in words, and to which files, relative to the run."""

    kind: str
    touched: tuple[Path, ...]


def harm(run: Path, random: Random) -> Harm:
    """Do one thing to the files of a run that a disk, a copy or a hand may do."""
    while True:
        files = [path for path in sorted(run.rglob("*")) if path.is_file()]
        victim = random.choice(files)
        kind = random.choice(list(_HARMS))
        touched = _HARMS[kind](victim, _alike(victim, files), random)
        if touched:
            relative = tuple(path.relative_to(run) for path in touched)
            return Harm(f"{kind}: {', '.join(map(str, relative))}", relative)


def _alike(victim: Path, files: list[Path]) -> list[Path]:
    """The other files of the same kind, of all writers."""

    def kind(path: Path) -> str:
        return {".spare": ".wal"}.get(path.suffix, path.suffix or path.name)

    return [path for path in files if path != victim and kind(path) == kind(victim)]


def _place(size: int, random: Random) -> int:
    """Anywhere, but more often near the beginning or the end, where what matters most lies."""
    share = random.random() ** random.choice([1, 3, 6])
    return int(size * random.choice([share, 1 - share])) % size


def _other_name(victim: Path, random: Random) -> Path:
    """A name that a file of this kind could have in this folder."""
    first = random.choice([0, 1, random.randrange(20_000), 10**12])
    last = first + random.randrange(5_000)
    if victim.suffix == ".parquet":
        return victim.with_name(f"steps-{first:012d}-{last:012d}.parquet")
    names = [f"journal-{first:012d}.wal", f"journal-next-{90 + first % 10}.spare"]
    return victim.with_name(random.choice(names))


_Touched = tuple[Path, ...]


def _flip(victim: Path, _: list[Path], random: Random) -> _Touched:
    data = bytearray(victim.read_bytes())
    if not data:
        return ()
    data[_place(len(data), random)] ^= random.randrange(1, 256)
    victim.write_bytes(data)
    return (victim,)


def _truncate(victim: Path, _: list[Path], random: Random) -> _Touched:
    size = victim.stat().st_size
    if not size:
        return ()
    os.truncate(victim, random.choice([0, _place(size, random)]))
    return (victim,)


def _append(victim: Path, _: list[Path], random: Random) -> _Touched:
    rubbish = random.choice([b"\0", b"\n", b"{}\n", random.randbytes(random.randrange(1, 5_000))])
    victim.write_bytes(victim.read_bytes() + rubbish)
    return (victim,)


def _overwrite(victim: Path, _: list[Path], random: Random) -> _Touched:
    data = victim.read_bytes()
    if not data:
        return ()
    start = _place(len(data), random)
    length = min(len(data) - start, 1 << random.randrange(17))
    other = random.choice([bytes(length), random.randbytes(length)])
    if data[start : start + length] == other:
        return ()
    write(victim, start, other)
    return (victim,)


def _delete(victim: Path, _: list[Path], __: Random) -> _Touched:
    victim.unlink()
    return (victim,)


def _duplicate(victim: Path, alike: list[Path], random: Random) -> _Touched:
    targets = [*alike]
    if victim.suffix in {".wal", ".spare", ".parquet"}:
        targets += [_other_name(victim, random)] * (1 + len(alike))
    if not targets:
        return ()
    target = random.choice(targets)
    if target not in alike and os.path.lexists(target):
        return ()
    shutil.copy(victim, target)
    return victim, target


def _rename(victim: Path, alike: list[Path], random: Random) -> _Touched:
    touched = _duplicate(victim, alike, random)
    if touched:
        victim.unlink()
    return touched


def _swap(victim: Path, alike: list[Path], random: Random) -> _Touched:
    if not alike:
        return ()
    other = random.choice(alike)
    ours, theirs = victim.read_bytes(), other.read_bytes()
    victim.write_bytes(theirs)
    other.write_bytes(ours)
    return victim, other


def _shuffle_lines(victim: Path, _: list[Path], random: Random) -> _Touched:
    lines = victim.read_bytes().splitlines(keepends=True)
    if victim.name != "events.jsonl" or len(lines) < 2:
        return ()
    one, two = random.sample(range(len(lines)), 2)
    change = random.randrange(3)
    if change == 0:
        lines[one], lines[two] = lines[two], lines[one]
    elif change == 1:
        lines.insert(one, lines[two])
    else:
        del lines[one]
    victim.write_bytes(b"".join(lines))
    return (victim,)


def _no_file(victim: Path, _: list[Path], random: Random) -> _Touched:
    """Something else takes the name: a folder, a pipe, or links in a circle or to nowhere."""
    victim.unlink()
    put: list[Callable[[], None]] = [
        victim.mkdir,
        lambda: os.mkfifo(victim),
        lambda: victim.symlink_to(victim.name),
        lambda: victim.symlink_to("nowhere"),
    ]
    random.choice(put)()
    return (victim,)


def _in_the_way(victim: Path, _: list[Path], random: Random) -> _Touched:
    """Something that is no file gets a name that a file could have, or a file that of the folder."""
    place = random.choice([_other_name(victim, random), victim.with_name("damaged")])
    if os.path.lexists(place):
        return ()
    if place.name == "damaged":
        place.write_bytes(b"x")
    else:
        place.mkdir()
    return (place,)


_HARMS: dict[str, Callable[[Path, list[Path], Random], _Touched]] = {
    "flip a byte": _flip,
    "truncate": _truncate,
    "append": _append,
    "overwrite": _overwrite,
    "delete": _delete,
    "duplicate": _duplicate,
    "rename": _rename,
    "swap": _swap,
    "shuffle lines": _shuffle_lines,
    "no file": _no_file,
    "in the way": _in_the_way,
}
