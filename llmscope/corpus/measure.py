"""What all heads do with one text: sums over its attention, of which none is kept.

docs/views/survey.md gives the formula of each score.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from llmscope.capture import NEVER, Cancel, Cancelled, Recording, to_numpy
from llmscope.shared import SURVEY_SCORES as SCORES
from llmscope.shared import Kind

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from llmscope.capture import Attention, OutputAttention
    from llmscope.text import Token

# HeadVis's, each a sum over positions; its own 0.01 takes small weights out of `induction`.
HEADVIS = (
    "previous",
    "self",
    "induction",
    "induction_unthresholded",
    "distance",
    "distance_squared",
    "entropy",
)
COUNTS = ("texts", "queries", "queries_with_one_before", "queries_of_repeats")
HEADVIS_THRESHOLD = 0.01
EDGE = 0.1  # weight from which on two tokens are joined

# Distances below each of these, and not below the one before, are one bar: the first sixteen alone.
BINS = np.array([*range(17), *(n for power in range(3, 20) for n in (3 << power, 4 << power))])

_LOCAL = 5  # tokens to either side, as the overview's
_CELLS = 2**21  # weights of all heads together that are in memory at once
_PLACES = 2**17  # of one head


class Edges(NamedTuple):
    """Weights of at least `EDGE` between two different tokens, the first one no key.

    Attributes
    ----------
    heads, queries, keys
        Which head, and which positions (edges,).
    weights
        (edges,)
    """

    heads: NDArray[np.int32]
    queries: NDArray[np.int32]
    keys: NDArray[np.int32]
    weights: NDArray[np.float32]


class Measured(NamedTuple):
    """What all heads did with one text; heads of all layers are counted through.

    Attributes
    ----------
    heads
        (heads, 2): layer, and number within it.
    scores
        (`SCORES`, heads); NaN where one makes no sense.
    headvis
        Sums (`HEADVIS`, heads) over positions.
    counts
        What they are sums of (`COUNTS`,).
    distances
        Weight (heads, `BINS`) that went so far; without the first query.
    edges
        Which tokens were joined.
    """

    heads: NDArray[np.int32]
    scores: NDArray[np.float32]
    headvis: NDArray[np.float64]
    counts: NDArray[np.int64]
    distances: NDArray[np.float32]
    edges: Edges


def measure(
    recording: Recording,
    kind: Kind,
    tokens: Sequence[Token],
    causal: bool,
    cancelled: Cancel = NEVER,
) -> Measured:
    """Reduce the attention of all heads to one text, right after the pass.

    Parameters
    ----------
    recording
        The recorded pass.
    kind
        Which attention.
    tokens
        Its queries, which are its keys too.
    causal
        Whether a query sees no key behind it.
    cancelled
        Asked now and then.

    Returns
    -------
    Measured

    Raises
    ------
    Cancelled
        When `cancelled` returned True.
    """
    numbers = recording.layers(kind)
    layers = [recording.layer(number, kind) for number in numbers]
    heads = [(n, head) for n, one in zip(numbers, layers, strict=True) for head in range(one.heads)]
    sums = _Sums(tokens, heads)
    size = len(tokens)
    rows_at_once = max(1, _PLACES // size)
    for start in range(0, size, rows_at_once):
        rows = np.arange(start, min(size, start + rows_at_once))
        places = _Places(sums.ids, sums.is_mark, causal, rows)
        for first, group in _groups(layers, max(1, _CELLS // (len(rows) * size))):
            if cancelled():
                raise Cancelled
            sums.add(places, first, *_stacked(group, rows, size))
    return sums.result()


def _groups(
    layers: Sequence[Attention | OutputAttention], most: int
) -> Iterator[tuple[int, list[Attention | OutputAttention]]]:
    """Yield layers of at most `most` heads together, at least one, and where they begin."""
    group: list[Attention | OutputAttention] = []
    first = heads = 0
    for layer in layers:
        if group and heads + layer.heads > most:
            yield first, group
            first, heads, group = first + heads, 0, []
        group.append(layer)
        heads += layer.heads
    if group:
        yield first, group


def _stacked(
    layers: Sequence[Attention | OutputAttention], rows: NDArray[np.intp], size: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return weights (heads, rows, keys) of layers, and how many keys are seen (heads, rows)."""
    import torch

    first = layers[0].weights(rows)
    heads = sum(layer.heads for layer in layers)
    weights = torch.zeros((heads, len(rows), size), device=first.device)
    visible = torch.empty((heads, len(rows)), device=first.device)
    at = 0
    for number, layer in enumerate(layers):
        here = slice(at, at + layer.heads)
        weights[here, :, layer.key_range(rows)] = layer.weights(rows) if number else first
        visible[here] = layer.count_visible(rows)
        at += layer.heads
    return weights, visible


