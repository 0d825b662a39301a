"""Watch a model while it learns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from transformers import TrainerCallback

from llmscope.kernel.models import described as facts_of
from llmscope.scope import Scope
from llmscope.text import labels
from llmscope.training.history import History
from llmscope.training.log import numbers_of
from llmscope.training.measure import NotFinite, Prober
from llmscope.training.probe import checked
from llmscope.training.recorder import Recorder
from llmscope.training.schedule import Every, Schedule

if TYPE_CHECKING:
    import os

    import pandas as pd
    from numpy.typing import NDArray
    from torch import nn
    from transformers import PreTrainedTokenizerBase


class Watch(TrainerCallback):
    """Watches a model while it learns: what it makes of some texts, kept at some steps.

    A callback for `Trainer`, `Seq2SeqTrainer` and what is built on them:
    ``Trainer(..., callbacks=[watch])``. In a loop of your own, call `step` after each update.

    Parameters
    ----------
    probes
        What is read at each kept step: texts, pairs (of an encoder-decoder what its two sides read,
        of a masked model two sentences), or chat messages. Gaps of a masked model are written as
        its tokenizer does, such as "[MASK]".
    every
        Steps between two that are kept; "log" keeps 0, 1, 2, 3, 4, 6, 8, 11, 16, 23, 32, 45, 64, …
        The first step and the last are always kept.
    positions
        Where the next token is kept, of each probe; -1 is the last token. By default the last, or
        the gaps of a masked model.
    heads
        Pairs (layer, head) whose weights are kept in full. By default all of a probe with at most
        65,536 weights, else those with the highest scores. Of all heads, scores and small pictures
        are kept.
    folder
        Where it is written, to be opened again by `History`. By default a temporary folder, which
        is removed with the watch and its history.
    model, tokenizer
        Those of the training, where no trainer knows them.
    name
        What to call the training; by default the name of the model.
    max_mb
        Most megabytes on disk. Where they are reached, about every second kept step is dropped.
    max_overhead
        Most time that watching may take, such as 0.05 of all; `every` is stretched to keep to it.

    Raises
    ------
    TypeError, ValueError
        For options that no watch can have.

    Examples
    --------
    >>> own = llmscope.load(folder, device="cpu")
    >>> parts = {"model": own.model, "tokenizer": own.tokenizer}
    >>> watch = llmscope.training.Watch(["A tiny model"], every=2, **parts)
    >>> for step in range(5):
    ...     watch.step(step, loss=5.0 - step)  # after an update of the weights
    >>> watch.end()
    >>> watch.history.steps
    (0, 2, 4)
    """

    def __init__(
        self,
        probes: Iterable[Any],
        every: Every = 50,
        *,
        positions: Iterable[int] | None = None,
        heads: Iterable[tuple[int, int]] | None = None,
        folder: str | os.PathLike[str] | None = None,
        model: nn.Module | None = None,
        tokenizer: PreTrainedTokenizerBase | None = None,
        name: str | None = None,
        max_mb: float = 256.0,
        max_overhead: float | None = None,
    ) -> None:
        self._given = checked(probes)
        self._positions = None if positions is None else tuple(positions)
        self._heads = None if heads is None else tuple((int(a), int(b)) for a, b in heads)
        self._schedule = Schedule(every)
        self._model, self._tokenizer, self._name = model, tokenizer, name
        self._recorder = Recorder(folder, self._schedule, max_mb * 2**20)
        self._probers: list[Prober] = []
        self._last: int | None = None  # the last step
        self.history = History(self._recorder)

    # ── a loop of one's own ──────────────────────────────────────────────────────────────────

    def step(self, step: int, **logged: Any) -> None:
        """Tell of a step of a plain loop, after its update of the weights.

        Parameters
        ----------
        step
            Its number.
        **logged
            What is known of it, such as ``loss=0.3, learning_rate=1e-4, grad_norm=1.2``; tensors
            with one number are read.

        Raises
        ------
        ValueError
            At the first step: when there is no model or tokenizer, or a probe can't be read.
        """
        if not self._probers:
            self._begin(step, self._model, self._tokenizer, None)
        self._last = step
        self._recorder.add({"step": float(step), **numbers_of(logged)})
        if not self._recorder.steps or self._schedule.is_due(step):
            self._keep(step)

    def end(self) -> None:
        """End a plain loop: the last step is kept."""
        if not self._probers:
            return
        if self._last is not None:
            self._keep(self._last)
        self._end()

    @property
    def should_stop(self) -> bool:
        """Whether a plain loop was asked to stop, by `stop` or in a view."""
        return self._recorder.is_asked_to_stop

    def stop(self) -> None:
        """Ask the trainer to stop after the step; a plain loop by `should_stop`."""
        self._recorder.stop()

    def to_pandas(self) -> pd.DataFrame:
        """Return the log and the probes' numbers; see `History.to_pandas`.

        Returns
        -------
        DataFrame
            A row for each step that was logged or kept.
        """
        return self.history.to_pandas()

    def __repr__(self) -> str:
        return f"<Watch of {self.history!r}>"

    # ── both ─────────────────────────────────────────────────────────────────────────────────

    def _begin(self, step: int, model: Any, tokenizer: Any, total: int | None) -> None:
        if model is None or tokenizer is None:
            raise ValueError(
                "A watch needs the model and its tokenizer: Watch(..., model=model, "
                "tokenizer=tokenizer)."
            )
        scope = Scope(model, tokenizer, name=self._name)
        probers = [Prober(scope, one, self._positions, self._heads) for one in self._given]
        notes = dict.fromkeys(note for prober in probers for note in prober.notes)
        vocabulary = labels(tokenizer, range(scope.facts.vocabulary))
        self._recorder.begin(
            step,
            name=scope.name,
            model=facts_of(scope),
            fingerprint=_fingerprint(scope, vocabulary),
            probes=tuple(prober.probe for prober in probers),
            labels=vocabulary,
            total=total,
            notes=[*notes],
        )
        self._probers = probers

    def _keep(self, step: int) -> None:
        if step in self._recorder.steps:
            return
        arrays: dict[str, NDArray[Any]] = {}
        try:
            for number, prober in enumerate(self._probers):
                arrays |= {f"{number}.{name}": item for name, item in prober.measure().items()}
        except NotFinite:
            self._recorder.note(
                f"From step {step:,} on, numbers that the model computes are infinite or none "
                "(NaN): nothing of the probes can be kept."
            )
            return
        self._recorder.keep(step, arrays)

    def _end(self) -> None:
        self._recorder.end("stopped" if self._recorder.is_asked_to_stop else "ended")
        self._probers = []


def _fingerprint(scope: Scope, vocabulary: Sequence[str]) -> str:
    """Return what stays the same of a model while it learns: its parts, and its tokens."""
    found = sha256(type(scope.model).__name__.encode())
    for name, item in scope.model.named_parameters():
        found.update(f"{name} {tuple(item.shape)}".encode())
    found.update("\0".join(vocabulary).encode())
    return found.hexdigest()
