"""Taking secrets out of what is recorded about a program. Pure.

Names decide, and the shapes of well-known keys. What is masked is masked for good: a mask too many
costs a fact, one too few a key.
"""

import re
from collections.abc import Iterable

MASK = "***"

_SECRET_WORDS = frozenset(
    "apikey credential credentials passphrase passwd password pwd secret secrets".split()
)
_KEY_OWNERS = frozenset(
    "access account anthropic api auth aws azure comet encryption hf huggingface neptune openai "
    "private secret ssh wandb".split()
)
_VOCABULARY = frozenset("bos cls eos image mask pad sep special start stop text unk".split())
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_ASSIGNMENT = re.compile(r"(-{0,2}\+{0,2})([A-Za-z][\w.@/-]*)=(.*)", re.DOTALL)
_OPTION = re.compile(r"--?([A-Za-z][\w.-]+)")
_KNOWN_KEYS = re.compile(
    r"\b(hf_\w{20,}|sk-[\w-]{20,}|gh[oprsu]_\w{30,}|github_pat_\w{30,}|glpat-[\w-]{20,}"
    r"|AKIA[0-9A-Z]{16}|xox[abprs]-[\w-]{10,}|eyJ[\w-]{10,}\.[\w-]+\.[\w-]+)"
)
_USER_AND_PASSWORD = re.compile(r"(?<=://)[^/\s]*:[^/\s]*@")
_USER = re.compile(r"(?<=://)[^/\s]*@")


def mask_arguments(arguments: Iterable[str]) -> list[str]:
    """A command line with what looks like a secret replaced by ``***``.

    ``--api-key=...``, ``--token ...``, ``wandb.api_key=...``, passwords in URLs, and keys of
    well-known shapes wherever they stand.
    """
    masked: list[str] = []
    is_secret = False
    for argument in arguments:
        option = _OPTION.fullmatch(argument)
        if is_secret and not (option and argument.startswith("--")):
            masked.append(MASK)
            is_secret = False
            continue
        masked.append(_mask_one(argument))
        is_secret = option is not None and names_a_secret(option[1])
    return masked


def names_a_secret(name: str) -> bool:
    """Whether what goes by this name is better not written down.

    A name is taken apart into words. Tokens of a vocabulary (``--pad-token``), counts of them
    (``--max-tokens``) and keys of a data set (``--label-key``) are no secrets.
    """
    words = [word.lower() for word in _WORD.findall(name)]
    if not words:
        return False
    if _SECRET_WORDS.intersection(words):
        return True
    before = words[-2] if len(words) > 1 else ""
    if words[-1] == "token":
        return before not in _VOCABULARY
    return words[-1] == "key" and before in _KEY_OWNERS


def without_credentials(url: str) -> str:
    """An address without its user and password; ``ssh://git@host`` and ``git@host:path`` stay."""
    if url.startswith("ssh://") and not _USER_AND_PASSWORD.search(url):
        return url
    return _KNOWN_KEYS.sub(MASK, _USER.sub("", url))


def _mask_one(argument: str) -> str:
    assignment = _ASSIGNMENT.fullmatch(argument)
    if assignment and names_a_secret(assignment[2]):
        return f"{assignment[1]}{assignment[2]}={MASK}"
    return _KNOWN_KEYS.sub(MASK, _USER_AND_PASSWORD.sub(f"{MASK}@", argument))
