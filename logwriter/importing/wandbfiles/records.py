"""What a record of W&B's file says, as items."""

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from google.protobuf.message import DecodeError
from wandb.proto.wandb_internal_pb2 import Record

from logwriter.importing.items import Ended, Facts, Item, Noted, Skipped, Told
from logwriter.importing.leftout import counted
from logwriter.importing.records import Row, numbers_of

_STEP, _TIME, _RUNTIME = "_step", "_timestamp", "_runtime"
_OWN = "_wandb"
_TYPE = "._type"
_DEEPEST = 8
_LATEST = 1e10  # seconds, far beyond any clock
_SILENT = frozenset(("header", "footer", "final", "request", "telemetry", "preempting", "files"))
"""Records about the file and the tool, not about the run."""
_CALLED = {
    "output": "lines of output",
    "output_raw": "pieces of output",
    "output_logger": "lines of output",
    "stats": "samples of the system",
    "metric": "definitions of metrics",
    "tbrecord": "links to TensorBoard",
    "artifact": "artifacts",
    "use_artifact": "artifacts used",
    "noop_link_artifact": "artifacts linked",
}
_LEVELS = {"WARN": "warning", "ERROR": "error"}


class Interpreter:
    """Makes rows and items of the records of a run, in their order."""

    def __init__(self) -> None:
        self._left_out = Counter[str]()
        self._ended = Ended("unfinished")
        self._alerts: list[Told] = []
        self._summary: dict[str, Any] = {}
        self._last: dict[str, float] = {}
        self._nests = False
        self._step = 0
        self._time: int | None = None

    def take(self, data: bytes, number: int) -> Iterator[Row | Item]:
        """The items of a record, ``number`` of its file.

        Alerts wait for the first row: it is what a run begins with.
        """
        try:
            record = Record.FromString(data)
        except DecodeError:
            yield Skipped(f"record {number:,}", "it is no record of W&B")
            return
        match record.WhichOneof("record_type"):
            case "history":
                yield from self._row(record.history, number)
            case "run":
                yield from self._run(record.run, number)
            case "config":
                yield from _config(record.config.update, number)
            case "environment":
                yield Facts(environment=_surroundings(record.environment))
            case kind:
                self._remember(kind, record)
        if self._alerts and self._last:
            yield from self._alerts
            self._alerts = []

    def finish(self) -> Iterator[Item]:
        """What is only known at the end: the summary, notes, how the run ended."""
        own = self._own_summary()
        if own:
            yield Facts(config={"wandb_summary": own})
        if self._left_out:
            yield Noted(f"left out: {counted(self._left_out)}")
        if self._nests:
            yield Noted("the names of keys inside keys are joined by dots, as W&B shows them")
        if self._ended.status == "unfinished":
            yield Noted("the file does not say how the run ended")
        yield self._ended

    def _row(self, history: Any, number: int) -> Iterator[Row | Item]:
        values: dict[str, float] = {}
        for name, text in self._without_media(history.item):
            try:
                values[name] = float(text)
            except ValueError:
                try:
                    values |= self._numbers(name, json.loads(text), 0)
                except (ValueError, RecursionError):
                    yield Skipped(f"record {number:,}", f"{name!r} is no JSON")
        step = values.pop(_STEP, history.step.num)
        if not abs(step) < 1 << 63:
            yield Skipped(f"record {number:,}", f"its step is {step}")
            return
        self._step = int(step)
        seconds = values.pop(_TIME, 0.0)
        values.pop(_RUNTIME, None)
        if 0 < seconds < _LATEST:
            self._time = round(seconds * 1e6)
        if values:
            self._last |= values
            yield Row(self._step, values, time=self._time)

    def _without_media(self, items: Any) -> Iterator[tuple[str, str]]:
        """Names and values but for those of images, tables and the like, which are counted."""
        named = [(_name(item), item.value_json) for item in items]
        self._nests = self._nests or any(len(item.nested_key) > 1 for item in items)
        media = _media(dict(named))
        self._left_out.update(f"{kind} values" for kind in media.values())
        inside = tuple(f"{name}." for name in media)
        return (pair for pair in named if not (inside and pair[0].startswith(inside)))

    def _numbers(self, name: str, value: Any, depth: int) -> dict[str, float]:
        """The numbers in a value, by their names joined by dots; what is none is counted by kind."""
        if isinstance(value, (int, float)):
            return numbers_of({name: value})
        if isinstance(value, dict) and "_type" not in value and depth < _DEEPEST:
            found: dict[str, float] = {}
            self._nests = True
            for key, inner in value.items():
                found |= self._numbers(f"{name}.{key}", inner, depth + 1)
            return found
        self._left_out[_kind(value)] += 1
        return {}

    def _run(self, run: Any, number: int) -> Iterator[Item]:
        yield from _config(run.config.update, number)
        start = run.start_time.seconds * 10**6 + run.start_time.nanos // 1000
        self._time = self._time or start or None
        said = {
            "wandb_id": run.run_id,
            "project": run.project,
            "group": run.run_group,
            "job_type": run.job_type,
            "notes": run.notes,
            "host": run.host,
        }
        yield Facts(
            environment={key: value for key, value in said.items() if value},
            tags=tuple(run.tags),
        )

    def _remember(self, kind: str | None, record: Any) -> None:
        """Keep what is told later or only counted."""
        match kind:
            case "summary":
                self._summary |= {_name(item): item.value_json for item in record.summary.update}
            case "alert":
                self._alert(record.alert)
            case "exit":
                code = record.exit.exit_code
                self._ended = Ended("failed", f"exit code {code}") if code else Ended("completed")
            case str() if kind not in _SILENT:
                self._left_out[_CALLED.get(kind, f"{kind} records")] += 1

    def _alert(self, alert: Any) -> None:
        text = ": ".join(part for part in (alert.title, alert.text) if part)
        level = _LEVELS.get(alert.level, "info")
        self._alerts.append(Told(text, self._step, level, self._time))

    def _own_summary(self) -> dict[str, Any]:
        """Numbers and texts of the summary that are not the last values of the history."""
        inside = tuple(f"{name}." for name in _media(self._summary))
        own: dict[str, Any] = {}
        for name, text in self._summary.items():
            is_internal = name.partition(".")[0] in {_OWN, _STEP, _TIME, _RUNTIME}
            if is_internal or (inside and name.startswith(inside)):
                continue
            try:
                value = json.loads(text)
            except (ValueError, RecursionError):
                self._left_out["unreadable entries of the summary"] += 1
                continue
            if isinstance(value, (int, float, str)) and not _is_same(value, self._last.get(name)):
                own[name] = value
        return own


