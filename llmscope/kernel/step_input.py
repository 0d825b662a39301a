"""A probe as a model read it at a step of its training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Never

from llmscope.shared import MOST_PROBES
from llmscope.words import say

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmscope.scope import Scope

_RUNS = 2  # that a view shows


@dataclass(frozen=True)
class StepInput:
    """A probe at a kept step: what the model said then is read, and nothing is computed.

    Attributes
    ----------
    run
        Which of the runs of the view.
    step
        The step of the training.
    probe
        Which of the texts that are watched.
    """

    run: int
    step: int
    probe: int

    @property
    def trace_name(self) -> str:
        """The name of its trace in requests."""
        return f"t{(self.step * _RUNS + self.run) * MOST_PROBES + self.probe + 1}"

    def trace(self, _scope: Scope, _cancelled: Callable[[], bool]) -> Never:
        """Refuse, in words: the model has gone on since.

        Raises
        ------
        ValueError
            Always.
        """
        raise ValueError(
            say(
                "A step of a training is read from what was kept of it: the model "
                "has gone on since."
            )
        )
