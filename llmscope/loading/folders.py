"""The folders that a page may load from: a page may be hostile, and names what the kernel reads."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from llmscope.loading.errors import LoadError
from llmscope.words import say

_asked_by_page: ContextVar[bool] = ContextVar("llmscope_asked_by_page", default=False)


@contextmanager
def asked_by_page() -> Iterator[None]:
    """Hold what is loaded in the block, in this thread, to the folders of `listed_folders`."""
    token = _asked_by_page.set(True)
    try:
        yield
    finally:
        _asked_by_page.reset(token)


def listed_folders() -> list[Path]:
    """Return the folders that a page may load from: the working directory and the Hub's cache."""
    from huggingface_hub import constants

    return [Path.cwd(), Path(constants.HF_HUB_CACHE)]


def ensure_listed(name: str | os.PathLike[str]) -> None:
    """Refuse a path outside the listed folders, where a page asks; nothing there is looked at.

    Raises
    ------
    LoadError
        With what to type in Python instead.
    """
    if not _asked_by_page.get():
        return
    path = Path(os.path.abspath(os.path.expanduser(name)))
    folders = listed_folders()
    if not (_is_in(path, folders) and _is_in(path.resolve(), [f.resolve() for f in folders])):
        where = " and ".join(map(str, folders))
        raise LoadError(
            say(
                "{name} is outside the folders that this page may load from "
                "({where}). To load it, type in Python: "
                "llmscope.load({fspath!r}).explore()",
                name=name,
                where=where,
                fspath=os.fspath(name),
            ),
            "folder",
        )


def _is_in(path: Path, folders: list[Path]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)
