"""Buffers on CUDA devices, as `logwriter.device` needs them."""

from collections.abc import Hashable, Sequence
from typing import Any

import torch

from logwriter.device import CAPACITY


def locate(tensor: Any) -> Hashable:
    """The device of the tensor, and the stream in use there."""
    return tensor.device, torch.cuda.current_stream(tensor.device)


class CudaBuffer:
    """Room for numbers on one device, filled by the stream in use when it was made."""

    def __init__(self, tensor: Any) -> None:
        """Make one where ``tensor`` lies."""
        self._device = tensor.device
        self._stream = torch.cuda.current_stream(self._device)
        self._numbers = torch.empty(CAPACITY, dtype=torch.float64, device=self._device)

    def gather(self, tensors: Sequence[Any], at: int) -> None:
        """Copy tensors of one element next to each other, on the device, without waiting.

        Raises:
            RuntimeError: A graph is being captured: the copy would be part of the graph.
        """
        if torch.cuda.is_current_stream_capturing():
            raise RuntimeError("a CUDA graph is being captured: log what is computed outside of it")
        scalars = [tensor.detach().reshape(()) for tensor in tensors]
        torch.stack(scalars, out=self._numbers[at : at + len(scalars)])

    def send(self, count: int) -> None:
        """Begin to copy the first ``count`` numbers, when the device has got so far. Does not wait."""
        self._here = torch.empty(count, dtype=torch.float64, pin_memory=True)
        self._arrived = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
        with torch.cuda.device(self._device):
            own = torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call]
            own.wait_stream(self._stream)
            with torch.cuda.stream(own):
                self._here.copy_(self._numbers[:count], non_blocking=True)
                self._arrived.record(own)

    def has_arrived(self) -> bool:
        """Whether they are here."""
        return bool(self._arrived.query())  # type: ignore[no-untyped-call]

    def take(self) -> list[float]:
        """The numbers; waits until they are here, without the interpreter's lock."""
        self._arrived.synchronize()
        numbers: list[float] = self._here.tolist()
        return numbers
