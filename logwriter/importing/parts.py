"""Parts of the data, where a record itself says of which it is: its metrics get the part in front.

So ``loss`` of a record of ``phase`` ``val`` is ``val/loss``, and never mixes with that of training.
"""

NAMES = ("mode", "split", "phase")
"""What columns and keys are called that say it."""
TRAINING = "train"
_WORDS = {name: name for name in (TRAINING, "val", "test", "eval")} | {
    "training": TRAINING,
    "validation": "val",
    "valid": "val",
    "evaluation": "eval",
    "testing": "test",
}
SAID = "train/, val/ and the like in front of names is what the record itself says it is of"

FOLLOWING = "validation records have the step of the training record before"


def part_of(word: str) -> str | None:
    """The part that a word means; ``None``: none."""
    return _WORDS.get(word.strip().lower())


def in_part(name: str, part: str) -> str:
    """A metric's name with the part in front, once."""
    return name if name.startswith(f"{part}/") else f"{part}/{name}"
