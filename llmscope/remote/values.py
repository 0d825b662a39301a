"""Values as bytes and back: JSON with arrays beside it, and no pickle in either direction.

A frame is the length of a header (4 bytes, little-endian), the header, and buffers. The header is
JSON: ``{"value": …, "buffers": [[bytes, bytes as sent], …]}``. What JSON lacks is an object with
the key "$": an array, a tuple, a slice, or one of the classes listed in `_CLASSES`, by its name.
Arrays are sent as they are, or compressed where that makes them at least a fifth smaller.
"""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import fields, is_dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from llmscope.extras import data_frame
from llmscope.words import say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

LARGEST = 256 * 2**20  # bytes of one frame, once it is read
_DTYPES = frozenset(
    ["bool", "int8", "int16", "int32", "int64", "uint8", "float16", "float32", "float64"]
)
_MARK = "$"
_WORTH = 4096  # bytes from which compressing is tried, on a sample as long
_PAYS = 0.8
_DEEPEST = 100
_MOST_VALUES = 1_000_000  # of one frame

_CLASSES = {
    "llmscope.text.tokens": ("Token",),
    "llmscope.text.rows": ("AlignedTokens",),
    "llmscope.capture.facts": ("Facts",),
    "llmscope.analysis.arithmetic": ("QKV",),
    "llmscope.analysis.steps": ("Feature", "Steps"),
    "llmscope.analysis.logit_lens": ("Lens",),
    "llmscope.analysis.effects.question": ("Question",),
    "llmscope.analysis.effects.effects": ("Effects", "Part"),
    "llmscope.analysis.structure.structure": ("Structure",),
    "llmscope.analysis.structure.boxes": ("Box", "Position", "Run", "Stage", "Tap", "Tower"),
    "llmscope.analysis.comparison.lens": ("LensDifference",),
    "llmscope.analysis.comparison.next_text": ("NextTextDifference",),
    "llmscope.corpus.measure": ("Edges", "Measured"),
    "llmscope.corpus.reading": ("Read",),
    "llmscope.generation.node": ("Node",),
    "llmscope.sampling.stages": ("Stage",),
}


class FrameError(ValueError):
    """Bytes that are no frame, or one that is too large."""


def packed(value: Any) -> bytes:
    """Return a value as a frame.

    Raises
    ------
    TypeError
        For what can't be sent, such as a function.
    """
    buffers: list[bytes] = []
    sizes: list[list[int]] = []

    def store(array: NDArray[Any]) -> int:
        data = np.ascontiguousarray(array).tobytes()
        sent = _smaller(data, array.itemsize)
        buffers.append(sent)
        sizes.append([len(data), len(sent)])
        return len(sizes) - 1

    written = _written(value, store)
    header = json.dumps({"value": written, "buffers": sizes}, separators=(",", ":")).encode()
    return b"".join([struct.pack("<I", len(header)), header, *buffers])


def unpacked(
    frame: bytes, *, classes: bool = True, tokenizer: Any = None, largest: int = LARGEST
) -> Any:
    """Return the value of a frame.

    Parameters
    ----------
    frame
        What `packed` returned.
    classes
        Whether objects of our own classes may be in it; else only plain values and arrays.
    tokenizer
        What objects that label tokens do it with.
    largest
        Bytes that it may take.

    Raises
    ------
    FrameError
        For anything else.
    """
    try:
        (length,) = struct.unpack_from("<I", frame)
        header = json.loads(frame[4 : 4 + length])
        sizes, value = header["buffers"], header["value"]
        if not all(type(n) is int and n >= 0 for pair in sizes for n in pair):
            raise FrameError("sizes")
        if sum(size for size, _ in sizes) + len(frame) > largest:
            raise FrameError(say("A message is too large: {most:,} bytes at most.", most=largest))
        buffers = [*_cut(frame, 4 + length, sizes)]
        return _Reader(buffers, classes, tokenizer).read(value, 0)
    except FrameError:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, struct.error) as error:
        raise FrameError(say("A message can't be read.")) from error
    except (RecursionError, zlib.error, MemoryError, OverflowError) as error:
        raise FrameError(say("A message can't be read.")) from error


def _cut(frame: bytes, at: int, sizes: list[list[int]]) -> Iterator[bytes]:
    for size, sent in sizes:
        part = frame[at : at + sent]
        at += sent
        if len(part) != sent:
            raise FrameError("cut")
        if sent == size:
            yield part
            continue
        width, rest = part[0], zlib.decompressobj()
        planes = rest.decompress(part[1:], size + 1)
        if len(planes) != size or not width or size % width:
            raise FrameError("size")
        yield np.frombuffer(planes, np.uint8).reshape(width, -1).T.tobytes()
    if at != len(frame):
        raise FrameError("rest")