def _media(named: Mapping[str, str]) -> dict[str, str]:
    """What is an image, a table or the like, whose parts are named singly: its kind, by its name."""
    return {
        name.removesuffix(_TYPE): text.strip('"')
        for name, text in named.items()
        if name.endswith(_TYPE)
    }


def _is_same(value: Any, last: float | None) -> bool:
    return value == last or (last is not None and math.isnan(last) and value != value)  # noqa: PLR0124  NaN


def _name(item: Any) -> str:
    name: str = ".".join(item.nested_key) or item.key
    return name


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        return f"{value.get('_type', 'object')} values"
    if isinstance(value, str):
        return "texts"
    return "lists" if isinstance(value, list) else "empty values"


def _config(updates: Iterable[Any], number: int) -> Iterator[Item]:
    config: dict[str, Any] = {}
    for item in updates:
        path = list(item.nested_key) or [item.key]
        if path[0] == _OWN:
            continue
        try:
            value = json.loads(item.value_json)
        except (ValueError, RecursionError):
            yield Skipped(f"record {number:,}", f"config {'.'.join(path)!r} is no JSON")
            continue
        config[".".join(path)] = value
    if config:
        yield Facts(config=config)


def _surroundings(said: Any) -> dict[str, Any]:
    """What W&B found out about the machine and the program, by the words of `logwriter.environment`."""
    found = {
        "platform": said.os,
        "python": said.python,
        "executable": said.executable,
        "program": said.program,
        "arguments": list(said.args),
        "cpus": said.cpu_count_logical,
        "gpus": said.gpu_type,
        "git": said.git.commit,
    }
    return {key: value for key, value in found.items() if value}
