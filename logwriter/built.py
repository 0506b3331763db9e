"""Modules in C that do what others do in Python, only faster: which of them may be used.

They are built where there is a C compiler, or come ready in a wheel.
"""

import importlib
import os
import sys
from types import ModuleType


def built(name: str, contract: int) -> ModuleType | None:
    """The module in C of this name.

    Args:
        name: Of the module, with its packages.
        contract: What is expected of it, as its ``CONTRACT`` says it.

    Returns:
        ``None`` where it was not built, or for another system, or before a change; where
        ``EVERYSTEP_COMPILED=0`` in the environment asks for Python; and where the interpreter is
        free-threaded, whose stable ABI is another.
    """
    if os.environ.get("EVERYSTEP_COMPILED") == "0" or "t" in sys.abiflags:
        return None
    try:
        module = importlib.import_module(name)
    except ImportError:
        return None
    return module if contract == module.CONTRACT else None
