"""Sort recorded attention calls by kind and layer."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from llmscope.capture.attention import Attention, PartialAttention
from llmscope.capture.hooks import AttentionCall
from llmscope.shared import Kind
from llmscope.words import say

if TYPE_CHECKING:
    from torch import nn

_CROSS = re.compile(r"cross|encoder_attn|EncDec|encoder_decoder", re.IGNORECASE)


def by_layer(
    model: nn.Module, calls: Sequence[AttentionCall], tokens: int, source: int
) -> dict[Kind, dict[int, Attention]]:
    """Sort recorded calls into layers: kind, then layer number, both as the model counts them.

    A layer without attention (recurrent, linear) has no entry. A module that runs more than once
    (ALBERT shares one among all layers) is counted by the order of its calls. Calls in which
    something other than tokens attends (patches of bytes, say) are left out.

    Parameters
    ----------
    model, calls
        The model, and what was recorded of one pass.
    tokens, source
        Number of tokens of the text (or decoder side), and of the encoder side.

    Returns
    -------
    dict
        By kind and layer.
    """
    names = {id(module): name for name, module in model.named_modules()}
    encoder_of = getattr(model, "get_encoder", None)
    is_pair = bool(getattr(model.config, "is_encoder_decoder", False))
    encoder = encoder_of() if is_pair and encoder_of is not None else None
    inside_encoder = {id(m) for m in encoder.modules()} if encoder is not None else set()

    in_encoder = [(n, call) for n, call in enumerate(calls) if id(call.module) in inside_encoder]
    others = [(n, call) for n, call in enumerate(calls) if id(call.module) not in inside_encoder]
    cached = not is_pair and all(call.sizes[3] != tokens for _, call in others)

    found: dict[Kind, list[tuple[str, Attention]]] = {}

    def add(kind: Kind, attention: Attention) -> None:
        found.setdefault(kind, []).append((names[id(attention.call.module)], attention))

    for order, call in in_encoder:
        if call.sizes[2:] == (source, source):
            add("encoder", Attention(call, order))
    for order, call in others:
        _, _, queries, keys = call.sizes
        crossing = is_crossing(names[id(call.module)], call.module, is_pair)
        if queries != tokens or (not is_pair and (crossing or keys < tokens)):
            continue
        if crossing:
            add("cross", Attention(call, order))
        elif keys == tokens or cached:
            add("self", Attention(call, order))
        else:
            # After the tokens: the encoder's (T5Gemma 2), or summaries of blocks (DeepSeek V4).
            add("self", PartialAttention(call, order, slice(0, tokens)))
            if is_pair and keys == tokens + source:
                add("cross", PartialAttention(call, order, slice(tokens, keys)))
    return {kind: _numbered(named) for kind, named in found.items()}


def is_crossing(path: str, module: nn.Module, is_pair: bool = True) -> bool:
    """Return whether an attention module attends to something other than its own side."""
    named = _CROSS.search(path.rpartition(".")[2] if is_pair else path) is not None
    return named or bool(getattr(module, "is_cross_attention", False))


def why_none(model: nn.Module) -> str:
    """Return why a model has no attention that can be read, as the end of a sentence."""
    if getattr(model, "_is_stateful", False):
        return say("has no attention: its layers carry a state from token to token")
    kinds = {type(module).__name__ for module in model.modules()}
    own = sorted(kind for kind in kinds if kind.endswith("Attention"))
    if own:
        return say(
            "has an attention of its own ({own}) that gives no weight to each pair of tokens",
            own=own[-1],
        )
    return say("has no attention: its layers mix the tokens in another way")


def _numbered(named: Sequence[tuple[str, Attention]]) -> dict[int, Attention]:
    numbers = [_layer_number(name) for name, _ in named]
    if None in numbers or max(Counter(numbers).values()) > 1:
        return dict(enumerate(attention for _, attention in named))
    return {
        number: attention
        for number, (_, attention) in zip(numbers, named, strict=True)
        if number is not None
    }


def _layer_number(name: str) -> int | None:
    match = re.search(r"(?:^|\.)(\d+)(?:\.|$)", name)
    return int(match[1]) if match else None
