"""Digests of the parts of a log."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise, starmap

import numpy as np
import pyarrow as pa

from compactor.fold.cells import NO_EPOCH, owners, starts_of
from compactor.fold.digest import Digest, digest
from compactor.fold.rows import Rows
from compactor.reading.lines import ATTEMPT_SHIFT
from compactor.sampling.arrays import Ints
from logwriter.arrow import to_numbers
from logwriter.errors import EverystepError
from logwriter.part import Part
from logwriter.runlog import encode_metrics, load_part


@dataclass(frozen=True)
class PartDigest:
    """The digest of a part; ``line`` counts ``metrics``, which are sorted."""

    metrics: tuple[str, ...]
    digest: Digest

    def by_line(self) -> list[Digest]:
        """The digest of each metric."""
        held, count = self.digest, len(self.metrics)
        cells, edges = (
            np.searchsorted(column["line"], np.arange(count + 1))
            for column in (held.cells, held.edges)
        )
        terms = np.searchsorted(held.terms["cell"], cells)
        bounds = (starmap(slice, pairwise(ends.tolist())) for ends in (cells, terms, edges))
        return [
            Digest(held.cells.take(cell), held.terms.take(term), held.edges.take(edge), cell.start)
            for cell, term, edge in zip(*bounds, strict=True)
        ]


def digest_parts(parts: Iterable[Part], threads: int) -> Iterator[PartDigest]:
    """The digests of some parts, in their order.

    Args:
        parts: Hidden rows are left out.
        threads: With more than one, the next part is decoded while one is digested. Digesting is much
            the shorter of the two in C, and holds the interpreter's lock too often in NumPy, for more
            threads to be of use. The result is the same.
    """
    if threads == 1:
        yield from (_digest(part, _load(part)) for part in parts)
        return
    waiting = iter(parts)
    with ThreadPoolExecutor(1) as pool:
        part = next(waiting, None)
        coming = pool.submit(_load, part) if part else None
        while part is not None and coming is not None:
            table, current = coming.result(), part
            part = next(waiting, None)
            coming = pool.submit(_load, part) if part else None
            yield _digest(current, table)


@contextmanager
def readable(part: Part) -> Iterator[None]:
    """Once the part was checked: turn what keeps it from being read into what everystep raises."""
    part.wait()
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        short = (
            "there is not enough memory to read"
            if isinstance(error, MemoryError)
            else "cannot read"
        )
        raise EverystepError(
            f"{short} {part.source} ({str(error).partition(chr(10))[0]}); `everystep verify RUN` "
            "tells whether the log is whole"
        ) from error


def _load(part: Part) -> pa.Table:
    with readable(part):
        return load_part(part, None)


def _digest(part: Part, table: pa.Table) -> PartDigest:
    """The digest of a part's visible rows."""
    names, codes = encode_metrics(table)
    order = sorted(range(len(names)), key=names.__getitem__)
    place = np.empty(len(names), np.int64)
    place[order] = np.arange(len(names))
    rows = _rows(table, place[codes], part.attempt)
    begin = starts_of(rows.line)
    used = rows.line[begin].tolist()
    counted = replace(rows, line=owners(begin, len(rows)))
    return PartDigest(tuple(names[order[number]] for number in used), digest(counted))


def _rows(table: pa.Table, line: Ints, attempt: int) -> Rows:
    """The columns of a table as arrays, sorted by line, then sequence number."""
    seq = to_numbers(table.column("seq"))
    rows = Rows(
        line=line,
        step=to_numbers(table.column("step")),
        position=seq + (attempt << ATTEMPT_SHIFT) if attempt else seq,
        epoch=to_numbers(table.column("epoch"), NO_EPOCH),
        time=to_numbers(table.column("time").cast(pa.int64())),
        value=to_numbers(table.column("value")),
    )
    begin = starts_of(line)
    rises = seq[1:] > seq[:-1]
    rises[begin[1:] - 1] = True
    if rises.all() and (np.diff(line[begin]) > 0).all():
        return rows
    return rows.take(np.lexsort((seq, line)))
