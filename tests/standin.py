"""A stand-in for a GPU: it computes when it is let go on, and nobody may ask a tensor for its number."""

import threading
from collections.abc import Hashable, Sequence
from typing import Any

from logwriter import appender
from logwriter.device import DeviceValues


class Device:
    """A queue of copies, done when the device `runs`; `fails` says that it has broken down."""

    def __init__(self) -> None:
        self.runs = threading.Event()
        self.runs.set()
        self.fails = False
        self.gathered = 0


class Tensor:
    """One number on the device. Asking for it would stop the training."""

    is_cuda = True

    def __init__(self, device: Device, number: float, size: int = 1) -> None:
        self.device, self.number, self.size = device, number, size

    def numel(self) -> int:
        """How many elements it has."""
        return self.size

    def is_complex(self) -> bool:
        """Whether its numbers are complex."""
        return False

    def detach(self) -> "Tensor":
        """Itself, without what it came from."""
        return self

    def item(self) -> float:
        """Its number: never asked for."""
        if self.size != 1:
            raise RuntimeError(f"a tensor with {self.size} elements is no number")
        raise AssertionError("this waits for the device")

    def __float__(self) -> float:
        return self.item()


class Buffer:
    """Numbers on the device."""

    def __init__(self, tensor: Tensor) -> None:
        self._device = tensor.device
        self._numbers: dict[int, float] = {}

    def gather(self, tensors: Sequence[Any], at: int) -> None:
        """Copy the tensors' numbers next to each other."""
        self._device.gathered += 1
        if self._device.fails:
            raise RuntimeError("the device is lost")
        self._numbers |= {at + k: tensor.number for k, tensor in enumerate(tensors)}

    def send(self, count: int) -> None:
        """Begin to copy."""
        self._count = count

    def has_arrived(self) -> bool:
        """Whether the device ran since."""
        return self._device.runs.is_set()

    def take(self) -> list[float]:
        """The first numbers, once the device runs."""
        assert self._device.runs.wait(20)
        if self._device.fails:
            raise RuntimeError("the device is lost")
        return [self._numbers.get(k, -1e9) for k in range(self._count)]


def locate(tensor: Tensor) -> Hashable:
    """Where a tensor lies."""
    return id(tensor.device)


def plug_in(run: appender.Appender) -> Device:
    """Let the run's tensors lie on a stand-in."""
    run._device = DeviceValues(locate, Buffer)
    return Device()
