"""The part of a trace that is about attention: a façade of `llmscope.analysis`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from llmscope.analysis.arithmetic import QKV, qkv, steps
from llmscope.analysis.by_name import named_matrix
from llmscope.analysis.head_scores import overview
from llmscope.analysis.matrices import combined_stack, head_stack, layer_stack, positions
from llmscope.analysis.matrix_name import Reduction
from llmscope.analysis.rollout import rollout_rows
from llmscope.analysis.steps import Steps
from llmscope.capture import Recording, to_numpy
from llmscope.extras import data_frame
from llmscope.shared import SCORES, Kind

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from llmscope.analysis.matrix_name import MatrixName
    from llmscope.text import Token


class TraceAttention:
    """The attention of one forward pass.

    In all of its methods `kind` is "self", and in encoder-decoder models also "encoder" or "cross";
    `rows` are the queries that are computed, by default all.

    Attributes
    ----------
    recording
        The recorded pass, which everything is computed from.
    """

    recording: Recording
    tokens: tuple[Token, ...]
    source_tokens: tuple[Token, ...]

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Which attention can be read: "self", and in encoder-decoder models the others."""
        return tuple(self.recording.attention)

    @property
    def why_no_attention(self) -> str | None:
        """Why no attention can be read, in words; `None` where some can."""
        return self.recording.why_no_attention

    def layers(self, kind: Kind = "self") -> tuple[int, ...]:
        """Return the numbers of the layers that have attention of this kind.

        Parameters
        ----------
        kind
            "self"; in encoder-decoder models also "encoder" and "cross".

        Returns
        -------
        tuple of int
            In order; empty where no layer has any.
        """
        return self.recording.layers(kind)

    def heads(self, layer: int, kind: Kind = "self") -> tuple[int, int]:
        """Return the number of query heads and of key-value heads of a layer.

        Parameters
        ----------
        layer
            As the model counts them, from 0.
        kind
            "self"; in encoder-decoder models also "encoder" and "cross".

        Returns
        -------
        tuple of int
            Query heads, key-value heads: fewer of these where query heads share them in groups.

        Raises
        ------
        IndexError
            When there is no such layer.
        ValueError
            When the layer has no attention of this kind.
        """
        found = self.recording.layer(layer, kind)
        return found.heads, found.kv_heads

    def queries(self, kind: Kind = "self") -> int:
        """Return the number of positions that attend.

        Parameters
        ----------
        kind
            "self"; in encoder-decoder models also "encoder" and "cross".

        Returns
        -------
        int
            Length of the text, of the encoder's or of the decoder's side.
        """
        return len(self.source_tokens if kind == "encoder" else self.tokens)

    def keys(self, kind: Kind = "self") -> int:
        """Return the number of positions that are attended to.

        Parameters
        ----------
        kind
            "self"; in encoder-decoder models also "encoder" and "cross".

        Returns
        -------
        int
            Length of the text, of the encoder's or of the decoder's side.
        """
        return len(self.tokens if kind == "self" else self.source_tokens)

    def attention(
        self,
        layer: int,
        head: int | None = None,
        rows: slice | Sequence[int] | None = None,
        kind: Kind = "self",
    ) -> NDArray[np.float32]:
        """Attention weights, computed again from the recorded queries and keys.

        Parameters
        ----------
        layer, head
            As the model counts them, from 0; without `head`, all heads of the layer.
        rows
            Which queries; all by default. Only these are computed.
        kind
            "self"; in encoder-decoder models also "encoder" and "cross".

        Returns
        -------
        ndarray
            (heads, rows, keys), or (rows, keys) for one head. Each row sums to 1, except where the
            model has a sink, which takes a share.

        Raises
        ------
        IndexError
            When there is no such layer, head or row.
        ValueError
            When the layer has no attention of this kind.
        """
        self.recording.check_current()
        if head is None:
            return layer_stack(self.recording.layer(layer, kind)).read(rows)
        attention, head = self.recording.head(layer, head, kind)
        one: NDArray[np.float32] = head_stack(attention, head).read(rows)[0]
        return one

    def combined(
        self,
        heads: Sequence[tuple[int, int]],
        how: Reduction = "mean",
        rows: slice | Sequence[int] | None = None,
        kind: Kind = "self",
    ) -> NDArray[np.float32]:
        """Combine several heads, of any layers, to one matrix.

        Parameters
        ----------
        heads
            Pairs (layer, head).
        how
            "mean" or "max" of the weights in each cell, or "difference": those of the first head
            minus those of the second.
        rows, kind
            As for `attention`.

        Returns
        -------
        ndarray
            (rows, keys): weights from 0 to 1, or from -1 to 1 for a difference.

        Raises
        ------
        IndexError
            When there is no such layer, head or row.
        ValueError
            When `how` is unknown, no head is named, or a difference is not that of two.
        """
        self.recording.check_current()
        stack = combined_stack(self.recording, heads, how, kind)
        one: NDArray[np.float32] = stack.read(rows)[0]
        return one

    def rollout(
        self,
        layer: int,
        rows: slice | Sequence[int] | None = None,
        kind: Kind = "self",
    ) -> NDArray[np.float32]:
        """Attention rollout: how much of each input position reaches a position of `layer` [1]_.

        The matrices of layers 0 to `layer` are multiplied, each half the mean of its heads and half
        the identity, for the residual stream, with rows made to sum to 1.

        Parameters
        ----------
        layer
            The last layer.
        rows, kind
            As for `attention`; not for cross-attention.

        Returns
        -------
        ndarray
            (rows, keys); each row sums to 1.

        Raises
        ------
        ValueError
            For cross-attention, which joins two texts.

        References
        ----------
        .. [1] Abnar & Zuidema, "Quantifying attention flow in transformers", ACL 2020.
        """
        self.recording.check_current()
        chosen = positions(self.queries(kind), rows)
        return to_numpy(rollout_rows(self.recording, layer, kind, chosen), copy=False)

    def matrix(
        self,
        name: MatrixName,
        rows: slice | Sequence[int] | None = None,
        kind: Kind = "self",
    ) -> NDArray[np.float32]:
        """Compute the matrix that a name stands for, as views have them.

        Parameters
        ----------
        name
            One head, heads combined, or rollout; with or without the first token.
        rows, kind
            As for `attention`.

        Returns
        -------
        ndarray
            (rows, keys)

        Raises
        ------
        IndexError, ValueError
            When there is no such layer or head, or no attention of this kind.
        RuntimeError
            When the model was changed after the trace was made.
        """
        return named_matrix(self.recording, kind, name, rows)

    def head_scores(self, kind: Kind = "self") -> pd.DataFrame:
        """Score every head by patterns that heads are known for.

        Above 1,024 queries, 1,024 evenly spaced ones are read. docs/attention.md has the formulas.

        Parameters
        ----------
        kind
            "self"; in encoder-decoder models also "encoder" and "cross".

        Returns
        -------
        DataFrame
            Columns layer, head, and the mean weight that the head's queries give to the token
            before (`previous`), the first token (`first`), themselves (`self`), the token after
            an earlier occurrence of theirs (`induction` [1]_) and up to five tokens to either side
            (`local`); `entropy` is that of the rows as a share of the greatest possible, from 0
            (one key) to 1 (all visible keys alike). NaN where a score makes no sense.

        References
        ----------
        .. [1] Olsson et al., "In-context learning and induction heads", 2022, arXiv:2209.11895.
        """
        table = data_frame("head_scores")
        self.recording.check_current()
        return table(
            [
                {"layer": layer, "head": head, **dict(zip(SCORES, scores, strict=True))}
                for layer in self.layers(kind)
                for head, scores in enumerate(overview(self.recording, layer, kind)[1])
            ]
        )

    def qkv(self, layer: int, head: int, kind: Kind = "self") -> QKV:
        """Query, key and value of one head, after rotary embedding and norm.

        Heads that share keys and values in a group return the same ones.

        Parameters
        ----------
        layer, head, kind
            As for `attention`.

        Returns
        -------
        QKV
            `query`, `key` and `value`, each (positions, size).

        Raises
        ------
        IndexError
            When there is no such layer or head.
        ValueError
            When the model does not show its queries and keys.
        """
        return qkv(self.recording, layer, head, kind)

    def steps(self, layer: int, head: int, query: int, kind: Kind = "self") -> Steps:
        """How one head computes its output for one query, down to q·k.

        What follows the attention function is read by running the model once more, up to there;
        the runs for the last few layers are kept.

        Parameters
        ----------
        layer, head
            As for `attention`.
        query
            Position of the token that attends; -1 is the last.
        kind
            As for `attention`.

        Returns
        -------
        Steps
            Query, keys, values, scores, weights, output and projection, all the model's own
            numbers, and in `features` what is special in this model, or what these numbers leave
            unexplained.

        Raises
        ------
        IndexError
            When there is no such layer, head or query.
        ValueError
            When the model does not show its queries and keys.
        RuntimeError
            When the model was changed after the trace was made.
        """
        return steps(self.recording, layer, head, query, kind)
