"""From ``log()`` to a committed row, without a system call or a lock: once in C, once in Python.

`compiled` (``compiled.c``) is built where there is a C compiler, or comes ready in a wheel. Where it is
missing, `interpreted` does the same in Python, at three to five times the cost, and as the text that
explains it. ``EVERYSTEP_COMPILED=0`` in the environment asks for the latter.
"""

from typing import TYPE_CHECKING

from logwriter.built import built
from logwriter.hotpath import interpreted

CONTRACT = 1  # what is expected of C: one that was built before a change is not used after it

chosen = interpreted
if not TYPE_CHECKING:
    chosen = built("logwriter.hotpath.compiled", CONTRACT) or interpreted

LayoutBase = chosen.LayoutBase
JournalBase = chosen.JournalBase
AppenderBase = chosen.AppenderBase
bind = chosen.bind
IS_COMPILED = chosen is not interpreted
