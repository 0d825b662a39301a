"""Progress of loading: one callback for downloads, conversion and weights.

transformers and huggingface_hub count with tqdm bars of their own. During a load these are
replaced by silent bars that report to the callback of the thread that loads.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from tqdm.std import tqdm

from llmscope.progress_bar import progress_bar

Progress = Callable[[str, int, int | None], None]
"""Called with the stage in words, how much of it is done, and the total if known."""

_current: ContextVar[Progress | None] = ContextVar("llmscope_progress", default=None)


@contextmanager
def reporting(progress: Progress | None) -> Iterator[Progress]:
    """Send all progress of the block, in this thread, to a callback.

    Parameters
    ----------
    progress
        The callback; without one, bars are shown.

    Yields
    ------
    Progress
        The callback to report further stages to.
    """
    bars = Bars() if progress is None else None
    report = progress or bars
    assert report is not None
    token = _current.set(report)
    _hook.acquire()
    try:
        yield report
    finally:
        _hook.release()
        _current.reset(token)
        if bars is not None:
            bars.close()


class Bars:
    """A callback that shows a bar for each stage."""

    def __init__(self) -> None:
        self._stage: str | None = None
        self._bar: Any = None

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """Show that `done` of `total` is done; a new stage gets a new bar."""
        if stage != self._stage:
            self._open(stage, total)
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.close()
        self._stage = self._bar = None

    def _open(self, stage: str, total: int | None) -> None:
        self.close()
        self._stage = stage
        self._bar = progress_bar(desc=stage, total=total, unit="", unit_scale=True)


def silent_bar(on_update: Callable[[Any], None]) -> Any:
    """Return a tqdm class that draws nothing and calls `on_update(bar)` at each update."""
    lock = threading.Lock()

    class SilentBar(tqdm):  # type: ignore[type-arg]
        monitor_interval = 0

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **{**kwargs, "disable": True})
            self.desc = kwargs.get("desc") or ""
            self.unit = kwargs.get("unit", "it")

        def __iter__(self) -> Iterator[Any]:
            for item in self.iterable:
                yield item
                self.update(1)

        def update(self, n: float | None = 1) -> bool | None:
            with lock:
                self.n += n or 0
                on_update(self)
            return None

    return SilentBar


class _Hook:
    """Redirects transformers' bars while at least one load is running."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._previous: Any = None
        self._gguf_bar: Any = None

    def acquire(self) -> None:
        gguf = self._gguf_module()
        from transformers.utils import logging

        with self._lock:
            self._users += 1
            if self._users == 1:
                self._previous = logging.set_tqdm_hook(self._make)
                # The one bar that transformers makes without its own hook.
                self._gguf_bar, gguf.tqdm = gguf.tqdm, logging.tqdm

    def release(self) -> None:
        gguf = self._gguf_module()
        from transformers.utils import logging

        with self._lock:
            self._users -= 1
            if self._users == 0:
                logging.set_tqdm_hook(self._previous)
                gguf.tqdm = self._gguf_bar

    @staticmethod
    def _gguf_module() -> Any:
        from transformers import modeling_gguf_pytorch_utils

        return modeling_gguf_pytorch_utils

    def _make(self, factory: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        progress = _current.get()
        if progress is not None:
            bar = silent_bar(lambda bar: progress(bar.desc.rstrip("."), bar.n, bar.total))
            return bar(*args, **kwargs)
        if self._previous is not None:
            return self._previous(factory, args, kwargs)
        return factory(*args, **kwargs)


_hook = _Hook()
