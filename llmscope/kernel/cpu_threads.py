"""Number of CPUs that the worker's thread computes on.

All of this is an optimisation for machines with few CPUs and a browser on them, and may be removed:
nothing else depends on it. Without it, `leave_cpus` does nothing and `cpus` and `Pace.step` are
`contextlib.nullcontext`.
"""

from __future__ import annotations

import ctypes
import os
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from statistics import median

_SOFT = 1  # omp_pause_soft
_LATELY = 5  # steps that a choice is made by
_ANEW = 32  # steps after which the slower way is tried once more


def leave_cpus() -> None:
    """Free the threads that PyTorch computes with on behalf of this one.

    Each thread that computes has a team of its own. GNU's OpenMP, which PyTorch has on Linux, puts
    waiting threads to sleep at once when all teams together have more threads than there are CPUs:
    after a cell that computed, another thread generated 17 tokens a second in place of 29, on two
    CPUs.
    The next cell that computes makes a new team, in 0.1 ms. Other libraries aren't touched.
    """
    library = _gnu()
    if library is not None:
        library.omp_pause_resource_all(_SOFT)


@contextmanager
def cpus(count: int) -> Iterator[None]:
    """Compute on at most `count` CPUs in this thread.

    Where a browser needs the other CPU, threads that share 3 ms of work wait 30 ms for each other.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(min(count, before))
    try:
        yield
    finally:
        torch.set_num_threads(before)


class Pace:
    """Chooses the number of CPUs for each step by timing: all of them, or all but one.

    A token is generated in hundreds of pieces of work, and each is done when its last thread is:
    beside a browser that draws, two of two CPUs generated 14 tokens a second and one generated 16.
    Without one, two are quicker.
    """

    def __init__(self) -> None:
        self._took = [deque[float](maxlen=_LATELY) for _ in range(2)]  # by CPUs left alone
        self._count = 0

    @contextmanager
    def step(self) -> Iterator[None]:
        """Run one step on as many CPUs as were quickest lately."""
        import torch

        all_of_them = torch.get_num_threads()
        if all_of_them == 1:
            yield
            return
        left = self._choice()
        start = time.perf_counter()
        with cpus(all_of_them - left):
            yield
        self._took[left].append(time.perf_counter() - start)

    def _choice(self) -> int:
        self._count += 1
        none, one = self._took
        if min(len(none), len(one)) < _LATELY:
            return int(len(one) < len(none))
        quicker = int(median(one) < median(none))
        return 1 - quicker if self._count % _ANEW == 0 else quicker


@cache
def _gnu() -> ctypes.CDLL | None:
    """Return PyTorch's copy of GNU's OpenMP, if it came with one."""
    torch = sys.modules["torch"]
    for path in (Path(str(torch.__file__)).parent / "lib").glob("libgomp*.so*"):
        try:
            library = ctypes.CDLL(str(path), mode=os.RTLD_NOLOAD)
        except OSError:  # it isn't the one in use
            continue
        if hasattr(library, "omp_pause_resource_all"):
            return library
    return None