class _Places:
    """Some rows of the square of a text: which places of it count for what.

    Parameters
    ----------
    ids
        Of the tokens (positions,).
    is_mark
        Whether each is punctuation (positions,).
    causal
        Whether a query sees no key behind it.
    rows
        Positions of the queries.
    """

    LINEAR = ("previous", "first", "self", "local", "punctuation", "total", "far", "far_squared")
    ALL = ("self_of_all", "far_of_all", "far_squared_of_all")  # the first query among them

    def __init__(
        self,
        ids: NDArray[np.intp],
        is_mark: NDArray[np.bool_],
        causal: bool,
        rows: NDArray[np.intp],
    ) -> None:
        query, key = rows[:, None], np.arange(len(ids))
        far = np.abs(query - key)
        later = np.broadcast_to(query > 0, far.shape)  # the first query has nothing before it
        marks = is_mark & ((key <= query) | (not causal))
        self.has_mark = marks.any(1) & (rows > 0)
        ones = {
            "previous": key == query - 1,
            "first": (key == 0) & later,
            "self": (far == 0) & later,
            "local": (far > 0) & (far <= _LOCAL) & later,
            "punctuation": marks & self.has_mark[:, None],
            "total": later,
            "far": far * later,
            "far_squared": far.astype(np.float32) ** 2 * later,
            "self_of_all": far == 0,
            "far_of_all": far,
            "far_squared_of_all": far.astype(np.float32) ** 2,
        }
        bins = np.searchsorted(BINS, far, side="right") - 1
        self.bins = int(bins.max()) + 1
        columns = np.zeros((far.size, len(ones) + self.bins), np.float32)
        for number, name in enumerate((*self.LINEAR, *self.ALL)):
            columns[:, number] = ones[name].ravel()
        # One of the last columns for each place: the bar that its distance is in.
        columns[np.arange(far.size), len(ones) + bins.ravel()] = later.ravel()
        self.columns = columns
        # Key s follows an occurrence, at s - 1, of the token that the query is at.
        follows = (ids[rows, None] == np.roll(ids, 1)) & (key > 0) & (key <= query)
        self.follows = np.flatnonzero(follows)
        self.is_before = (far > 0).ravel()[self.follows]
        self.repeats = int((follows & (far > 0)).any(1).sum())
        self.repeats_of_headvis = int(follows.any(1).sum())
        self.is_edge = (far > 0) & (key > 0) & later
        self.rows = rows


