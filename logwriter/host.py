"""What this machine is: its name, and which boot of it."""

import socket
from functools import cache
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@cache
def boot_id() -> str:
    """The kernel's id of this boot, or ``""`` where there is none, which equals no boot."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


@cache
def host_name() -> str:
    """The name of this machine."""
    return socket.gethostname()
