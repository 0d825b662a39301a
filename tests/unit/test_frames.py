"""Values as bytes, and back."""

from __future__ import annotations

import random
import struct
from contextlib import suppress

import numpy as np
import pytest

from llmscope.remote.values import FrameError, packed, unpacked


def test_values_come_back_as_they_were():
    rng = np.random.default_rng(0)
    arrays = [
        rng.normal(size=(3, 5)).astype(np.float32),
        np.tri(200, dtype=np.float32),
        np.zeros((0, 4), np.int64),
        np.array([True, False]),
        rng.normal(size=4).astype(np.float16),
    ]
    value = {"arrays": arrays, "t": (1, "é\ud83d", None), "s": slice(None, 3), "n": [1.5, -0.0]}
    value = {**value, "by number": {0: (4, 2), 3: (4, 2)}}
    back = unpacked(packed(value))
    assert back["t"] == value["t"]
    assert back["s"] == value["s"]
    assert back["by number"] == value["by number"]
    for one, other in zip(arrays, back["arrays"], strict=True):
        assert one.dtype == other.dtype
        assert np.array_equal(one, other)
    assert np.isnan(unpacked(packed(float("nan"))))
    assert len(packed(arrays[1])) < arrays[1].nbytes / 10  # it pays to compress zeros


def test_what_is_no_frame_is_refused_and_nothing_else_happens():
    frame = packed({"a": np.arange(3000, dtype=np.float32), "b": (1, [2, {"c": slice(1)}])})
    chance = random.Random(0)
    for _ in range(3000):
        broken = bytearray(frame)
        for _ in range(chance.randint(1, 5)):
            broken[chance.randrange(chance.choice([8, 200, len(broken)]))] = chance.randrange(256)
        end = chance.choice([len(broken), chance.randrange(len(broken))])
        with suppress(FrameError):
            unpacked(bytes(broken[:end]))
    for value in ('{"value":' + "[" * 5000 + "]" * 5000 + ',"buffers":[]}', "{}", "[]"):
        data = value.encode()
        with pytest.raises(FrameError):
            unpacked(len(data).to_bytes(4, "little") + data)


def test_a_small_frame_cannot_become_a_large_value():
    frame = packed(np.zeros(10_000_000, np.uint8))
    assert len(frame) < 100_000
    with pytest.raises(FrameError, match="too large"):
        unpacked(frame, largest=1_000_000)


def test_one_buffer_is_of_one_array():
    array = packed(np.zeros(100_000, np.uint8))
    again = array.replace(
        b'"value":{"$":"array","of":"uint8","shape":[100000],"buffer":0}',
        b'"value":['
        + b",".join([b'{"$":"array","of":"uint8","shape":[100000],"buffer":0}'] * 2)
        + b"]",
    )
    assert again != array
    (length,) = struct.unpack_from("<I", array)
    longer = length + len(again) - len(array)
    with pytest.raises(FrameError):
        unpacked(struct.pack("<I", longer) + again[4:])
