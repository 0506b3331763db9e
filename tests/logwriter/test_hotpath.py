"""Two implementations of the hot path, in C and in Python: the same rows, whatever is logged."""

import gc
import importlib
import inspect
import mmap
import os
import struct
import subprocess
import sys
from collections import OrderedDict, UserDict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from standin import Device, Tensor

from logwriter import journal as jf
from logwriter import read
from logwriter.hotpath import interpreted
from logwriter.values import OnDeviceError

SLOTS, FIRST_ROW, SIZE = 64, 256, 4096
NEVER = -(1 << 63)
MODULES = ["interpreted", "compiled"]


def load(name: str) -> ModuleType:
    """One of the two; the compiled one is not there where no compiler was."""
    if name == "interpreted":
        return interpreted
    module: ModuleType = pytest.importorskip("logwriter.hotpath.compiled", exc_type=ImportError)
    return module


class Rig:
    """A journal of a few rows, an appender on it, and what it left to the slow path."""

    def __init__(self, module: ModuleType, size: int = SIZE) -> None:
        self.module = module
        self.memory = mmap.mmap(-1, size)
        self.slow: list[tuple[Any, Any, Any]] = []
        slow = self.slow

        class Appender(module.AppenderBase):  # type: ignore[misc, name-defined]
            def _log_slowly(self, values: Any, step: Any, error: Any) -> None:
                slow.append((values, step, error))

            def _log_bound_slowly(self, names: Any, given: Any, error: Any) -> None:
                slow.append((names, given, error))

        self.journal = self.make_journal(self.memory)
        self.appender = Appender()
        self.appender._journal = self.journal
        self.appender._step = 0
        self.appender._epoch = 7

    def make_journal(self, memory: mmap.mmap) -> Any:
        """An empty one."""

        class Journal(self.module.JournalBase):  # type: ignore[misc, name-defined]
            __slots__ = ()

        journal = Journal()
        journal.map(memory, 64, SLOTS)
        journal.serial, journal.layouts = 5, {}
        journal.used, journal.offset, journal.limit, journal.defined = 0, FIRST_ROW, len(memory), 0
        return journal

    def define(self, *names: Any, mixed: bool = False) -> Any:
        """Make a layout known."""

        class Layout(self.module.LayoutBase):  # type: ignore[misc, name-defined]
            __slots__ = ("pack",)

        layout = Layout()
        layout.pack = jf.row_struct(len(names)).pack
        layout.width = 8 * (3 + len(names))
        layout.mixed, layout.last_step = mixed, NEVER
        layout.serial, layout.slot = self.journal.serial, len(self.journal.layouts) + 1
        self.journal.layouts[names] = layout
        return layout

    def bind(self, *names: str) -> Callable[..., None]:
        """A bound log of known names."""
        layout = self.journal.layouts.get(names) or self.define(*names)
        bound: Callable[..., None] = self.module.bind(self.appender, layout, names)
        return bound

    def rows(self) -> list[tuple[int, ...]]:
        """Slot, step, epoch and values (as bits) of each row. In C, times never go back."""
        slots = np.frombuffer(self.memory, "<u2", SLOTS, 64)[: self.journal.used].tolist()
        words, place, times, found = np.frombuffer(self.memory, "<i8"), FIRST_ROW // 8, [0], []
        counts = {layout.slot: len(names) for names, layout in self.journal.layouts.items()}
        for slot in slots:
            row = words[place : place + 3 + counts[slot]].tolist()
            place += len(row)
            times.append(row[0])
            found.append((slot, *row[1:]))
        assert place * 8 == self.journal.offset
        assert times == sorted(times) or self.module is interpreted
        assert not np.any(np.frombuffer(self.memory, "<u2", SLOTS, 64)[self.journal.used :])
        assert not words[place:].any()
        return found


@pytest.fixture(params=MODULES)
def rig(request: pytest.FixtureRequest) -> Rig:
    """Of each implementation."""
    return Rig(load(request.param))


class HalfTensor:
    """Says that it is a tensor, and no more."""

    def detach(self) -> "HalfTensor":
        """Itself."""
        return self


