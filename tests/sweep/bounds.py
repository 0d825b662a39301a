"""Check many entries at once, each within bounds of time and memory."""

from __future__ import annotations

import logging
import os
import resource
import signal
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from types import FrameType

import torch

from tests.sweep.check import Result, check
from tests.sweep.models import NOT_TEXT, Entry

SECONDS = 120  # for one entry
BYTES = 8 << 30


def check_all(chosen: Sequence[Entry], check: Callable[[Entry], Result] = check) -> list[Result]:
    """Check all of `chosen`, as many at once as there are cores."""
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn"), initializer=_begin) as pool:
        return list(pool.map(partial(_bounded, check), chosen))


def _begin() -> None:
    """Bound the memory of a worker, and keep it quiet."""
    resource.setrlimit(resource.RLIMIT_DATA, (BYTES, BYTES))
    signal.signal(signal.SIGALRM, _too_long)
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    logging.disable()


def _bounded(check: Callable[[Entry], Result], entry: Entry) -> Result:
    if entry.model_type in NOT_TEXT:
        return Result(entry.mapping, entry.model_type, remark=NOT_TEXT[entry.model_type])
    signal.alarm(SECONDS)
    try:
        return check(entry)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".split("\n")[0][:150].replace("|", "/")
        return Result(entry.mapping, entry.model_type, remark=reason)
    finally:
        signal.alarm(0)


def _too_long(number: int, frame: FrameType | None) -> None:
    raise TimeoutError(f"took more than {SECONDS} s")
