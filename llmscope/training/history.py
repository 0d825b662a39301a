"""A training as it was watched: the log, and what was kept of the model at some steps."""

from __future__ import annotations

import os
from collections.abc import Iterable
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from cachetools import LRUCache

from llmscope.extras import data_frame
from llmscope.training.records import Opened, Records
from llmscope.training.step_record import StepRecord
from llmscope.training.table import rows_of

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    from llmscope.training.probe import Probe
    from llmscope.training.records import State

_BYTES = 32 * 2**20  # of steps in memory


class History:
    """A training as it was watched: the log, and what was kept of the model at some steps.

    A `Watch` has one as its `history`, which grows. A folder can be opened at any time: while
    another process writes it, once it is done, and after that process was killed.

    Parameters
    ----------
    folder
        The `folder` of a `Watch`.

    Raises
    ------
    ValueError
        When the folder holds no training.

    Examples
    --------
    >>> own = llmscope.load(folder, device="cpu")
    >>> parts = {"model": own.model, "tokenizer": own.tokenizer}
    >>> path = folder / "watched"
    >>> watch = llmscope.training.Watch(["A tiny model"], folder=path, **parts)
    >>> for step in range(3):
    ...     watch.step(step, loss=3 - step)
    >>> watch.end()
    >>> llmscope.training.History(path)
    <History of tiny: 2 steps kept up to step 2, 1 probe, ended>
    """

    def __init__(self, folder: str | os.PathLike[str] | Records) -> None:
        self._records = folder if isinstance(folder, Records) else Opened(folder)
        self._read: LRUCache[tuple[int, int], StepRecord] = LRUCache(_BYTES, lambda one: one.nbytes)

    # ── what it is of ────────────────────────────────────────────────────────────────────────

    @property
    def name(self) -> str:
        """What to call it: by default, the name of the model."""
        return self._looked().name

    @property
    def folder(self) -> Path | None:
        """Where it is on disk; `None` before it began."""
        folder = self._records.folder
        return None if folder is None else folder.path

    @property
    def model(self) -> dict[str, Any]:
        """Facts of the model, as a page is told them."""
        return self._looked().model

    @property
    def probes(self) -> tuple[Probe, ...]:
        """What is known of the probes."""
        return self._looked().probes

    # ── how it goes ──────────────────────────────────────────────────────────────────────────

    @property
    def state(self) -> State:
        """Whether it goes on: "waiting", "training", "ended", "stopped" or "broken off"."""
        return self._looked().state

    @property
    def steps(self) -> tuple[int, ...]:
        """Numbers of the kept steps, in order."""
        return tuple(self._looked().steps)

    @property
    def total(self) -> int | None:
        """Number of steps in all; `None` where nobody knows."""
        return self._looked().total

    @property
    def log(self) -> dict[str, NDArray[Any]]:
        """What was logged, by name: "step", "loss", "learning_rate" and others, NaN for nothing.

        Each (rows,). "seconds" are those since the training began.
        """
        records = self._looked()
        with records.lock:
            return records.log.arrays()

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know, in sentences: what isn't kept as it was asked for, and why."""
        return tuple(self._looked().notes)

    @property
    def bytes(self) -> int:
        """Size of the kept steps on disk."""
        return sum(self._looked().steps.values())

    @property
    def version(self) -> int:
        """A number that grows with every change."""
        return self._looked().version

    def wait(self, since: int, seconds: float) -> int:
        """Wait for a change.

        Parameters
        ----------
        since
            The `version` that is known.
        seconds
            The longest time to wait.

        Returns
        -------
        int
            The version now.
        """
        return self._records.wait(since, seconds)

    def stop(self) -> None:
        """Ask the trainer to stop after the step, whichever process it is in."""
        self._records.stop()

    # ── what was kept ────────────────────────────────────────────────────────────────────────

    def at(self, step: int) -> StepRecord:
        """Return what was kept of the model at a step.

        Parameters
        ----------
        step
            One of `steps`; -1 is the last of them.

        Returns
        -------
        StepRecord
            The numbers of all probes.

        Raises
        ------
        IndexError
            When the step isn't kept.
        """
        records = self._looked()
        with records.lock:
            if step == -1 and records.steps:
                step = next(reversed(records.steps))
            if step not in records.steps:
                near = min(records.steps, key=lambda one: abs(one - step), default=None)
                hint = "" if near is None else f" The nearest kept one is {near}."
                raise IndexError(f"Step {step} isn't kept.{hint}")
            known = step, records.steps[step]
            if known in self._read:
                return self._read[known]
            record = StepRecord(step, records.probes, records.read(step))
            if record.nbytes <= _BYTES:
                self._read[known] = record
            return record

    def labels(self, ids: Iterable[int]) -> list[str]:
        """Return labels of tokens, as pages show them.

        Parameters
        ----------
        ids
            Ids of tokens.

        Returns
        -------
        list of str
            With visible white space.
        """
        known = self._records.labels()
        return [known[one] if 0 <= one < len(known) else f"⟨{one}⟩" for one in ids]

    @property
    def vocabulary(self) -> str:
        """The same for trainings in which an id stands for the same token."""
        return sha256("\0".join(self._records.labels()).encode()).hexdigest()

    def to_pandas(self) -> pd.DataFrame:
        """Return the log and the probes' numbers, a row for each step that was logged or kept.

        Returns
        -------
        DataFrame
            Columns step, loss, learning_rate, grad_norm, eval_loss, seconds and whatever else was
            logged; for each probe, by its number, ``surprisal_0`` (mean of its own tokens, in
            bits), and of the last position that is kept, ``likeliest_0`` (the token), ``prob_0``
            (its probability) and ``entropy_0`` (in bits). NaN where nothing is known.
        """
        table = data_frame("to_pandas")
        return table(rows_of(self.log, map(self.at, self.steps), self.labels))

    def _looked(self) -> Records:
        self._records.look()
        return self._records

    def __repr__(self) -> str:
        records = self._looked()
        if records.state == "waiting":
            return "<History of a training that hasn't begun>"
        last = max([*records.steps, records.log.last or 0])
        probes = f"{len(records.probes)} probe{'s' * (len(records.probes) != 1)}"
        return (
            f"<History of {records.name}: {len(records.steps)} steps kept up to step {last:,}, "
            f"{probes}, {records.state}>"
        )
