"""MLflow's own stores, without MLflow: folders ``mlruns``, and ``mlflow.db`` of SQLite. Each run is a run.

Parameters are the configuration, as the texts they are there. Tags are tags; MLflow's own tags, and the
experiment, are the environment. Metrics of a run are interleaved by time, then step.
"""

from collections.abc import Iterator

from logwriter.errors import EverystepError
from logwriter.importing.formats import Format
from logwriter.importing.items import Item
from logwriter.importing.mlflowstore import database, folders
from logwriter.importing.source import Look, Options, Source


def detects(looked: Look) -> bool:
    """A folder of runs, of experiments, or one run; or a database with MLflow's tables."""
    if looked.is_folder:
        return folders.holds_runs(looked.path)
    return looked.head.startswith(database.MAGIC) and database.is_mlflow(looked.path)


def finds(looked: Look, options: Options) -> list[Source]:
    """The runs, in the order of their experiments.

    Raises:
        EverystepError: There is none.
    """
    if not detects(looked):
        raise EverystepError(
            f"{looked.path} is neither MLflow's folder mlruns, nor an experiment or run in it, nor its "
            "database mlflow.db"
        )
    runs_in = folders.runs_in if looked.is_folder else database.runs_in
    return runs_in(looked.path, options)


def reads(source: Source) -> Iterator[Item]:
    """The rows of one run, what is known of it, and how it ended.

    Raises:
        EverystepError: ``meta.yaml`` is unreadable, or the database is.
    """
    items_of = folders.items_of if source.path.is_dir() else database.items_of
    return items_of(source)


FORMAT = Format("mlflow", "MLflow's mlruns and mlflow.db", detects, finds, reads)
