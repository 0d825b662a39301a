"""Two passes, their tokens side by side, and the difference of all that can be read from them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from llmscope.analysis.comparison import (
    Pairing,
    check_shapes,
    difference_stack,
    read_distances,
    read_lens_difference,
)
from llmscope.analysis.matrices import head_stack, layer_stack
from llmscope.analysis.matrices import positions as numbered
from llmscope.comparison_head import NATS, ComparisonHead
from llmscope.extras import data_frame
from llmscope.text import align, checked_anchors, same_vocabulary
from llmscope.trace import Trace
from llmscope.words import refused

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from llmscope.analysis.comparison import LensDifference
    from llmscope.shared import Kind, Stream
    from llmscope.text import AlignedTokens


class Comparison(ComparisonHead):
    """The difference of two traces, A less B, where their tokens are aligned.

    Of a text under edits and without them, of two texts, or of a text read by two models, whatever
    their tokenizers. The tokens of both are put side by side in rows (`tokens`); what is computed
    of attention and of layers is computed at the tokens that both have (`pairs`). Everything is
    computed when it is read, large matrices a few rows at a time. A trace less itself is exactly 0.

    Parameters
    ----------
    a, b
        The traces.
    anchors
        Positions (in A, in B) of tokens to align by hand, whatever they are; the tokens between
        two of them are aligned by themselves. Of the decoder's side in encoder-decoder models.

    Attributes
    ----------
    a, b
        The traces.
    anchors
        The anchors, in order.
    same_vocabulary
        Whether both have the same tokens under the same ids.

    Raises
    ------
    ValueError
        For an anchor outside of a text, and for anchors that cross.

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

    Two texts:

    >>> a, b = scope.trace("The dog"), scope.trace("The dog sleeps")
    >>> comparison = llmscope.Comparison(a, b)
    >>> "".join(row.text_a for row in comparison.tokens)
    'The dog'
    >>> "".join(row.text_b for row in comparison.tokens if not row.a)  # what only B has
    ' sleeps'
    >>> len(comparison.pairs) == len(a)
    True
    """

    def __new__(cls, a: Trace, b: Trace, anchors: Sequence[tuple[int, int]] = ()) -> Comparison:
        """Leave traces whose model isn't here to those who read them there."""
        elsewhere = a.scope.elsewhere if isinstance(a, Trace) else None
        kind: type[Comparison] = cls if elsewhere is None else elsewhere.comparison
        return super().__new__(kind)

    def __init__(self, a: Trace, b: Trace, anchors: Sequence[tuple[int, int]] = ()) -> None:
        for given in (a, b):
            if not isinstance(given, Trace):
                raise TypeError(f"A comparison is that of two traces, not of {given!r:.60}.")
        self.a = a
        self.b = b
        self.anchors = tuple(checked_anchors(anchors, len(a), len(b)))
        self.same_vocabulary = same_vocabulary(a.scope.tokenizer, b.scope.tokenizer)

    def __repr__(self) -> str:
        return f"<Comparison of {self.a!r} and {self.b!r}>"

    # ── what is beside what ──────────────────────────────────────────────────────────────────

    @cached_property
    def tokens(self) -> tuple[AlignedTokens, ...]:
        """The rows: all tokens of A and B side by side, in order, each in one row.

        Texts of one tokenizer are aligned by the longest common subsequence of their tokens, others
        by the characters that they have in common: see `docs/comparing.md`. In encoder-decoder
        models these are the tokens of the decoder's side; see `source_tokens`.
        """
        return align(self.a.tokens, self.b.tokens, self.same_vocabulary, self.anchors)

    @cached_property
    def source_tokens(self) -> tuple[AlignedTokens, ...]:
        """The same of the encoder's side; empty for other models."""
        return align(self.a.source_tokens, self.b.source_tokens, self.same_vocabulary)

    @cached_property
    def pairs(self) -> NDArray[np.intp]:
        """Positions (pairs, 2) in A and B of the tokens that both have.

        Of rows with one token of each, where these are the same, spell the same or are anchored.
        Tokens of the same text are all paired.
        """
        return _pairs(self.tokens, self.anchors)

    @cached_property
    def source_pairs(self) -> NDArray[np.intp]:
        """The same of the encoder's side; empty for other models."""
        return _pairs(self.source_tokens)

    def pairing(self, kind: Kind = "self") -> Pairing | None:
        """Return which queries and keys of an attention are compared.

        Parameters
        ----------
        kind
            Of attention.

        Returns
        -------
        Pairing or None
            Positions of both; `None` where these are all, of two passes of the same length.
        """
        queries = self.source_pairs if kind == "encoder" else self.pairs
        keys = self.pairs if kind == "self" else self.source_pairs
        sides = (self.a.recording, self.b.recording)
        lengths = [(side.queries(kind), side.keys(kind)) for side in sides]
        if lengths[0] == lengths[1] == (len(queries), len(keys)):
            return None
        return Pairing(queries, keys)

    # ── attention ────────────────────────────────────────────────────────────────────────────

    def attention(
        self,
        layer: int,
        head: int | None = None,
        rows: slice | Sequence[int] | None = None,
        kind: Kind = "self",
    ) -> NDArray[np.float32]:
        """Attention weights of A less those of B, among the tokens that both have.

        Parameters
        ----------
        layer, head
            As for `Trace.attention`.
        rows
            Which of the queries in `pairs`; all by default.
        kind
            As for `Trace.attention`.

        Returns
        -------
        ndarray
            (heads, rows, pairs), or (rows, pairs) for one head: from -1 to 1. Each row sums to 0
            where both texts are the same, and give all their weight to keys.

        Raises
        ------
        IndexError
            When there is no such layer, head or row.
        ValueError
            When a layer has no attention of this kind, or for models of different shape.
        """
        self.check_current()
        check_shapes(self.a.recording, self.b.recording, kind)
        stacks = []
        for trace in (self.a, self.b):
            if head is None:
                stacks.append(layer_stack(trace.recording.layer(layer, kind)))
            else:
                stacks.append(head_stack(*trace.recording.head(layer, head, kind)))
        found = difference_stack(stacks[0], stacks[1], self.pairing(kind)).read(rows)
        return found if head is None else found[0]

    @cached_property
    def head_distances(self) -> NDArray[np.float32]:
        """How far the attention of each head is apart: (layers, heads), from 0 to 1.

        The Jensen-Shannon distance of the rows of A and B, as the mean of all queries in `pairs`;
        with the rows p and q of a query, and m = ½ (p + q)::

            √( ½ Σ p log₂(p/m) + ½ Σ q log₂(q/m) )

        The outcomes of p and q are each key in `pairs`; all keys that only A has, together; and all
        that only B has. So weight on what the other text lacks is as far apart as can be. What a
        row gives to no key, as where there is an attention sink or where an edit takes a weight
        away, is one more outcome; less than 1e-4 of it is rounding. NaN where a layer has no such
        head, and where the texts have no token in common. Above 1,024 queries, 1,024 evenly spaced
        ones are read.
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
            For models of different shape: their heads aren't matched.
        """
        self.check_current()
        both = (self.a.recording, self.b.recording)
        return read_distances(*both, kind, pairing=self.pairing(kind))

    # ── the layers ───────────────────────────────────────────────────────────────────────────

    def lens(
        self,
        positions: slice | Sequence[int] | None = None,
        stream: Stream = "block",
    ) -> LensDifference:
        """Compare what both would predict if they ended at each layer: the logit lens.

        Parameters
        ----------
        positions
            Which of `pairs`; all by default.
        stream
            As for `Trace.lens`.

        Returns
        -------
        LensDifference
            Jensen-Shannon divergence (layers, positions) in bits, the likeliest token of each, and
            the layer where these part.

        Raises
        ------
        ValueError
            When there is no lens of one of them, their layers aren't as many, or for models with
            different vocabularies.
        """
        from llmscope.shared import STREAMS

        if stream not in STREAMS:
            raise ValueError(f"stream is one of {', '.join(STREAMS)}; not {stream!r}.")
        self.check_lens()
        return read_lens_difference(
            self.a.recording,
            self.b.recording,
            self.a.scope.tokenizer,
            self.pairs[numbered(len(self.pairs), positions)],
            stream,
        )

    def check_lens(self) -> None:
        """Raise ValueError when what the layers of the two predict can't be compared.

        And RuntimeError when a model was changed after its trace was made.
        """
        self.check_current()
        if not self.same_logits:
            raise refused(
                "{one} and {other} have different vocabularies: what their layers predict isn't "
                "compared token by token. trace.lens() reads each by itself, and next_token "
                "compares the texts that they predict.",
                one=self.a.scope.name,
                other=self.b.scope.name,
            )

    def to_pandas(self) -> pd.DataFrame:
        """Return a table with a row for each row of `tokens`, of models that read left to right.

        Returns
        -------
        DataFrame
            Columns row, token_a, token_b, surprisal_a, surprisal_b and surprisal: A less B, in
            bits. NaN where there is no number, an empty label where a side has no token.

        Raises
        ------
        ModuleNotFoundError
            When pandas is not installed.
        ValueError
            For masked models, and for models without a language-model head.
        """
        table = data_frame("to_pandas")
        one, other = (each / np.float32(-NATS) for each in self.both_logprobs)
        return table(
            {
                "row": np.arange(len(self.tokens)),
                "token_a": [row.label_a for row in self.tokens],
                "token_b": [row.label_b for row in self.tokens],
                "surprisal_a": one,
                "surprisal_b": other,
                "surprisal": self.surprisal,
            }
        )


def _pairs(
    rows: Sequence[AlignedTokens], anchors: Sequence[tuple[int, int]] = ()
) -> NDArray[np.intp]:
    fixed = set(anchors)
    found = [
        (row.a.start, row.b.start)
        for row in rows
        if len(row.a) == len(row.b) == 1 and (row.same or (row.a.start, row.b.start) in fixed)
    ]
    return np.array(found, dtype=np.intp).reshape(-1, 2)
