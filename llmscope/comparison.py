"""Two passes over the same tokens, and the difference of all that can be read from them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from llmscope.analysis.comparison import (
    NextTokenDifference,
    difference_stack,
    read_distances,
    read_lens_difference,
)
from llmscope.analysis.matrices import head_stack, layer_stack
from llmscope.analysis.matrices import positions as numbered
from llmscope.extras import data_frame
from llmscope.text import labels
from llmscope.trace import Trace

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from llmscope.analysis.comparison import LensDifference
    from llmscope.shared import Kind, Stream
    from llmscope.text import Token

_NATS = float(np.log(2))  # in a bit


class Comparison:
    """The difference of two traces of the same tokens: A less B.

    A text under edits and without them, or read by two models with one vocabulary. Everything is
    computed when it is read, large matrices a few rows at a time. A trace less itself is exactly 0.

    Parameters
    ----------
    a, b
        The traces.

    Attributes
    ----------
    a, b
        The traces.

    Raises
    ------
    ValueError
        When the two don't have the same vocabulary, or the same tokens.

    Examples
    --------
    >>> trace = scope.trace("The capital of France is", edits=[llmscope.ablate(head=(1, 2))])
    >>> comparison = llmscope.Comparison(trace, trace.untouched)
    >>> comparison.attention(layer=2, head=0).shape == (len(trace), len(trace))
    True
    >>> comparison.head_distances.shape  # layers, heads
    (3, 4)
    >>> bool(comparison.head_distances[0].any())  # before the edit nothing changes
    False
    >>> 0 < comparison.next_token.total_variation < 1
    True
    """

    def __init__(self, a: Trace, b: Trace) -> None:
        for given in (a, b):
            if not isinstance(given, Trace):
                raise TypeError(f"A comparison is that of two traces, not of {given!r:.60}.")
        _check_vocabulary(a, b)
        _check_tokens(a, b)
        self.a = a
        self.b = b

    def __repr__(self) -> str:
        return f"<Comparison of {self.a!r} and {self.b!r}>"

    @property
    def tokens(self) -> tuple[Token, ...]:
        """The tokens of both; of the decoder side in encoder-decoder models."""
        return self.a.tokens

    # ── attention ────────────────────────────────────────────────────────────────────────────

    def attention(
        self,
        layer: int,
        head: int | None = None,
        rows: slice | Sequence[int] | None = None,
        kind: Kind = "self",
    ) -> NDArray[np.float32]:
        """Attention weights of A less those of B.

        Parameters
        ----------
        layer, head, rows, kind
            As for `Trace.attention`.

        Returns
        -------
        ndarray
            (heads, rows, keys), or (rows, keys) for one head: from -1 to 1. Each row sums to 0,
            where both give all their weight to keys.

        Raises
        ------
        IndexError
            When there is no such layer, head or row.
        ValueError
            When a layer has no attention of this kind, or not as many heads in both.
        """
        self._check_current()
        stacks = []
        for trace in (self.a, self.b):
            if head is None:
                stacks.append(layer_stack(trace.recording.layer(layer, kind)))
            else:
                stacks.append(head_stack(*trace.recording.head(layer, head, kind)))
        found = difference_stack(*stacks).read(rows)
        return found if head is None else found[0]

    @cached_property
    def head_distances(self) -> NDArray[np.float32]:
        """How far the attention of each head is apart: (layers, heads), from 0 to 1.

        The Jensen-Shannon distance of the rows of A and B, as the mean of all queries; with the
        rows p and q of a query, and m = ½ (p + q)::

            √( ½ Σ p log₂(p/m) + ½ Σ q log₂(q/m) )

        What a row gives to no key, as where there is an attention sink or where an edit takes a
        weight away, is one more outcome of its distribution; less than 1e-4 of it is rounding. NaN
        where a layer has no such head. Above 1,024 queries, 1,024 evenly spaced ones are read.
        """
        return self.head_distances_of("self")

    def head_distances_of(self, kind: Kind) -> NDArray[np.float32]:
        """Return the same for another kind of attention.

        Parameters
        ----------
        kind
            "self"; in encoder-decoder models also "encoder" and "cross".

        Returns
        -------
        ndarray
            (layers, heads)

        Raises
        ------
        ValueError
            When A and B don't have the same heads.
        """
        self._check_current()
        return read_distances(self.a.recording, self.b.recording, kind)

    # ── the head ─────────────────────────────────────────────────────────────────────────────

    @cached_property
    def next_token(self) -> NextTokenDifference:
        """What both say of the token after the text: see `next_token_at`."""
        return self.next_token_at(-1)

    def next_token_at(self, position: int) -> NextTokenDifference:
        """Return what both say of the token that the head predicts at `position`.

        Parameters
        ----------
        position
            Of a token; -1 is the last one.

        Returns
        -------
        NextTokenDifference
            Logits and probabilities of both, Kullback-Leibler divergence both ways, total
            variation, and which tokens gain and lose most.

        Raises
        ------
        IndexError
            When there is no such position.
        ValueError
            For models without a language-model head.
        """
        tokenizer = self.a.scope.tokenizer
        return NextTokenDifference(
            self.a.logits_at(position),
            self.b.logits_at(position),
            lambda ids: labels(tokenizer, ids),
        )

    @property
    def logprobs(self) -> NDArray[np.float32]:
        """Log-probability (positions,) of each token in A less that in B, in nats.

        NaN for the first token. The chain rule: their sum is by how much the text is likelier in
        A. Raises as `Trace.logprobs`.
        """
        found: NDArray[np.float32] = self.a.logprobs - self.b.logprobs
        return found

    @property
    def surprisal(self) -> NDArray[np.float32]:
        """By how much each token (positions,) is more surprising in A than in B, in bits.

        −log₂ of its probability in A less that in B: above 0, A expected it less.
        """
        found: NDArray[np.float32] = self.logprobs / np.float32(-_NATS)
        return found

    def lens(
        self,
        positions: slice | Sequence[int] | None = None,
        stream: Stream = "block",
    ) -> LensDifference:
        """Compare what both would predict if they ended at each layer: the logit lens.

        Parameters
        ----------
        positions, stream
            As for `Trace.lens`.

        Returns
        -------
        LensDifference
            Jensen-Shannon divergence (layers, positions) in bits, the likeliest token of each, and
            the layer where these part.

        Raises
        ------
        ValueError
            When there is no lens of one of them, or their layers aren't as many.
        """
        from llmscope.shared import STREAMS

        self._check_current()
        if stream not in STREAMS:
            raise ValueError(f"stream is one of {', '.join(STREAMS)}; not {stream!r}.")
        return read_lens_difference(
            self.a.recording,
            self.b.recording,
            self.a.scope.tokenizer,
            numbered(len(self.a), positions),
            stream,
        )

    def to_pandas(self) -> pd.DataFrame:
        """Return a table with a row for each token, of models that read from left to right.

        Returns
        -------
        DataFrame
            Columns position, token, surprisal_a, surprisal_b and surprisal: A less B, in bits.

        Raises
        ------
        ModuleNotFoundError
            When pandas is not installed.
        ValueError
            For masked models, and for models without a language-model head.
        """
        table = data_frame("to_pandas")
        return table(
            {
                "position": np.arange(len(self.a)),
                "token": [token.label for token in self.tokens],
                "surprisal_a": self.a.logprobs / np.float32(-_NATS),
                "surprisal_b": self.b.logprobs / np.float32(-_NATS),
                "surprisal": self.surprisal,
            }
        )

    def _check_current(self) -> None:
        self.a.check_current()
        self.b.check_current()


def _check_vocabulary(a: Trace, b: Trace) -> None:
    one, other = a.scope, b.scope
    if one.tokenizer is other.tokenizer and one.facts.vocabulary == other.facts.vocabulary:
        return
    if one.tokenizer.get_vocab() != other.tokenizer.get_vocab():
        raise ValueError(
            f"{one.name} and {other.name} have different vocabularies: a token of one is none of "
            "the other, so their traces have no difference token by token."
        )
    if one.facts.vocabulary != other.facts.vocabulary:
        raise ValueError(
            f"{one.name} has logits for {one.facts.vocabulary:,} tokens, {other.name} for "
            f"{other.facts.vocabulary:,}: their traces have no difference token by token."
        )


def _check_tokens(a: Trace, b: Trace) -> None:
    for one, other in ((a.source_tokens, b.source_tokens), (a.tokens, b.tokens)):
        apart = (n for n, (x, y) in enumerate(zip(one, other, strict=False)) if x.id != y.id)
        first = next(apart, None)
        if first is not None or len(one) != len(other):
            where = (
                f"token {first} is {one[first].label!r} in one and {other[first].label!r} in the "
                "other"
                if first is not None
                else f"one has {len(one):,} tokens, the other {len(other):,}"
            )
            raise ValueError(
                f"Only traces of the same tokens are compared; here {where}. Different texts are "
                "not aligned."
            )
