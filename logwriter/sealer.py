"""From a full journal to a prepared segment: the heavy work of sealing, and a process that does it.

Decoding, sorting and encoding hold the interpreter's lock for milliseconds, so a process of its own
does it, next to the training. Its standard input is a socket: it reads jobs there, and answers there,
one JSON object a line (what a library prints goes elsewhere). It only ever makes temporary files: the
owner of the folder places and announces them. When its input ends, because its owner ended or was killed, it ends.
"""

import os
import sys
from contextlib import suppress
from pathlib import Path

import msgspec

from logwriter.errors import DamagedError
from logwriter.host import boot_id
from logwriter.journalfile import Image, judge, load
from logwriter.prepared import Prepared
from logwriter.rundir import WriterId
from logwriter.sealerprocess import Failed, Job
from logwriter.segments import prepare_segment, to_table

_NICE = 19  # the training comes first


def prepare(image: Image, *, folder: Path, rows: int, run_id: str, writer: WriterId) -> Prepared:
    """Write all rows of a journal that will not change any more as a segment.

    Args:
        image: The journal.
        folder: The writer's folder.
        rows: How many rows its writer committed.
        run_id: Of the run.
        writer: Rank and attempt.

    Raises:
        DamagedError: The journal does not hold what its writer committed.
        OSError: The disk refused.
    """
    contents = judge(image, same_boot=True)
    if contents.damage or contents.rows != rows:
        raise DamagedError(
            f"{image.where}: changed under its writer, which committed {rows} rows; "
            f"{contents.rows} are there ({contents.damage or 'and no other damage'})"
        )
    return prepare_segment(
        folder,
        to_table(contents.blocks),
        first_seq=image.header.first_seq,
        rows=rows,
        run_id=run_id,
        writer=writer,
    )


def answer(job: Job) -> Prepared | Failed:
    """Do one job; whatever goes wrong is the answer."""
    folder = Path(os.fsdecode(job.folder))
    try:
        image = load(folder / job.journal)
        if image is None or image.header.boot_id != boot_id():
            return Failed(f"{job.journal}: its header is gone")
        writer = WriterId(job.rank, job.attempt)
        return prepare(image, folder=folder, rows=job.rows, run_id=job.run_id, writer=writer)
    except OSError as error:
        return Failed(str(error), error.errno)
    except Exception as error:  # noqa: BLE001  the owner counts it, says it, and tries again
        return Failed(f"{type(error).__name__}: {error}")


def main() -> None:
    """Answer jobs until there are no more."""
    with suppress(OSError):
        os.nice(_NICE)
    for line in sys.stdin.buffer:
        job = msgspec.json.decode(line, type=Job)
        answered = answer(job)
        try:
            os.write(sys.stdin.fileno(), msgspec.json.encode(answered) + b"\n")
        except OSError:  # nobody is left who could use it
            if isinstance(answered, Prepared):
                (Path(os.fsdecode(job.folder)) / answered.temporary).unlink(missing_ok=True)
            return
