"""What announced segments hold of one writer's rows, and how a repair adds to it."""

import errno
import time
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from logwriter import durable
from logwriter.eventlog import EventLog
from logwriter.events import RowsLost, SegmentSealed
from logwriter.rundir import SegmentFile
from logwriter.segments import file_crc, write_segment
from logwriter.state import AttemptState
from logwriter.stretches import Stretch, merge, subtract

LOST = "damaged beyond repair"


class Holdings:
    """The rows of one writer that good, announced segments hold. No row is announced twice.

    ``announced`` are the names of the segments that this repair announced, ``given_up`` the
    rows that it announced as lost.
    """

    def __init__(
        self, folder: Path, state: AttemptState, events: EventLog, held: Iterable[Stretch]
    ) -> None:
        """Begin with what is ``held``; announcements go to ``events``."""
        self._folder, self._state, self._events = folder, state, events
        self._held = merge(held)
        self._lost = [(lost.first_seq, lost.last_seq + 1) for lost in state.lost]
        self.announced: set[str] = set()
        self.given_up: list[Stretch] = []

    def lacks(self, stretch: Stretch) -> list[Stretch]:
        """What of the stretch no segment holds."""
        return subtract(stretch, self._held)

    def is_followed_by_gap(self, seq: int) -> bool:
        """Whether later rows are known of, but nothing is known of the row ``seq``."""
        sealed = self._state.segments.values()
        known = [*self._held, *self._lost, *((s.first_seq, s.last_seq + 1) for s in sealed)]
        ends = [end for _, end in known]
        if self._state.finished:
            ends.append(self._state.finished.rows)
        return any(start == seq for start, _ in subtract((seq, max(ends, default=0)), known))

    def seal(self, table: pa.Table, stretch: Stretch) -> int:
        """Seal the rows of the stretch, and announce them; returns the number of values.

        A stretch without any value left is given up instead.
        """
        start, end = stretch
        seq = pc.field("seq")
        chosen = table.filter((seq >= start) & (seq < end))
        if not chosen.num_rows:
            self.give_up(stretch)
            return 0
        started = self._state.started
        sealed = write_segment(
            self._folder,
            chosen,
            first_seq=start,
            rows=end - start,
            run_id=started.run_id if started else "",
            writer=self._state.writer,
            time=time.time_ns() // 1000,
        )
        self._announce(sealed)
        return int(chosen.num_rows)

    def adopt(self, segment: SegmentFile, values: int) -> None:
        """Announce a segment that is whole as it stands."""
        durable.sync_file(segment.path)
        durable.sync_directory(self._folder)
        crc, size = file_crc(segment.path)
        self._announce(
            SegmentSealed(
                time=time.time_ns() // 1000,
                segment=segment.path.name,
                first_seq=segment.first_seq,
                last_seq=segment.last_seq,
                rows=segment.last_seq - segment.first_seq + 1,
                values=values,
                bytes=size,
                crc32=crc,
            )
        )

    def give_up(self, stretch: Stretch) -> None:
        """Announce what of the stretch no segment holds as lost."""
        for piece in self.lacks(stretch):
            for start, end in subtract(piece, self._lost):
                self._append(
                    RowsLost(
                        time=time.time_ns() // 1000,
                        first_seq=start,
                        last_seq=end - 1,
                        reason=LOST,
                    )
                )
                self._lost.append((start, end))
                self.given_up.append((start, end))

    def _announce(self, sealed: SegmentSealed) -> None:
        self._append(sealed)
        self.announced.add(sealed.segment)
        self._held = merge([*self._held, (sealed.first_seq, sealed.last_seq + 1)])

    def _append(self, event: SegmentSealed | RowsLost) -> None:
        self._events.append(event, durable=True)
        if self._events.waiting:
            raise OSError(errno.ENOSPC, "no space left for an announcement", str(self._events.path))
