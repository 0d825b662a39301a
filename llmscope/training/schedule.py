"""When a step is kept, and which kept ones go when there are too many."""

from __future__ import annotations

from math import log2
from operator import index
from typing import Literal

Every = int | Literal["log"]


class Schedule:
    """Steps that are kept: every so many, or some in each doubling of their number.

    Both get half as dense by `thin`, and what is kept then is part of what was kept before.

    Parameters
    ----------
    every
        Steps between two that are kept; "log" keeps 0, 1, 2, 3, 4, 6, 8, 11, 16, 23, 32, 45, 64, …

    Raises
    ------
    TypeError, ValueError
        For what is neither "log" nor a number from 1 on.
    """

    def __init__(self, every: Every) -> None:
        if isinstance(every, str):
            if every != "log":
                raise ValueError(f'every is a number of steps, or "log"; not {every!r}.')
            self._every = 0
        elif index(every) < 1:
            raise ValueError(f'every is a number of steps, at least 1, or "log"; not {every}.')
        else:
            self._every = index(every)
        self._doublings = 0.5  # between two kept steps, on the logarithmic scale

    @property
    def is_log(self) -> bool:
        """Whether what is kept gets sparser from step to step."""
        return not self._every

    @property
    def words(self) -> str:
        """Which steps are kept, as part of a sentence."""
        if self._every:
            return "every step" if self._every == 1 else f"one step in {self._every:,}"
        per = 1 / self._doublings
        if per >= 1:
            return f"{'one step' if per == 1 else '2 steps'} each time their number doubles"
        return f"one step each time their number doubles {round(self._doublings)} times"

    @property
    def state(self) -> list[float]:
        """How dense it is, as JSON."""
        return [self._every, self._doublings]

    @state.setter
    def state(self, state: list[float]) -> None:
        self._every, self._doublings = int(state[0]), float(state[1])

    def is_due(self, step: int) -> bool:
        """Return whether a step is one that is kept."""
        if self._every:
            return step % self._every == 0
        if step < 1:
            return True
        return round(2 ** (round(log2(step) / self._doublings) * self._doublings)) == step

    def thin(self) -> None:
        """Keep half as many from now on."""
        self._every *= 2
        self._doublings *= 2

    def steps_between(self) -> int:
        """Return how many steps are from one kept step to the next; 0 where that changes."""
        return self._every


def thinned(steps: list[int], schedule: Schedule) -> list[int]:
    """Return those of kept steps that go, once `schedule` is half as dense.

    The first stays, and at least every second of the others goes.
    """
    gone = [step for step in steps[1:] if not schedule.is_due(step)]
    return gone if 3 * len(gone) >= len(steps) - 1 else steps[1::2]
