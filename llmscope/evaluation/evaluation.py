"""The result of an evaluation: a row for each model, and what each said of each text."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from llmscope.evaluation.intervals import bootstrap, from_error
from llmscope.evaluation.measures import LANGUAGE, MEASURES, OF_TEXTS, TASK, of_language, of_task
from llmscope.evaluation.scoring import TextScore
from llmscope.evaluation.tasks import Item, TaskScore
from llmscope.extras import data_frame
from llmscope.words import say

if TYPE_CHECKING:
    import pandas as pd

    from llmscope.evaluation.measures import Measure
    from llmscope.evaluation.texts import EvaluatedText

State = Literal["waiting", "running", "done", "failed", "stopped"]


@dataclass(frozen=True)
class Value:
    """One number of the table.

    Attributes
    ----------
    value
        The number, `None` where there is none.
    low, high
        Its bounds, as `Measure.interval` says.
    why
        Why there is no number, in words.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None
    why: str = ""


@dataclass
class ModelResult:
    """All that was measured of one model.

    Attributes
    ----------
    name
        What it is called.
    state : {"waiting", "running", "done", "failed", "stopped"}
        How far it is; what was measured before it failed or was stopped stays.
    family
        What kind of model it is.
    error
        What went wrong, in words.
    notes
        What is to be known about the numbers.
    measured
        What was measured of the model itself, by the name of the measure.
    scores
        What it says of each text, `None` for those that it didn't read.
    tasks
        What lm-eval says of it.
    """

    name: str
    state: State = "waiting"
    family: str = ""
    error: str = ""
    notes: list[str] = field(default_factory=list)
    measured: dict[str, Value] = field(default_factory=dict)
    scores: list[TextScore | None] = field(default_factory=list)
    tasks: list[TaskScore] = field(default_factory=list)
    tasks_why: str = ""