NAMES = st.sampled_from(["a", "b", "c", "", "é", "x/y"])
VALUES = st.one_of(
    st.floats(),
    st.integers(-(1 << 70), 1 << 70),
    st.booleans(),
    st.sampled_from(
        [
            *(1 << 1023, 1 << 1024, -1, -1.0, None, "1", b"1", 1j, []),
            *(np.float32(0.1), np.float64(-1.0), np.int8(-1), np.array([2.5]), np.ones(2)),
        ]
    ),
)
TENSORS = st.sampled_from(
    [
        *(torch.tensor(-1), torch.tensor([0.5]), torch.tensor(2.0, requires_grad=True)),
        *(torch.ones(2), torch.tensor(1j), Tensor(Device(), 1.0), HalfTensor()),
    ]
)
STEPS = st.one_of(
    st.none(),
    st.integers(-3, 30),
    st.sampled_from([(1 << 63) - 1, 1 << 63, -(1 << 63), -(1 << 64), True, 1.0, "1", np.int64(4)]),
)


def calls_with(values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[tuple[Any, Any]]]:
    """Arguments of ``log``, and of a bound log."""
    logs = st.tuples(st.dictionaries(NAMES, values, max_size=4), STEPS)
    bound = st.tuples(st.lists(values, max_size=3), STEPS.filter(lambda step: step is not None))
    return st.lists(st.one_of(logs, bound), max_size=40)


def replay(
    rig: Rig,
    calls: list[tuple[Any, Any]],
    *,
    known: list[tuple[str, ...]],
    bound: tuple[str, ...],
    mixed: bool,
) -> list[Any]:
    """All that can be seen of the calls."""
    for names in dict.fromkeys([*known, bound]):
        rig.define(*names, mixed=mixed)
    log_bound, seen = rig.bind(*bound), []
    for values, step in calls:
        before = len(rig.slow)
        if isinstance(values, dict):
            rig.appender.log(values, step)
        else:
            log_bound(step, *values)
        left = len(rig.slow) - before
        seen.append((left, rig.journal.used, left or rig.appender._step))
    return [*seen, rig.rows()]


SETUPS = st.fixed_dictionaries(
    {
        "known": st.lists(
            st.lists(NAMES, min_size=1, max_size=4, unique=True).map(tuple), max_size=4, unique=True
        ),
        "bound": st.lists(NAMES, min_size=1, max_size=3, unique=True).map(tuple),
    }
)
SIZES = st.integers(40, 200).map(lambda words: 8 * words)


@settings(max_examples=300, deadline=None)
@given(setup=SETUPS, calls=calls_with(VALUES), size=SIZES)
def test_both_log_the_same_and_leave_the_same_to_the_slow_path(
    setup: dict[str, Any], calls: list[tuple[Any, Any]], size: int
) -> None:
    """Values and steps of any kind, known names and unknown ones, room and none."""
    rigs = [Rig(load(name), size) for name in MODULES]
    python, c = [replay(rig, calls, mixed=False, **setup) for rig in rigs]
    assert c == python


@settings(max_examples=200, deadline=None)
@given(setup=SETUPS, calls=calls_with(st.one_of(VALUES, TENSORS)), size=SIZES)
def test_both_log_tensors_alike_and_ask_none_on_a_device(
    setup: dict[str, Any], calls: list[tuple[Any, Any]], size: int
) -> None:
    """In layouts that are known to have some."""
    rigs = [Rig(load(name), size) for name in MODULES]
    python, c = [replay(rig, calls, mixed=True, **setup) for rig in rigs]
    assert c == python


def test_c_asks_no_device_even_where_none_was_known_of() -> None:
    """A layout of plain numbers that gets its first tensor on a device."""
    rig = Rig(load("compiled"))
    rig.define("a")
    tensor = Tensor(Device(), 1.0)
    rig.appender.log({"a": tensor}, 1)
    rig.bind("a")(2, tensor)
    assert [type(error) for *_, error in rig.slow] == [OnDeviceError, OnDeviceError]


def test_what_is_left_to_the_slow_path_comes_with_its_reason(rig: Rig) -> None:
    """Unknown names, no room, a value without a number, a step that is none: each call as it was."""
    rig.define("a")
    rig.appender.log({"a": "text"}, 3)
    rig.appender.log({"new": 1.0}, step=4)
    rig.appender.log(values={"a": 1.0}, step="five")
    rig.bind("a")(6)
    rig.bind("a")(7, None)
    rig.journal.limit = -1
    rig.appender.log({"a": 1.0}, 8)
    rig.bind("a")(9, 1.0)
    assert [each[:2] for each in rig.slow] == [
        ({"a": "text"}, 3),
        ({"new": 1.0}, 4),
        ({"a": 1.0}, "five"),
        (("a",), (6,)),
        (("a",), (7, None)),
        ({"a": 1.0}, 8),
        (("a",), (9, 1.0)),
    ]
    assert isinstance(rig.slow[0][2], Exception)
    assert isinstance(rig.slow[4][2], Exception)
    assert rig.slow[5][2] is None
    assert rig.slow[6][2] is None
    assert not rig.rows()


