"""What watching may cost: when a step takes too much of the time, fewer are kept."""

from __future__ import annotations

import time
from collections import deque
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmscope.training.schedule import Schedule

_LAST = 5  # costs that the next one is told from


class Pace:
    """Holds watching to a share of the time.

    Parameters
    ----------
    share
        Of all time, between 0 and 1; `None` for no bound.

    Raises
    ------
    ValueError
        For what is no such share.
    """

    def __init__(self, share: float | None) -> None:
        if share is not None and not 0 < share < 1:
            raise ValueError(f"max_overhead is a share of the time, such as 0.05; not {share}.")
        self._share = share
        self._costs: deque[float] = deque(maxlen=_LAST)
        self._since = time.perf_counter()  # when a step was kept last
        self._step = 0

    def begin(self, step: int) -> None:
        """Count from a step on."""
        self._since, self._step = time.perf_counter(), step

    def spent(self, seconds: float, step: int) -> None:
        """Count what keeping a step took."""
        self._costs.append(seconds)
        self.begin(step)

    def stretched(self, step: int, schedule: Schedule) -> str | None:
        """Return what has to be said when keeping a step, which is due, would take too much.

        The schedule is made sparser where it is an even one.
        """
        if self._share is None or not self._costs:
            return None
        cost, most = median(self._costs), self._share
        trained = time.perf_counter() - self._since
        if cost <= most * (trained + cost):
            return None
        each = trained / max(1, step - self._step)
        between = schedule.steps_between()
        if between:
            while cost > most * (between * each + cost) and between < 2**30:
                schedule.thin()
                between = schedule.steps_between()
            if schedule.is_due(step):
                return None
        kept = f"{schedule.words} is kept" if between else "steps are left out"
        return (
            f"To keep to max_overhead={most:g}, {kept}: a kept one takes {1000 * cost:.0f} ms, a "
            f"step of the training {1000 * each:.0f} ms."
        )
