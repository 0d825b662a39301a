"""What a model is, in the numbers that its configuration gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from llmscope.capture.head import has_head, is_masked_lm, is_permutation_lm
from llmscope.capture.wrappers import devices
from llmscope.words import later

if TYPE_CHECKING:
    from torch import nn

Family = Literal["causal", "masked", "encoder-decoder", "encoder"]

# Where an encoder may have another number, which goes by the usual name.
_OF_DECODER = {
    "layers": ("num_decoder_layers", "decoder_layers"),
    "heads": ("num_decoder_attention_heads", "decoder_attention_heads"),
}
_PERMUTED = later(
    "It learned from permuted orders: a permutation mask hid from each "
    "token those that came later in an order drawn anew. Here none is "
    "set, so every token sees all others, and itself."
)


@dataclass(frozen=True)
class Facts:
    """What a model is, in the numbers that its configuration gives.

    Attributes
    ----------
    family
        "causal" predicts the next token, "masked" a masked one, "encoder-decoder" encodes with one
        half and generates with the other, "encoder" has no language-model head.
    context
        The longest text in tokens, or `None` where the model names no limit.
    dtype
        What it computes in, and the method where it was quantised.
    note
        What else is to be known about how it reads, in a sentence or two; often nothing.
    """

    name: str
    family: Family
    layers: int
    heads: int
    kv_heads: int
    vocabulary: int
    context: int | None
    device: str
    dtype: str
    note: str = ""


def facts_of(model: nn.Module, name: str, vocabulary: int, context: int | None) -> Facts:
    """Return the facts of a model, of which `name`, `vocabulary` and `context` are known."""
    config: Any = model.config
    text = _of_text(config)
    heads = _count(text, *_OF_DECODER["heads"], "num_attention_heads")
    dtype = str(next(model.parameters()).dtype).removeprefix("torch.")
    return Facts(
        name=name,
        family=family_of(model),
        layers=layer_count(model),
        heads=heads,
        kv_heads=_count(text, "num_key_value_heads") or heads,
        vocabulary=vocabulary,
        context=context,
        device=devices(model),
        dtype=dtype + _quantisation(config),
        note=_PERMUTED if is_permutation_lm(model) else "",
    )


def family_of(model: nn.Module) -> Family:
    """Return what kind of language model it is."""
    if getattr(model.config, "is_encoder_decoder", False):
        return "encoder-decoder"
    if not has_head(model):
        return "encoder"
    return "masked" if is_masked_lm(model) else "causal"


def layer_count(model: nn.Module) -> int:
    """Return the number of layers, of the decoder where there is one."""
    return _count(_of_text(model.config), *_OF_DECODER["layers"], "num_hidden_layers")


def _of_text(config: Any) -> Any:
    return config.get_text_config() if hasattr(config, "get_text_config") else config


def _quantisation(config: Any) -> str:
    """Return the method that the weights were quantised with, if they were."""
    packed = getattr(config, "quantization_config", None)
    method = getattr(packed, "quant_method", None)
    return f", {getattr(method, 'value', method)}" if method else ""


def _count(config: Any, *names: str) -> int:
    """Return the first of these numbers in a configuration; the greatest of all layers'."""
    for name in names:
        try:
            found = getattr(config, name, None)
        except RuntimeError:  # how transformers refuses to give one for all layers
            found = max(getattr(layer, name) for layer in config.per_layer_config)
        if found:
            return int(found)
    return 0
