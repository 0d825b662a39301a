"""Which experts a mixture's router chooses for one token, and how much it weighs each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from llmscope.capture.rows import Place
from llmscope.capture.tensors import close, to_numpy

if TYPE_CHECKING:
    from llmscope.analysis.structure.naming import Seat
    from llmscope.analysis.structure.numbers import TokenNumbers


def router_in_place(numbers: TokenNumbers, seat: Seat) -> dict[str, Any] | None:
    """Return the router's choices; `None` where they aren't seen.

    Returns
    -------
    dict
        ``probabilities`` (experts,) with ``how`` they come of the router's logits, ``chosen``
        (chosen,), ``weights`` (chosen,) as the experts' outputs are multiplied with.
    """
    for name, tap in seat.extra.items():
        if not name.startswith("router"):
            continue
        seen = numbers.rows.many.get(Place(tap.path, tap.turn))
        found = _read(seen or [])
        if found is not None:
            return {"kind": "moe", **found, "shared": bool(seat.box.facts.get("shared"))}
    return None


def _read(seen: list[torch.Tensor]) -> dict[str, Any] | None:
    indices = next((one for one in seen if not one.is_floating_point()), None)
    numbers = [one.float() for one in seen if one.is_floating_point()]
    if not numbers:
        return None
    logits = max(numbers, key=len)
    if indices is None:
        return None
    chosen = indices.long()
    weights = next(
        (one for one in numbers if one.shape == chosen.shape and one is not logits), None
    )
    if weights is None or not len(chosen) or int(chosen.max()) >= len(logits):
        return None
    how, probabilities = _probabilities(logits, chosen, weights)
    order = weights.argsort(descending=True)
    return {
        "how": how,
        "probabilities": to_numpy(probabilities),
        "chosen": chosen[order].int().cpu().numpy(),
        "weights": to_numpy(weights[order]),
    }


def _probabilities(
    logits: torch.Tensor, chosen: torch.Tensor, weights: torch.Tensor
) -> tuple[str, torch.Tensor]:
    """Return the probabilities of all experts that make the weights of those that were chosen."""
    ways = {"softmax": logits.softmax(-1), "sigmoid": logits.sigmoid(), "given": logits}
    for how, found in ways.items():
        picked = found[chosen]
        shares = (picked, picked / picked.sum())
        if any(_in_proportion(one, weights) for one in shares):
            return ("softmax" if how == "given" else how), found
    return "other", logits.softmax(-1)


def _in_proportion(one: torch.Tensor, weights: torch.Tensor) -> bool:
    if not bool((one > 0).all()) or not float(one.sum()):
        return False
    return close(one / one.sum() * weights.sum(), weights)
