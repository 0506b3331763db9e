"""What is drawn where a line has no finite value, so that no gap goes by unseen."""

from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from reports import typeset
from reports.marks import Style
from reports.view import ChartView

NON_FINITE_LABEL = "not finite"
UNMARKED = "more, unmarked \N{RIGHTWARDS ARROW}"

_SIZE, _ROW, _HALO = 8.0, 11.0, 2.5
_BESIDE = 4.0


def mark_non_finite(axes: Axes, view: ChartView, style: Style) -> None:
    """A shade over every stretch without a finite value, and a cross on the axis below it.

    A record lists the first hundred stretches of a line: where there are more, the last one listed
    says that they go on.
    """
    for line in view.lines:
        stretches = line.info.non_finite.stretches
        for first, last in stretches:
            axes.axvspan(
                first - 0.5,
                last + 0.5,
                facecolor=style.theme.trouble,
                edgecolor=style.theme.trouble,
                linewidth=0.5,
                alpha=0.14,
                zorder=0.5,
            )
        axes.plot(
            [(first + last) / 2 for first, last in stretches],
            [0.0] * len(stretches),
            transform=axes.get_xaxis_transform(),
            label=f"{NON_FINITE_LABEL}: {line.name}",
            linestyle="none",
            marker="x",
            markersize=5,
            markeredgewidth=1.4,
            color=style.theme.trouble,
            clip_on=False,
            zorder=4,
        )
    listed = [line.info.non_finite for line in view.lines if line.info.non_finite.stretches]
    cut = [each for each in listed if each.stretch_count > len(each.stretches)]
    for row, end in enumerate(sorted({missing.stretches[-1][1] for missing in cut})):
        _say_unmarked(axes, end + 0.5, row, style)


def _say_unmarked(axes: Axes, end: float, row: int, style: Style) -> None:
    """Beside the end of what is marked, within the axes."""
    across = float(axes.transData.transform((end, 1.0))[0]) - axes.bbox.x0
    room = axes.bbox.width * 72 / axes.figure.dpi
    wide = typeset.width(UNMARKED, _SIZE, "bold") + 2 * _BESIDE
    axes.annotate(
        UNMARKED,
        xy=(0, 0),
        xycoords="axes fraction",
        xytext=(
            min(across * 72 / axes.figure.dpi, room - wide) + _BESIDE,
            7 + row * _ROW,
        ),
        textcoords="offset points",
        fontsize=_SIZE,
        fontweight="bold",
        color=style.theme.trouble,
        path_effects=[withStroke(linewidth=_HALO, foreground=style.theme.background)],
        annotation_clip=False,
        zorder=6,
    )
