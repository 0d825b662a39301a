"""How quickly a model reads and generates, and how much memory its process takes at most."""

from __future__ import annotations

import re
import sys
import time
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmscope.capture import NEVER, Cancel, Cancelled
from llmscope.text.prepare import prepare

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from llmscope.scope import Scope

READ_TOKENS = 256  # that are read at once
WRITTEN_TOKENS = 16
PROMPT_TOKENS = 8
ROUNDS = 5
FEWEST_ROUNDS = 3
SECONDS = 10.0  # after which no further round begins, once there are enough


def reading(
    scope: Scope, texts: Sequence[str], context: int, cancelled: Cancel = NEVER
) -> list[float]:
    """Return tokens a second of each round in which the model reads a text at once.

    A bare forward pass, after one that warms up, over as many tokens of the texts, repeated where
    they are short, as there are in ``READ_TOKENS``, or in the context.
    """
    import torch

    ids = _ids(scope, texts, min(READ_TOKENS, context))
    inputs = _inputs(scope, ids)

    def run() -> None:
        scope.model(**inputs, use_cache=False) if _takes_cache(scope) else scope.model(**inputs)
        if torch.cuda.is_available():
            torch.cuda.synchronize()

    return [len(ids) / seconds for seconds in _timed(scope, run, cancelled)]


def writing(
    scope: Scope, texts: Sequence[str], context: int, cancelled: Cancel = NEVER
) -> list[float]:
    """Return tokens a second of each round in which the model generates, greedily, with a cache.

    transformers' `generate`, after a prompt of ``PROMPT_TOKENS``; the prompt's time is included.
    """
    import torch
    from transformers import GenerationConfig

    prompt = min(PROMPT_TOKENS, max(1, context // 4))
    count = max(1, min(WRITTEN_TOKENS, context - prompt - 1))
    inputs = _inputs(scope, _ids(scope, texts, prompt))
    inputs.pop("decoder_input_ids", None)
    model: Any = scope.model
    known = getattr(model, "generation_config", None)
    make: Any = GenerationConfig
    settings = make(
        max_new_tokens=count,
        min_new_tokens=count,
        do_sample=False,
        bos_token_id=getattr(known, "bos_token_id", None),
        pad_token_id=getattr(known, "pad_token_id", None) or 0,
        decoder_start_token_id=getattr(known, "decoder_start_token_id", None),
    )

    def run() -> None:
        mask = torch.ones_like(inputs["input_ids"])
        model.generate(**inputs, attention_mask=mask, generation_config=settings)

    return [count / seconds for seconds in _timed(scope, run, cancelled)]


def peak_bytes() -> int | None:
    """Return the most memory that this process took so far in bytes, or `None` where unknown.

    With a GPU, the most that PyTorch took of its memory.
    """
    import torch

    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    if sys.platform == "win32":
        import psutil

        return int(psutil.Process().memory_info().peak_wset)
    if sys.platform == "linux":  # getrusage() there also counts the process that started this one
        status = Path("/proc/self/status").read_text()
        found = re.search(r"VmHWM:\s*(\d+) kB", status)
        return int(found[1]) * 1024 if found else None
    import resource

    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def _timed(scope: Scope, run: Callable[[], None], cancelled: Cancel) -> list[float]:
    """Return the seconds of each round, after one that warms up."""
    scope.runner.undisturbed(run)
    taken: list[float] = []
    while len(taken) < ROUNDS and (len(taken) < FEWEST_ROUNDS or sum(taken) < SECONDS):
        if cancelled():
            raise Cancelled
        begin = time.perf_counter()
        scope.runner.undisturbed(run)
        taken.append(time.perf_counter() - begin)
    return taken


def _ids(scope: Scope, texts: Sequence[str], count: int) -> list[int]:
    tokenizer: Any = scope.tokenizer
    found: list[int] = []
    for text in texts:
        found += tokenizer.encode(text, add_special_tokens=False)
        if len(found) >= count:
            break
    if not found:
        raise ValueError("The texts have no tokens.")
    return list(islice(cycle(found), count))


def _inputs(scope: Scope, ids: list[int]) -> dict[str, Any]:
    name = scope.name
    given = prepare(scope.model, scope.tokenizer, ids, name=name, context=None)
    return dict(given.inputs)


def _takes_cache(scope: Scope) -> bool:
    return scope.facts.family in ("causal", "encoder-decoder")
