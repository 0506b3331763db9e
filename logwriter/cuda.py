"""Buffers on CUDA devices, as `logwriter.device` needs them."""

from collections.abc import Hashable, Sequence
from typing import Any

import torch

from logwriter.device import CAPACITY

_GATHERED = frozenset(
    {
        torch.float64,
        torch.float32,
        torch.float16,
        torch.bfloat16,
        torch.int64,
        torch.int32,
        torch.bool,
    }
)


def locate(tensor: Any) -> Hashable:
    """The device of the tensor, and the stream in use there."""
    return tensor.device, torch.cuda.current_stream(tensor.device)


class CudaBuffer:
    """Room for numbers on one device, filled by the stream in use when it was made."""

    def __init__(self, tensor: Any) -> None:
        """Make one where ``tensor`` lies."""
        self._device = tensor.device
        self._stream = torch.cuda.current_stream(self._device)
        _refuse_capture()
        with torch.inference_mode(mode=False):  # it outlives a validation that logs first
            self._numbers = torch.empty(CAPACITY, dtype=torch.float64, device=self._device)

    def gather(self, tensors: Sequence[Any], at: int) -> None:
        """Copy tensors of one element next to each other, on the device, without waiting.

        Raises:
            RuntimeError: A graph is being captured: the copy would be part of the graph.
        """
        _refuse_capture()
        scalars = [_scalar(tensor) for tensor in tensors]
        torch.stack(scalars, out=self._numbers[at : at + len(scalars)])

    def send(self, count: int) -> None:
        """Begin to copy the first ``count`` numbers, when the device has got so far. Does not wait."""
        self._here = torch.empty(count, dtype=torch.float64, device="cpu", pin_memory=True)
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


def _scalar(tensor: Any) -> Any:
    """The tensor without shape and history, in a type that numbers can be gathered from."""
    scalar = tensor.detach().reshape(())
    return scalar if scalar.dtype in _GATHERED else scalar.to(torch.float64)


def _refuse_capture() -> None:
    if torch.cuda.is_current_stream_capturing():
        raise RuntimeError("a CUDA graph is being captured: log what is computed outside of it")
