"""Saving the rows of one writer's dead journals and damaged segments into good segments.

Only rows that no good segment holds yet are sealed, so each source may be gone through again. The
rows of a journal are dealt with from the last to the first: as long as its first row is neither
announced nor given up, it is not over, for readers and for the next repair.
"""

from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from logwriter.aside import keep_original, set_aside
from logwriter.errors import DamagedError
from logwriter.holdings import Holdings
from logwriter.host import boot_id
from logwriter.journalfile import Image, judge, load
from logwriter.parts import expect
from logwriter.rundir import SegmentFile, WriterId
from logwriter.salvage import Salvage, rebuild, salvage
from logwriter.segments import SCHEMA, UNREADABLE, identify, open_segment, to_table
from logwriter.state import AttemptState
from logwriter.stretches import Stretch, subtract


@dataclass
class RepairReport:
    """What was done to one writer's folder.

    ``rows`` can be read now; ``lost_rows`` are gone for good; ``lost_values`` are single values that
    are gone from rows of damaged segments; some of those rows may have none left. ``moved`` are the originals of what was damaged.
    """

    writer: WriterId
    rows: int = 0
    lost_rows: int = 0
    lost_values: int = 0
    actions: list[str] = field(default_factory=list)
    moved: list[Path] = field(default_factory=list)


@dataclass(frozen=True)
class Saving:
    """One writer's rows on their way into good segments."""

    state: AttemptState
    holdings: Holdings
    report: RepairReport

    def adopt(self, segment: SegmentFile) -> None:
        """Announce a segment that is whole, and whose rows nothing else holds, as it stands."""
        lacks = self.holdings.lacks(segment_stretch(segment))
        if lacks != [segment_stretch(segment)] or not self._belongs(segment):
            return
        table, bad_values = read_whole_groups(segment)
        if table.num_rows and not bad_values:
            self.holdings.adopt(segment, table.num_rows)
            self.report.actions.append(f"{segment.path.name}: whole, and announced now")

    def save_segment(self, segment: SegmentFile, values: int | None) -> None:
        """Seal again what can be read of a segment, and set the original aside.

        Args:
            segment: Damaged, or never announced.
            values: How many values were announced; ``None`` if it never was.
        """
        path, stretch = segment.path, segment_stretch(segment)
        if path.name in self.holdings.announced:
            return
        lacks, belongs = self.holdings.lacks(stretch), self._belongs(segment)
        table, bad_values = read_whole_groups(segment) if belongs else (SCHEMA.empty_table(), 0)
        if lacks and table.num_rows:
            self.report.moved.append(keep_original(path))
            kept = sum(self.holdings.seal(table, piece) for piece in reversed(lacks))
            if path.name not in self.holdings.announced:
                path.unlink()
            self.report.lost_values += bad_values if values is None else values - kept
            self.report.actions.append(f"{path.name}: kept {kept} values of those that can be read")
            return
        if values is not None or belongs is None:
            self.holdings.give_up(self._clamp(stretch))
        self.report.moved.append(set_aside(path))
        self.report.actions.append(f"{path.name}: none of its rows is of use here")

    def save_journal(self, path: Path, first_seq: int | None) -> None:
        """Seal what no segment holds of a journal; remove it, or set it aside if it is damaged.

        Args:
            path: The journal, or a spare.
            first_seq: What its name says; ``None`` for a spare.
        """
        sound = True
        try:
            image = load(path)
        except DamagedError:
            image, sound = self._rebuild(path, first_seq), False
        if image is not None:
            owner = WriterId(image.header.rank, image.header.attempt)
            in_place = first_seq in {None, image.header.first_seq}
            sound &= in_place and owner == self.state.writer
            if owner == self.state.writer:
                sound &= self._seal_journal(image, sound=sound, in_place=in_place)
        if sound:
            path.unlink()  # sealed, or never begun
        else:
            self.report.moved.append(set_aside(path))

    def _seal_journal(self, image: Image, *, sound: bool, in_place: bool) -> bool:
        """Seal the rows that can be saved, and give up the others; tell whether it was sound.

        A torn tail is the end of the log only if no later rows are known of. Rows are not given up
        for a copy under another name: the original may hold them.
        """
        same_boot = image.header.boot_id == boot_id()
        found = judge(image, same_boot=same_boot)
        sound &= found.damage is None and not self.holdings.is_followed_by_gap(found.stretch[1])
        saved = (
            Salvage(found.stretch, [found.stretch], found.blocks)
            if sound
            else salvage(image, same_boot=same_boot)
        )
        lost = subtract(self._clamp(saved.committed), saved.kept) if in_place else []
        pieces = [piece for stretch in saved.kept for piece in self.holdings.lacks(stretch)]
        table = to_table(saved.blocks) if pieces else SCHEMA.empty_table()
        rows = 0
        for start, end in sorted([*lost, *pieces], reverse=True):
            if (start, end) in lost:
                self.holdings.give_up((start, end))
            else:
                self.holdings.seal(table, (start, end))
                rows += end - start
        if rows:
            self.report.actions.append(f"{image.where}: sealed {rows} rows")
        return sound

    def _rebuild(self, path: Path, first_seq: int | None) -> Image | None:
        """The journal with the header that it lost, if a sync point vouches for it."""
        started = self.state.started.time * 1000 if self.state.started else 0
        if first_seq is not None and path.is_file():
            image, vouched = rebuild(path, first_seq, self.state.writer, started)
            if vouched:
                self.report.actions.append(f"{path.name}: read with a header made anew")
                return image
            committed = salvage(image, same_boot=False).committed
            self.holdings.give_up(self._clamp(committed))
        self.report.actions.append(
            f"{path.name}: not even its header can be made out; how many rows it held can only be "
            "told from those behind it"
        )
        return None

    def _clamp(self, stretch: Stretch) -> Stretch:
        """The stretch up to the last row that the run says it has."""
        start, end = stretch
        return start, min(end, self.state.finished.rows) if self.state.finished else end

    def _belongs(self, segment: SegmentFile) -> bool | None:
        """Whether the segment says that it belongs here; ``None`` if it does not say what it is."""
        try:
            identity = identify(segment.path)
        except DamagedError:
            return None
        return identity.fits(expect(self.state, segment.first_seq, segment.last_seq))


def segment_stretch(segment: SegmentFile) -> Stretch:
    """The rows that the segment's name says it holds."""
    return segment.first_seq, segment.last_seq + 1


def read_whole_groups(segment: SegmentFile) -> tuple[pa.Table, int]:
    """The row groups whose page checksums hold, and how many values are in the others."""
    try:
        file = pq.ParquetFile(
            open_segment(segment.path), page_checksum_verification=True, read_dictionary=["metric"]
        )
    except (*UNREADABLE, DamagedError):
        return SCHEMA.empty_table(), 0
    good, bad_values = [SCHEMA.empty_table()], 0
    for number in range(file.num_row_groups):
        try:
            group = file.read_row_group(number).cast(SCHEMA)
            group.validate(full=True)
        except UNREADABLE:
            group = SCHEMA.empty_table()
        ends = pc.min_max(group.column("seq")).as_py()
        if group.num_rows and segment.first_seq <= ends["min"] <= ends["max"] <= segment.last_seq:
            good.append(group)
        else:
            bad_values += file.metadata.row_group(number).num_rows
    return pa.concat_tables(good), bad_values
