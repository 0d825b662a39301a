"""What two models with different vocabularies say comes next, compared as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from llmscope.analysis.comparison.next_token import log_softmax
from llmscope.capture import NEVER, Cancel, Recording, to_numpy
from llmscope.extras import data_frame
from llmscope.text import spelt, texts, visible

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray
    from transformers import PreTrainedTokenizerBase

    Path = tuple[int, ...]

CANDIDATES = 16  # likeliest tokens of each model, whose texts are compared
_ROUNDING = 1e-12  # of what is left of 1, or of a probability, in double precision


class TextChange(NamedTuple):
    """A text that may come next, and how likely it is on both sides.

    Attributes
    ----------
    text, label
        The text, and what is shown of it: white space as glyphs.
    prob_a, prob_b
        Its probabilities.
    change
        The first less the second.
    """

    text: str
    label: str
    prob_a: float
    prob_b: float
    change: float


@dataclass(frozen=True)
class NextTextDifference:
    """What two models with different vocabularies, A and B, say comes after a position.

    The texts are those of the likeliest tokens of either model. How likely a text is, is the
    product of the probabilities of the tokens that the model itself spells it with; other ways to
    spell it aren't counted.

    Attributes
    ----------
    texts
        The texts, those that change most first. The end of the text is "".
    labels
        What is shown of them.
    probs_a, probs_b
        How likely each model says each is (texts,). Where a model begins a text with the tokens of
        another one, its probability is a part of that of the other.
    shares_a, shares_b
        Distributions (texts + 1,): the same, less what goes on to a longer text of these; the last
        is everything else.
    """

    texts: tuple[str, ...]
    labels: tuple[str, ...]
    probs_a: NDArray[np.float64]
    probs_b: NDArray[np.float64]
    shares_a: NDArray[np.float64]
    shares_b: NDArray[np.float64]

    @property
    def change(self) -> NDArray[np.float64]:
        """Probabilities (texts,) of A less those of B."""
        return self.probs_a - self.probs_b

    @property
    def kl_ab(self) -> float:
        """Kullback-Leibler divergence ``Σ a log₂(a/b)`` of the shares in bits: at least so much.

        How A and B divide everything else isn't known, and can only add to it.
        """
        return _kl(self.shares_a, self.shares_b)

    @property
    def kl_ba(self) -> float:
        """Kullback-Leibler divergence ``Σ b log₂(b/a)`` of the shares in bits: at least so much."""
        return _kl(self.shares_b, self.shares_a)

    @property
    def total_variation(self) -> float:
        """``½ Σ |a − b|`` of the shares: the probability that would have to move, at least."""
        return float(np.abs(self.shares_a - self.shares_b).sum() / 2)

    @property
    def total_variation_most(self) -> float:
        """What it is at most: were everything else of A other than everything else of B."""
        return min(1.0, self.total_variation + float(min(self.shares_a[-1], self.shares_b[-1])))

    def gained(self, count: int = 10) -> list[TextChange]:
        """Return the texts that are likelier in A, those that gain most first.

        Parameters
        ----------
        count
            How many at most.

        Returns
        -------
        list of TextChange
            Without texts that gain nothing.
        """
        return self._changed(np.argsort(-self.change, kind="stable")[:count], 1)

    def lost(self, count: int = 10) -> list[TextChange]:
        """Return the texts that are less likely in A, those that lose most first.

        Parameters
        ----------
        count
            How many at most.

        Returns
        -------
        list of TextChange
            Without texts that lose nothing.
        """
        return self._changed(np.argsort(self.change, kind="stable")[:count], -1)

    def to_pandas(self) -> pd.DataFrame:
        """Return a table of the texts, those that change most first.

        Returns
        -------
        DataFrame
            Columns text, prob_a, prob_b and change; the last row is everything else.

        Raises
        ------
        ModuleNotFoundError
            When pandas is not installed.
        """
        table = data_frame("to_pandas")
        a = np.append(self.probs_a, self.shares_a[-1])
        b = np.append(self.probs_b, self.shares_b[-1])
        return table({"text": [*self.texts, None], "prob_a": a, "prob_b": b, "change": a - b})

    def _changed(self, order: NDArray[np.intp], sign: int) -> list[TextChange]:
        return [
            TextChange(
                self.texts[n],
                self.labels[n],
                float(self.probs_a[n]),
                float(self.probs_b[n]),
                float(self.change[n]),
            )
            for n in order.tolist()
            if sign * self.change[n] > 0
        ]


@dataclass(frozen=True)
class Side:
    """One of two models, and the place in its text that is asked about.

    Attributes
    ----------
    recording
        The pass over the text.
    tokenizer
        Its tokenizer.
    position
        Of the token whose prediction is asked for.
    goes_on
        Whether what it predicts comes after the position, so that several tokens may.
    context
        How many tokens the model reads; `None` for no limit.
    """

    recording: Recording
    tokenizer: PreTrainedTokenizerBase
    position: int
    goes_on: bool
    context: int | None


def read_next_text(
    one: Side, other: Side, count: int = CANDIDATES, cancelled: Cancel = NEVER
) -> NextTextDifference:
    """Compare what two models say comes next, over the texts of their likeliest tokens.

    A text that is one token of a model is in the logits that it has; another costs one pass over
    the tokens that the model spells it with, after the text that is cached: at most `count` passes
    of each model. A text that a model can't spell, and a token whose bytes are no text, are part
    of everything else.

    Parameters
    ----------
    one, other
        The models.
    count
        How many tokens of each.
    cancelled
        Asked between passes.

    Raises
    ------
    Cancelled
        When `cancelled` returned True.
    """
    sides = (one, other)
    first = [_first(side) for side in sides]
    own = [_candidates(side, likely, count) for side, likely in zip(sides, first, strict=True)]
    wanted = dict.fromkeys([*own[0], *own[1]])
    paths = [
        {text: known.get(text) or _spelt(side, text) for text in wanted}
        for side, known in zip(sides, own, strict=True)
    ]
    found = [
        _probabilities(side, likely, path, cancelled)
        for side, likely, path in zip(sides, first, paths, strict=True)
    ]
    both = [text for text in wanted if all(text in side for side in found)]
    both.sort(key=lambda text: -abs(found[0][text] - found[1][text]))
    probs = [np.array([side[text] for text in both]) for side in found]
    shares = [
        _shares([path[text] or () for text in both], likely)
        for path, likely in zip(paths, probs, strict=True)
    ]
    ends = [str(side.tokenizer.eos_token) for side in sides]
    end = ends[0] if ends[0] == ends[1] else " / ".join(ends)
    shown = tuple(visible(text) if text else end for text in both)
    return NextTextDifference(tuple(both), shown, *probs, *shares)


def _first(side: Side) -> NDArray[np.float64]:
    return log_softmax(to_numpy(side.recording.logits([side.position]))[0])


def _candidates(side: Side, first: NDArray[np.float64], count: int) -> dict[str, Path]:
    """Return the texts of the likeliest tokens, each with its token; the end of the text is ""."""
    count = min(count, len(first))
    ids = np.argpartition(-first, count - 1)[:count]
    ids = ids[np.argsort(-first[ids], kind="stable")]
    special = set(side.tokenizer.all_special_ids)
    found: dict[str, Path] = {}
    for token_id, text in zip(ids.tolist(), texts(side.tokenizer, ids.tolist()), strict=True):
        if token_id == side.tokenizer.eos_token_id and side.goes_on:
            found.setdefault("", (token_id,))
        elif text and token_id not in special:
            found.setdefault(text, (token_id,))
    return found


def _spelt(side: Side, text: str) -> Path | None:
    if not text:
        end = side.tokenizer.eos_token_id
        return None if end is None or not side.goes_on else (int(end),)
    path = spelt(side.tokenizer, text)
    return None if path is None else tuple(path)


def _probabilities(
    side: Side, first: NDArray[np.float64], paths: dict[str, Path | None], cancelled: Cancel
) -> dict[str, float]:
    """Return the probability of each text whose tokens the model can read after its own."""
    found: dict[str, float] = {}
    for text, path in paths.items():
        if path is None or max(path) >= len(first):
            continue
        likely = float(first[path[0]])
        if len(path) > 1:
            rows = _after(side, path[:-1], cancelled)
            if rows is None:
                continue
            likely += sum(float(row[token]) for row, token in zip(rows, path[1:], strict=True))
        found[text] = float(np.exp(likely))
    return found


def _after(side: Side, more: Path, cancelled: Cancel) -> list[NDArray[np.float64]] | None:
    """Return log-probabilities (vocabulary,) after each of some tokens that follow the position."""
    import torch

    inputs = side.recording.inputs
    name = "decoder_input_ids" if "decoder_input_ids" in inputs else "input_ids"
    end = side.position + 1
    too_long = side.context is not None and end + len(more) > side.context
    if not side.goes_on or too_long or (name == "input_ids" and len(inputs) > 1):
        return None
    known = inputs[name][:, :end]
    ids = torch.cat([known, torch.tensor([more]).to(known)], dim=1)
    runner = side.recording.runner
    again = {**inputs, name: ids}
    pass_ = Recording(runner, again, runner.run(again, cancelled))
    logits = to_numpy(pass_.logits(slice(end, end + len(more))))
    return [log_softmax(row) for row in logits]


def _shares(paths: Sequence[Path], probs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distribution (texts + 1,) of texts, of which some begin as others do.

    Each has what doesn't go on to one that begins with its tokens; the last is everything else.
    """
    shares = np.append(probs, 1.0)
    order = sorted(range(len(paths)), key=lambda n: paths[n])
    open_: list[int] = []  # texts, each of which the next one begins with
    for n in order:
        while open_ and paths[n][: len(paths[open_[-1]])] != paths[open_[-1]]:
            open_.pop()
        shares[open_[-1] if open_ else -1] -= probs[n]
        open_.append(n)
    found: NDArray[np.float64] = np.maximum(shares, np.append(probs, 1.0) * _ROUNDING)
    return found


def _kl(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    possible = one > 0
    with np.errstate(divide="ignore"):
        terms = one[possible] * np.log2(one[possible] / other[possible])
    return max(0.0, float(terms.sum()))