@pytest.mark.parametrize("kind", [OrderedDict, UserDict])
def test_any_mapping_is_taken(rig: Rig, kind: type[Any]) -> None:
    """Not only dicts."""
    rig.define("a", "b")
    rig.appender.log(kind({"a": 1.0, "b": 2}), 3)
    assert rig.rows() == [(1, 3, 7, bits(1.0), bits(2.0))]


def test_what_is_no_mapping_is_left_to_the_slow_path(rig: Rig) -> None:
    """A number, a list of names, nothing."""
    rig.define("a")
    for odd in (5, ["a"], None, "a", object):
        rig.appender.log(odd, 1)
    assert [each[0] for each in rig.slow] == [5, ["a"], None, "a", object]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((), {}),
        (({}, 1, 2), {}),
        (({},), {"values": {}}),
        (({}, 1), {"step": 1}),
        (({},), {"epoch": 1}),
    ],
)
def test_wrong_arguments_are_a_type_error(
    rig: Rig, arguments: tuple[Any, ...], named: dict[str, Any]
) -> None:
    """As with any function."""
    with pytest.raises(TypeError, match=r"log\(\)"):
        rig.appender.log(*arguments, **named)
    assert not rig.slow


def bits(value: float) -> int:
    """A float as a word."""
    word: int = struct.unpack("<q", struct.pack("<d", value))[0]
    return word


class Runs:
    """A value whose number runs code first."""

    def __init__(self, code: Callable[[], object]) -> None:
        self.code = code

    def __float__(self) -> float:
        self.code()
        return 2.5


def test_a_value_may_log_before_it_tells_its_number(rig: Rig) -> None:
    """Its row comes first, and neither is lost."""
    rig.define("a")
    rig.define("b")
    rig.appender.log({"a": Runs(lambda: rig.appender.log({"b": 1.0}, 1))}, 2)
    rig.bind("a")(3, Runs(lambda: rig.bind("b")(4, 1.0)))
    one, two = bits(1.0), bits(2.5)
    assert rig.rows() == [(2, 1, 7, one), (1, 2, 7, two), (2, 4, 7, one), (1, 3, 7, two)]


def test_a_value_may_change_what_is_being_logged(rig: Rig) -> None:
    """The row has the values that were there at the call, or is left to the slow path."""
    rig.define("a", "b")
    values: dict[str, Any] = {"a": 0.0, "b": 1.0}
    for change in (values.clear, lambda: values.update({f"{n}": 1.0 for n in range(99)})):
        values.clear()
        values.update({"a": Runs(change), "b": 1.0})
        rig.appender.log(values, 1)
    assert [row[3:] for row in rig.rows()] == [(bits(2.5), bits(1.0))] * 2


def test_a_value_may_put_another_journal_in_place(rig: Rig) -> None:
    """The row goes to the old one while that is open, and else to the slow path."""
    rig.define("a")
    old = rig.journal

    def roll() -> None:
        old.limit, old.used = -1, -1
        old.unmap()
        rig.appender._journal = rig.make_journal(mmap.mmap(-1, SIZE))

    rig.appender.log({"a": Runs(roll)}, 1)
    assert len(rig.slow) == 1
    assert rig.appender._journal.used == 0


def test_ctrl_c_inside_a_value_is_passed_on() -> None:
    """It is no trouble of the value, and nothing was logged. In Python, `struct` hides it."""
    rig = Rig(load("compiled"))
    rig.define("a")

    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rig.appender.log({"a": Runs(interrupt)}, 1)
    with pytest.raises(KeyboardInterrupt):
        rig.bind("a")(1, Runs(interrupt))
    assert not rig.slow
    assert not rig.rows()


class Lazy:
    """A proxy that finds its attributes by code."""

    def __getattr__(self, name: str) -> Any:
        raise KeyboardInterrupt

    def __float__(self) -> float:
        return 1.0


