"""The part of a trace that is about the model as a whole: what it is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmscope.capture import Recording

if TYPE_CHECKING:
    from llmscope.analysis.structure import Structure
    from llmscope.scope import Scope


class TraceStructure:
    """What the model of a trace is made of.

    Attributes
    ----------
    scope
        The scope that the trace was made by.
    recording
        The recorded pass, which everything is computed from.
    """

    scope: Scope
    recording: Recording

    @property
    def structure(self) -> Structure:
        """What the model is made of: boxes with shapes, in the order in which a vector meets them.

        Read in one short pass, once for each state of the model. Of a trace under edits, the model
        is the one without them.

        Raises
        ------
        RuntimeError
            When the model was changed after the trace was made; see `is_current`.

        Examples
        --------
        >>> scope.trace("The capital of France is").structure.towers[0].blocks
        3
        """
        from llmscope.analysis.structure.reading import reading_of

        return reading_of(self.scope.runner, self.recording).structure
