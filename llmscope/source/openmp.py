"""Leaving the CPUs to the thread that reads the model."""

from __future__ import annotations

import ctypes
import os
import sys
from functools import cache
from pathlib import Path

_SOFT = 1  # omp_pause_soft


def leave_cpus() -> None:
    """Let go of the threads that PyTorch computes with on behalf of this one.

    Each thread that computes has a team of its own. GNU's OpenMP, which PyTorch has on Linux, puts
    waiting threads to sleep at once when all teams together have more threads than there are CPUs:
    after a cell that computed, another thread wrote 17 tokens a second in place of 29, on two CPUs.
    The next cell that computes makes a new team, in 0.1 ms. Other libraries aren't touched.
    """
    library = _gnu()
    if library is not None:
        library.omp_pause_resource_all(_SOFT)


@cache
def _gnu() -> ctypes.CDLL | None:
    """Find PyTorch's copy of GNU's OpenMP, if it came with one."""
    torch = sys.modules["torch"]
    for path in (Path(str(torch.__file__)).parent / "lib").glob("libgomp*.so*"):
        try:
            library = ctypes.CDLL(str(path), mode=os.RTLD_NOLOAD)
        except OSError:  # it isn't the one in use
            continue
        if hasattr(library, "omp_pause_resource_all"):
            return library
    return None
