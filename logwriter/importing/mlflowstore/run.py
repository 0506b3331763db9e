"""What MLflow knows of a run besides its metrics, as facts and an end."""

from collections.abc import Mapping
from typing import Any

from logwriter.importing.items import Ended, Facts

NAME_TAG = "mlflow.runName"
"""The tag that holds the name of a run."""
_OWN = "mlflow."
_STATUS = {
    "3": Ended("completed"),
    "FINISHED": Ended("completed"),
    "4": Ended("failed"),
    "FAILED": Ended("failed"),
    "5": Ended("failed", "it was killed"),
    "KILLED": Ended("failed", "it was killed"),
}


def facts_of(
    *, run_id: str, experiment: str | None, params: Mapping[str, Any], tags: Mapping[str, str]
) -> Facts:
    """The configuration, tags and environment of a run."""
    own = {key: value for key, value in tags.items() if key.startswith(_OWN)}
    return Facts(
        config=params,
        environment={"mlflow.run_id": run_id, "mlflow.experiment": experiment, **own},
        tags=tuple(f"{key}={value}" for key, value in tags.items() if key not in own),
    )


def end_of(status: Any) -> Ended:
    """How it ended, by MLflow's number or word for it; one that runs or is to run has not."""
    return _STATUS.get(str(status), Ended("unfinished"))
