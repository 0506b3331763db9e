"""The commands that need only the log: ``ls``, ``show``, ``tail`` and ``verify``."""

from logwriter.cli.ls import ls
from logwriter.cli.show import show
from logwriter.cli.tail import tail
from logwriter.cli.verify import verify

__all__ = ["ls", "show", "tail", "verify"]
