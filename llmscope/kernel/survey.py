"""Heads over many texts, as a page shows them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from llmscope.corpus.measure import BINS
from llmscope.kernel import requests as ask
from llmscope.shared import TEXTS_BLOCK
from llmscope.text import labels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from llmscope.corpus import Survey
    from llmscope.kernel.handlers import Answers
    from llmscope.kernel.requests import Part

PAIRS = 8  # of each head
EXAMPLES = 10  # texts of each head, of either kind
_SKIPPED = 20  # texts that are listed with why
_SECONDS = 0.4  # between two parts, at least
_SHARE = 0.1  # of the time that may go into parts


class SurveyHandler:
    """Answers what a view of a survey asks.

    Parameters
    ----------
    survey
        The survey.
    """

    def __init__(self, survey: Survey) -> None:
        self.survey = survey

    def known(self, _request: ask.Survey, _cancelled: Callable[[], bool]) -> Iterator[Part]:
        """Yield what is known; of a survey that nobody began, all of it."""
        if not self.survey.read:
            self.survey.run(progress=threading.current_thread() is threading.main_thread())
        yield self._part()

    def run(self, _request: ask.SurveyRun, cancelled: Callable[[], bool]) -> Iterator[Part]:
        """Yield what is known, again and again until all texts are read."""
        yield self._part()
        wait, last = _SECONDS, time.perf_counter()
        for _ in self.survey.steps(cancelled):
            begun = time.perf_counter()
            if begun - last < wait or self.survey.is_whole:
                continue
            yield self._part()
            last = time.perf_counter()
            wait = max(_SECONDS, (last - begun) / _SHARE)
        yield self._part()

    def texts(self, request: ask.SurveyTexts, _cancelled: Callable[[], bool]) -> Iterator[Part]:
        """Yield a block of the texts."""
        start = request.block * TEXTS_BLOCK
        yield {"texts": self.survey.texts[start : start + TEXTS_BLOCK], "read": self.survey.read}

    def _part(self) -> Part:
        survey = self.survey
        done, total, left = survey.progress
        skipped = [[one.index, one.text[:80], one.why] for one in sorted(survey.skipped)[:_SKIPPED]]
        part: Part = {
            "name": survey.scope.name,
            "done": done,
            "total": total,
            "read": survey.read,
            "left": left,
            "skipped": skipped,
            "all_skipped": len(survey.skipped),
        }
        return part | self._heads() if survey.read else part

    def _heads(self) -> dict[str, Any]:
        totals = self.survey.totals
        distances = totals.distances
        used = int(np.flatnonzero(distances.any(0)).max(initial=0)) + 1
        distances = distances[:, :used]
        weight = np.maximum(distances.sum(1, keepdims=True), np.finfo(float).tiny)
        return {
            "heads": np.array(totals.heads, np.int32),
            "statistics": totals.statistics,
            "known": totals.known,
            "bins": BINS[: used + 1].tolist(),
            "distances": (distances / weight).astype(np.float32),
            **self._pairs(),
            **self._examples(),
        }

    def _pairs(self) -> dict[str, Any]:
        """Return the heaviest pairs of each head: ids and weights (heads, PAIRS), -1 for none."""
        heads, queries, keys, _, weights = self.survey.totals.pairs(PAIRS)[0]
        place = np.arange(len(heads)) - np.searchsorted(heads, heads)
        shape = (len(self.survey.heads), PAIRS)
        found = np.full((2, *shape), -1, np.int32)
        found[0, heads, place], found[1, heads, place] = queries, keys
        sums = np.zeros(shape, np.float32)
        sums[heads, place] = weights
        ids = np.unique(found[found >= 0])
        return {
            "queries": found[0],
            "keys": found[1],
            "weights": sums,
            "ids": ids.astype(np.int32),
            "labels": labels(self.survey.scope.tokenizer, ids.tolist()),
        }

    def _examples(self) -> dict[str, Any]:
        """Return texts of each head (heads, EXAMPLES): the strongest, and one of each tenth."""
        order, values = self.survey.ranked("activity")
        known = int((~np.isnan(values).any(1)).sum())
        texts = np.array(self.survey.totals.texts[: len(values)])
        count = min(EXAMPLES, known)
        tenths = ((np.arange(count) + 0.5) * known / max(1, count)).astype(np.intp)
        found: dict[str, NDArray[Any]] = {}
        for name, places in (("strongest", order[:count]), ("deciles", order[tenths])):
            found[name] = texts[places].T.astype(np.int32)
            found[f"{name}_activity"] = np.take_along_axis(values, places, 0).T
        return found


def answers_of(handler: SurveyHandler) -> Answers:
    """Return what answers each of the requests of a survey."""
    return {ask.Survey: handler.known, ask.SurveyRun: handler.run, ask.SurveyTexts: handler.texts}
