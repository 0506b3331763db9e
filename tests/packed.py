"""What the script of a page does with packed numbers, one byte at a time."""

import base64
import zlib

import numpy as np

from reports.packing import Place
from reports.scale import Floats


def unpacked(text: str, place: Place) -> Floats:
    """The array that lies at a place of a packed text."""
    packed = zlib.decompress(base64.b64decode(text))
    start, count, width, differences = place
    planes = [packed[start + p * count : start + (p + 1) * count] for p in range(width)]
    numbers = [bytes(plane[i] for plane in planes) for i in range(count)]
    values = [np.frombuffer(number, f"<f{width}")[0] for number in numbers]
    read = np.array(values, dtype=np.float64)
    return np.cumsum(read) if differences else read
