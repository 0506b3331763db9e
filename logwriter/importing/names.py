"""Well-known names of what counts steps, of epochs and of times, whatever the format."""

from collections.abc import Iterable, Iterator, Sequence

STEPS = (
    *("step", "_step", "global_step", "total_timesteps", "timesteps_total", "current_steps"),
    *("num_env_steps", "totalenvinteracts", "num_updates"),
    *("iteration", "iterations", "iter", "iters", "n_iter", "itr", "it", "steps"),
    *("_tick", "tick", "frame", "frames", "update", "updates", "batch"),
)
"""Names of what counts steps, the surest first."""
WITHIN = ("iter", "iters", "batch")
"""Those of them that validation may count from its own beginning."""
EPOCHS = ("epoch", "epochs", "current_epoch", "epoch_num")
TIMES = (
    *("timestamp", "_timestamp", "wall_time", "datetime", "asctime", "date", "created_at", "ts"),
    *("time", "_time"),
)
"""Names of moments; ``time`` is more often how long something took, so it comes late."""


def known_among(names: Sequence[str], known: Iterable[str]) -> Iterator[str]:
    """Those of the names that are well known, in the order of ``known``; whole names before their ends.

    Case does not matter; the end is what stands behind the last slash, as in ``trainer/global_step``.
    """
    whole = {plain(name): name for name in reversed(names)}
    ends = {plain(name).rpartition("/")[2]: name for name in reversed(names) if "/" in name}
    wanted = tuple(known)
    for found in (whole, ends):
        yield from (found[each] for each in wanted if each in found)


def plain(name: str) -> str:
    """A name as it is compared: ``Global Step`` is ``global_step``."""
    return name.strip().lower().replace(" ", "_").replace("-", "_")
