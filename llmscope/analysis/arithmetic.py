"""The arithmetic of attention for one query and one head, in the model's own numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from llmscope.analysis.matrices import layer_stack
from llmscope.analysis.notes import features, softmax
from llmscope.analysis.steps import Steps
from llmscope.capture import NEVER, Attention, Cancel, Recording, to_numpy
from llmscope.shared import Kind
from llmscope.words import say

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from llmscope.capture.projection import Projection

    Vector = NDArray[np.float32]


class QKV(NamedTuple):
    """Queries, keys and values of one head, each (positions, size), as attention received them."""

    query: Vector
    key: Vector
    value: Vector


def qkv(recording: Recording, layer: int, head: int, kind: Kind) -> QKV:
    """Return query, key and value of one head; see `TraceAttention.qkv`."""
    attention = recording.layer(layer, kind)
    if not isinstance(attention, Attention):
        raise ValueError(say("{name} does not show its queries and keys.", name=recording.name))
    _, head = recording.head(layer, head, kind)
    query, key, value = attention.tensors()
    shared = head * attention.kv_heads // attention.heads
    return QKV(to_numpy(query[head]), to_numpy(key[shared]), to_numpy(value[shared]))


def steps(
    recording: Recording,
    layer: int,
    head: int,
    query: int,
    kind: Kind,
    cancelled: Cancel = NEVER,
) -> Steps:
    """Return how one head computes its output for one query; see `TraceAttention.steps`."""
    attention = recording.layer(layer, kind)
    if not isinstance(attention, Attention):
        raise ValueError(
            say(
                "{name} computes attention in code of its own, without asking "
                "transformers' attention interface, so its queries and keys are "
                "not seen and there are no steps to show. Its weights can be read.",
                name=recording.name,
            )
        )
    _, head = recording.head(layer, head, kind)
    if not -attention.queries <= query < attention.queries:
        raise IndexError(
            say(
                "There is no query {query}: there are {queries}.",
                query=query,
                queries=attention.queries,
            )
        )
    query %= attention.queries
    row = np.array([query])

    of_head = qkv(recording, layer, head, kind)
    each = layer_stack(attention).read([query])[:, 0]  # (heads, keys)
    scale, softcap = _scale(attention), attention.call.kwargs.get("softcap")
    product = of_head.key @ of_head.query[query]
    scaled = product * np.float32(scale)
    if softcap is not None:
        scaled = np.tanh(scaled / np.float32(softcap)) * np.float32(softcap)
    hidden, bias = _hidden_and_bias(attention, head, row)
    logits = np.where(hidden, -np.inf, scaled + bias).astype(np.float32)

    projection = recording.projection(layer, kind, query, cancelled)
    received = (
        None
        if projection.received is None
        else to_numpy(projection.received[query - projection.first])
    )
    outputs = _outputs(attention, each)
    found = Steps(
        query=of_head.query[query],
        keys=of_head.key,
        values=of_head.value,
        product=product,
        scale=scale,
        scaled=scaled,
        softcap=softcap,
        bias=bias,
        hidden=hidden,
        logits=logits,
        sink=_sink(attention, head, row, logits, each[head]),
        weights=each[head],
        output=outputs[head],
        concat=outputs.flatten() if received is None else received,
        projected=to_numpy(projection.returned[query - projection.first]),
        contribution=_contribution(recording, projection, received, outputs.shape, head),
        projection=projection.name,
        module=projection.module,
        features=(),
    )
    return replace(found, features=features(found, attention, projection, outputs, head, query))


def _scale(attention: Attention) -> float:
    scaling = attention.call.kwargs.get("scaling")
    return float(attention.call.query.shape[-1] ** -0.5 if scaling is None else scaling)


def _hidden_and_bias(
    attention: Attention, head: int, row: NDArray[np.intp]
) -> tuple[NDArray[np.bool_], Vector]:
    """Return which keys (keys,) are hidden from a query, and what others' scores are raised by."""
    import torch

    hidden = np.zeros(attention.keys, dtype=bool)
    bias = np.zeros(attention.keys, dtype=np.float32)
    position_bias = attention.of_rows(attention.call.kwargs.get("position_bias"), row)
    for added in (attention.mask(row), position_bias):
        if added is not None:
            of_head = to_numpy(added[0, head % added.shape[1], 0])
            hidden |= of_head <= torch.finfo(added.dtype).min / 2
            bias += of_head
    return hidden, np.where(hidden, 0, bias).astype(np.float32)


def _sink(
    attention: Attention, head: int, row: NDArray[np.intp], logits: Vector, weights: Vector
) -> float | None:
    """Return the logit that takes part in the softmax beside the keys', if the model has one."""
    kwargs = attention.call.kwargs
    sinks = next((kwargs[name] for name in ("sinks", "s_aux") if name in kwargs), None)
    if sinks is None:
        sinks = getattr(attention.call.during, "sinks", None)
    if sinks is None:
        return None
    sinks = attention.of_rows(sinks, row)
    sink = sinks.flatten()[head].item()

    def gap(sink: float | None) -> float:
        return float(np.abs(softmax(logits, sink) - weights).max())

    # Some models apply theirs to the output instead.
    return sink if gap(sink) <= gap(None) else None


def _outputs(attention: Attention, weights: Vector) -> Vector:
    """Return the values mixed by the weights (heads, keys) of a query: (heads, value size)."""
    values = to_numpy(attention.tensors()[2], copy=False)  # (KV heads, keys, value size)
    by_group = weights.reshape(attention.kv_heads, -1, attention.keys)
    outputs: Vector = (by_group @ values).reshape(attention.heads, -1)
    return outputs


def _contribution(
    recording: Recording,
    projection: Projection,
    received: Vector | None,
    outputs: tuple[int, ...],
    head: int,
) -> Vector | None:
    """Return the projection (hidden size,) of one head's part, without its bias."""
    import torch

    linear, full = projection.linear, projection.received
    heads, size = outputs
    if linear is None or full is None or received is None or len(received) != heads * size:
        return None
    part = slice(head * size, (head + 1) * size)
    alone = torch.zeros((2, heads * size), dtype=full.dtype, device=full.device)
    alone[0, part] = torch.as_tensor(received[part]).to(alone)
    this, bias = recording.runner.undisturbed(lambda: linear(alone))
    return to_numpy(this - bias)
