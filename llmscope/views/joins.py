"""Which widgets are linked."""

from __future__ import annotations

import weakref
from typing import Any

from ipywidgets import Widget


class Links:
    """What joins two views; `unlink()` parts them.

    Parameters
    ----------
    one, other
        The views; neither is kept alive.
    links
        Links of single traits.
    """

    def __init__(self, one: Widget, other: Widget, links: list[Any]) -> None:
        self.views = (weakref.ref(one), weakref.ref(other))
        self._links = links
        for view in (one, other):
            _LINKS.setdefault(view, []).append(self)

    def unlink(self) -> None:
        """Let the two views go their own ways again."""
        for joined in self._links:
            joined.unlink()
        self._links = []
        for view in self.views:
            if (found := view()) is not None and self in _LINKS.get(found, []):
                _LINKS[found].remove(self)


_LINKS: weakref.WeakKeyDictionary[Widget, list[Links]] = weakref.WeakKeyDictionary()


def linked_to(view: Widget) -> list[Widget]:
    """Return the views that `view` was linked to as the first of two, in order."""
    pairs = [[one() for one in links.views] for links in _LINKS.get(view, [])]
    return [other for one, other in pairs if one is view and other is not None]


def unlink_all(view: Widget) -> None:
    """Part a view from all others."""
    for links in [*_LINKS.get(view, [])]:
        links.unlink()