def test_ctrl_c_while_a_value_is_looked_at_is_passed_on() -> None:
    """Asking whether it is a tensor runs its code, too."""
    rig = Rig(load("compiled"))
    rig.define("a")
    with pytest.raises(KeyboardInterrupt):
        rig.appender.log({"a": Lazy()}, 1)
    assert not rig.slow
    assert not rig.rows()


FORKS = """
import gc, os, sys
os.register_at_fork(after_in_child=gc.collect)  # any hook that comes before everystep's
from logwriter import Run
from logwriter.errors import ForkedError

parent = os.getpid()
run = Run(sys.argv[1])
run.log({"a": 1.0}, 0)
bound = run.bind("b")
bound(1, 1.0)

class Leaves:
    def __init__(self):
        self.me = self
    def __del__(self):
        if os.getpid() != parent:
            for log in (lambda: bound(7, 700.0), lambda: run.log({"a": 7.0}, 7)):
                try:
                    log()
                except ForkedError:
                    print("refused", flush=True)

gc.collect()
gc.disable()
Leaves()
child = os.fork()
if child == 0:
    os._exit(0)
os.waitpid(child, 0)
for step in range(2, 6):
    run.log({"a": float(step)}, step)
run.finish()
"""


def test_a_child_takes_no_row_of_its_parent_s_before_everystep_knows_of_the_fork(
    run_path: Path,
) -> None:
    """A finalizer that logs, run by another library's hook: both processes map the same file."""
    load("compiled")
    done = subprocess.run(
        [sys.executable, "-c", FORKS, run_path],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env=os.environ | {"EVERYSTEP_COMPILED": "1"},
    )
    assert done.stdout.split() == ["refused", "refused"]
    log = read(run_path)
    assert log.series("a")[0].tolist() == [0, 2, 3, 4, 5]
    assert log.series("b")[1].tolist() == [1.0]


class Odd(str):  # noqa: SLOT000  it has a dict
    """A name that runs code when it is looked up."""

    code: Callable[[], object]

    def __hash__(self) -> int:
        self.code()
        return super().__hash__()

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other)


def test_a_name_may_run_code_when_it_is_looked_up(rig: Rig) -> None:
    """Here, code that logs and makes a layout known."""
    name = Odd("a")
    name.code = lambda: None
    values = {name: 1.0}
    name.code = lambda: rig.bind("b")(1, 2.0)
    rig.define("a")
    rig.appender.log(values, 2)
    assert [row[1] for row in rig.rows()][-1] == 2
    assert len(rig.rows()) > 1


def test_wide_rows_are_kept(rig: Rig) -> None:
    """Wider than what is at hand without asking for memory."""
    rig = Rig(rig.module, 1 << 16)
    values = {f"m{n}": float(n) for n in range(1000)}
    rig.define(*values)
    rig.appender.log(values, 1)
    rig.bind(*values)(2, *values.values())
    wanted = tuple(map(bits, values.values()))
    assert [row[3:] for row in rig.rows()] == [wanted, wanted]


def test_a_record_is_committed_whole_or_not_at_all(rig: Rig) -> None:
    """And tells where it begins."""
    assert rig.journal.commit(bytes(range(32)), 9, defines=1) == (FIRST_ROW, 1)
    assert rig.journal.commit(b"12345678", 3) == (FIRST_ROW + 32, 1)
    assert rig.journal.commit(bytes(SIZE), 3) is None
    rig.journal.limit = -1
    assert rig.journal.commit(b"12345678", 3) is None
    assert rig.memory[FIRST_ROW : FIRST_ROW + 48] == bytes(range(32)) + b"12345678" + bytes(8)
    assert (rig.journal.used, rig.journal.offset, rig.journal.defined) == (2, FIRST_ROW + 40, 1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"used": -1},
        {"used": SLOTS},
        {"used": 1 << 40},
        {"offset": -8},
        {"offset": 1 << 62},
        {"limit": 1 << 62, "offset": SIZE - 8},
        {"limit": -(1 << 62)},
        {"limit": -(1 << 63), "offset": 1 << 40},
    ],
)
def test_no_number_of_python_s_makes_c_write_outside_its_memory(wrong: dict[str, int]) -> None:
    """Python's code may set them to anything."""
    rig = Rig(load("compiled"))
    rig.define("a")
    for name, value in wrong.items():
        setattr(rig.journal, name, value)
    rig.appender.log({"a": 1.0}, 1)
    assert len(rig.slow) == 1
    assert rig.journal.commit(bytes(32), 1) is None
    assert not any(rig.memory[:])


