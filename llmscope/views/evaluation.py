"""Models measured and compared: a table that fills while they are measured."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import traitlets

from llmscope.evaluation import Run
from llmscope.kernel.evaluation import EvaluationHandlers
from llmscope.views.base import View

if TYPE_CHECKING:
    from llmscope.evaluation import Evaluation
    from llmscope.evaluation.run import Models
    from llmscope.evaluation.texts import Texts

ORDERINGS = ("given", "ascending", "descending")


class EvaluationView(View):
    """What `evaluate` measures, while it does: a table, a plot, and the texts behind a number.

    Parameters
    ----------
    run
        The evaluation, which goes on in a thread of its own.
    **traits
        First values of traits: those below, and `lecture` of `View`.

    Attributes
    ----------
    measure : str
        The measure that is plotted, as a column of ``view.evaluation.to_pandas()``.
    ordering : {"given", "ascending", "descending"}
        The order of the models: as they were given, or by that measure.

    Examples
    --------
    >>> view = llmscope.evaluate(scope, ["A tiny model", "Another"])
    >>> view.evaluation.to_pandas().state.tolist()
    ['done']
    """

    measure = traitlets.Unicode("bits_per_byte").tag(sync=True)
    ordering = traitlets.Enum(ORDERINGS, "given").tag(sync=True)

    def __init__(self, run: Run, **traits: Any) -> None:
        self._run = run
        answers = EvaluationHandlers(run).answers
        super().__init__(None, answers=answers, _panels=["evaluation"], **traits)
        run.start()

    @property
    def evaluation(self) -> Evaluation:
        """What was measured; waits until it is over, or stopped, with a bar that says how far."""
        return self._run.wait()

    def stop(self) -> None:
        """Stop measuring; what was measured stays."""
        self._run.stop()

    def close(self) -> None:
        """End the widget, and what is still being measured."""
        self._run.stop()
        super().close()

    def __repr__(self) -> str:
        names = ", ".join(model.name for model in self._run.evaluation.models)
        return f"<EvaluationView {names}>"


def evaluate(
    models: Models,
    texts: Texts,
    tasks: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] = (),
    *,
    window: int | None = None,
    dtype: str | None = None,
    device: str | None = None,
    trust_remote_code: bool = False,
    **traits: Any,
) -> EvaluationView:
    """Measure models and compare them: size, speed, memory, how well they predict, and tasks.

    Parameters
    ----------
    models
        One or several: names, folders or GGUF files as for `llmscope.load`, `None` for the default
        model, scopes, or a mapping of such by the names of their rows. A model that is named is
        loaded and measured in a fresh process; a scope, also one under edits, is measured here.
    texts
        A list or column of texts, such lists by language, or the path of a file: a text on each
        line, or JSON lines with "text" and "language".
    tasks
        Task files of lm-evaluation-harness, or the names of those that come with llmscope,
        "everyday" and "goes_on". It takes ``pip install "jupyter-llmscope[evaluate]"``.
    window
        The most tokens that are read at once; by default as many as the model's context holds.
    dtype, device, trust_remote_code
        As for `llmscope.load`, of models that are loaded for this.
    **traits
        First values of the view's traits, such as ``measure="perplexity"``.

    Returns
    -------
    EvaluationView
        A widget whose table fills while it measures; ``view.evaluation`` waits for the numbers.

    Raises
    ------
    ValueError
        Without models or texts, for an empty text, and for a file that is no task.
    FileNotFoundError
        When there is no such file of texts or tasks.
    TypeError
        For what is no model and no text.
    ModuleNotFoundError
        For tasks, when lm-evaluation-harness isn't installed.

    Examples
    --------
    >>> view = llmscope.evaluate({"mine": scope}, {"en": ["A tiny model", "Another"]})
    >>> view.evaluation.to_pandas().model.tolist()
    ['mine']
    """
    options: dict[str, Any] = {"window": window, "dtype": dtype, "device": device}
    run = Run(models, texts, tasks, trust_remote_code=trust_remote_code, **options)
    return EvaluationView(run, **traits)
