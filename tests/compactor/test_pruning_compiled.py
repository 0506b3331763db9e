"""Pruning in C: what it refuses, and that it lets others run."""

from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from unlocked import lets_others_run

from compactor.sampling.ink import HEIGHT, canvas
from compactor.sampling.pruning import interpreted


@pytest.fixture(scope="module")
def compiled() -> ModuleType:
    """The module in C; it is not there where no compiler was."""
    module: ModuleType = pytest.importorskip(
        "compactor.sampling.pruning.compiled", exc_type=ImportError
    )
    return module


def whole(points: int = 5, width: int = 4) -> dict[str, Any]:
    """Arguments of the function in C that are as they should be."""
    rng = np.random.default_rng(0)
    view = canvas(np.arange(float(points)), rng.random(points), width, 0.5)
    return {
        "u": view.u,
        "v": view.v,
        "low": view.low,
        "high": view.high,
        "weight": view.weight,
        "pinned": np.zeros(points, np.bool_),
        "n": 3,
        "rule": (HEIGHT, interpreted.APART, interpreted.NARROW, 1e-4, 0.05, 0.3, 2.0),
        "kept": np.empty(points, np.int64),
    }


def call(module: ModuleType, given: dict[str, Any]) -> int:
    """Call the function in C itself."""
    view = tuple(given[name] for name in ("u", "v", "low", "high", "weight"))
    views = given.get("views", (view,))
    count: int = module.prune(views, given["pinned"], given["n"], given["rule"], given["kept"])
    return count


def changed(name: str, at: int, value: float) -> Callable[[dict[str, Any]], Any]:
    """One number of an array is another."""

    def change(given: dict[str, Any]) -> Any:
        array = given[name].copy()
        array[at] = value
        return array

    return change


def ruled(at: int, value: float) -> Callable[[dict[str, Any]], Any]:
    """One number of the rule is another."""
    return lambda given: (*given["rule"][:at], value, *given["rule"][at + 1 :])


REFUSED: list[tuple[str, Callable[[dict[str, Any]], Any], type[Exception], str]] = [
    ("u", lambda given: given["u"].astype(np.float32), ValueError, "u must be"),
    ("u", lambda given: given["u"].astype(">f8"), ValueError, "u must be"),
    ("u", lambda given: given["u"].reshape(1, -1), ValueError, "u must be"),
    ("u", lambda given: given["u"][:-1], ValueError, "of format 'd' and length 5"),
    ("u", lambda given: np.repeat(given["u"], 2)[::2], ValueError, "contiguous"),
    ("u", lambda given: given["u"].tolist(), TypeError, "bytes-like"),
    ("u", lambda given: bytes(given["u"]), ValueError, "u must be"),
    ("u", changed("u", 2, np.nan), ValueError, r"u leaves its range \(0.0, 4.0\) at 2"),
    ("u", changed("u", 4, 4.5), ValueError, "u leaves its range"),
    ("u", changed("u", 0, -1.0), ValueError, "u leaves its range"),
    ("u", changed("u", 0, 0.5), ValueError, "begin at 0"),
    ("u", changed("u", 3, 0.5), ValueError, "never decrease; see 3"),
    ("v", changed("v", 1, np.inf), ValueError, "v leaves its range"),
    ("v", changed("v", 1, -1e-9), ValueError, "v leaves its range"),
    ("v", changed("v", 1, HEIGHT + 1), ValueError, "v leaves its range"),
    ("v", lambda given: given["v"][:3], ValueError, "length 5"),
    ("low", changed("low", 0, np.nan), ValueError, "low leaves its range"),
    ("low", lambda given: given["low"][:0], ValueError, "high must be"),
    ("high", changed("high", 3, 1e9), ValueError, "high leaves its range"),
    ("high", lambda given: given["high"][:2], ValueError, "length 4"),
    ("weight", lambda _: np.nan, ValueError, "weight leaves its range"),
    ("weight", lambda _: "much", TypeError, "real number"),
    ("pinned", lambda given: given["pinned"].astype(np.int8), ValueError, "pinned must be"),
    ("pinned", lambda given: given["pinned"][:4], ValueError, "length 4"),
    ("n", lambda _: -1, ValueError, "n must be 0 or more"),
    ("n", lambda _: 1 << 70, OverflowError, "large"),
    ("n", lambda _: 2.5, TypeError, "integer"),
    ("rule", ruled(0, np.nan), ValueError, "height leaves its range"),
    ("rule", ruled(1, HEIGHT), ValueError, "apart leaves its range"),
    ("rule", ruled(2, 0.0), ValueError, "narrow leaves its range"),
    ("rule", ruled(3, np.nan), ValueError, "unseen leaves its range"),
    ("rule", ruled(4, 2.0), ValueError, "at once leaves its range"),
    ("rule", ruled(5, -0.1), ValueError, "at first leaves its range"),
    ("rule", ruled(6, np.inf), ValueError, "far leaves its range"),
    ("rule", lambda given: given["rule"][:5], TypeError, "7"),
    ("kept", lambda given: given["kept"][:4], ValueError, "kept must be"),
    ("kept", lambda given: given["kept"].astype(np.int32), ValueError, "kept must be"),
    ("kept", lambda given: given["kept"].astype(np.float64), ValueError, "kept must be"),
    ("kept", lambda given: bytes(given["kept"]), BufferError, "writable"),
    ("views", lambda _: [], TypeError, "tuple"),
    ("views", lambda _: ([],), TypeError, "a view must be a tuple"),
    ("views", lambda given: ((given["u"],),), TypeError, "5 arguments"),
]


@pytest.mark.parametrize(("name", "change", "error", "text"), REFUSED)
def test_what_is_no_picture_is_refused(
    compiled: ModuleType,
    name: str,
    change: Callable[[dict[str, Any]], Any],
    error: type[Exception],
    text: str,
) -> None:
    """Nothing is read or written beyond an array, and no number is trusted."""
    given = whole()
    assert call(compiled, given) >= 2
    with pytest.raises(error, match=text):
        call(compiled, given | {name: change(given)})


def test_a_picture_needs_a_column(compiled: ModuleType) -> None:
    """There is none to draw in otherwise."""
    none = np.empty(0)
    with pytest.raises(ValueError, match="needs a column"):
        call(compiled, whole() | {"low": none, "high": none, "u": np.zeros(5)})


def test_other_threads_run_meanwhile(compiled: ModuleType) -> None:
    """With the lock taken from nobody, another thread runs only where it is let go of."""
    prune = partial(call, compiled, whole(60_000, 5000))
    assert lets_others_run(prune)
