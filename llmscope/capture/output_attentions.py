"""Attention that a model returns itself, brought to one weight for each query and key.

For models that compute attention in code of their own, so that no queries and keys are recorded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmscope.capture.attention import OutputAttention
from llmscope.shared import Kind

if TYPE_CHECKING:
    import torch

_OUTPUTS: dict[Kind, tuple[str, ...]] = {
    "self": ("attentions", "decoder_attentions"),
    "encoder": ("encoder_attentions",),
    "cross": ("cross_attentions",),
}


def output_attentions(
    output: Any, config: Any, queries: int, source: int
) -> dict[Kind, dict[int, OutputAttention]]:
    """Read `attentions` and its like from the output of a model of transformers.

    Parameters
    ----------
    output, config
        What the model returned, and its configuration.
    queries, source
        Number of tokens of the text (or decoder side), and of the encoder side.

    Returns
    -------
    dict
        By kind and layer, for layers whose weights are one for each query and key, or can be
        brought to that.
    """
    found: dict[Kind, dict[int, OutputAttention]] = {}
    for kind, names in _OUTPUTS.items():
        layers = next((output.get(name) for name in names if output.get(name)), ())
        size = (source if kind == "encoder" else queries, queries if kind == "self" else source)
        for number, weights in enumerate(layers):
            matrix = _matrix(weights, number, config, *size)
            if matrix is not None:
                found.setdefault(kind, {})[number] = OutputAttention(matrix)
    return found


def _matrix(weights: Any, layer: int, config: Any, queries: int, keys: int) -> torch.Tensor | None:
    """Return (heads, queries, keys), or `None` for what isn't attention between these tokens."""
    if isinstance(weights, dict) and "local" in weights:
        # Pegasus-X: (heads, blocks, size, global keys + size), every other layer half a block on.
        local = weights["local"][0]
        shift = local.shape[2] // 2 if config.stagger_local_blocks and layer % 2 else 0
        return _from_blocks(local[..., -local.shape[2] :], 0, shift, queries, keys)
    if getattr(weights, "ndim", 0) < 4:
        return None
    item: torch.Tensor = weights[0]
    if item.ndim == 4 and item.shape[3] >= 3 * item.shape[2]:
        # LongT5: (blocks, heads, size, 3 × size + global keys); the blocks beside it are seen too.
        size = item.shape[2]
        return _from_blocks(item[..., : 3 * size].transpose(0, 1), size, 0, queries, keys)
    if item.ndim != 3 or item.shape[1] < queries:
        return None
    item = item[:, :queries]  # ProphetNet's other streams follow
    if queries == keys and item.shape[2] in _bands(config):
        return _from_band(item)
    if item.shape[2] != keys:
        return None
    if bool((item < 0).any()):  # ProphetNet's encoder and cross-attention, before the softmax
        return item.softmax(-1)
    if getattr(config, "attention_type", None) == "block_sparse":
        return _first_block_whole(item, config.block_size)
    return item


def _from_blocks(
    blocks: torch.Tensor, before: int, shift: int, queries: int, keys: int
) -> torch.Tensor:
    """Lay out weights (heads, blocks, size, width) of queries that see only what is near.

    The first key of a block's width is `before` its first query, and the first block begins
    `shift` positions before the text.
    """
    heads, count, size, width = blocks.shape
    whole = blocks.new_zeros(heads, count * size, before + count * size + width)
    for number in range(count):
        first = number * size
        whole[:, first : first + size, first : first + width] = blocks[:, number]
    start = before + shift
    return whole[:, shift : shift + queries, start : start + keys]


def _bands(config: Any) -> set[int]:
    window = getattr(config, "attention_window", None) or ()
    return {int(size) + 1 for size in ([window] if isinstance(window, int) else window)}


def _from_band(band: torch.Tensor) -> torch.Tensor:
    """Lay out (heads, queries, window + 1) of Longformer: a query's own key is in the middle."""
    heads, count, width = band.shape
    whole = band.new_zeros(heads, count, count + width)
    for number in range(count):
        whole[:, number, number : number + width] = band[:, number]
    return whole[:, :, width // 2 : width // 2 + count]


def _first_block_whole(item: torch.Tensor, size: int) -> torch.Tensor:
    """Scale the first block of keys to as many shares as BigBird gives it.

    Outside of training its random blocks are the first one too, which it lists only once.
    """
    import torch

    first = item[..., :size]
    missing = 1 - item.sum(-1, keepdim=True)
    return torch.cat([first * (1 + missing / first.sum(-1, keepdim=True)), item[..., size:]], -1)
