"""What is known of a survey, as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from llmscope.corpus.measure import BINS, HEADVIS
from llmscope.corpus.totals import Totals
from llmscope.extras import data_frame
from llmscope.shared import SURVEY_SCORES as SCORES
from llmscope.text import labels

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from llmscope.scope import Scope

STATISTICS = ("mean", "std", "sem")
_MOST_PAIRS = 20


class SurveyTables:
    """What is known of all heads over the texts that were read.

    Attributes
    ----------
    scope
        The model.
    texts
        All texts.
    """

    scope: Scope
    texts: list[str]

    @property
    def totals(self) -> Totals:
        """What is known, as arrays."""
        raise NotImplementedError

    @property
    def heads(self) -> list[tuple[int, int]]:
        """All heads, as (layer, head), in the order of all arrays."""
        return self.totals.heads

    @property
    def scores(self) -> pd.DataFrame:
        """Scores of all heads over the texts.

        Indexed by layer and head; columns are (score, statistic): the mean over the texts in which
        a score makes sense, their standard deviation (`std`, of a sample) and the standard error of
        the mean (`sem`).
        """
        statistics = self.totals.statistics  # (3, scores, heads)
        columns = [(score, statistic) for score in SCORES for statistic in STATISTICS]
        values = statistics.transpose(1, 0, 2).reshape(len(columns), -1)
        return self._by_head(values, columns, ["score", "statistic"])

    @property
    def headvis(self) -> pd.DataFrame:
        """HeadVis's six metrics of all heads, by its own definitions.

        Indexed by layer and head. All positions of all texts count alike: `previous` is the mean of
        A[t, t−1], `self` that of A[t, t], `induction` that of the weight on tokens that follow an
        earlier occurrence, where weights below 0.01 count as none, and `induction_unthresholded`
        with them; `distance` is the mean distance of query and key by weight, `distance_variance`
        its variance, and `entropy` in nats.
        """
        found = dict(zip(HEADVIS, self.totals.headvis, strict=True))
        squared = found.pop("distance_squared")
        found["distance_variance"] = squared - found["distance"] ** 2
        found["entropy"] = found.pop("entropy")
        return self._by_head(np.stack([*found.values()]), [*found], ["metric"])

    def of_texts(self, score: str = "activity") -> pd.DataFrame:
        """Return a score of every head in every text.

        Parameters
        ----------
        score
            One of those of `scores`.

        Returns
        -------
        DataFrame
            Indexed by the number of the text; columns are (layer, head).

        Raises
        ------
        ValueError
            When there is no such score.
        """
        import pandas as pd

        totals = self.totals
        values = totals.of_each(_checked(score))
        table = data_frame("of_texts")(
            values,
            index=pd.Index(totals.texts[: len(values)], name="text"),
            columns=pd.MultiIndex.from_tuples(self.heads, names=["layer", "head"]),
        )
        return table.sort_index()

    def strongest(self, layer: int, head: int, score: str = "activity") -> pd.DataFrame:
        """Return all texts, those first in which a head acts most strongly.

        Parameters
        ----------
        layer, head
            The head.
        score
            What is meant by that: `activity` is the mean of the greatest weight that a query gives
            to any token but the first.

        Returns
        -------
        DataFrame
            Indexed by the number of the text; columns are the score, its `decile`, from 1 for the
            strongest tenth to 10, and the `text`. Texts in which the score makes no sense are last,
            without a decile.

        Raises
        ------
        IndexError
            When there is no such head.
        ValueError
            When there is no such score.
        """
        table = data_frame("strongest")
        number = self._number(layer, head)
        order, values = self.ranked(score)
        values, order = values[:, number], order[:, number]
        known = int((~np.isnan(values)).sum())
        decile = np.arange(len(order)) * 10 // max(1, known) + 1
        found = table(
            {
                score: values[order],
                "decile": [int(one) if place < known else None for place, one in enumerate(decile)],
                "text": [self.texts[self.totals.texts[at]] for at in order],
            },
            index=[self.totals.texts[at] for at in order],
        )
        found.index.name = "text"
        return found

    def ranked(self, score: str = "activity") -> tuple[NDArray[np.intp], NDArray[np.float32]]:
        """Return the places (texts, heads) of texts by a falling score, and the scores.

        Parameters
        ----------
        score
            One of those of `scores`.

        Returns
        -------
        order
            For each head, places in `totals.texts`.
        values
            (texts, heads), by place.
        """
        values = self.totals.of_each(_checked(score))
        return np.argsort(-values, axis=0, kind="stable"), values

    def pairs(self, layer: int, head: int, most: int = _MOST_PAIRS) -> pd.DataFrame:
        """Return the pairs of tokens that a head joins most.

        Weights of at least 0.1 count, between two different positions, the first one no key. Of
        each head the 512 heaviest pairs are kept: a weight may be too small by `missed` in its
        ``attrs``, which is 0 as long as there were no more.

        Parameters
        ----------
        layer, head
            The head.
        most
            How many.

        Returns
        -------
        DataFrame
            Columns `query` and `key`, as labels, `weight`, summed over all texts, and `count`.

        Raises
        ------
        IndexError
            When there is no such head.
        """
        table = data_frame("pairs")
        number = self._number(layer, head)
        (heads, queries, keys, counts, weights), missed = self.totals.pairs(most)
        own = heads == number
        found = table(
            {
                "query": labels(self.scope.tokenizer, queries[own].tolist()),
                "key": labels(self.scope.tokenizer, keys[own].tolist()),
                "weight": weights[own],
                "count": counts[own],
            }
        )
        found.attrs["missed"] = float(missed[number])
        return found

    def distances(self, layer: int, head: int) -> pd.DataFrame:
        """Return how far a head looks: its weights by the distance of query and key.

        Parameters
        ----------
        layer, head
            The head.

        Returns
        -------
        DataFrame
            Columns `from` and `to`, both within the bar, in tokens, and `share` of all weight.

        Raises
        ------
        IndexError
            When there is no such head.
        """
        table = data_frame("distances")
        every = self.totals.distances
        weights = every[self._number(layer, head)]
        used = int(np.flatnonzero(every.any(0)).max(initial=0)) + 1
        return table(
            {
                "from": BINS[:used],
                "to": BINS[1 : used + 1] - 1,
                "share": weights[:used] / max(weights.sum(), np.finfo(float).tiny),
            }
        )

    def _by_head(self, values: NDArray[Any], columns: list[Any], names: list[str]) -> pd.DataFrame:
        table = data_frame("a survey's table")
        import pandas as pd

        index = pd.MultiIndex.from_tuples(self.heads, names=["layer", "head"])
        many = len(names) > 1
        of = pd.MultiIndex.from_tuples(columns, names=names) if many else pd.Index(columns)
        return table(values.T, index=index, columns=of)

    def _number(self, layer: int, head: int) -> int:
        if (layer, head) not in self.heads:
            raise IndexError(f"There is no head {layer}·{head} in {self.scope.name}.")
        return self.heads.index((layer, head))


def _checked(score: str) -> str:
    if score not in SCORES:
        raise ValueError(f"score is one of {', '.join(SCORES)}; not {score!r}.")
    return score
