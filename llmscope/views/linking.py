"""Linking views, so that they move together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmscope.state import SHARED
from llmscope.views.joins import Links
from llmscope.views.traits import PATH

if TYPE_CHECKING:
    from llmscope.views.base import View


def link(view_a: View, view_b: View) -> Links:
    """Share focus, pinned heads, position and sampling between two views, in the browser.

    Moving one moves the other at once, also while the kernel is busy, wherever both are on one
    page: in Jupyter, marimo, Voilà, and in exported pages. Each view keeps its own text and its own
    way to show it; but a view of the model that a `GenerationView` generates with shows
    the path that is looked at there, token by token, until its own text is edited. Closing one of
    the views unlinks them.

    Parameters
    ----------
    view_a, view_b
        The views; `view_b` takes over what `view_a` shows.

    Returns
    -------
    Links
        Its `unlink()` parts them.

    Examples
    --------
    >>> trace = scope.trace("The capital of France is")
    >>> heads, bars = llmscope.AttentionView(trace, layer=1), llmscope.NextTokenView(trace)
    >>> links = llmscope.link(heads, bars)
    >>> bars.layer
    1
    >>> links.unlink()
    """
    for name in SHARED:
        setattr(view_b, name, getattr(view_a, name))
    given: list[str] = []
    taken: list[str] = []
    for one, other, names in ((view_a, view_b, given), (view_b, view_a, taken)):
        if other.state().follows(one.state()):
            setattr(other, PATH, getattr(one, PATH))
            names.append(PATH)
    return Links(view_a, view_b, SHARED, given, taken)
