"""Abandon a pass that nobody waits for any more."""

from __future__ import annotations

from collections.abc import Callable

Cancel = Callable[[], bool]


class Cancelled(Exception):
    """The forward pass was abandoned because nobody waits for it any more."""


def NEVER() -> bool:
    """Return False: the default `Cancel`."""
    return False
