"""JSON records, one a line or laid out otherwise: anything with a step and numbers.

Among others detectron2 ``metrics.json``, mmengine ``scalars.json``, mmdetection ``.log.json`` and LLaMA-Factory
``trainer_log.jsonl``. Keys with numbers are metrics, those of inner objects as ``outer/inner``; texts that
are numbers, such as ``"nan"``, count too, and are told. ``null`` is no value. A first record without a
step is the configuration.
"""

from collections.abc import Iterator
from itertools import chain, islice

from logwriter.errors import EverystepError
from logwriter.importing.formats import Format, one_file
from logwriter.importing.items import Item
from logwriter.importing.jsonrecords.keys import choose, counts
from logwriter.importing.jsonrecords.objects import Found, ObjectReader, objects
from logwriter.importing.jsonrecords.rows import RecordReader
from logwriter.importing.records import gather, is_number, leaves_of
from logwriter.importing.source import Look, Source

LOOKED_AT = 200
"""So many records show which keys are what."""


def detects(looked: Look) -> bool:
    """Several JSON objects, most of them with a step or epoch and another number."""
    text = looked.head.decode("utf-8-sig", "replace").lstrip()
    if looked.is_folder or text[:1] not in ("{", "["):
        return False
    reader = ObjectReader()
    lines = enumerate(text.splitlines(keepends=True), start=1)
    found = [each for number, line in lines for each in reader.take(line, number)]
    records = [leaves_of(each.value) for each in found if isinstance(each, Found)]
    rows = sum(counts(each) and sum(map(is_number, each.values())) > 1 for each in records)
    enough = 1 if looked.path.suffix in (".jsonl", ".ndjson") else 2
    return rows >= enough and 2 * rows >= len(found)


def reads(source: Source) -> Iterator[Item]:
    """The rows, and what cannot be read, by line.

    Raises:
        EverystepError: It holds no JSON object, or none with a key that the user named.
    """
    stream = objects(source)
    first = list(islice(stream, LOOKED_AT))
    records = [leaves_of(each.value) for each in first if isinstance(each, Found)]
    if not records:
        raise EverystepError(f"{source.path}: there is no JSON object at its beginning")
    keys = choose(records, source)
    yield from keys.notes()
    reader = RecordReader(keys)
    yield from gather(reader.rows(chain(first, stream)))
    yield from reader.end()


FORMAT = Format(
    "jsonl",
    "JSON records with a step, of detectron2, mmengine, mmdetection, LLaMA-Factory and others",
    detects,
    one_file,
    reads,
    takes=frozenset({"step", "epoch", "time"}),
)
