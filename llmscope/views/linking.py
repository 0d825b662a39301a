"""Joining views."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmscope.views.base import SAMPLING

if TYPE_CHECKING:
    from ipywidgets.widgets.widget_link import Link

    from llmscope.views.base import View

ATTENTION = ("layer", "head", "heads", "kind", "direction", "position", "threshold", "hide_sink")
SHARED = (*ATTENTION, *SAMPLING)


class Links:
    """What joins two views; `unlink()` parts them."""

    def __init__(self, view_a: View, view_b: View, links: list[Link]) -> None:
        self._views = (view_a, view_b)
        self._links = links
        view_a._linked.append(view_b)

    def unlink(self) -> None:
        """Let the two views go their own ways again."""
        for joined in self._links:
            joined.unlink()
        self._links = []
        view_a, view_b = self._views
        if view_b in view_a._linked:
            view_a._linked.remove(view_b)


def link(view_a: View, view_b: View) -> Links:
    """Share focus and sampling settings between two views, in the browser.

    Moving one moves the other at once, also while the kernel is busy. `view_b` takes over what
    `view_a` shows.
    """
    from ipywidgets import jslink

    for name in SHARED:
        setattr(view_b, name, getattr(view_a, name))
    return Links(view_a, view_b, [jslink((view_a, name), (view_b, name)) for name in SHARED])
