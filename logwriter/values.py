"""What may be logged as a number, and where it lies."""

import sys
from collections.abc import Iterable
from typing import Any

PLAIN = frozenset({float, int, bool})


class OnDeviceError(Exception):
    """A value lies on a GPU: asking for its number would wait for all that the GPU has yet to do."""


def is_tensor(value: Any) -> bool:
    """Whether the value is a tensor of PyTorch, or something alike."""
    return hasattr(value, "detach")


def is_on_device(value: Any) -> bool:
    """Whether the value is one number on a CUDA device.

    Raises:
        TypeError: It lies there, and is a complex number or several.
    """
    if value.__class__ in PLAIN or getattr(value, "is_cuda", False) is not True:
        return False
    if value.numel() != 1 or value.is_complex():
        raise TypeError("several or complex numbers")
    return True


def are_numbers_at_hand(values: Iterable[Any]) -> bool:
    """Whether all values are numbers of Python: no code runs when they are asked, and no GPU waits."""
    return PLAIN.issuperset(map(type, values))


def number_at_hand(value: Any) -> Any:
    """The number of a tensor on the CPU, without the warning that it needs a gradient; else the value.

    Raises:
        OnDeviceError: The value lies on a device.
    """
    if is_tensor(value):
        if value.is_cuda is True:
            raise OnDeviceError
        return value.item()
    return value


def to_float(value: Any) -> float:
    """The value as a float, whatever kind of number it is.

    Raises:
        Exception: It is no number; which exception is the value's own choice.
    """
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, str | bytes | bytearray):
        raise TypeError("text")
    return float(value)


def is_cuda_in_use() -> bool:
    """Whether this process has begun to use CUDA through PyTorch, so that any value may lie there."""
    cuda = getattr(sys.modules.get("torch"), "cuda", None)
    is_initialized = getattr(cuda, "is_initialized", None)
    return is_initialized is not None and bool(is_initialized())
