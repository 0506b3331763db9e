"""Pruning, in C and in NumPy: the same points, whatever the line."""

import os
import subprocess
import sys
from types import ModuleType
from unittest import mock

import numpy as np
import pytest
import sampling_oracles as twins
from hypothesis import given, settings
from hypothesis import strategies as st

from compactor.sampling import downsample, pruning
from compactor.sampling.arrays import Floats, Ints, Mask
from compactor.sampling.ink import HEIGHT, Canvas, canvas, envelope, scaled
from compactor.sampling.pruning import interpreted
from logwriter.built import built

NAME = "compactor.sampling.pruning.compiled"
some = settings(max_examples=150, deadline=None)
gaps = st.sampled_from([0.0, 0.0, 1.0, 1.0, 2.0, 0.5, 1e-9, 1e-10, 5e-324, 1e9])
levels = st.integers(-3, 3).map(float)
wild = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([5e-324, -1e308, 1e308])


@pytest.fixture(scope="module")
def compiled() -> ModuleType:
    """The module in C; it is not there where no compiler was."""
    module: ModuleType = pytest.importorskip(NAME, exc_type=ImportError)
    return module


def in_c(module: ModuleType, views: list[Canvas], pinned: Mask, n: int) -> Ints:
    """As the package does it where it uses C."""
    with mock.patch.object(pruning, "_compiled", module):
        return pruning.prune(views, pinned, n)


@st.composite
def lines(draw: st.DrawFn) -> tuple[list[Canvas], Mask, int]:
    """A line with repeated, narrow and wide steps, in up to three pictures; some points pinned."""
    y = draw(st.lists(levels, min_size=1, max_size=60) | st.lists(wild, min_size=1, max_size=60))
    steps = draw(st.lists(gaps, min_size=len(y), max_size=len(y)))
    x: Floats = np.cumsum(steps, dtype=np.float64)
    axes: list[Floats] = [x, np.log(np.maximum(x, 1.0)), np.subtract(x[-1], x[::-1])]
    views = [
        canvas(
            along, np.array(y), draw(st.integers(1, 40)), draw(st.sampled_from([0.8, 0.4, 0.15]))
        )
        for along in axes[: draw(st.integers(1, 3))]
    ]
    share = draw(st.sampled_from([0.0, 0.2, 1.0]))
    pinned = np.random.default_rng(draw(st.integers(0, 9))).random(len(y)) < share
    return views, pinned, draw(st.integers(0, len(y) + 2))


@some
@given(line=lines())
def test_both_keep_the_same_points(
    compiled: ModuleType, line: tuple[list[Canvas], Mask, int]
) -> None:
    """Equal and subnormal values, the largest there are, steps that repeat, ties in cost."""
    assert in_c(compiled, *line).tolist() == interpreted.prune(*line).tolist()


@some
@given(line=lines())
def test_what_shows_least_goes_first(line: tuple[list[Canvas], Mask, int]) -> None:
    """Until as many are left as may be, and all that shows is left; the ends and pins stay."""
    views, pinned, n = line

    def costs(kept: list[int]) -> list[float]:
        each = [interpreted.worth(view, np.array(kept)) for view in views]
        return np.add.accumulate(each)[-1].tolist()  # type: ignore[no-any-return]

    pins = set(np.flatnonzero(pinned).tolist())
    unseen = interpreted.unseen(views)
    assert interpreted.prune(*line).tolist() == twins.pruned(costs, pins, len(pinned), n, unseen)


@pytest.mark.parametrize("n", [8, 40, 50, 60, 64])
def test_of_equal_costs_the_first_go(compiled: ModuleType, n: int) -> None:
    """A saw of 64 pixels, each tooth a pixel wide: nothing tells its inner teeth apart."""
    y = np.arange(65.0) % 2
    views = [canvas(np.arange(65.0), y, 64, 0.5)]
    free = np.zeros(65, np.bool_)

    def costs(kept: list[int]) -> list[float]:
        return interpreted.worth(views[0], np.array(kept)).tolist()  # type: ignore[no-any-return]

    kept = twins.pruned(costs, set(), 65, n, interpreted.unseen(views))
    assert interpreted.prune(views, free, n).tolist() == kept
    assert in_c(compiled, views, free, n).tolist() == kept


def shapes(rows: int) -> dict[str, Floats]:
    """Lines that training logs are made of."""
    rng, at = np.random.default_rng(7), np.arange(rows)
    noise = rng.standard_normal(rows)
    gone = noise.copy()
    gone[rng.random(rows) < 0.05] = np.nan
    return {
        "walk": np.cumsum(noise),
        "decay": 2.3 * (1 + at) ** -0.12 + 0.02 * noise,
        "heavy": np.exp(1.5 * noise),
        "stairs": at // 500 * 1.0,
        "levels": rng.integers(0, 5, rows) * 1.0,
        "half constant": np.where(at % 1000 < 500, 1.0, noise),
        "gaps": gone,
    }


@pytest.mark.parametrize("shape", shapes(1))
def test_whole_lines_are_drawn_by_the_same_points(
    compiled: ModuleType, shape: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundred columns, thousands of candidates, dozens of rounds; steps that repeat."""
    y = shapes(6000)[shape]
    for x in (np.arange(6000), np.arange(6000) // 7 * 7):
        monkeypatch.setattr(pruning, "_compiled", compiled)
        kept = downsample(x, y, 300).tolist()
        monkeypatch.setattr(pruning, "_compiled", None)
        assert downsample(x, y, 300).tolist() == kept


@some
@given(
    steps=st.lists(gaps, min_size=1, max_size=30), width=st.integers(1, 20), seed=st.integers(0, 99)
)
def test_edges_are_crossed_where_numpy_interpolates(
    steps: list[float], width: int, seed: int
) -> None:
    """Also where a segment has no width, and behind the last point."""
    u = scaled(np.cumsum(steps)) * width
    v = np.random.default_rng(seed).uniform(0, HEIGHT, len(u))
    column = np.minimum(u.astype(np.int64), width - 1)
    *_, edges = envelope(u, v, column, width)
    assert edges == pytest.approx(np.interp(np.arange(width + 1), u, v), abs=1e-9)


PROGRAM = """
import numpy as np
from compactor.sampling import downsample, pruning
y = np.random.default_rng(0).standard_normal(5000)
print(pruning.IS_COMPILED, *downsample(np.arange(5000), y, 100))
"""


def test_the_environment_chooses(compiled: ModuleType) -> None:
    """``EVERYSTEP_COMPILED=0`` asks for NumPy, which finds the same points."""
    assert compiled.CONTRACT == pruning.CONTRACT
    said = []
    for wish in ("0", "1"):
        environment = os.environ | {"EVERYSTEP_COMPILED": wish}
        result = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
        said.append(result.stdout.split())
    assert [words[0] for words in said] == ["False", "True"]
    assert said[0][1:] == said[1][1:]
    assert len(said[0]) == 101


def test_only_the_build_that_is_expected_is_used(
    compiled: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkout that was updated and not installed again, or never built, does it in Python."""
    monkeypatch.setenv("EVERYSTEP_COMPILED", "1")
    assert built(NAME, pruning.CONTRACT) is compiled
    assert built(NAME, pruning.CONTRACT + 1) is None
    assert built("compactor.sampling.nothing", 1) is None