class Evaluation:
    """What was measured of some models: see `llmscope.evaluate`.

    Attributes
    ----------
    texts
        The texts that the models were evaluated on.
    models
        A `ModelResult` for each model, in the order in which they were given.
    """

    def __init__(self, texts: list[EvaluatedText], models: list[ModelResult]) -> None:
        self.texts = texts
        self.models = models

    def __repr__(self) -> str:
        names = ", ".join(model.name for model in self.models)
        return f"<Evaluation of {names} on {len(self.texts)} texts>"

    @property
    def languages(self) -> list[str]:
        """The languages of the texts, where some were named."""
        return [one for one in dict.fromkeys(text.language for text in self.texts) if one]

    @property
    def measures(self) -> list[Measure]:
        """The columns of the table."""
        found = list(MEASURES) + [of_language(language) for language in self.languages]
        names = {measure.name for measure in found}
        for model in self.models:
            for score in model.tasks:
                shares = 0 <= score.value <= 1 and _is_share(score.metric)
                name = f"{score.task}.{score.metric}"
                more = score.higher_is_better
                column = of_task(name, higher_is_better=more, is_share=shares)
                if column.name not in names:
                    names.add(column.name)
                    found.append(column)
        return found

    def value(self, model: ModelResult, measure: str) -> Value:
        """Return one number of the table.

        Parameters
        ----------
        model
            One of `models`.
        measure
            The name of one of `measures`.

        Returns
        -------
        Value
            The number, with its bounds; or why there is none.
        """
        if measure.startswith(TASK):
            return _of_task(model, measure)
        language = measure.removeprefix(LANGUAGE) if measure.startswith(LANGUAGE) else None
        if measure not in OF_TEXTS and language is None:
            return model.measured.get(measure, Value(why=_why(model)))
        if why := model.measured.get(measure, Value()).why:
            return Value(why=why)
        pairs = [
            self._parts(text, score, measure if language is None else "tokens_per_character")
            for text, score in zip(self.texts, model.scores, strict=False)
            if score is not None and (language is None or text.language == language)
        ]
        return _ratio([one for one in pairs if one is not None], measure, _why(model))

    def of_text(self, model: ModelResult, text: int, measure: str) -> float | None:
        """Return the number of one text.

        Parameters
        ----------
        model
            One of `models`.
        text
            Which of `texts`.
        measure
            The name of one of `measures` that is of texts.

        Returns
        -------
        float, or None
            `None` where the model has none.
        """
        name = "tokens_per_character" if measure.startswith(LANGUAGE) else measure
        score = model.scores[text] if text < len(model.scores) else None
        if score is None or name not in OF_TEXTS or model.measured.get(name, Value()).why:
            return None
        parts = self._parts(self.texts[text], score, name)
        return None if parts is None else _ratio([parts], name, "").value

    @staticmethod
    def _parts(text: EvaluatedText, score: TextScore, measure: str) -> tuple[float, float] | None:
        """Return what of a text is summed above and below the fraction."""
        match measure:
            case "bits_per_byte":
                return None if score.bits is None else (score.bits, text.bytes)
            case "perplexity" | "pseudo_perplexity":
                return (score.surprisal, score.predicted) if score.predicted else None
            case "accuracy":
                return (score.correct, score.predicted) if score.predicted else None
            case "tokens_per_character":
                return score.tokens, len(text.text)
        raise KeyError(measure)

    def to_pandas(self) -> pd.DataFrame:
        """Return the table: a row for each model.

        Returns
        -------
        DataFrame
            Columns model, family, state, error, one for each measure, and where it has bounds
            two more, which end in ``_low`` and ``_high``. NaN where there is no number.

        Raises
        ------
        ModuleNotFoundError
            When pandas is not installed.
        """
        rows: list[dict[str, Any]] = []
        for model in self.models:
            row: dict[str, Any] = {"model": model.name, "family": model.family}
            row |= {"state": model.state, "error": model.error}
            for measure in self.measures:
                value = self.value(model, measure.name)
                row[measure.name] = _number(value.value)
                if measure.interval:
                    row[f"{measure.name}_low"] = _number(value.low)
                    row[f"{measure.name}_high"] = _number(value.high)
            rows.append(row)
        return data_frame("to_pandas")(rows)

    def texts_to_pandas(self) -> pd.DataFrame:
        """Return what each model says of each text: a row for each model and text.

        Returns
        -------
        DataFrame
            Columns model, text, language, bytes, characters, tokens, and one for each measure of
            texts. NaN where there is no number.

        Raises
        ------
        ModuleNotFoundError
            When pandas is not installed.
        """
        rows: list[dict[str, Any]] = []
        for model in self.models:
            for index, score in enumerate(model.scores):
                if score is None:
                    continue
                text = self.texts[index]
                row: dict[str, Any] = {"model": model.name, "text": index}
                row |= {"language": text.language, "bytes": text.bytes}
                row |= {"characters": len(text.text), "tokens": score.tokens}
                row |= {name: _number(self.of_text(model, index, name)) for name in OF_TEXTS}
                rows.append(row)
        return data_frame("texts_to_pandas")(rows)

    def items_to_pandas(self) -> pd.DataFrame:
        """Return what each model said to each item of the tasks.

        Returns
        -------
        DataFrame
            Columns model, task, metric, item, asked, right, said and score.

        Raises
        ------
        ModuleNotFoundError
            When pandas is not installed.
        """
        rows: list[dict[str, Any]] = []
        for model in self.models:
            for score in model.tasks:
                named = {"model": model.name, "task": score.task, "metric": score.metric}
                rows += [
                    {**named, "item": index, **asdict(item)}
                    for index, item in enumerate(score.items)
                ]
        return data_frame("items_to_pandas")(rows)


def score_of(read: dict[str, Any]) -> TextScore:
    """Return the score of a text from JSON."""
    return TextScore(**read)


def task_of(read: dict[str, Any]) -> TaskScore:
    """Return the score of a task from JSON."""
    return TaskScore(**{**read, "items": [Item(**item) for item in read["items"]]})


def _ratio(pairs: list[tuple[float, float]], measure: str, why: str) -> Value:
    above, below = [one for one, _ in pairs], [one for _, one in pairs]
    if not sum(below):
        return Value(why=why)
    is_exponential = measure in ("perplexity", "pseudo_perplexity")
    ratio = sum(above) / sum(below)
    bounds = bootstrap(above, below, np.exp if is_exponential else lambda found: found)
    low, high = bounds or (None, None)
    return Value(math.exp(ratio) if is_exponential else ratio, low, high)


def _of_task(model: ModelResult, measure: str) -> Value:
    for score in model.tasks:
        if measure == f"{TASK}{score.task}.{score.metric}":
            bounds = None if score.error is None else from_error(score.value, score.error)
            return Value(score.value, *(bounds or (None, None)))
    return Value(why=model.tasks_why or _why(model))


def _why(model: ModelResult) -> str:
    """Return why a number is missing, where nothing else is known."""
    match model.state:
        case "waiting" | "running":
            return say("Not measured yet.")
        case "stopped":
            return say("Stopped before it was measured.")
        case "failed":
            return model.error
        case _:
            return say("There is no such number for this model.")


def _is_share(metric: str) -> bool:
    return metric.startswith(("acc", "exact_match", "f1", "mcc"))


def _number(value: float | None) -> float:
    return float("nan") if value is None else value
