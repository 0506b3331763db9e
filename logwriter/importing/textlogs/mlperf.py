"""Lines of MLPerf's compliance log: ``:::MLLOG {…}``, and the older ``:::MLL`` and ``:::MLPv0.5.0``.

A number that was measured at an epoch or a step is a row; other single values are configuration. There
is no step beside the epoch in most of them, so the epoch is the step.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from logwriter.importing.items import Ended, Facts, Skipped
from logwriter.importing.moments import Clock
from logwriter.importing.records import Row, as_float, is_number, whole
from logwriter.importing.sayings import Sayings

MARK = ":::ML"
_NEW = re.compile(r":::MLLOG\s+(\{.*)")
_OLD = re.compile(
    r":::ML(?:L|Pv[\d.]+\s+\S+)\s+(?P<time>[\d.]+)\s+(?:\([^)]*\)\s+)?(?P<key>\w+):?\s*(?P<said>.*)"
)


def mlperf_line(
    line: str, where: str, clock: Clock, sayings: Sayings
) -> Row | Facts | Ended | Skipped | None:
    """What a line says; ``None``: nothing that is kept."""
    new, old = _NEW.search(line), _OLD.search(line)
    try:
        if new:
            said = json.loads(new[1])
            key, time = str(said["key"]), said.get("time_ms")
        elif old:
            said = json.loads(old["said"]) if old["said"] else {}
            key, time = old["key"], old["time"]
        else:
            return Skipped(where, "no line of MLPerf's log")
        said = said if isinstance(said, dict) else {"value": said}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        return Skipped(where, f"no JSON behind {MARK}: {error}")
    about = said.get("metadata")
    return _item(key, said, about if isinstance(about, dict) else said, clock.read(time), sayings)


def _item(
    key: str, said: Mapping[str, Any], about: Mapping[str, Any], time: int | None, sayings: Sayings
) -> Row | Facts | Ended | None:
    value = said.get("value")
    epoch = whole(about.get("epoch_num", about.get("epoch")))
    step = whole(about.get("step_num"))
    if key == "run_stop" and "status" in about:
        return Ended("completed" if about["status"] == "success" else "failed", None)
    if is_number(value) and (step is not None or epoch is not None):
        if step is None:
            sayings.say("steps: 'epoch_num', as there is no other count")
        return Row((step if step is not None else epoch) or 0, {key: as_float(value)}, epoch, time)
    return Facts(config={key: value}) if isinstance(value, (int, float, str)) else None
