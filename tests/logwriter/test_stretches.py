"""Stretches of sequence numbers, against sets of numbers; and what they tell of the last word."""

from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from logwriter.events import RowsLost, SegmentSealed
from logwriter.rundir import WriterId
from logwriter.state import fold
from logwriter.stretches import Stretch, held_twice, merge, subtract

STRETCHES = st.lists(
    st.tuples(st.integers(0, 20), st.integers(0, 6)).map(lambda pair: (pair[0], sum(pair))),
    max_size=6,
)


def numbers(stretches: list[Stretch]) -> set[int]:
    """The numbers in any of the stretches."""
    return {number for start, end in stretches for number in range(start, end)}


@given(STRETCHES, STRETCHES)
def test_subtracting_leaves_what_no_other_holds(some: list[Stretch], others: list[Stretch]) -> None:
    """In order, without empty stretches."""
    for stretch in some:
        left = subtract(stretch, others)
        assert numbers(left) == numbers([stretch]) - numbers(others)
        assert left == sorted(left)
        assert all(start < end for start, end in left)


@given(STRETCHES)
def test_merging_keeps_the_numbers(stretches: list[Stretch]) -> None:
    """And no two of the stretches touch."""
    merged = merge(stretches)
    assert numbers(merged) == numbers(stretches)
    assert all(before[1] < after[0] for before, after in pairwise(merged))


@given(STRETCHES)
def test_what_is_held_twice_is_found(stretches: list[Stretch]) -> None:
    """Empty stretches hold nothing."""
    counts = Counter(n for start, end in stretches for n in range(start, end))
    assert numbers(held_twice(stretches)) == {n for n, count in counts.items() if count > 1}


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 12), st.integers(1, 5)), max_size=8))
def test_the_last_word_about_a_row_counts(words: list[tuple[bool, int, int]]) -> None:
    """Against a dictionary that each announcement overwrites row by row."""
    events: list[SegmentSealed | RowsLost] = []
    last: dict[int, int] = {}
    for number, (sealed, first, length) in enumerate(words):
        end = first + length - 1
        last |= dict.fromkeys(range(first, end + 1), number)
        events.append(announce(number, first, end) if sealed else give_up(first, end))
    state = fold(WriterId(0, 0), events)
    heard = {number for number in last.values() if words[number][0]}
    assert list(state.segments) == [f"s{number}" for number in sorted(heard)]
    lost = numbers([(lost.first_seq, lost.last_seq + 1) for lost in state.lost])
    assert lost == {row for row, number in last.items() if not words[number][0]}


def announce(number: int, first: int, last: int) -> SegmentSealed:
    """A segment with these rows."""
    rows = last - first + 1
    return SegmentSealed(
        time=0,
        segment=f"s{number}",
        first_seq=first,
        last_seq=last,
        rows=rows,
        values=rows,
        bytes=1,
        crc32=0,
    )


def give_up(first: int, last: int) -> RowsLost:
    """These rows are lost."""
    return RowsLost(time=0, first_seq=first, last_seq=last, reason="")