def _smaller(data: bytes, width: int) -> bytes:
    """Return bytes by planes and compressed, behind the bytes of a number; or as they are."""
    if len(data) < _WORTH:
        return data
    sample = data[: _WORTH - _WORTH % width]
    if len(zlib.compress(_planes(sample, width), 1)) > _PAYS * len(sample):
        return data
    sent = bytes([width]) + zlib.compress(_planes(data, width), 1)
    return sent if len(sent) < _PAYS * len(data) else data


def _planes(data: bytes, width: int) -> bytes:
    return np.frombuffer(data, np.uint8).reshape(-1, width).T.tobytes()


def _written(value: Any, store: Any) -> Any:
    """Return a value as JSON has it, its arrays in buffers."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, np.ndarray):
        if str(value.dtype) not in _DTYPES:
            raise TypeError(f"An array of {value.dtype} can't be sent.")
        return {
            _MARK: "array",
            "of": str(value.dtype),
            "shape": list(value.shape),
            "buffer": store(value),
        }
    if isinstance(value, np.generic):
        return _written(value.item(), store)
    if isinstance(value, list):
        return [_written(item, store) for item in value]
    if isinstance(value, dict):
        if not all(isinstance(name, str) and not name.startswith(_MARK) for name in value):
            pairs = [[_written(name, store), _written(item, store)] for name, item in value.items()]
            return {_MARK: "pairs", "of": pairs}
        return {name: _written(item, store) for name, item in value.items()}
    if isinstance(value, slice):
        return {_MARK: "slice", "of": [value.start, value.stop, value.step]}
    name = type(value).__name__
    if (known := _names().get(type(value))) is not None:
        named = {one: _written(getattr(value, one), store) for one in _fields(known)}
        return {_MARK: known, "of": named}
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        return {_MARK: "tuple", "of": [_written(item, store) for item in value]}
    if name == "DataFrame":
        columns = {str(one): np.asarray(value[one]) for one in value.columns}
        plain = {one: a if str(a.dtype) in _DTYPES else a.tolist() for one, a in columns.items()}
        return {_MARK: "table", "of": _written(plain, store)}
    raise TypeError(f"{name} can't be sent to another machine.")


class _Reader:
    def __init__(self, buffers: list[bytes], classes: bool, tokenizer: Any) -> None:
        self._buffers: list[bytes | None] = [*buffers]
        self._left = _MOST_VALUES
        self._classes = classes
        self._tokenizer = tokenizer

    def read(self, value: Any, depth: int) -> Any:
        self._left -= 1
        if depth > _DEEPEST or not self._left:
            raise FrameError("deep")
        if isinstance(value, list):
            return [self.read(item, depth + 1) for item in value]
        if not isinstance(value, dict):
            return value
        if _MARK not in value:
            return {name: self.read(item, depth + 1) for name, item in value.items()}
        what, of = value[_MARK], value["of"]
        if what == "array":
            return self._array(of, value["shape"], value["buffer"])
        if what == "tuple":
            return tuple(self.read(of, depth + 1))
        if what == "slice":
            start, stop, step = of
            return slice(start, stop, step)
        if what == "pairs":
            return dict(self.read(of, depth + 1))
        if not self._classes:
            raise FrameError(what)
        if what == "table":
            return data_frame("this read")(self.read(of, depth + 1))
        kind = _classes()[what]
        named = {name: self.read(item, depth + 1) for name, item in of.items()}
        if "_tokenizer" in {one.name for one in fields(kind)} if is_dataclass(kind) else False:
            named["_tokenizer"] = self._tokenizer
        return kind(**named)

    def _array(self, of: str, shape: list[int], buffer: int) -> NDArray[Any]:
        if of not in _DTYPES or buffer < 0 or not all(type(n) is int and n >= 0 for n in shape):
            raise FrameError("array")
        # Each is of one array: a small frame can't become a large value.
        data, self._buffers[buffer] = self._buffers[buffer], None
        if data is None:
            raise FrameError("array")
        return np.frombuffer(data, of).reshape(shape).copy()


@cache
def _classes() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for module, names in _CLASSES.items():
        for name in names:
            found[f"{module.rpartition('.')[2]}.{name}"] = getattr(import_module(module), name)
    return found


@cache
def _names() -> dict[Any, str]:
    return {kind: name for name, kind in _classes().items()}


@cache
def _fields(name: str) -> tuple[str, ...]:
    own = _classes()[name]
    named = own._fields if hasattr(own, "_fields") else [one.name for one in fields(own)]
    return tuple(name for name in named if name != "_tokenizer")