def test_c_takes_only_what_it_knows() -> None:
    """A journal, a layout or an appender of another kind is refused, slots outside the memory too."""
    rig = Rig(load("compiled"))
    with pytest.raises(TypeError, match="journal"):
        rig.appender._journal = object()
    with pytest.raises(TypeError):
        rig.module.bind(rig.appender, object(), ("a",))
    with pytest.raises(TypeError):
        rig.module.bind(object(), rig.define("a"), ("a",))
    for offset, count in ((SIZE, 1), (-2, 1), (1, 1), (0, -1), (0, 1 << 62)):
        with pytest.raises(ValueError, match="do not fit"):
            rig.journal.map(rig.memory, offset, count)
    with pytest.raises(BufferError):
        rig.journal.map(b"read only" * 9, 0, 1)
    rig.journal.layouts["b",] = object()
    rig.appender.log({"b": 1.0})
    assert len(rig.slow) == 1
    assert type(rig.appender).log is not interpreted.AppenderBase.log


def test_mapped_memory_is_let_go_of() -> None:
    """Once it is told to, and when the journal goes; before, it cannot be closed."""
    rig = Rig(load("compiled"))
    with pytest.raises(BufferError):
        rig.memory.close()
    rig.journal.unmap()
    rig.memory.close()
    fresh = mmap.mmap(-1, SIZE)
    journal = rig.make_journal(fresh)
    journal.map(fresh, 0, 8)
    del journal
    gc.collect()
    fresh.close()


def everything() -> Iterator[Mapping[Any, Any]]:
    """Calls of every kind, on names and values that can be watched."""
    yield {"a": 1.5, "b": 2}
    yield {"a": np.float32(0.5), "b": np.float64(0.5)}
    yield {"a": "text", "b": 1 << 1024}
    yield {"unknown": 1.0}
    yield UserDict({"a": 1.5, "b": 2})


def test_no_reference_is_lost_or_kept() -> None:
    """Of values, names, layouts and journals, after thousands of calls of every kind."""
    rig = Rig(load("compiled"))
    layout = rig.define("a", "b")
    bound, calls = rig.bind("a", "b"), list(everything())
    watched = [rig.journal, layout, rig.appender, *calls]
    watched += [value for call in calls for value in call.values()]

    def run() -> list[int]:
        for _ in range(1000):
            for call in calls:
                rig.journal.used, rig.journal.offset = 0, FIRST_ROW
                rig.appender.log(call, 1)
                bound(1, *call.values())
        rig.slow.clear()
        gc.collect()
        return [sys.getrefcount(each) for each in watched]

    assert run() == run()


def test_both_say_the_same_of_themselves() -> None:
    """`help(run.log)` and editors show the same text and the same arguments."""
    compiled = load("compiled")
    python, c = interpreted.AppenderBase.log, compiled.AppenderBase.log
    assert inspect.getdoc(c) == inspect.getdoc(python)
    assert list(inspect.signature(c).parameters) == list(inspect.signature(python).parameters)
    bound = [inspect.signature(Rig(module).bind("a")) for module in (interpreted, compiled)]
    assert [list(signature.parameters) for signature in bound] == [["step", "values"]] * 2


def test_a_build_that_python_does_not_expect_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkout that was updated, and not installed again."""
    from logwriter import hotpath

    compiled = load("compiled")
    monkeypatch.delenv("EVERYSTEP_COMPILED", raising=False)
    try:
        monkeypatch.setattr(compiled, "CONTRACT", -1)
        assert not importlib.reload(hotpath).IS_COMPILED
    finally:
        monkeypatch.undo()
        importlib.reload(hotpath)


def test_the_environment_chooses(monkeypatch: pytest.MonkeyPatch) -> None:
    """``EVERYSTEP_COMPILED=0`` asks for the one in Python; without it, C is taken where it is."""
    from logwriter import hotpath

    try:
        monkeypatch.setenv("EVERYSTEP_COMPILED", "0")
        assert importlib.reload(hotpath).AppenderBase is interpreted.AppenderBase
        assert not hotpath.IS_COMPILED
        monkeypatch.setenv("EVERYSTEP_COMPILED", "1")
        compiled = load("compiled")
        assert importlib.reload(hotpath).AppenderBase is compiled.AppenderBase
        assert hotpath.IS_COMPILED
    finally:
        monkeypatch.undo()
        importlib.reload(hotpath)
