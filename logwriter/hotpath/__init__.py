"""From ``log()`` to a committed row, without a system call or a lock: once in C, once in Python.

`compiled` (``compiled.c``) is built where there is a C compiler, or comes ready in a wheel. Where it is
missing, `interpreted` does the same in Python, at three to five times the cost, and as the text that
explains it. ``EVERYSTEP_COMPILED=0`` in the environment asks for the latter.
"""

import os
import sys
from typing import TYPE_CHECKING

from logwriter.hotpath import interpreted

CONTRACT = 1  # what is expected of C: one that was built before a change is not used after it

chosen = interpreted
if not TYPE_CHECKING and os.environ.get("EVERYSTEP_COMPILED") != "0" and "t" not in sys.abiflags:
    try:
        from logwriter.hotpath import compiled
    except ImportError:  # built for another system, or not at all
        pass
    else:
        if compiled.CONTRACT == CONTRACT:
            chosen = compiled

LayoutBase = chosen.LayoutBase
JournalBase = chosen.JournalBase
AppenderBase = chosen.AppenderBase
bind = chosen.bind
IS_COMPILED = chosen is not interpreted
