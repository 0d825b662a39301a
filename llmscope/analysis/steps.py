"""What one head computes for one query, step by step; `arithmetic` computes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector = NDArray[np.float32]


class Feature(NamedTuple):
    """Something special that attention does in this model: a name, and a sentence about it."""

    name: str
    text: str


@dataclass(frozen=True)
class Steps:
    """How one head computes its output for one query.

    In this order: ``product`` = query · key; ``scaled`` = scale · product, squashed by the soft cap
    where there is one; ``logits`` = scaled + bias; ``weights`` = softmax(logits, and the sink);
    ``output`` = Σ weight · value; all heads' outputs side by side are ``concat``, which the
    projection turns into ``projected``.

    Attributes
    ----------
    query
        (size,), after rotary and norm; as are the keys.
    keys, values
        (keys, size) and (keys, value size).
    product, scaled, bias, logits, weights
        (keys,). The bias is 0 and the logit is -inf where a key is hidden.
    hidden
        (keys,) whether the mask hides the key.
    scale, softcap, sink
        Numbers; `None` where the model has none.
    output
        (value size,)
    concat
        (heads · value size,) the input of the projection; without one, what it would be.
    projected
        (hidden size,) the output of the projection; without one, that of the attention module.
    contribution
        (hidden size,) this head's part of `projected`; `None` where it is unknown.
    projection, module
        Names in the model of the projection, if there is one, and of the attention module.
    features
        What is special in this model.
    """

    query: Vector
    keys: Vector
    values: Vector
    product: Vector
    scale: float
    scaled: Vector
    softcap: float | None
    bias: Vector
    hidden: NDArray[np.bool_]
    logits: Vector
    sink: float | None
    weights: Vector
    output: Vector
    concat: Vector
    projected: Vector
    contribution: Vector | None
    projection: str | None
    module: str
    features: tuple[Feature, ...]
