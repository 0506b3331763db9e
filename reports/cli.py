"""The command `everystep`, assembled from the storeys, and the one place that reports their errors.

A command is imported when it is called, so that the command line starts at once: the list of
commands comes from the table below, not from the commands.
"""

import importlib
import io
import sys
from dataclasses import dataclass
from typing import Any, NoReturn

import click

from logwriter.errors import EverystepError

_SIGINT_EXIT = 130


@dataclass(frozen=True)
class Entry:
    """Where a command lives, ``module:attribute``, and its one-line help."""

    target: str
    summary: str


COMMANDS = {
    "demo": Entry(
        "reports.demo:demo",
        "Train a small network on handwritten digits, log every step and draw it.",
    ),
    "ls": Entry(
        "logwriter.cli:ls", "List the runs in FOLDER (default: EVERYSTEP_DIR, else runs/)."
    ),
    "show": Entry(
        "logwriter.cli:show",
        "Show what RUN is, how it stands, its attempts, configuration and metrics.",
    ),
    "tail": Entry(
        "logwriter.cli:tail",
        "Print the last rows of RUN, and each new one while it lives; of METRICS only, if given.",
    ),
    "verify": Entry(
        "logwriter.cli:verify", "Check every checksum of RUN, and that no row is missing."
    ),
    "import": Entry(
        "logwriter.cli.import_:import_",
        "Make a run of a log that another tool wrote, with every value as it was.",
    ),
    "compact": Entry(
        "compactor.cli.compact:compact", "Read the complete log of RUN and write its record."
    ),
    "best": Entry(
        "compactor.cli.best:best", "Tell which epoch and step of RUN was best; writes nothing."
    ),
    "export": Entry(
        "compactor.cli.export:export",
        "Write RUN for other programs: charts, plain lines, a table, or the whole run.",
    ),
    "report": Entry(
        "reports.commands:report", "Draw a run as a web page and PNG charts, or in the terminal."
    ),
    "compare": Entry(
        "reports.comparison.command:compare",
        "Compare runs: a table, the best first, and charts that overlay them.",
    ),
}


class LazyGroup(click.Group):
    """A group that imports a command when it is called, and turns library errors into messages."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """The command itself, imported; ``None`` where the table has no such name."""
        entry = COMMANDS.get(cmd_name)
        return load(entry) if entry else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """The list of commands for ``--help``, from the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in COMMANDS.items()])

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run from the command line; what the terminal's encoding lacks is shown escaped."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        return super().main(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; what the library raises on purpose becomes a message and exit code 1.

        A closed pipe passes through: click ends quietly on it. An interrupt ends the command with
        the exit code that a shell gives it.
        """
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            _abort()
        except EverystepError as error:
            raise click.ClickException(str(error)) from error
        except BrokenPipeError:
            raise
        except OSError as error:
            if error.filename is None:
                raise
            raise click.ClickException(f"{error.filename}: {error.strerror}") from error


def _abort() -> NoReturn:
    click.echo("Aborted!", err=True)
    raise click.exceptions.Exit(_SIGINT_EXIT)


def load(entry: Entry) -> click.Command:
    """Import the command an entry of the table names."""
    module, _, attribute = entry.target.partition(":")
    command = getattr(importlib.import_module(module), attribute)
    if not isinstance(command, click.Command):
        raise TypeError(f"{entry.target} is no click command")
    return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="everystep", prog_name="everystep")
def main() -> None:
    """Log every training step; decide later what to draw."""


if __name__ == "__main__":
    main()
