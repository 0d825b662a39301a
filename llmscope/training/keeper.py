"""What a watch does, whatever drives it: it begins, keeps steps that are due, and ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from llmscope.kernel.models import described
from llmscope.scope import Scope
from llmscope.shared import MOST_STEP
from llmscope.text import labels
from llmscope.training.aside import aside
from llmscope.training.head_run import NotFinite
from llmscope.training.measure import Prober, measure
from llmscope.training.pace import Pace
from llmscope.training.probe import checked
from llmscope.training.recorder import Recorder
from llmscope.training.schedule import Every, Schedule
from llmscope.training.sharded import refuse_sharded

if TYPE_CHECKING:
    import os

    from numpy.typing import NDArray

    from llmscope.training.log import Row


class Keeper:
    """Keeps some steps of a training.

    Parameters
    ----------
    probes, every, positions, heads, folder, name, max_mb, max_overhead
        As for `Watch`.

    Attributes
    ----------
    recorder
        What is known, and where it is written.
    begun
        Whether a training goes on.
    """

    def __init__(
        self,
        probes: Iterable[Any],
        every: Every,
        positions: Iterable[int] | None,
        heads: Iterable[tuple[int, int]] | None,
        folder: str | os.PathLike[str] | None,
        name: str | None,
        max_mb: float,
        max_overhead: float | None,
    ) -> None:
        self._given = checked(probes)
        self._positions = None if positions is None else tuple(positions)
        try:
            self._heads = None if heads is None else tuple((int(a), int(b)) for a, b in heads)
        except (TypeError, ValueError):
            raise TypeError("heads is a list of pairs (layer, head).") from None
        if not max_mb > 0:
            raise ValueError(f"max_mb is a number of megabytes, more than 0; not {max_mb}.")
        self._schedule = Schedule(every)
        self._pace = Pace(max_overhead)
        self._name = name
        self.recorder = Recorder(folder, self._schedule, max_mb * 2**20)
        self._scope: Scope | None = None
        self._probers: list[Prober] = []
        self._last: int | None = None
        self._noted: set[str] = set()
        self.begun = False

    def begin(
        self,
        step: int,
        model: Any,
        tokenizer: Any,
        total: int | None = None,
        is_running: Callable[[], bool] | None = None,
    ) -> None:
        """Begin, or go on, at a step.

        Raises
        ------
        IndexError, TypeError, ValueError
            When the model can't be watched, or not so.
        """
        refuse_sharded(model)
        self.begun = False
        scope = Scope(model, tokenizer, name=self._name)
        chosen = (self._positions, self._heads)
        probers = [aside(scope.model, partial(Prober, scope, one, *chosen)) for one in self._given]
        notes = dict.fromkeys(note for prober in probers for note in prober.notes)
        vocabulary = labels(tokenizer, range(scope.facts.vocabulary))
        self.recorder.begin(
            step,
            name=scope.name,
            model=described(scope),
            fingerprint=_fingerprint(scope, vocabulary),
            probes=tuple(prober.probe for prober in probers),
            labels=vocabulary,
            total=total,
            notes=[*notes],
            is_running=is_running,
        )
        self._scope, self._probers, self._last = scope, probers, None
        self._noted.clear()
        self.begun = True
        self._pace.begin(step)

    def log(self, row: Row) -> None:
        """Log numbers of a step."""
        self.recorder.add(row)

    def passed(self, step: int, *, is_last: bool = False) -> None:
        """Tell of a step of the training; it is kept when that is due."""
        self._last = step
        due = self._schedule.is_due(step)
        if due and self.recorder.steps and not is_last:
            stretched = self._pace.stretched(step, self._schedule)
            if stretched is not None:
                self.recorder.note(stretched, instead_of="To keep to max_overhead")
                return
        if due or is_last or not self.recorder.steps:
            self.keep(step)

    def keep_last(self) -> None:
        """Keep the last step, where the model is still as it was then."""
        if self.begun and self._last is not None:
            self.keep(self._last)

    def keep(self, step: int) -> None:
        """Keep a step. Whatever comes of it, the training goes on."""
        if step in self.recorder.steps or self._scope is None:
            return
        if not 0 <= step <= MOST_STEP:
            self._note_first("step", f"Steps are kept from 0 to {MOST_STEP:,}; not {step:,}.")
            return
        begun = time.perf_counter()
        try:
            self.recorder.keep(step, aside(self._scope.model, self._measured))
        except NotFinite:
            self._note_first(
                "finite",
                f"At step {step:,}, numbers that the model computes are infinite or none (NaN): "
                "nothing is kept of such steps.",
            )
        except Exception as error:
            kind = type(error).__name__
            self._note_first(kind, f"Step {step:,} isn't kept ({kind}: {error}).")
        self._pace.spent(time.perf_counter() - begun, step)

    def end(self) -> None:
        """End, and let go of the model."""
        if self.begun:
            self.recorder.end("stopped" if self.recorder.is_asked_to_stop else "ended")
            self.begun = False
            self._scope, self._probers = None, []

    def _note_first(self, what: str, note: str) -> None:
        """Say something, once in a training."""
        if what not in self._noted:
            self._noted.add(what)
            self.recorder.note(note)

    def _measured(self) -> dict[str, NDArray[Any]]:
        assert self._scope is not None
        return {
            f"{number}.{name}": item
            for number, arrays in enumerate(measure(self._scope, self._probers))
            for name, item in arrays.items()
        }


def _fingerprint(scope: Scope, vocabulary: Sequence[str]) -> str:
    """Return what stays the same of a model while it learns: its parts, and its tokens."""
    found = sha256(type(scope.model).__name__.encode())
    for name, item in scope.model.named_parameters():
        found.update(f"{name} {tuple(item.shape)}".encode())
    found.update("\0".join(vocabulary).encode())
    return found.hexdigest()