class _Sums:
    """Sums over the queries of a text, of all heads."""

    def __init__(self, tokens: Sequence[Token], heads: Sequence[tuple[int, int]]) -> None:
        self.ids = np.array([token.id for token in tokens], dtype=np.intp)
        self.is_mark = np.array([is_punctuation(token) for token in tokens], dtype=bool)
        self._heads = np.array(heads, dtype=np.int32)
        self._linear = np.zeros((len(heads), len(_Places.LINEAR) + len(_Places.ALL) + len(BINS)))
        names = ("induction", "with_threshold", "induction_of_all", "entropy", "bits", "nats")
        self._sums = {name: np.zeros(len(heads)) for name in (*names, "activity", "several")}
        self._repeats = self._repeats_of_headvis = self._marked = 0
        self._seen: set[int] = set()
        self._edges: list[Edges] = []

    def add(
        self, places: _Places, first: int, weights: torch.Tensor, visible: torch.Tensor
    ) -> None:
        """Add the weights (heads, rows, keys) of some rows and heads, from `first` on."""
        import torch

        here = slice(first, first + len(weights))
        flat, device = weights.flatten(1), weights.device
        columns = torch.as_tensor(places.columns, device=device)
        self._linear[here, : columns.shape[1]] += _sum(flat @ columns)

        found = flat[:, torch.as_tensor(places.follows, device=device)]  # (heads, places)
        before = found[:, torch.as_tensor(places.is_before, device=device)]
        self._add("induction", here, before.sum(1))
        self._add("induction_of_all", here, found.sum(1))
        self._add("with_threshold", here, (found * (found >= HEADVIS_THRESHOLD)).sum(1))

        entropy = torch.special.entr(weights).sum(-1)  # (heads, rows), in nats
        self._add("nats", here, entropy.sum(1))
        # Of the row as it would be without a sink, whose share is not in it.
        share = weights.sum(-1).clamp_min(torch.finfo(weights.dtype).tiny)
        later = torch.as_tensor(places.rows > 0, device=device)
        several = (visible > 1) & later  # with one key to see there is nothing to be broad about
        entropy = torch.where(several, entropy / share + share.log(), 0.0)
        self._add("several", here, several.sum(1))
        self._add("bits", here, entropy.sum(1) / math.log(2))
        self._add("entropy", here, (entropy / visible.clamp_min(2).log()).sum(1))
        if weights.shape[2] > 1:
            self._add("activity", here, (weights[..., 1:].amax(-1) * later).sum(1))

        is_edge = (weights >= EDGE) & torch.as_tensor(places.is_edge, device=device)
        at = is_edge.nonzero(as_tuple=True)
        head, row, key = (one.cpu().numpy().astype(np.int32) for one in at)
        queries = places.rows[row].astype(np.int32)
        self._edges.append(Edges(head + np.int32(first), queries, key, to_numpy(weights[at])))
        if (start := int(places.rows[0])) not in self._seen:
            self._seen.add(start)
            self._repeats += places.repeats
            self._repeats_of_headvis += places.repeats_of_headvis
            self._marked += int(places.has_mark.sum())

    def result(self) -> Measured:
        """Return the scores that follow."""
        names = (*_Places.LINEAR, *_Places.ALL)
        sums = self._sums | dict(zip(names, self._linear.T, strict=False))
        size = len(self.ids)
        later = size - 1
        with np.errstate(invalid="ignore", divide="ignore"):
            distance = sums["far"] / sums["total"]
            spread = sums["far_squared"] / sums["total"] - distance**2
            several = sums["several"]
            found = {name: sums[name] / later for name in ("previous", "first", "self", "local")}
            found |= {
                "induction": sums["induction"] / self._repeats,
                "entropy": sums["entropy"] / several,
                "distance": distance,
                "distance_spread": np.sqrt(np.maximum(spread, 0)),
                "entropy_bits": sums["bits"] / several,
                "punctuation": sums["punctuation"] / self._marked,
                "activity": sums["activity"] / later,
            }
        headvis = np.stack(
            [
                sums["previous"],
                sums["self_of_all"],
                sums["with_threshold"],
                sums["induction_of_all"],
                sums["far_of_all"],
                sums["far_squared_of_all"],
                sums["nats"],
            ]
        )
        # HeadVis reads no text of one token.
        counts = np.array([1, size, later, self._repeats_of_headvis]) * (later > 0)
        return Measured(
            self._heads,
            np.stack([found[name] for name in SCORES]).astype(np.float32),
            headvis * (later > 0),
            counts.astype(np.int64),
            self._linear[:, len(names) :].astype(np.float32),
            Edges(*(np.concatenate(part) for part in zip(*self._edges, strict=True))),
        )

    def _add(self, name: str, heads: slice, sums: torch.Tensor) -> None:
        self._sums[name][heads] += _sum(sums)


def is_punctuation(token: Token) -> bool:
    """Return whether a token is of nothing but punctuation, white space around it aside.

    Punctuation are the characters of Unicode's categories P.
    """
    text = "" if token.special else token.text.strip()
    return bool(text) and all(unicodedata.category(one).startswith("P") for one in text)


def _sum(sums: torch.Tensor) -> NDArray[np.float64]:
    found: NDArray[np.float64] = sums.cpu().double().numpy()
    return found
