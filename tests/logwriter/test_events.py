"""Events: one checksummed line each, and a state that is their fold."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logwriter import events as ev
from logwriter.errors import DamagedError, NewerFormatError
from logwriter.rundir import WriterId
from logwriter.state import fold


@given(st.text(), st.text(), st.integers(-(1 << 62), 1 << 62), st.integers(0, 1 << 60))
def test_any_text_comes_back(text: str, level: str, step: int, time: int) -> None:
    """Quotes, newlines, any script: one line, and the same event."""
    event = ev.Message(time=time, text=ev.readable(text), level=ev.readable(level), step=step)
    line = ev.encode_line(event)
    assert line.count(b"\n") == 1
    assert ev.decode_line(line[:-1], "here") == event


def test_every_flipped_byte_of_a_line_is_named() -> None:
    """No flip passes for another event."""
    line = ev.encode_line(ev.PhaseStarted(time=1, phase="warm-up", step=2))[:-1]
    for place in range(len(line)):
        for bit in (1, 0x80):
            flipped = line[:place] + bytes([line[place] ^ bit]) + line[place + 1 :]
            with pytest.raises(DamagedError, match="line 7"):
                ev.decode_line(flipped, "line 7")


def test_every_prefix_of_a_line_is_named() -> None:
    """A line cut off anywhere is no event."""
    line = ev.encode_line(ev.PhaseStarted(time=1, phase="warm-up", step=2))[:-1]
    for length in range(len(line)):
        with pytest.raises(DamagedError):
            ev.decode_line(line[:length], "here")


@pytest.mark.parametrize("change", [(b'"v":1', b'"v":2'), (b"phase.started", b"phase.invented")])
def test_a_newer_event_says_so(change: tuple[bytes, bytes]) -> None:
    """A newer format, or a type that this version does not know."""
    import zlib

    body = ev.encode_line(ev.PhaseStarted(time=1, phase="x", step=2)).rsplit(b',"crc"', 1)[0]
    body = body.replace(*change)
    line = body + b',"crc":"%08x"}' % zlib.crc32(body)
    with pytest.raises(NewerFormatError, match="Install a newer everystep"):
        ev.decode_line(line, "here")


def test_a_whole_line_that_is_no_event_is_damage() -> None:
    """The checksum holds, the fields do not."""
    import zlib

    body = b'{"type":"phase.started","time":"soon"'
    with pytest.raises(DamagedError, match="not an event"):
        ev.decode_line(body + b',"crc":"%08x"}' % zlib.crc32(body), "here")


def test_every_event_type_has_a_tag_and_a_version() -> None:
    """Tags are words of the domain; the version is written, not implied."""
    from typing import get_args

    for kind in get_args(ev.Event):
        assert re.fullmatch(r"[a-z]+(\.[a-z]+)?", kind.__struct_config__.tag)
        assert "v" in kind.__struct_fields__


def test_the_state_is_a_fold() -> None:
    """Later words replace earlier ones; epochs that ended know their time."""
    state = fold(
        WriterId(0, 0),
        [
            ev.ConfigUpdated(time=1, config={"a": 1, "b": 1}),
            ev.ConfigUpdated(time=2, config={"b": 2}),
            ev.MetricDefined(time=3, metric="x", title="old"),
            ev.MetricDefined(time=4, metric="x", title="new"),
            ev.EpochStarted(time=5, epoch=0, step=0),
            ev.EpochEnded(time=6, epoch=0, step=9, seconds=1.5),
            ev.EpochStarted(time=7, epoch=1, step=10),
        ],
    )
    assert state.config == {"a": 1, "b": 2}
    assert state.metrics["x"].title == "new"
    assert [(e.epoch, e.first_step, e.last_step, e.seconds) for e in state.epochs] == [
        (0, 0, 9, 1.5),
        (1, 10, None, None),
    ]
    assert state.status == "unfinished"


def test_a_config_is_made_plain() -> None:
    """Everything that JSON cannot hold becomes text; NumPy's scalars become numbers."""
    import numpy as np

    class Odd:
        def __str__(self) -> str:
            return "odd"

    config: dict[Any, Any] = {
        "f": np.float32(0.5),
        "s": {3, 1},
        "t": (1, None),
        5: Odd(),
        "n": float("-inf"),
        "d": {"x": "\udc80"},
    }
    assert ev.plain(config) == {
        "f": 0.5,
        "s": [1, 3],
        "t": [1, None],
        "5": "odd",
        "n": "-inf",
        "d": {"x": "\\udc80"},
    }
