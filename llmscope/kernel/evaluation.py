"""An evaluation as a page shows it: the table while it grows, and one text by its tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from llmscope.evaluation.measures import LANGUAGE, TASK
from llmscope.kernel import requests as ask
from llmscope.kernel.requests import RequestError
from llmscope.words import say

if TYPE_CHECKING:
    from llmscope.evaluation import Run
    from llmscope.evaluation.evaluation import ModelResult
    from llmscope.evaluation.tasks import TaskScore
    from llmscope.kernel.handlers import Answers
    from llmscope.kernel.requests import Part

MOST_TEXTS = 200  # whose numbers and tokens a page shows
_CHARACTERS = 200  # of a text in the list
_WHOLE = 20_000  # characters of a text that is opened
_SECONDS = 0.5  # between two parts


class EvaluationHandlers:
    """Answers what a view of an evaluation asks.

    Parameters
    ----------
    run
        The evaluation, which may still be going on.
    """

    def __init__(self, run: Run) -> None:
        self.run = run

    @property
    def answers(self) -> Answers:
        """What answers, by the kind of request."""
        return {
            ask.Evaluated: self._evaluated,
            ask.EvaluatedText: self._text,
            ask.StopEvaluation: self._stop,
        }

    def _evaluated(self, _: ask.Evaluated, cancelled: Callable[[], bool]) -> Iterator[Part]:
        version = -1
        while not cancelled():
            is_over = self.run.is_over
            found = self.run.wait_for(version, 0 if is_over else _SECONDS)
            if is_over or found != version:
                version = found
                yield self._table()
            if is_over:
                return

    def _stop(self, _: ask.StopEvaluation, _cancelled: Callable[[], bool]) -> Iterator[Part]:
        self.run.stop()
        yield {}

    def _text(self, request: ask.EvaluatedText, _cancelled: Callable[[], bool]) -> Iterator[Part]:
        evaluation, index = self.run.evaluation, request.index
        if index >= len(evaluation.texts):
            raise RequestError(
                say(
                    "There is no text {index}: there are {count}.",
                    index=index,
                    count=len(evaluation.texts),
                )
            )
        scores = [model.scores[index] for model in evaluation.models]
        yield {
            "text": evaluation.texts[index].text[:_WHOLE],
            "models": [
                None if score is None else {"labels": score.labels, "bits": score.each}
                for score in scores
            ],
        }

    def _table(self) -> Part:
        run, evaluation = self.run, self.run.evaluation
        measures = evaluation.measures
        shown = evaluation.texts[:MOST_TEXTS]
        of_texts = [one.name for one in measures if one.of_texts and not _is_of(one.name)]
        return {
            "over": run.is_over,
            "done": run.done,
            "seconds_left": run.seconds_left,
            "stage": run.stage,
            "measures": [
                {
                    "name": one.name,
                    "unit": one.unit,
                    "better": one.better,
                    "interval": one.interval,
                    "of_texts": one.of_texts,
                }
                for one in measures
            ],
            "models": [
                {
                    "name": model.name,
                    "code": run.code(number),
                    "family": model.family,
                    "state": model.state,
                    "error": model.error,
                    "notes": list(model.notes),
                    "values": [self._value(model, one.name) for one in measures],
                }
                for number, model in enumerate(evaluation.models)
            ],
            "texts": [
                {"text": _short(one.text), "language": one.language, "bytes": one.bytes}
                for one in shown
            ],
            "all_texts": len(evaluation.texts),
            "numbers": {
                name: [
                    [_rounded(evaluation.of_text(model, n, name)) for n in range(len(shown))]
                    for model in evaluation.models
                ]
                for name in of_texts
            },
            "items": {name: self._items(name) for name in _tasks(evaluation.models)},
        }

    def _value(self, model: ModelResult, measure: str) -> list[Any]:
        found = self.run.evaluation.value(model, measure)
        return [_rounded(found.value), _rounded(found.low), _rounded(found.high), found.why]

    def _items(self, name: str) -> list[dict[str, Any]]:
        """Return the items of a task: what was asked, and what each model said to it."""
        scores = [_score(model, name) for model in self.run.evaluation.models]
        first = next(one for one in scores if one is not None)
        return [
            {
                "asked": item.asked,
                "right": item.right,
                "said": [_said(score, number) for score in scores],
            }
            for number, item in enumerate(first.items)
        ]


def evaluated(answers: Answers) -> Part:
    """Return the whole table, once the evaluation is over."""
    (*_, last) = answers[ask.Evaluated](ask.Evaluated(), lambda: False)
    return last


def _tasks(models: list[ModelResult]) -> list[str]:
    names = [f"{TASK}{one.task}.{one.metric}" for model in models for one in model.tasks]
    return list(dict.fromkeys(names))


def _score(model: ModelResult, name: str) -> TaskScore | None:
    return next((one for one in model.tasks if f"{TASK}{one.task}.{one.metric}" == name), None)


def _said(score: TaskScore | None, number: int) -> list[Any] | None:
    if score is None or number >= len(score.items):
        return None
    return [score.items[number].said, score.items[number].score]


def _is_of(name: str) -> bool:
    return name.startswith((LANGUAGE, TASK))


def _short(text: str) -> str:
    return text if len(text) <= _CHARACTERS else f"{text[:_CHARACTERS]}…"


def _rounded(value: float | None) -> float | None:
    """Return a number in six significant digits."""
    return None if value is None else float(f"{value:.6g}")
