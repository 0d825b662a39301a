"""A model watched while it learns, as a widget."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

import numpy as np
import traitlets

from llmscope.kernel.training import focus_of, known, nearest
from llmscope.shared import MOST_PROBES, MOST_STEP
from llmscope.training import History
from llmscope.training.answers import TrainingAnswers, check_tokens
from llmscope.views.base import View
from llmscope.views.call import Code, call_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from llmscope.capture.facts import Facts
    from llmscope.kernel.requests import Part
    from llmscope.shared import Kind
    from llmscope.state import ViewState
    from llmscope.training import StepRecord, Watch

    Given = Watch | History | str | os.PathLike[str]

_READ = (
    "A TrainingView shows what was kept of a model, which has gone on since: view.at() has the "
    "numbers of the step in focus"
)


class TrainingView(View):
    """A model while it learns: the loss, and what it makes of some texts at each kept step.

    A slider of steps moves all panels. The view follows a training that goes on, also in the cell
    that it was made in, and shows one that is over as well.

    Parameters
    ----------
    training
        A `Watch`, its `history`, or the folder that it wrote.
    other
        A second training, of a model with the same tokens, to show beside it.
    **traits
        First values of traits: those below, and those of `View`.

    Attributes
    ----------
    run : {0, 1}
        Which of the two trainings is on screen.
    step : int
        The kept step that is on screen; -1 is the newest, and follows.
    probe : int
        Which of the texts that are watched.
    held, held_run : int
        A second kept step that is held beside it, and which training it is of; -1 for none.

    Raises
    ------
    TypeError
        For anything else.
    ValueError
        When a folder holds no training, or the two are over other tokens.

    Examples
    --------
    >>> watch = llmscope.training.Watch(["A dog"], model=scope.model, tokenizer=scope.tokenizer)
    >>> view = llmscope.TrainingView(watch)
    >>> watch.step(0, loss=2.5)
    >>> watch.end()
    >>> view.at().scores().shape
    (6, 3, 4)
    """

    _shows: ClassVar[list[str]] = [
        *("training", "stream", "became", "head-steps", "lens-steps"),
        *("tokens", "overview", "attention", "next-token"),
    ]
    _maker = "llmscope.TrainingView("

    run = traitlets.Int(0, min=0, max=1).tag(sync=True)
    step = traitlets.Int(-1, min=-1, max=MOST_STEP).tag(sync=True)
    probe = traitlets.Int(0, min=0, max=MOST_PROBES - 1).tag(sync=True)
    held = traitlets.Int(-1, min=-1, max=MOST_STEP).tag(sync=True)
    held_run = traitlets.Int(0, min=0, max=1).tag(sync=True)

    def __init__(self, training: Given, other: Given | None = None, **traits: Any) -> None:
        given = [training] if other is None else [training, other]
        self._runs = tuple(map(_history, given))
        check_tokens(self._runs)
        self._named = ", ".join("watch" if _is_watch(one) else _path(one) for one in given)
        self._training = TrainingAnswers(self._runs)
        super().__init__(
            None, answers=self._training.answers, _panels=self._shows, **{"text": "", **traits}
        )

    @property
    def history(self) -> History:
        """What was kept of the training on screen."""
        return self.histories[self.run]

    @property
    def histories(self) -> tuple[History, ...]:
        """What was kept of each training.

        Raises
        ------
        RuntimeError
            When the view was closed.
        """
        if not self._runs:
            raise RuntimeError("The view was closed.")
        return self._runs

    def at(self) -> StepRecord:
        """Return what was kept of the step on screen.

        Returns
        -------
        llmscope.training.StepRecord
            The numbers of all probes.

        Raises
        ------
        IndexError
            While nothing is kept.
        """
        steps = self.history.steps
        if not steps:
            raise IndexError("No step is kept yet.")
        return self.history.at(nearest([*steps], self.step))

    @property
    def attention(self) -> NDArray[Any]:
        """Weights at the step on screen: (queries, keys) of the head in focus.

        With ``mode="arcs"`` and chosen heads (heads, queries, keys).

        Raises
        ------
        IndexError
            When the weights of a head aren't kept, or nothing is yet.
        ValueError
            When the model has no such attention.
        """
        record, kinds = self.at(), self.history.probes[self.probe].kinds
        if not kinds:
            raise ValueError(self.history.probes[self.probe].summary["why"])
        kind: Any = self.kind if self.kind in kinds else next(iter(kinds))
        read = partial(_weights, record, self.probe, kind)
        if self.mode == "arcs" and self.heads:
            return np.stack([read(*head) for head in self.heads])
        return read(self.layer, self.head)

    @property
    def trace(self) -> NoReturn:
        """Nothing: what was kept of a step is no trace.

        Raises
        ------
        ValueError
            Always; it names what to read instead.
        """
        raise ValueError(f"{_READ}.")

    @property
    def distribution(self) -> NoReturn:
        """Nothing: the likeliest tokens were kept, and not the whole distribution.

        Raises
        ------
        ValueError
            Always; it names what to read instead.
        """
        raise ValueError(f"{_READ}, such as view.at().next_token(view.probe).")

    def stop(self) -> None:
        """Ask what trains to stop after the step that it is at."""
        for history in self.histories:
            history.stop()

    def state(self) -> ViewState:
        """Return what is on screen, as plain data that doesn't follow the view.

        Returns
        -------
        llmscope.state.ViewState
            That of any view, which can be thinned to fewer steps.
        """
        return replace(super().state(), read=_no_trace, thinned=self._thinned())

    def _thinned(self) -> Callable[[int], ViewState]:
        shown, training = super().state(), self._training
        runs = known(training.answers)["runs"]
        focus = focus_of(known(training.answers), shown.traits)
        always = [] if focus is None else [(focus.run, focus.step)]
        held, run = self.held, self.held_run
        if held >= 0 and run < len(runs) and len(runs[run]["steps"]):
            always.append((run, nearest(runs[run]["steps"].tolist(), held)))

        def thinned(most: int) -> ViewState:
            some = training.thinned(most, always)
            return replace(shown, read=_no_trace, answers=some.answers, thinned=thinned)

        return thinned

    def close(self) -> None:
        """End the widget, and its hold on what was kept; a training goes on."""
        super().close()
        self._runs = ()
        self._training = TrainingAnswers(())

    @property
    def _facts(self) -> list[Facts]:
        facts: list[Any] = [
            SimpleNamespace(**run.model["model"]) for run in self._runs if run.probes
        ]
        return facts

    @traitlets.validate("step", "held")
    def _is_kept(self, proposal: Any) -> Any:
        name, value = proposal["trait"].name, proposal["value"]
        number = self.run if name == "step" else self.held_run
        if number >= len(self._runs):
            return value  # the number of the run is refused
        steps = self._runs[number].steps
        if value >= 0 and steps and value not in steps:
            near = nearest([*steps], value)
            raise traitlets.TraitError(f"{name}: step {value} isn't kept; the nearest is {near}.")
        return value

    @traitlets.validate("run", "held_run")
    def _is_shown(self, proposal: Any) -> Any:
        if self._runs and proposal["value"] >= len(self._runs):
            name = proposal["trait"].name
            raise traitlets.TraitError(f"{name} is 0: the view shows one training")
        return proposal["value"]

    @traitlets.validate("probe")
    def _is_watched(self, proposal: Any) -> Any:
        value, probes = proposal["value"], self._runs[0].probes if self._runs else ()
        if probes and value >= len(probes):
            raise traitlets.TraitError(f"probe lies between 0 and {len(probes) - 1}, not {value}")
        return value

    def _keep(self, request: Any, cancelled: Callable[[], bool]) -> Iterator[Part]:
        # A page of a training that goes on would be another at each step, and take its time.
        yield from super()._keep(request, cancelled) if self._training.is_over else [{}]

    def _call(self, _request: Any, _cancelled: Callable[[], bool]) -> Iterator[Part]:
        traits = {**self.shared_traits(), "text": Code(self._named), "edits": ()}
        defaults = {name: getattr(type(self), name).default() for name in traits}
        yield {"call": call_of(self._maker, traits, defaults)}

    def __repr__(self) -> str:
        return f"<TrainingView of {', '.join(map(repr, self._runs)) or 'nothing any more'}>"


def _history(given: Any) -> History:
    if _is_watch(given):
        given = given.history
    if isinstance(given, History):
        return given
    if isinstance(given, str | os.PathLike):
        return History(given)
    raise TypeError(
        "A training is a Watch, its history, or the folder that it wrote: "
        f"{type(given).__name__} is none of them."
    )


def _is_watch(given: Any) -> bool:
    """Whether it is a `Watch`, whose module imports a trainer: it isn't imported to ask this."""
    return isinstance(getattr(given, "history", None), History)


def _path(given: Any) -> str:
    """Return the Python that names a folder."""
    return repr(str(given.folder if isinstance(given, History) else given))


def _weights(
    record: StepRecord, probe: int, kind: Kind, layer: int, head: int
) -> NDArray[np.float32]:
    return record.attention(probe, layer, head, kind)


def _no_trace(_cancelled: Callable[[], bool]) -> NoReturn:
    raise ValueError(f"{_READ}.")
