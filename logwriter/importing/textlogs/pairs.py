"""Names and numbers on a line of a log: the grammar, and nothing that remembers.

A line is parts, divided by ``|``, by a comma and a blank, or by a dash between blanks. In a part stand::

    pair   = name ":" quantity, or name "=" quantity
    name   = a word; several words, with a unit such as "(ms)", where the pair begins its part
    step   = "step", "iteration" and the like, as a pair or bare: "iteration 10/100"
    bare   = name quantity, and nothing else in the part; only behind a bare step

A line without a step or an epoch counts for nothing, and so does one that looks like source code: braces,
quotes, calls, comparisons. Names of source files, as in ``train.py:357``, are no metrics.
"""

import re
from dataclasses import dataclass

from logwriter.importing.sayings import Sayings
from logwriter.importing.source import Options
from logwriter.importing.textlogs.quantities import QUANTITY, count, quantity

STEP_WORDS = (
    *("step", "steps", "global_step", "iteration", "iter", "iters", "it", "update", "s", "batch"),
)
"""Names of what counts steps, in lower case; the surest first."""
_STEPS = r"(?:global_)?steps?|iter(?:ation|s)?|update|batch|epoch"
_CODE = re.compile(
    r"[{}\"'`\\;]|==|[-+*/]=|:\s*$|^\s*(?:#|//|>>>|(?:import|from|def|class|return)\s)"
)
_CALL = re.compile(r"[A-Za-z_]\w*\(")
_LIKELY = re.compile(rf"\b(?:{_STEPS}|it|s)\b", re.IGNORECASE)
_PARTS = re.compile(r"\s*\|\s*|,\s+|\s-+\s")
_END = r"(?=[\s|)\]]|,(?!\d)|$)"
_WORD = r"[A-Za-z_][\w./@+%-]*"
_WORDS = rf"{_WORD}(?:\s+{_WORD}){{0,7}}?(?:\s?\([\w/%]+\))?"
_VALUE = rf"\s*[:=]\s*({QUANTITY}(?:\s*/\s*\d+)?){_END}"
_LONG = re.compile(rf"[\s\[(]*({_WORDS}){_VALUE}")
_SHORT = re.compile(rf"(?<![\w./-])({_WORD}){_VALUE}")
_BARE_STEP = re.compile(
    rf"\b({_STEPS})\s+(\d+[KM]?(?:\s*/\s*\d+)?)(?=\s*(?:[:)\]]|$)|\s+(?:{_STEPS})\b)", re.IGNORECASE
)
_BARE = re.compile(rf"\s*({_WORDS})\s+({QUANTITY})(?:\s*\([^()]*\))?(?=\s|$)")
_FILE = re.compile(r"\.(?:py|cc|cpp|cu|c|h|rs|go|js|ipynb)$")
_DATE = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,6})?(?:Z|[+-]\d\d:?\d\d)?(?!\d)")


@dataclass(frozen=True)
class Pairs:
    """What a line says.

    Attributes:
        step: Which name counts steps, and the step; ``None``: the line has none.
        epoch: As it stands there, perhaps with a fraction.
        values: The metrics.
        date: A date with a time of day, as it stands there.
    """

    step: tuple[str, int] | None
    epoch: str | None
    values: dict[str, float]
    date: str | None


def pairs_on(line: str, options: Options, sayings: Sayings) -> Pairs | None:
    """The pairs on a line; ``None`` where it has no step and no epoch, or nothing else.

    Args:
        line: Without control sequences.
        options: What the user named the step and the epoch.
        sayings: Told of what was left off.
    """
    if not (options.step or options.epoch or _LIKELY.search(line)) or _is_code(line):
        return None
    heard = Sayings()
    pairs = _pairs(line, heard)
    epoch_name = options.epoch or _named("epoch", pairs)
    epoch = pairs.pop(epoch_name, None) if epoch_name else None
    step = _take_step(pairs, options.step, heard)
    if step is None and epoch is None:
        return None
    numbers = {name: quantity(value, heard) for name, value in pairs.items()}
    values = {name: number for name, number in numbers.items() if number is not None}
    if not values:
        return None
    for note in heard.notes():
        sayings.say(note.text)
    date = _DATE.search(line)
    return Pairs(step, epoch and epoch.partition("/")[0].strip(), values, date[0] if date else None)


def _is_code(line: str) -> bool:
    return _CODE.search(line) is not None or ("(" in line and _CALL.search(line) is not None)


def _pairs(line: str, sayings: Sayings) -> dict[str, str]:
    pairs: dict[str, str] = {}
    bare = False
    for place, part in enumerate(_PARTS.split(line)):
        steps = list(_BARE_STEP.finditer(part))
        rest = part
        if steps:
            before, after = part[: steps[0].start()], part[steps[-1].end() :].lstrip(" :)]")
            rest = after or before
        found = [(step[1], step[2]) for step in steps]
        found += _in_part(rest, long=place > 0 or bool(steps and after), bare=bare or bool(steps))
        bare |= bool(steps)
        for name, value in found:
            if name in pairs:
                sayings.say(f"{name!r} stands more than once on a line: the first counts")
            elif "." not in name or not _FILE.search(name):
                pairs[name] = value
    return pairs


def _in_part(part: str, *, long: bool, bare: bool) -> list[tuple[str, str]]:
    first = _LONG.match(part) if long else None
    pairs = [(first[1], first[2])] if first else []
    begin = first.end() if first else 0
    if begin < len(part):
        pairs += [(pair[1], pair[2]) for pair in _SHORT.finditer(part, begin)]
    if pairs or not bare:
        return pairs
    loose = list(_BARE.finditer(part))
    covers = loose and sum(pair.end() - pair.start() for pair in loose) == len(part.rstrip())
    return [(pair[1], pair[2]) for pair in loose] if covers else []


def _take_step(
    pairs: dict[str, str], named: str | None, sayings: Sayings
) -> tuple[str, int] | None:
    for word in (named,) if named else STEP_WORDS:
        name = named or _named(word, pairs)
        at = count(pairs[name], sayings) if name in pairs else None
        if name is not None and at is not None:
            del pairs[name]
            return name, at
    return None


def _named(word: str, pairs: dict[str, str]) -> str | None:
    return next((name for name in pairs if name.lower() == word), None)
