"""Joining views."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmscope.views.base import SAMPLING

if TYPE_CHECKING:
    from llmscope.views.base import View

HEADS = ("layer", "head", "heads", "kind")
DRAWN = ("direction", "position", "threshold", "hide_sink", "segments")
SHARED = (*HEADS, *DRAWN, *SAMPLING)


class Links:
    """What joins two views; `unlink()` parts them."""

    def __init__(self, view_a: View, view_b: View, links: list[Any]) -> None:
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
    `view_a` shows. A view of the model that a `GenerationView` writes with shows the path that is
    looked at there, as it was written, until its own text is edited.
    """
    from ipywidgets import jsdlink, jslink

    for name in SHARED:
        setattr(view_b, name, getattr(view_a, name))
    links: list[Any] = [jslink((view_a, name), (view_b, name)) for name in SHARED]
    for one, other in ((view_a, view_b), (view_b, view_a)):
        if follows(other, one):
            other._path = one._path
            links.append(jsdlink((one, "_path"), (other, "_path")))
    return Links(view_a, view_b, links)


def follows(view: View, writes: View) -> bool:
    """Tell whether a view shows what another one writes: with the same model, as ids are of one."""
    models = {id(one.scope.model) for one in (view, writes) if one.scope is not None}
    kinds = "generation" in view._panels, "generation" in writes._panels
    return kinds == (False, True) and view.scope is not None and len(models) == 1
