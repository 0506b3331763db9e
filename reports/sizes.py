"""How large figures are, by what they are for.

All measures of a layout are points (1/72 inch) and the letters are 9 points high, so a smaller
sheet has larger letters for its size, and the resolution turns points into pixels. A sheet that is
`fixed` keeps its size whatever stands around the axes; others grow in height.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

SizeName = Literal["slide", "paper", "screen"]
Extent = tuple[float, float]


@dataclass(frozen=True)
class Size:
    """The extents of a chart and of the sheet of all charts, in points, and pixels an inch.

    ``panel`` is that of one chart on the sheet, and ``most`` is how many charts it shows. ``sheet``
    is the whole of it where it is fixed; else it is as large as its panels and ``margin`` make it.
    """

    name: SizeName
    chart: Extent
    chart_dpi: int
    panel: Extent
    sheet_dpi: int
    most: int
    margin: float
    sheet: Extent | None = None

    @property
    def fixed(self) -> bool:
        """Whether every figure has the same shape."""
        return self.sheet is not None


SCREEN = Size("screen", (576.0, 330.0), 160, (500.0, 310.0), 120, 12, 26.0)
SLIDE = Size("slide", (640.0, 360.0), 216, (614.0, 294.0), 108, 4, 26.0, sheet=(1280.0, 720.0))
PAPER = Size("paper", (300.0, 215.0), 400, (290.0, 215.0), 300, 12, 6.0)
SIZES: Mapping[SizeName, Size] = {"slide": SLIDE, "paper": PAPER, "screen": SCREEN}
