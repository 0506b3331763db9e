"""What an event of TensorBoard says, as items.

A scalar is a ``simple_value``, or a tensor with one number that no other plugin claims. One event is one
row, as each has a time of its own.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from google.protobuf.message import DecodeError
from tensorboard.compat.proto.types_pb2 import DataType
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData
from tensorboard.util.tensor_util import make_ndarray

from logwriter.importing.eventfiles.columns import Columns
from logwriter.importing.items import Ended, Facts, Item, Restart, Skipped, Told

if TYPE_CHECKING:
    from tensorboard.compat.proto.event_pb2 import Event

_NUMBERS = frozenset(
    DataType.Value(f"DT_{name}")
    for name in "FLOAT DOUBLE HALF INT8 INT16 INT32 INT64 UINT8 UINT16 UINT32 UINT64 BOOL".split()
)
_STRING = DataType.Value("DT_STRING")
_KINDS = {"histo": "histograms", "obsolete_old_style_histogram": "histograms"}
_TEXT_SUFFIX = "/text_summary"
_LEVELS = {10: "debug", 20: "info", 30: "warning", 40: "error", 50: "error"}
_START = 1
_ENDS = {1: Ended("completed"), 2: Ended("failed"), 3: Ended("unfinished")}
_EXACT = 1 << 53


class Interpreter:
    """Makes items of the events of a run, in their order. Remembers which plugin owns a tag.

    Attributes:
        left_out: How many summaries of each kind were neither numbers nor texts.
        rounded: How many integers do not fit a float64.
        columns: The rows that were not given out yet.
    """

    def __init__(self, begun: int) -> None:
        """Begin. ``begun`` as for `Columns`."""
        self.columns = Columns(begun)
        self.left_out = Counter[str]()
        self.rounded = 0
        self._plugins: dict[str, str] = {}
        self._texts: list[Told] = []
        self._has_rows = False

    def take(self, event: "Event", prefix: str) -> Iterable[Item]:
        """The items that an event completes, which most do not.

        Args:
            event: What was logged.
            prefix: What stands in front of its tags.
        """
        items: list[Item] = []
        match event.WhichOneof("what"):
            case "summary":
                items += self._summary(event, prefix)
            case "session_log" if event.session_log.status == _START:
                return [*self.flush(), Restart()]
            case "log_message":
                said = event.log_message
                self._tell(event, said.message, _LEVELS.get(said.level, "info"))
            case "graph_def" | "meta_graph_def" | "tagged_run_metadata":
                self.left_out["graphs and profiles"] += 1
        if self._texts or self.columns.is_full:
            items += self.flush()
        return items

    def flush(self) -> Iterator[Item]:
        """What waits. Texts wait for the first row: it is what a run begins with."""
        for rows in self.columns.flush():
            self._has_rows = True
            yield rows
        if self._has_rows:
            yield from self._texts
            self._texts = []

    def _summary(self, event: "Event", prefix: str) -> list[Item]:
        numbers: list[tuple[str, float]] = []
        items: list[Item] = []
        for value in event.summary.value:
            tag = prefix + value.tag
            if value.WhichOneof("value") == "simple_value":
                numbers.append((tag, value.simple_value))
                continue
            plugin = self._plugin(tag, value)
            if plugin == "hparams":
                items += _session(value)
            elif plugin == "text" and value.tensor.dtype == _STRING:
                self._tell(event, _text(tag, value.tensor))
            elif plugin in {"", "scalars"} and _is_number(value):
                try:
                    numbers.append((tag, self._number(value.tensor)))
                except (ValueError, TypeError) as error:
                    items.append(Skipped(f"{tag}, step {event.step:,}", f"no number: {error}"))
            else:
                kind = value.WhichOneof("value") or "summary"
                self.left_out[plugin or _KINDS.get(kind, f"{kind}s")] += 1
        if numbers:
            self.columns.add(event.step, event.wall_time, numbers)
        return items

    def _plugin(self, tag: str, value: Any) -> str:
        """The plugin that owns a tag: what its first summary says, as later ones need not say it."""
        name: str = value.metadata.plugin_data.plugin_name
        return self._plugins.setdefault(tag, name) if name else self._plugins.get(tag, "")

    def _number(self, tensor: Any) -> float:
        if len(tensor.double_val) == 1:  # exact, also beside the float32 that everystep exports
            return float(tensor.double_val[0])
        number = make_ndarray(tensor).item()
        widened = float(number)
        if isinstance(number, int) and abs(number) > _EXACT and int(widened) != number:
            self.rounded += 1
        return widened

    def _tell(self, event: "Event", text: str, level: str = "info") -> None:
        micros = event.wall_time * 1e6
        time = round(micros) if math.isfinite(micros) and 1 <= micros < _EXACT else None
        self._texts.append(Told(text, event.step, level, time))


def _is_number(value: Any) -> bool:
    """Whether it is a tensor with one number; asked of its shape alone, which may lie about its size."""
    shape = value.tensor.tensor_shape
    return (
        value.WhichOneof("value") == "tensor"
        and value.tensor.dtype in _NUMBERS
        and not shape.unknown_rank
        and all(dim.size == 1 for dim in shape.dim)
    )


def _text(tag: str, tensor: Any) -> str:
    """The tag, without what torch hangs to it, and the strings."""
    said = "\n".join(part.decode("utf-8", "replace") for part in tensor.string_val)
    return f"{tag.removesuffix(_TEXT_SUFFIX)}: {said}"


def _session(value: Any) -> Iterator[Item]:
    """The hyper-parameters of a session, or how it ended."""
    try:
        said = HParamsPluginData.FromString(value.metadata.plugin_data.content)
    except DecodeError:
        yield Skipped(value.tag, "hyper-parameters that are no message of their kind")
        return
    match said.WhichOneof("data"):
        case "session_start_info":
            given = said.session_start_info.hparams
            yield Facts(config={name: _plain(given[name]) for name in sorted(given)})
        case "session_end_info" if said.session_end_info.status in _ENDS:
            yield _ENDS[said.session_end_info.status]


def _plain(value: Any) -> Any:
    """A JSON value as Python's; whole numbers as integers, as protobuf's own mapping to JSON has them."""
    match value.WhichOneof("kind"):
        case "number_value":
            number: float = value.number_value
            return int(number) if number.is_integer() and abs(number) <= _EXACT else number
        case "list_value":
            return [_plain(each) for each in value.list_value.values]
        case "struct_value":
            return {key: _plain(each) for key, each in sorted(value.struct_value.fields.items())}
        case "string_value" | "bool_value" as kind:
            return getattr(value, kind)
    return None
