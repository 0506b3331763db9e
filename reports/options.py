"""Options of the commands that draw: what is written, where, and how it looks."""

from pathlib import Path

import click

FORMATS = click.option(
    "--format",
    "formats",
    type=click.Choice(["html", "png", "svg", "pdf"]),
    multiple=True,
    default=("html", "png"),
    show_default=True,
    help="What to write; may be given more than once.",
)
THEME = click.option(
    "--theme",
    type=click.Choice(["light", "dark", "paper"]),
    default="light",
    show_default=True,
    help="The colours of the images; those of paper can be told apart without colour. "
    "The page is light or dark as its reader has set it.",
)
SIZE = click.option(
    "--size",
    type=click.Choice(["slide", "paper", "screen"]),
    default="screen",
    show_default=True,
    help="What the images are for: their size, resolution and the size of their letters.",
)
FOLDER = click.Path(path_type=Path, file_okay=False)
"""The type of ``--output``."""
