"""The neurons of an MLP at one token: which fire most, and what each writes into the vocabulary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional

from llmscope.analysis.structure.vocabulary import (
    NoVocabulary,
    beyond,
    most,
    treatment,
    vocabulary_of,
)
from llmscope.capture.tensors import close, to_numpy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import nn

    from llmscope.analysis.structure.naming import Seat
    from llmscope.analysis.structure.numbers import TokenNumbers

    Labels = Callable[[Sequence[int]], list[str]]

NEURONS = 12  # that are listed
TOKENS = 5  # that each of them makes likelier, and less likely
_FUNCTIONS: tuple[Callable[[torch.Tensor], torch.Tensor], ...] = (
    functional.silu,
    functional.gelu,
    lambda one: functional.gelu(one, approximate="tanh"),
    functional.relu,
    lambda one: functional.relu(one).square(),
    lambda one: one * torch.sigmoid(1.702 * one),
    torch.tanh,
    torch.sigmoid,
)


def mlp_in_place(
    model: nn.Module, numbers: TokenNumbers, block: int, seat: Seat, labels: Labels
) -> dict[str, Any]:
    """Return what an MLP does at one token.

    Returns
    -------
    dict
        ``count`` of neurons, ``active`` share of them above 0; ``neurons``, those that fire most:
        ``index``, ``activation``, ``gate`` and ``up`` before (each (neurons,), the last two `None`
        where they aren't seen), ``lengths`` of what each adds, ``writes`` and ``drops``, the tokens
        that each makes likelier and less likely; ``top`` and ``bottom``, those of the whole MLP;
        ``treatment``, how the vocabulary was read, in words.
    """
    activations = numbers.vector(seat.extra.get("neurons"))
    made = numbers.vector(seat.gives)
    found: dict[str, Any] = {"kind": "mlp", "count": 0, "active": 0.0, "neurons": None}
    columns = _columns(model, seat)
    chosen: torch.Tensor | None = None
    if activations is not None:
        found["count"] = len(activations)
        found["active"] = float((activations > 0).float().mean())
        chosen = activations.abs().topk(min(NEURONS, len(activations))).indices
        found["neurons"] = {
            "index": chosen.int().cpu().numpy(),
            "activation": to_numpy(activations[chosen]),
            **_before(numbers, seat, activations, chosen),
            "lengths": None,
            "writes": None,
            "drops": None,
        }
    directions = None
    if chosen is not None and activations is not None and columns is not None:
        directions = columns[:, chosen].T.float() * activations[chosen, None].float()
        found["neurons"]["lengths"] = to_numpy(directions.norm(dim=-1))
    return {**found, **_written(model, numbers, block, seat, made, directions, found, labels)}


def _written(
    model: nn.Module,
    numbers: TokenNumbers,
    block: int,
    seat: Seat,
    made: torch.Tensor | None,
    directions: torch.Tensor | None,
    found: dict[str, Any],
    labels: Labels,
) -> dict[str, Any]:
    try:
        vocabulary = vocabulary_of(model, numbers)
        if directions is not None:
            gains = vocabulary.read(beyond(model, numbers, block, seat.box.id, directions))
            found["neurons"]["writes"] = listed(gains, labels)
            found["neurons"]["drops"] = listed(gains, labels, largest=False)
        if made is None:
            return {"top": None, "bottom": None, "treatment": treatment(vocabulary)}
        whole = vocabulary.read(beyond(model, numbers, block, seat.box.id, made[None]))
        return {
            "top": listed(whole, labels)[0],
            "bottom": listed(whole, labels, largest=False)[0],
            "treatment": treatment(vocabulary),
        }
    except NoVocabulary as error:
        return {"top": None, "bottom": None, "treatment": str(error)}


def listed(gains: torch.Tensor, labels: Labels, largest: bool = True) -> list[dict[str, Any]]:
    """Return for each row of gains (rows, vocabulary) the tokens with most of it, or least."""
    values, ids = most(gains, TOKENS, largest)
    return [
        {"labels": labels(row.tolist()), "ids": row.int().cpu().numpy(), "gains": to_numpy(value)}
        for row, value in zip(ids, values, strict=True)
    ]


def _columns(model: nn.Module, seat: Seat) -> torch.Tensor | None:
    """Return what each neuron writes (width, neurons); `None` where the numbers are packed."""
    tap = seat.extra.get("neurons")
    if tap is None:
        return None
    linear: Any = model.get_submodule(tap.path)
    weight = getattr(linear, "weight", None)
    if not isinstance(weight, torch.Tensor) or not weight.is_floating_point() or weight.ndim != 2:
        return None
    is_turned = type(linear).__name__ == "Conv1D"
    return weight.detach().T if is_turned else weight.detach()


def _before(
    numbers: TokenNumbers, seat: Seat, activations: torch.Tensor, chosen: torch.Tensor
) -> dict[str, Any]:
    """Return gate and up of neurons, where these make the activations."""
    firsts = [numbers.vector(tap) for name, tap in seat.extra.items() if name.startswith("first")]
    seen = [one for one in firsts if one is not None]
    if len(seen) == 1 and len(seen[0]) == 2 * len(activations):
        seen = [*seen[0].chunk(2)]
    seen = [one for one in seen if one.shape == activations.shape]
    for function in _FUNCTIONS:
        for gate in seen:
            bent = function(gate)
            if close(bent, activations):
                return {"gate": to_numpy(gate[chosen]), "up": None}
            for up in seen:
                if up is not gate and close(bent * up, activations):
                    return {"gate": to_numpy(gate[chosen]), "up": to_numpy(up[chosen])}
    return {"gate": None, "up": None}
