"""What a model itself says about its attention."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch

from llmscope import Trace
from llmscope.analysis.matrix_name import parse
from llmscope.shared import Kind
from tests.closeness import TINY, assert_close, assert_probabilities_close

KINDS = {
    "self": ("attentions", "decoder_attentions"),
    "encoder": ("encoder_attentions",),
    "cross": ("cross_attentions",),
}


def own_attention(model: Any, inputs: dict[str, torch.Tensor]) -> dict[str, list[np.ndarray]]:
    """By kind, the weights (heads, queries, keys) of each layer; eager, so that it returns them."""
    eager = copy.deepcopy(model)
    if model.config.model_type != "falcon":
        eager.set_attn_implementation("eager")
    with torch.no_grad():
        output = eager(**inputs, output_attentions=True)
    found = {}
    for kind, names in KINDS.items():
        layers = next((output.get(name) for name in names if output.get(name)), ())
        if layers:
            found[kind] = [weights[0].float().numpy() for weights in layers]
    return found


def matrix_of(trace: Trace, kind: Kind, name: str, rows: Any = None) -> np.ndarray:
    """What llmscope reads under the name of a matrix."""
    return trace.matrix(parse(name), rows, kind)


def matrix(layers: list[np.ndarray], name: str) -> np.ndarray:
    """The matrix that goes by `name`, from a model's own weights; see docs/attention.md."""
    plain = name.removeprefix("sinkless.")
    how, _, rest = plain.partition(".")
    if how == "rollout":
        whole = rollout(layers[: int(rest) + 1])
        return sinkless(whole) if plain != name else whole
    pairs = [tuple(map(int, pair.split("."))) for pair in rest.split("+")]
    each = np.stack([layers[layer][head] for layer, head in pairs]).astype(np.float64)
    if plain != name:
        each = sinkless(each)
    return {
        "head": lambda: each[0],
        "mean": lambda: each.mean(axis=0),
        "max": lambda: each.max(axis=0),
        "difference": lambda: each[0] - each[1],
    }[how]()


def assert_matrix_close(
    actual: np.ndarray, expected: np.ndarray, name: str, *, terms: int = TINY
) -> None:
    """Assert that this is the matrix that goes by `name`, each weight to a part of its own size."""
    if "difference" in name:  # small where two weights are alike, and as exact as these
        assert_close(actual, expected, terms=terms, size=1, what=name)
    else:
        assert_probabilities_close(actual, expected, terms=terms, what=name)


def rollout(layers: list[np.ndarray]) -> np.ndarray:
    whole = np.eye(layers[0].shape[-1])
    for weights in layers:
        mixed = weights.mean(axis=0, dtype=np.float64) / 2 + np.eye(len(whole)) / 2
        whole = mixed / mixed.sum(axis=1, keepdims=True) @ whole
    return whole


def sinkless(weights: np.ndarray) -> np.ndarray:
    rest = weights.copy()
    rest[..., 0] = 0
    total = rest.sum(axis=-1, keepdims=True)
    return np.divide(rest, total, out=np.zeros_like(rest), where=total > 0)
