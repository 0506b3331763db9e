"""Policies by name: texts such as ``piecewise:0=1,1000=10`` in, functions that choose points out."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

from compactor.sampling.adaptive import adaptive
from compactor.sampling.arrays import Curve, Ints
from compactor.sampling.peers import SAMPLERS, installed, sample
from compactor.sampling.piecewise import TABLE, Table, parse_table, piecewise, table_text
from compactor.sampling.uniform import uniform
from compactor.sampling.volatility import parse_volatility

Choose: TypeAlias = Callable[[Curve, int | None], Ints]
"""``(curve, n)``: finite points, and how many may stay; ``None`` where the policy needs no budget.

Returns strictly increasing indices, the pinned ones among them, at most ``n``. There are more than
``n`` points, and at most ``n`` pins.
"""

POLICIES = ("adaptive", "piecewise", "volatility", "uniform", *SAMPLERS)


@dataclass(frozen=True)
class Policy:
    """A way to choose the points of a line.

    Attributes:
        text: Its name and all its options, as `parse_policy` reads them.
        needs_all_rows: Whether it must see all rows of a line; the others do as well with the
            extremes of each of a few thousand buckets.
        needs_budget: Whether it must be told how many points may stay.
        table: Of ``piecewise``, its strides: besides pins it keeps no row whose step is not a
            multiple of the stride there, so that a scan may leave the others out.
        choose: What does it.
    """

    text: str
    needs_all_rows: bool
    needs_budget: bool
    choose: Choose = field(repr=False, compare=False)
    table: Table | None = None


def parse_policy(text: str | Policy) -> Policy:
    """Read a policy.

    Args:
        text: One of `POLICIES`. Two of them take options behind a colon:
            ``piecewise:0=1,1000=10``, and ``volatility:window_std,threshold=0.1,growth=true``.
            A policy that is read already is returned as it is.

    Raises:
        ValueError: There is no such policy, it does not take these options, or its package is
            missing.
    """
    if isinstance(text, Policy):
        return text
    name, colon, options = text.strip().partition(":")
    if name == "piecewise":
        table = parse_table(options) if colon else TABLE
        plain = name if table == TABLE else f"{name}:{table_text(table)}"
        return Policy(plain, True, False, partial(piecewise, table=table), table)
    if name == "volatility":
        rule = parse_volatility(options)
        return Policy(rule.text, True, False, rule)
    if name not in POLICIES:
        raise ValueError(
            f"there is no policy {name!r}; choose one of {', '.join(POLICIES)}, "
            "for example piecewise:0=1,1000=10"
        )
    if colon:
        raise ValueError(f"the policy {name} takes no options, but was given {options!r}")
    if name in SAMPLERS:
        installed(name)
        return Policy(name, name == "lttb", True, partial(sample, name=name))
    return Policy(name, name == "uniform", True, adaptive if name == "adaptive" else uniform)
