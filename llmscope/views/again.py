"""Reading the text on screen once more, of a model that has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import traitlets

if TYPE_CHECKING:
    from llmscope.kernel import Handlers


class Rereads(traitlets.HasTraits):
    """What a view does when its model isn't what it was."""

    _handlers: Handlers
    # How often it was asked for: the page reads anew when it changes.
    _reads = traitlets.Int(0).tag(sync=True)

    def refresh(self) -> None:
        """Read the text on screen again, with the model as it is now.

        A view can't know that its model was trained on, or otherwise changed, until it is asked for
        something: call this after a change.

        Examples
        --------
        >>> view = llmscope.NextTokenView(scope.trace("The capital of France is"))
        >>> view.refresh()
        """
        self._handlers.traces.forget_given()
        self._reads += 1
