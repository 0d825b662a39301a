"""The residual stream after each layer, and what the model does with it at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from llmscope.capture.hooks import after_forward
from llmscope.capture.tensors import key_of
from llmscope.capture.undo import Changes

if TYPE_CHECKING:
    import torch
    from torch import nn

    from llmscope.capture.tensors import Key


class ResidualStream(NamedTuple):
    """The residual stream of one pass.

    Attributes
    ----------
    states
        Embeddings, then the output of each layer, each (positions, hidden size); the last one, as
        in transformers, mostly after the final norm.
    final
        Modules between the last layer and the body's output, such as the final norm, in their
        order; `None` where something other than modules is between them.
    output
        Output of the model's body (positions, hidden size), `None` where the body isn't called.
    """

    states: tuple[torch.Tensor, ...]
    final: tuple[nn.Module, ...] | None
    output: torch.Tensor | None


def watch_residual_stream(
    model: nn.Module, body: nn.Module, inputs: dict[str, Any], changes: Changes, states: bool = True
) -> ResidualStream:
    """Run `model`, with or without all `states`, and follow the output of its `body` back."""
    from torch import nn

    layers = {id(layer) for m in body.modules() if isinstance(m, nn.ModuleList) for layer in m}
    made: dict[Key, tuple[nn.Module, Key]] = {}  # by output: the module, and its input
    made_by_layers: set[Key] = set()
    held: list[Any] = []  # references, so that `data_ptr()` stays unique
    ends: list[torch.Tensor] = []

    def note(module: nn.Module, args: tuple[Any, ...], _: Any, output: Any) -> None:
        received, result = _tensor(args), _tensor(output)
        if received is None or result is None:
            return
        held.extend((received, result))
        if id(module) in layers:
            made_by_layers.add(key_of(result))
        elif key_of(received) != key_of(result):
            made.setdefault(key_of(result), (module, key_of(received)))

    for module in body.modules():
        after_forward(module, changes, note)
    after_forward(body, changes, lambda _, __, ___, output: ends.append(output[0]))
    output = model(**inputs, output_hidden_states=states)
    found = output.get("hidden_states") or output.get("decoder_hidden_states") or ()
    final = _followed(key_of(ends[-1]), made, made_by_layers) if ends else None
    return ResidualStream(tuple(state[0] for state in found), final, ends[-1][0] if ends else None)


def _followed(
    end: Key, made: dict[Key, tuple[nn.Module, Key]], made_by_layers: set[Key]
) -> tuple[nn.Module, ...] | None:
    """Return the modules that made the tensor `end` of a layer's output, in their order."""
    modules: list[nn.Module] = []
    while end not in made_by_layers:
        if end not in made or len(modules) > len(made):
            return None
        module, end = made[end]
        modules.insert(0, module)
    return tuple(modules)


def _tensor(item: Any) -> torch.Tensor | None:
    if isinstance(item, (tuple, list)):
        item = item[0] if item else None
    return item if getattr(item, "ndim", 0) >= 2 and item.is_floating_point() else None
