"""Watch a model while it learns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from transformers import TrainerCallback

from llmscope.training.aside import Caller
from llmscope.training.history import History
from llmscope.training.keeper import Keeper
from llmscope.training.log import numbers_of
from llmscope.training.schedule import Every
from llmscope.training.sharded import is_first, refuse_sharded

if TYPE_CHECKING:
    import os

    import pandas as pd
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
        self._keeper = Keeper(probes, every, positions, heads, folder, name, max_mb, max_overhead)
        self._model, self._tokenizer = model, tokenizer
        self.history = History(self._keeper.recorder)

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
        if not is_first():
            return
        if not self._keeper.begun:
            self._begin(step, self._model, self._tokenizer)
        self._keeper.log({"step": float(step), **numbers_of(logged)})
        self._keeper.passed(step)

    def end(self) -> None:
        """End a plain loop: the last step is kept."""
        self._keeper.keep_last()
        self._keeper.end()

    @property
    def should_stop(self) -> bool:
        """Whether a plain loop was asked to stop, by `stop` or in a view."""
        return self._keeper.recorder.is_asked_to_stop

    def stop(self) -> None:
        """Ask the trainer to stop after the step; a plain loop by `should_stop`."""
        self._keeper.recorder.stop()

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

    def _begin(self, step: int, model: Any, tokenizer: Any, **more: Any) -> None:
        if model is None or tokenizer is None:
            missing = "model" if model is None else "tokenizer"
            raise ValueError(
                f"The watch has no {missing}: Watch(..., {missing}={missing}) names it"
                + (", and so does Trainer(..., processing_class=tokenizer)." if more else ".")
            )
        self._keeper.begin(step, model, tokenizer, **more)

    # ── a trainer's events ───────────────────────────────────────────────────────────────────

    def on_train_begin(
        self, args: Any, state: Any, control: Any, model: Any = None, **rest: Any
    ) -> None:
        """Begin, and keep the step that the training begins at.

        Parameters
        ----------
        args, state, control, model, **rest
            As a trainer calls it.
        """
        model = model if self._model is None else self._model
        refuse_sharded(model)  # in every process, or the others would wait for the first
        if not state.is_world_process_zero:
            return
        tokenizer = self._tokenizer or rest.get("processing_class") or rest.get("tokenizer")
        tokenizer = getattr(tokenizer, "tokenizer", tokenizer)  # of a processor
        caller = Caller()
        step = int(state.global_step)
        self._begin(
            step,
            model,
            tokenizer,
            total=int(state.max_steps),
            is_running=lambda: caller.is_running,
        )
        self._keeper.passed(step)

    def on_step_end(self, args: Any, state: Any, control: Any, **rest: Any) -> Any:
        """Keep the step when it is due, and stop the training when that was asked for.

        Parameters
        ----------
        args, state, control, **rest
            As a trainer calls it.

        Returns
        -------
        TrainerControl
            With the wish to stop.
        """
        if not self._keeper.begun:
            return None
        if self.should_stop:
            control.should_training_stop = True
        step = int(state.global_step)
        self._keeper.passed(step, is_last=control.should_training_stop or step >= state.max_steps)
        return control

    def on_epoch_end(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        """Keep the last step when the training ends with an epoch.

        Parameters
        ----------
        args, state, control, **rest
            As a trainer calls it.
        """
        if control.should_training_stop:
            self._keeper.keep_last()

    def on_train_end(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        """End; the last step is kept, unless the weights are those of a better one by now.

        Parameters
        ----------
        args, state, control, **rest
            As a trainer calls it.
        """
        if not args.load_best_model_at_end:
            self._keeper.keep_last()
        self._keeper.end()

    def on_log(
        self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **rest: Any
    ) -> None:
        """Log numbers.

        Parameters
        ----------
        args, state, control, logs, **rest
            As a trainer calls it.
        """
        if state.is_world_process_zero and self.history.state != "waiting":
            self._keeper.log({**numbers_of(logs or {}), "step": float(state.global_step)})
