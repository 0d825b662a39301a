"""One pass over a text, several ways, in a process of its own.

``python -m tests.bench.passes memory WAY TOKENS`` prints how many bytes a way takes at its peak,
beyond the loaded model; ``… seconds WAY,WAY TOKENS`` the median seconds of each, taken in turns.
"""

from __future__ import annotations

import copy
import ctypes
import gc
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

import llmscope
from llmscope.capture import NEVER
from llmscope.capture.hooks import record_attention
from llmscope.capture.undo import restoring
from tests.bench.table import interleaved

TEXT = "The cat sat on the mat because it was very tired, and the dog looked at it. "


def text_of(scope: llmscope.Scope, tokens: int) -> str:
    """Give a text of so many tokens."""
    ids = scope.tokenizer(TEXT * (tokens // 10 + 1))["input_ids"][:tokens]
    text = scope.tokenizer.decode(ids)
    assert scope.tokenizer(text)["input_ids"] == ids
    return text


def load() -> llmscope.Scope:
    """Load the default model, quietly."""
    return llmscope.load(device="cpu", progress=lambda *_: None)


def work(scope: llmscope.Scope, way: str, text: str) -> Callable[[], object]:
    """Give what a way does with a text.

    ``body``
        The model without its head.
    ``capture``
        The same while the tap records it.
    ``row``
        The model without its head but for one row of logits.
    ``trace``
        `Scope.trace`, with tokenizing, labels and that row; nothing is cached.
    ``warm``
        The same, and what it computed is cached for the next text.
    ``eager``
        What a user of transformers does to get attention, on a copy of the model.
    """
    inputs = {"input_ids": torch.tensor([scope.tokenizer(text)["input_ids"]])}
    model = scope.model
    if way == "eager":
        model = copy.deepcopy(model)
        model.set_attn_implementation("eager")
    own = llmscope.Scope(model, scope.tokenizer)
    if way == "trace":
        own.cache_limit = 0

    def run(part: torch.nn.Module, **options: Any) -> object:
        with torch.no_grad():
            return part(**inputs, use_cache=False, **options)

    def capture() -> object:
        return restoring(
            lambda changes: (record_attention(model, changes, NEVER), run(model.model))
        )

    def trace() -> object:
        own.forget()
        return own.trace(text)

    return {
        "body": lambda: run(model.model),
        "capture": capture,
        "row": lambda: run(model, logits_to_keep=1),
        "trace": trace,
        "warm": trace,
        "eager": lambda: run(model.model, output_attentions=True),
    }[way]


def memory(way: str, tokens: int) -> int:
    """Count the bytes beyond the loaded model that a way takes at its peak."""
    scope = load()
    short, long = (work(scope, way, text_of(scope, count)) for count in (16, tokens))
    for _ in range(2):  # touches all weights, and makes whatever is made once
        short()
    scope.trace("once").logits_at(-1)
    scope.forget()
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # what the warm-up left to glibc isn't there for the taking
    Path("/proc/self/clear_refs").write_text("5")  # the high-water mark begins anew
    before = resident("VmRSS")
    kept = long()
    peak = resident("VmHWM")
    del kept
    return peak - before


def resident(what: str) -> int:
    """Read a line of the process's own account, in bytes."""
    found = re.search(rf"{what}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return 1024 * int(found[1])


def seconds(ways: list[str], tokens: int) -> list[float]:
    """Time several ways in turns."""
    scope = load()
    text = text_of(scope, tokens)
    rounds = 31 if tokens <= 128 else 11 if tokens <= 512 else 7 if tokens <= 1024 else 3
    return interleaved([work(scope, way, text) for way in ways], rounds)


if __name__ == "__main__":
    what, ways, count = sys.argv[1:]
    if what == "memory":
        print(json.dumps(memory(ways, int(count))))
    else:
        print(json.dumps(seconds(ways.split(","), int(count))))
