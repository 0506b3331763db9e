"""Policies as texts, the table of strides, and the evenly spread points."""

import importlib.util
from typing import Any

import numpy as np
import pytest
import sampling_oracles as twins
from hypothesis import given, settings
from hypothesis import strategies as st

from compactor.sampling import POLICIES, check, downsample, parse_policy
from compactor.sampling.piecewise import TABLE

few = settings(max_examples=50, deadline=None)
tables = st.lists(
    st.tuples(st.integers(1, 50_000), st.integers(1, 300)), max_size=4, unique_by=lambda row: row[0]
).map(lambda rows: ((0, 3), *sorted(rows)))
increasing = st.lists(st.integers(0, 60), min_size=20, max_size=300).map(
    lambda gaps: np.cumsum(np.array(gaps) + 1).tolist()
)


def text_of(table: Any) -> str:
    """A table as it is typed."""
    return "piecewise:" + ",".join(f"{start}={stride}" for start, stride in table)


def pins_of(y: Any) -> set[int]:
    """First, last, least and greatest."""
    return {0, len(y) - 1, int(np.argmin(y)), int(np.argmax(y))}


@few
@given(steps=increasing, table=tables)
def test_piecewise_keeps_exactly_the_steps_of_its_table(steps: list[int], table: Any) -> None:
    """The rule ``step % stride == 0``, and the pins."""
    y = np.sin(np.arange(len(steps)))
    kept = downsample(steps, y, None, policy=text_of(table))
    assert set(kept.tolist()) == set(twins.piecewise(steps, table)) | pins_of(y)


@few
@given(steps=increasing, table=tables)
def test_a_scan_may_leave_out_what_the_table_does(steps: list[int], table: Any) -> None:
    """Without them the same steps are drawn: those of the table, and the pins."""
    policy = parse_policy(text_of(table))
    y = np.sin(np.arange(len(steps)))
    assert policy.table == table
    some = sorted(set(twins.piecewise(steps, table)) | pins_of(y))
    kept = downsample(np.array(steps)[some], y[some], None, policy=policy)
    assert kept.tolist() == list(range(len(some)))


@few
@given(steps=increasing, table=tables, n=st.integers(16, 40))
def test_a_budget_thins_all_strides_alike(steps: list[int], table: Any, n: int) -> None:
    """Every so-many-th of the steps that the table keeps."""
    y = np.sin(np.arange(len(steps)))
    kept = downsample(steps, y, n, policy=text_of(table))
    whole = set(range(len(y))) if len(y) <= n else None
    assert set(kept.tolist()) == (
        whole or twins.thinned(twins.piecewise(steps, table), pins_of(y), n)
    )


def test_the_plain_table_keeps_17_200_of_ten_million_steps() -> None:
    """1 in 1, 10, 50, 200, 1000; the last step comes on top."""
    x = np.arange(10_000_000)
    kept = downsample(x, np.zeros(len(x)), None, policy="piecewise")
    assert len(kept) == 17_200 + 1
    ends = np.searchsorted(kept, [1_000, 10_000, 100_000, 1_000_000])
    assert ends.tolist() == [1000, 1900, 3700, 8200]


@few
@given(n=st.integers(16, 60), size=st.integers(61, 300))
def test_uniform_is_every_so_many_th_point(n: int, size: int) -> None:
    """And the pins."""
    y = np.sin(np.arange(size))
    kept = downsample(np.arange(size), y, n, policy="uniform")
    assert set(kept.tolist()) == twins.thinned(range(size), pins_of(y), n)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("adaptive", "adaptive"),
        (" uniform ", "uniform"),
        ("piecewise", "piecewise"),
        ("piecewise:0=1,1000=10", "piecewise:0=1,1000=10"),
        (text_of(TABLE), "piecewise"),
        ("volatility", "volatility:relative_change,threshold=0.05,growth=false,min_interval=1"),
        (
            "volatility:window_cv,min_interval=2.5,growth=true,threshold=1e-7",
            "volatility:window_cv,threshold=1e-07,growth=true,window=32,min_interval=2.5",
        ),
        (
            "volatility:threshold=1,window=8",
            "volatility:relative_change,threshold=1,growth=false,min_interval=1",
        ),
    ],
)
def test_a_policy_has_one_text(text: str, plain: str) -> None:
    """With all that matters in it, and read again it is the same policy."""
    policy = parse_policy(text)
    assert policy.text == plain
    assert parse_policy(plain) == policy
    assert parse_policy(policy) is policy
    assert check(16, policy) is policy


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nth", "choose one of adaptive, piecewise, volatility, uniform, .*for example"),
        ("", "choose one of"),
        ("adaptive:3", "takes no options"),
        ("piecewise:", "pairs STEP=STRIDE.*for example piecewise:0=1,1000=10"),
        ("piecewise:0=1,x=10", "whole numbers"),
        ("piecewise:0=1=2", "pairs STEP=STRIDE"),
        ("piecewise:1=1", "first step must be 0"),
        ("piecewise:0=1,10=5,10=7", "must increase"),
        ("piecewise:0=0", "at least 1"),
        ("volatility:range", "no measure 'range'; choose one of relative_change, window_std"),
        ("volatility:window_std,limit=1", "cannot use 'limit'; it takes threshold"),
        ("volatility:window=3,window=4", "each once"),
        ("volatility:threshold=", "threshold must be a number of at least 0, not ''"),
        ("volatility:threshold=nan", "threshold must be a number"),
        ("volatility:threshold=inf", "threshold must be a number"),
        ("volatility:min_interval=-1", "min_interval must be a number of at least 0"),
        ("volatility:window=1", "window must be a whole number from 2 to 1024"),
        ("volatility:window=2.5", "window must be a whole number"),
        ("volatility:growth=yes", "growth must be true or false"),
    ],
)
def test_a_wrong_policy_is_refused_with_the_right_ones(text: str, message: str) -> None:
    """The error says what is wrong and what would be right."""
    with pytest.raises(ValueError, match=message):
        parse_policy(text)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """And how to install it."""
    monkeypatch.setattr("compactor.sampling.peers.find_spec", {"tsdownsample": None}.get)
    with pytest.raises(ValueError, match=r"pip install 'everystep\[peers\]'"):
        parse_policy("lttb")


def test_a_policy_says_whether_it_needs_all_rows() -> None:
    """Rules about single rows do; those that look for extremes do not."""
    if importlib.util.find_spec("tsdownsample") is None:
        pytest.skip("needs tsdownsample")
    needy = [name for name in POLICIES if parse_policy(name).needs_all_rows]
    assert needy == ["piecewise", "volatility", "uniform", "lttb"]
