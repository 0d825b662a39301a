"""The part of a trace that reads attention."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from llmscope.analysis.matrices import (
    How,
    checked,
    combined_stack,
    head_stack,
    layer_stack,
    never,
    numbers,
)
from llmscope.capture import Attention, Forward, Kind, OwnWeights, to_numpy
from llmscope.capture.layers import why_none

if TYPE_CHECKING:
    import pandas as pd
    import torch
    from numpy.typing import NDArray

    from llmscope.analysis.arithmetic import Steps
    from llmscope.capture.projection import Projection
    from llmscope.scope import Scope
    from llmscope.text import Token


_PROJECTIONS = 3  # layers whose projections are kept, by trace


class QKV(NamedTuple):
    """Queries, keys and values of one head, each (positions, size), as attention saw them."""

    query: NDArray[np.float32]
    key: NDArray[np.float32]
    value: NDArray[np.float32]


class AttentionReader(ABC):
    """Reads attention of one forward pass; `Trace` is one.

    In all of its methods `kind` is "self", and in encoder-decoder models also "encoder" or "cross";
    `rows` says which queries are read, all by default, and only these are computed.
    """

    scope: Scope
    tokens: tuple[Token, ...]
    source_tokens: tuple[Token, ...]
    _inputs: dict[str, torch.Tensor]
    _forward: Forward

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Which attention can be read: "self", and in encoder-decoder models the others."""
        return tuple(self._attention)

    @property
    def why_no_attention(self) -> str | None:
        """Why no attention can be read, in words; `None` where some can."""
        if self._attention:
            return None
        return f"{self.scope.name} {why_none(self.scope.model)}."

    def layers(self, kind: Kind = "self") -> tuple[int, ...]:
        """Numbers of the layers that have attention of this kind."""
        return tuple(sorted(self._attention.get(kind, {})))

    def heads(self, layer: int, kind: Kind = "self") -> tuple[int, int]:
        """Count query heads and key-value heads of a layer."""
        found = self._recorded(layer, kind)
        return found.heads, found.kv_heads

    def queries(self, kind: Kind = "self") -> int:
        """Count the positions that attend."""
        return len(self.source_tokens if kind == "encoder" else self.tokens)

    def keys(self, kind: Kind = "self") -> int:
        """Count the positions that are attended to."""
        return len(self.tokens if kind == "self" else self.source_tokens)

    def attention(
        self,
        layer: int,
        head: int | None = None,
        rows: slice | Sequence[int] | None = None,
        kind: Kind = "self",
    ) -> NDArray[np.float32]:
        """Attention weights, replayed from the recorded queries and keys.

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
            (heads, rows, keys), or (rows, keys) for one head. Each row sums to 1, but where the
            model gives a share to a sink.

        Raises
        ------
        IndexError
            When there is no such layer, head or row.
        ValueError
            When the layer has no attention of this kind.
        """
        self.check_current()
        if head is None:
            return layer_stack(self, layer, kind).read(rows)
        one: NDArray[np.float32] = head_stack(self, layer, head, kind).read(rows)[0]
        return one

    def combined(
        self,
        heads: Sequence[tuple[int, int]],
        how: How = "mean",
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
        self.check_current()
        stack = combined_stack(self, heads, how, kind)
        one: NDArray[np.float32] = stack.read(rows)[0]
        return one

    def rollout(
        self,
        layer: int,
        rows: slice | Sequence[int] | None = None,
        kind: Kind = "self",
    ) -> NDArray[np.float32]:
        """Attention rollout: how much of each input position reaches a position of `layer`.

        The matrices of layers 0 to `layer` are multiplied, each half the mean of its heads and half
        the identity, for the residual stream, with rows made to sum to 1 [1]_.

        Parameters
        ----------
        layer
            The last layer that is gone through.
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
        from llmscope.analysis.rollout import rollout_rows

        self.check_current()
        chosen = numbers(self.queries(kind), rows)
        return to_numpy(rollout_rows(self, layer, kind, chosen), copy=False)

    def head_scores(self, kind: Kind = "self") -> pd.DataFrame:
        """Score every head by patterns that heads are known for.

        Above 1,024 queries, 1,024 evenly spaced ones are read. docs/attention.md has the formulas.

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
        from llmscope.analysis.head_scores import SCORES, overview

        try:
            import pandas as pd
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError("head_scores needs pandas: pip install pandas") from error
        self.check_current()
        return pd.DataFrame(
            [
                {"layer": layer, "head": head, **dict(zip(SCORES, scores, strict=True))}
                for layer in self.layers(kind)
                for head, scores in enumerate(overview(self, layer, kind)[1])
            ]
        )

    def qkv(self, layer: int, head: int, kind: Kind = "self") -> QKV:
        """Query, key and value (positions, size) of one head, after rotary and norm.

        Heads that share keys and values in a group give the same ones.
        """
        attention = self._recorded(layer, kind)
        if not isinstance(attention, Attention):
            raise ValueError(f"{self.scope.name} does not show its queries and keys.")
        head = checked(self, layer, head, kind)
        query, key, value = attention.tensors()
        shared = head * attention.kv_heads // attention.heads
        return QKV(to_numpy(query[head]), to_numpy(key[shared]), to_numpy(value[shared]))

    def steps(self, layer: int, head: int, query: int, kind: Kind = "self") -> Steps:
        """Show how one head computes its output for one query, down to q·k.

        What lies behind the attention function is read by running the model once more, up to
        there; the runs for the last few layers are kept.

        Parameters
        ----------
        layer, head, kind
            As for `attention`.
        query
            Position of the token that attends; -1 is the last.

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
        """
        from llmscope.analysis.arithmetic import steps

        self.check_current()
        return steps(self, layer, head, query, kind)

    @abstractmethod
    def check_current(self) -> None:
        """Raise RuntimeError when the model's weights were changed since."""

    def _recorded(self, layer: int, kind: Kind) -> Attention | OwnWeights:
        """Give what was recorded of one layer's attention.

        Raises
        ------
        IndexError
            When there is no such layer.
        ValueError
            When it has no attention of this kind.
        """
        layers = self._attention.get(kind, {})
        if layer in layers:
            return layers[layer]
        if self.why_no_attention:
            raise ValueError(self.why_no_attention)
        if not layers:
            has = " and ".join(self._attention)
            raise ValueError(f"{self.scope.name} has no {kind} attention; it has {has}.")
        if 0 <= layer < self.scope.facts.layers:
            raise ValueError(f"Layer {layer} of {self.scope.name} has no {kind} attention.")
        known = f"{kind} attention has layers {min(layers)} to {max(layers)}"
        raise IndexError(f"There is no layer {layer}: {known}.")

    def _projection(
        self, layer: int, kind: Kind, query: int, cancelled: Callable[[], bool] = never
    ) -> Projection:
        """Give what the model did with the outputs of a layer's heads, for `query` at least."""
        attention = self._recorded(layer, kind)
        assert isinstance(attention, Attention)
        found = self._projections.pop((kind, layer), None)
        if found is None or not found.covers(query):
            found = self.scope._capture.projection(self._inputs, attention, query, cancelled)
        self._projections[kind, layer] = found
        for oldest in list(self._projections)[:-_PROJECTIONS]:
            self._projections.pop(oldest, None)
        return found

    @cached_property
    def _projections(self) -> dict[tuple[Kind, int], Projection]:
        return {}

    @cached_property
    def _attention(self) -> dict[Kind, dict[int, Attention | OwnWeights]]:
        found: dict[Kind, dict[int, Attention | OwnWeights]] = {
            kind: dict(layers) for kind, layers in self._forward.attention.items()
        }
        kinds: tuple[Kind, ...] = ("self", "encoder", "cross") if self.source_tokens else ("self",)
        if all(kind in found for kind in kinds):
            return found
        self.check_current()
        try:
            own = self.scope._capture.own_attentions(self._inputs)
        except (ValueError, TypeError, AttributeError):
            own = {}
        return {
            kind: found.get(kind) or dict(own[kind])
            for kind in kinds
            if kind in found or kind in own
        }
