"""The Explorer: all panels, linked and live."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmscope.views.base import View
from llmscope.views.model import ModelTraits

if TYPE_CHECKING:
    from llmscope.scope import Scope


class Explorer(ModelTraits, View):
    """All panels on one model: text, every head, one head in full, next token.

    Parameters
    ----------
    scope
        The model to look into. Without one, the widget begins with a model picker.
    text
        What the prompt box holds at first; it can be edited there.
    **traits
        First values of the traits of `View`, and of `ModelView`, whose picture is closed at first.

    Examples
    --------
    >>> explorer = scope.explore("The capital of France is")
    """

    _maker = "scope.explore("

    def __init__(self, scope: Scope | None = None, text: str = "", **traits: Any) -> None:
        panels = ["header", "tokens", "overview", "attention", "next-token", "chain", "patching"]
        panels += ["model"]
        super().__init__(scope, text, _panels=panels, _editable=True, **traits)


def explore(text: str = "The capital of France is", **traits: Any) -> Explorer:
    """Open an Explorer with a model picker.

    Parameters
    ----------
    text
        What the prompt box holds at first.
    **traits
        First values of the traits of `View`.

    Returns
    -------
    Explorer
        The widget.

    Examples
    --------
    >>> explorer = llmscope.explore("Once upon a time", temperature=0.7)
    >>> explorer.text
    'Once upon a time'
    """
    return Explorer(None, text, **traits)
