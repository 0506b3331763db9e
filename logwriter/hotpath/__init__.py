"""From ``log()`` to a committed row, without a system call or a lock: once in C, once in Python.

`compiled` (``compiled.c``) is built where there is a C compiler, or comes ready in a wheel. Where it is
missing, `interpreted` does the same in Python, at three to five times the cost, and as the text that
explains it. ``EVERYSTEP_COMPILED=0`` in the environment asks for the latter.
"""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING or os.environ.get("EVERYSTEP_COMPILED") == "0":
    from logwriter.hotpath import interpreted as chosen
else:
    try:
        from logwriter.hotpath import compiled as chosen
    except ImportError:  # built for another system, or not at all
        from logwriter.hotpath import interpreted as chosen

LayoutBase = chosen.LayoutBase
JournalBase = chosen.JournalBase
AppenderBase = chosen.AppenderBase
bind = chosen.bind
IS_COMPILED = chosen.__name__.endswith("compiled")
