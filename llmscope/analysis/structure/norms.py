"""What a norm does, by its numbers: which statistics make its output of its input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from llmscope.capture.tensors import close

if TYPE_CHECKING:
    from llmscope.capture.ledger import Call, Ledger

_EPSILONS = ("variance_epsilon", "eps", "epsilon", "norm_eps", "layer_norm_epsilon")


def norm_facts(ledger: Ledger, call: Call) -> dict[str, Any]:
    """Return which norm a call is of: "layer", "rms", or an "other", by its numbers."""
    assert call.received is not None
    assert call.made is not None
    before, after = ledger.value(call.received).float(), ledger.value(call.made).float()
    epsilon = epsilon_of(call.module)
    weight = getattr(call.module, "weight", None)
    bias = getattr(call.module, "bias", None)
    found: dict[tuple[str, int], float] = {}
    for how in ("rms", "layer"):
        plain = normalised(before, how, epsilon)
        for offset in (0, 1):
            made = scaled(plain, weight, bias, offset).reshape(after.shape)
            if close(made, after):
                found[how, offset] = float((made - after).abs().max())
    if not found:
        return {"how": "other", "epsilon": epsilon, "offset": 0}
    # Vectors without a mean are the same by either: the class's name decides.
    named = "rms" if "rms" in type(call.module).__name__.lower() else "layer"
    rounding = 1e-5 * float(after.abs().max())
    how, offset = min(found, key=lambda one: max(found[one], rounding * (1 + (one[0] != named))))
    return {"how": how, "epsilon": epsilon, "offset": offset}


def epsilon_of(module: Any) -> float:
    """Return what a norm adds to the variance."""
    found = (getattr(module, name, None) for name in _EPSILONS)
    return next((float(one) for one in found if isinstance(one, float)), 1e-5)


def normalised(before: torch.Tensor, how: str, epsilon: float) -> torch.Tensor:
    """Return vectors (…, width) with their mean taken off ("layer") and their size divided out."""
    if how == "layer":
        before = before - before.mean(-1, keepdim=True)
    return before * torch.rsqrt(before.square().mean(-1, keepdim=True) + epsilon)


def scaled(
    plain: torch.Tensor, weight: torch.Tensor | None, bias: torch.Tensor | None, offset: int
) -> torch.Tensor:
    """Return normalised vectors with a norm's weight, which may be counted from 1, and bias."""
    if weight is not None and weight.shape[-1] == plain.shape[-1]:
        plain = plain * (weight.float() + offset)
    if bias is not None and bias.shape[-1] == plain.shape[-1]:
        plain = plain + bias.float()
    return plain
