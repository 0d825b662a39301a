"""What is around a run of lm-eval: no network, nothing printed, and the random state as it was."""

from __future__ import annotations

import logging
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

_OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "TOKENIZERS_PARALLELISM": "false",
}


@contextmanager
def quiet() -> Iterator[None]:
    """Let lm-eval show no bars and no warnings of its own."""
    from lm_eval.api import task

    named: Any = task
    bars, log = named.tqdm, logging.getLogger("lm_eval")
    level = log.level
    named.tqdm = lambda items, *_args, **_options: items
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        named.tqdm = bars
        log.setLevel(level)


@contextmanager
def random_state() -> Iterator[None]:
    """Restore what lm-eval seeds."""
    import torch

    python, numpy = random.getstate(), np.random.get_state()
    with torch.random.fork_rng():
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)


@contextmanager
def offline() -> Iterator[None]:
    """Let nothing be fetched, nor counted, until the end of the block."""
    before = {name: os.environ.get(name) for name in _OFFLINE}
    os.environ.update(_OFFLINE)
    import datasets
    from huggingface_hub import constants

    flags = [(constants, "HF_HUB_OFFLINE"), (datasets.config, "HF_HUB_OFFLINE")]
    flags = [(module, name) for module, name in flags if hasattr(module, name)]
    values = [getattr(module, name) for module, name in flags]
    bars = datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    try:
        for module, name in flags:
            setattr(module, name, True)
        yield
    finally:
        for (module, name), value in zip(flags, values, strict=True):
            setattr(module, name, value)
        if not bars:
            datasets.enable_progress_bars()
        for name, known in before.items():
            if known is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = known
