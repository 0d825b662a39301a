"""Notes on what is special in the attention of a model, for the steps where it shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from llmscope.analysis.steps import Feature
from llmscope.words import later, say

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from llmscope.analysis.steps import Steps
    from llmscope.capture import Attention
    from llmscope.capture.projection import Projection

_ROTARY = ("rotary", "rotate_half", "rope")  # parts of names of functions that rotate
_NORMS = ("q_norm", "query_norm", "q_layernorm", "query_layernorm", "q_ln", "norm_q", "qk_norm")


def features(
    steps: Steps,
    attention: Attention,
    projection: Projection,
    outputs: NDArray[np.float32],
    head: int,
    query: int,
) -> tuple[Feature, ...]:
    """Return what is special about `steps`, in their order.

    Parameters
    ----------
    outputs
        Of all heads for the query (heads, value size).
    head, query
        Which ones the steps are about.
    """
    return tuple(
        Feature(name, text)
        for name, text in (
            *_before(attention, projection, head),
            *_mask(steps, attention, query),
            *_scores(steps, attention),
            *_after(steps, attention, projection, outputs),
        )
    )


def _before(attention: Attention, projection: Projection, head: int) -> Iterator[tuple[str, str]]:
    module = attention.call.module
    if any(hasattr(module, name) for name in _NORMS):
        yield (
            later("query-key norm"),
            say("Query and key were normalised, each by itself, before the product."),
        )
    if any(part in name.lower() for name in projection.functions for part in _ROTARY):
        base = _rotary_base(module)
        how = say("rotary embedding")
        if base is not None:
            how = say("rotary embedding, base {base:,.0f}", base=base)
        yield (
            later("rotary"),
            say(
                "Query and key were turned by angles that grow with their positions ({how}).",
                how=how,
            ),
        )
    group = attention.heads // attention.kv_heads
    if group > 1:
        first = head // group * group
        last = first + group - 1
        yield (
            later("grouped heads"),
            say(
                later(
                    "Heads {first} and {last} share their keys and values: {heads} query heads, "
                    "{groups} key-value heads."
                )
                if group == 2
                else later(
                    "Heads {first} to {last} share their keys and values: {heads} query heads, "
                    "{groups} key-value heads."
                ),
                first=first,
                last=last,
                heads=attention.heads,
                groups=attention.kv_heads,
            ),
        )


def _mask(steps: Steps, attention: Attention, query: int) -> Iterator[tuple[str, str]]:
    own = query + attention.keys - attention.queries
    after = steps.hidden[own + 1 :]
    if after.size and after.all():
        yield (
            later("causal mask"),
            say("{tokens} after the query can't be seen.", tokens=_tokens(after.size)),
        )
    # A module may name a window that its layer doesn't use, so the last query is looked at.
    of_last = attention.is_hidden(np.array([attention.queries - 1]))
    if of_last is None or not bool(of_last[..., : attention.keys - 1].any()):
        return
    outside = int(steps.hidden[:own].sum())
    window = attention.call.kwargs.get("sliding_window")
    if window or getattr(attention.call.module, "sliding_window", None):
        seen = np.flatnonzero(~steps.hidden)
        left_out = say("; {tokens} before them left out", tokens=_tokens(outside))
        yield (
            later("sliding window"),
            say(
                "A window lets this query see positions {first} to {last}{left_out}.",
                first=seen[0],
                last=seen[-1],
                left_out=left_out if outside else "",
            ),
        )
    elif outside:
        yield (
            later("mask"),
            say("{tokens} before the query can't be seen either.", tokens=_tokens(outside)),
        )


def _scores(steps: Steps, attention: Attention) -> Iterator[tuple[str, str]]:
    if steps.softcap is not None:
        cap = f"{steps.softcap:g}"
        yield (
            later("softcap"),
            say("Scores are kept between −{cap} and {cap}: {cap} · tanh(score / {cap}).", cap=cap),
        )
    if steps.bias.any():
        seen = steps.bias[~steps.hidden]
        within = say("here from {least:.3g} to {most:.3g}", least=seen.min(), most=seen.max())
        if attention.call.kwargs.get("position_bias") is not None:
            yield (
                later("relative bias"),
                say(
                    "A learned bias for the distance is added to the score, {within}.",
                    within=within,
                ),
            )
        else:
            yield later("bias"), say("The mask adds a bias to the score, {within}.", within=within)
    if steps.sink is not None:
        share = 1 - steps.weights.sum(dtype=np.float64)
        yield (
            later("sink"),
            say(
                "A learned logit of {sink:.3g} takes part in the softmax: {share:.3g} of the "
                "weight goes to no key.",
                sink=steps.sink,
                share=share,
            ),
        )
    gap = np.abs(softmax(steps.logits, steps.sink) - steps.weights).max()
    if not gap <= tolerance(attention):
        yield (
            later("unexplained"),
            say(
                "The model's weights differ from the softmax of these logits by up to {gap:.2g}: "
                "its attention does something that is not shown here.",
                gap=gap,
            ),
        )


def _after(
    steps: Steps, attention: Attention, projection: Projection, outputs: NDArray[np.float32]
) -> Iterator[tuple[str, str]]:
    if projection.received is None:
        yield (
            later("projection"),
            say(
                "No projection was found behind the heads: what is shown is the output of "
                "{module}.",
                module=projection.module,
            ),
        )
        return
    if steps.concat.size != outputs.size:
        yield (
            later("gate"),
            say("{name} does not receive the heads' outputs side by side.", name=projection.name),
        )
        return
    gap = np.abs(steps.concat - outputs.flatten()).max()
    if not gap <= tolerance(attention) * max(1.0, float(np.abs(outputs).max())):
        yield (
            later("gate"),
            say(
                "Between the heads and {name} their outputs are changed, by a gate or a norm: by "
                "up to {gap:.2g} here. What {name} receives is shown.",
                name=projection.name,
                gap=gap,
            ),
        )


def softmax(logits: NDArray[np.float32], sink: float | None) -> NDArray[np.float32]:
    """Return the weights (keys,) of logits (keys,); a sink takes its share of the 1."""
    whole = logits if sink is None else np.append(logits, np.float32(sink))
    powers = np.exp(whole - whole.max())
    weights: NDArray[np.float32] = (powers / powers.sum())[: len(logits)]
    return weights


def tolerance(attention: Attention) -> float:
    """Return up to which difference two weights are equal, at the precision of the model."""
    import torch

    return max(1e-4, 4 * torch.finfo(attention.call.query.dtype).eps)


def _rotary_base(module: Any) -> float | None:
    """Return the base of the rotary angles, where the configuration names one."""
    config = getattr(module, "config", None)
    parameters = getattr(config, "rope_parameters", None) or {}
    kinds, number = getattr(config, "layer_types", None), getattr(module, "layer_idx", None)
    if kinds and number is not None:
        parameters = parameters.get(kinds[number], parameters)
    base = parameters.get("rope_theta")
    return float(base) if base else None


def _tokens(count: int) -> str:
    return say("1 token") if count == 1 else say("{count:,} tokens", count=count)
