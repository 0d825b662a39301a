"""Listing, loading and installing models, with progress."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, TypeVar

from llmscope.capture import Cancelled

if TYPE_CHECKING:
    from llmscope.kernel.requests import Part
    from llmscope.loading import Progress
    from llmscope.scope import Scope

T = TypeVar("T")


def described(scope: Scope | None) -> Part:
    """Return the facts of a model; without one, the models that can be loaded."""
    if scope is not None:
        return {"model": scope.describe()}
    from dataclasses import asdict

    from llmscope.loading import choices

    return {"choices": [asdict(choice) for choice in choices()]}


def loaded(name: str, cancelled: Callable[[], bool]) -> Generator[Part, None, Scope]:
    """Load a model that a page names, the default one without a name; yield progress.

    Neither code nor pickle files of the model are read: `load` is told to by people only.

    Returns
    -------
    Scope
        The model.

    Raises
    ------
    LoadError
        When the model can't be loaded, lies outside the folders that a page may load from, or
        `cancelled` returned True.
    """
    from llmscope.loading import asked_by_page
    from llmscope.scope import load

    def work(progress: Progress) -> Scope:
        with asked_by_page():
            return load(
                name or None, trust_remote_code=False, use_safetensors=True, progress=progress
            )

    return (yield from _with_progress(work, cancelled))


def installed(cancelled: Callable[[], bool]) -> Generator[Part, None, None]:
    """Install the weights of the default model, and yield progress.

    Raises
    ------
    LoadError
        When they can't be installed.
    Cancelled
        When `cancelled` returned True; pip is stopped.
    """
    from llmscope.loading import install_default

    yield from _with_progress(install_default, cancelled)


def _with_progress(
    work: Callable[..., T], cancelled: Callable[[], bool]
) -> Generator[Part, None, T]:
    """Run `work(progress=…)` in a thread of its own, yield its progress, return its result."""
    parts: queue.Queue[Part | None] = queue.Queue()
    results: list[T] = []
    errors: list[BaseException] = []

    def progress(stage: str, done: int, total: int | None) -> None:
        if cancelled():
            raise Cancelled  # ends the work at its next step
        parts.put({"stage": stage, "done": done, "total": total})

    def run() -> None:
        try:
            results.append(work(progress=progress))
        except BaseException as error:
            errors.append(error)
        finally:
            parts.put(None)

    thread = threading.Thread(target=run, name="llmscope-loading", daemon=True)
    thread.start()
    while (part := parts.get()) is not None:
        yield part
    thread.join()
    if errors:
        raise errors[0]
    return results[0]
