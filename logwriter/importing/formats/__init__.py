"""The formats that can be imported, one a module; each tells its own sources from others'.

A format is asked in the order of this list, so those that say clearly what they are come first, and
tables and text of any kind last.
"""

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from logwriter.errors import EverystepError
from logwriter.importing.items import Item
from logwriter.importing.source import Look, Options, Source


@dataclass(frozen=True)
class Format:
    """How logs of one tool are read.

    Attributes:
        name: What ``--format`` calls it.
        summary: What it reads, in a few words.
        detects: Whether a source is of this format; sure of it, or it says no. Cheap, never raises.
        finds: The runs in a source; one, for most. Raises `EverystepError` where the source is not
            what it was said to be.
        reads: The items of one run, in the order of the source, in bounded memory.
        takes: Which of `Options` mean something to it.
    """

    name: str
    summary: str
    detects: Callable[[Look], bool]
    finds: Callable[[Look, Options], list[Source]]
    reads: Callable[[Source], Iterator[Item]]
    takes: frozenset[str] = frozenset()


NAMES = (
    "wandb",
    "parquet",
    "huggingface",
    "dvclive",
    "mlflow",
    "tensorboard",
    "lightning",
    "ultralytics",
    "sb3",
    "keras",
    "jsonl",
    "csv",
    "text",
)
"""Names of the modules of this package, which are the names of the formats."""


def find_format(name: str) -> Format:
    """The format of a name.

    Raises:
        EverystepError: There is none.
    """
    if name not in NAMES:
        raise EverystepError(f"there is no format {name!r}; choose of {', '.join(NAMES)}")
    found: Format = importlib.import_module(f"{__name__}.{name}").FORMAT
    return found


def detect(looked: Look) -> Format:
    """The format that a source is of.

    Raises:
        EverystepError: None of them.
    """
    for name in NAMES:
        candidate = find_format(name)
        if candidate.detects(looked):
            return candidate
    known = "".join(f"\n  {name}: {find_format(name).summary}" for name in NAMES)
    raise EverystepError(
        f"{looked.path} is of no format that can be told from what is in it. Say which by --format, or "
        "how its lines read by --pattern, a regular expression with named groups such as "
        rf"'step (?P<step>\d+) loss (?P<loss>\S+)'. Formats:{known}"
    )


def refuse_options(chosen: Format, options: Options) -> None:
    """Make sure that nothing was asked for in vain.

    Raises:
        EverystepError: An option was given that the format does not know.
    """
    for name, value in vars(options).items():
        if value is not None and name not in chosen.takes:
            known = ", ".join(f"--{each}" for each in sorted(chosen.takes)) or "no such option"
            raise EverystepError(
                f"--{name} means nothing to the format {chosen.name}, which takes {known}; "
                "--format chooses another"
            )


def one_file(looked: Look, options: Options) -> list[Source]:
    """A source that is one file and one run.

    Raises:
        EverystepError: It is a folder.
    """
    if looked.is_folder:
        raise EverystepError(f"{looked.path} is a folder: give one of the files in it")
    return [Source(looked.path, looked.path.name.partition(".")[0], (looked.path,), options)]
