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

    def __init__(self, links: list[Link]) -> None:
        self._links = links

    def unlink(self) -> None:
        """Let the two views go their own ways again."""
        for joined in self._links:
            joined.unlink()


def link(view_a: View, view_b: View) -> Links:
    """Share focus and sampling settings between two views, in the browser.

    Moving one moves the other at once, also while the kernel is busy. `view_b` takes over what
    `view_a` shows.
    """
    from ipywidgets import jslink

    for name in SHARED:
        setattr(view_b, name, getattr(view_a, name))
    return Links([jslink((view_a, name), (view_b, name)) for name in SHARED])
