"""The one encoder of arrays: JSON values in which arrays are references to binary buffers."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from llmscope.text import clean

if TYPE_CHECKING:
    from numpy.typing import NDArray

DTYPES = ("float32", "float16", "int32", "uint8")  # those that the page reads
_SQUARE = 64  # cells a side, from which it pays to leave half of a matrix out


class Buffers(ABC):
    """Binary buffers, and the values that refer to them by number."""

    def encoded(self, item: Any) -> Any:
        """Return `item` as JSON has it.

        Arrays are references, NaN and infinities null, and lone surrogates are replaced.

        Parameters
        ----------
        item
            Arrays of one of `DTYPES`, numbers, texts, and lists, tuples or dictionaries of them.

        Raises
        ------
        TypeError
            For an array of another type.
        """
        if isinstance(item, np.ndarray):
            if str(item.dtype) not in DTYPES:
                raise TypeError(
                    f"An array of {item.dtype} can't be sent to a page, which reads "
                    f"{', '.join(DTYPES[:-1])} and {DTYPES[-1]}. Convert it first."
                )
            return self._reference(item)
        if isinstance(item, dict):
            return {name: self.encoded(value) for name, value in item.items()}
        if isinstance(item, (list, tuple)):
            return [self.encoded(value) for value in item]
        if isinstance(item, float) and not np.isfinite(item):
            return None
        if isinstance(item, str) and not item.isascii():
            return clean(item)
        return item

    @abstractmethod
    def _reference(self, array: NDArray[Any]) -> dict[str, Any]:
        """Store an array; return its buffer, dtype and shape."""


class MessageBuffers(Buffers):
    """Buffers of one message to a page.

    Attributes
    ----------
    parts
        The bytes of each array. Of a square matrix with nothing above the diagonal, only the
        other cells, row by row.
    """

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def _reference(self, array: NDArray[Any]) -> dict[str, Any]:
        flat = np.ascontiguousarray(array).ravel()
        lower = False
        if array.ndim == 2 and len(array) == array.shape[1] >= _SQUARE:
            above, below = _triangles(len(array))
            lower = not flat.take(above).any()
            flat = flat.take(below) if lower else flat
        self.parts.append(flat.tobytes())
        reference = {
            "buffer": len(self.parts) - 1,
            "dtype": str(array.dtype),
            "shape": list(array.shape),
        }
        return {**reference, "lower": True} if lower else reference


class PageBuffers(Buffers):
    """Buffers of a whole page, each stored once.

    Attributes
    ----------
    parts
        The bytes of each array with the bytes of a number: all first bytes of the numbers come
        first, then all second ones, as they compress better.
    """

    def __init__(self) -> None:
        self.parts: list[tuple[bytes, int]] = []
        self._known: dict[bytes, int] = {}

    def _reference(self, array: NDArray[Any]) -> dict[str, Any]:
        array = np.ascontiguousarray(array)
        width = array.itemsize
        data = array.view(np.uint8).reshape(-1, width).T.tobytes() if array.size else b""
        digest = hashlib.sha256(data + bytes([width])).digest()
        if digest not in self._known:
            self._known[digest] = len(self.parts)
            self.parts.append((data, width))
        return {
            "buffer": self._known[digest],
            "dtype": str(array.dtype),
            "shape": list(array.shape),
        }


@lru_cache(maxsize=4)
def _triangles(side: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the flat indices of cells (side, side) above the diagonal, and of the others."""
    above = np.triu(np.ones((side, side), dtype=bool), 1).ravel()
    return np.flatnonzero(above), np.flatnonzero(~above)
