"""Compact curves in a terminal: series in, lines of text out.

`columns` folds rows into columns of dots, `axis` says where a value lies, `dots` turns columns into
dots and those into characters, `plot` puts a frame and words around them, `screen` knows the
terminal. Only `screen` looks at the world; everything else is values in, values out.

A curve is honest. Each column of dots covers the least to the greatest of its rows, joined to its
neighbours as a line would be. A stretch without a finite value is a gap with a mark beneath it.

The dots are our own: drawing libraries for terminals (plotille, looked at closely) set single dots
of a float grid, decide on colours by the environment while they draw, and cannot tell two curves
apart without colour. What is left of them is the arithmetic of braille, in `dots`.
"""

from logwriter.cli.curves.axis import Axis
from logwriter.cli.curves.columns import Columns, fold_rows, join
from logwriter.cli.curves.plot import Curve, Mark, Plot, arrange, dot_columns, draw_plot
from logwriter.cli.curves.screen import NARROWEST, Row, Screen, paint, screen_of

__all__ = [
    "NARROWEST",
    "Axis",
    "Columns",
    "Curve",
    "Mark",
    "Plot",
    "Row",
    "Screen",
    "arrange",
    "dot_columns",
    "draw_plot",
    "fold_rows",
    "join",
    "paint",
    "screen_of",
]
