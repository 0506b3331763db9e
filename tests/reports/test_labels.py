"""Where labels are put."""

import numpy as np

from reports.labels import Box, place, trace

AREA = Box(0, 0, 400, 200)
NO_INK = np.empty((0, 2))


def test_a_label_lies_inside_the_axes_even_in_a_corner() -> None:
    """Wherever its point is."""
    for anchor in ((0, 0), (400, 0), (0, 200), (400, 200), (200, 100)):
        box = place(anchor, (90, 12), AREA, ink=NO_INK, taken=[], below=True, unit=1)
        assert AREA.holds(box)


def test_a_label_stands_on_the_side_of_the_better_values() -> None:
    """Below the smallest loss, above the largest accuracy: there the line is not."""
    below = place((200, 100), (90, 12), AREA, ink=NO_INK, taken=[], below=True, unit=1)
    above = place((200, 100), (90, 12), AREA, ink=NO_INK, taken=[], below=False, unit=1)
    assert below.top < 100 < above.bottom


def test_labels_do_not_overlap() -> None:
    """Also where their points coincide."""
    taken: list[Box] = []
    for _ in range(4):
        taken.append(place((200, 100), (90, 12), AREA, ink=NO_INK, taken=taken, below=True, unit=1))
    assert not any(a.overlaps(b) for i, a in enumerate(taken) for b in taken[:i])


def test_a_label_keeps_off_a_line_that_runs_through_its_first_place() -> None:
    """It goes where less is drawn."""
    ink = trace(np.array([[0.0, 88.0], [400.0, 88.0]]), 2.0)
    box = place((200, 100), (90, 12), AREA, ink=ink, taken=[], below=True, unit=1)
    assert box.crossings(ink) == 0
