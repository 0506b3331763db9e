"""Hyper-parameters as frameworks hand them on: objects of the user, turned into what a log can hold.

Training does not fail for one of them. What cannot be turned into text, or holds itself, is left out and
named in its place.
"""

from argparse import Namespace
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from logwriter import events as ev


def tellable(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration as JSON can hold it; namespaces and dataclasses in it become mappings."""
    told: dict[str, Any] = {}
    for key, value in config.items():
        try:
            told |= ev.plain({key: _opened_through(value)})
        except Exception as error:  # noqa: BLE001  whatever it does when asked for its text
            why = f"a {type(value).__name__} that cannot be written: {type(error).__name__}"
            told |= ev.plain({key: why})
    return told


def opened(params: Any) -> Any:
    """A namespace or dataclass as a mapping of its values, not copied; all else as it is."""
    if isinstance(params, Namespace):
        return vars(params)
    if is_dataclass(params) and not isinstance(params, type):
        return {each.name: getattr(params, each.name) for each in fields(params)}
    return params


def _opened_through(params: Any) -> Any:
    params = opened(params)
    if isinstance(params, Mapping):
        return {key: _opened_through(value) for key, value in params.items()}
    return params
