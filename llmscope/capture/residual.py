"""What every layer leaves in the residual stream, and what the model does with it at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import torch
    from torch import nn

    Key = tuple[int, int]  # where a tensor begins, and its width: a view of the first rows is it


class Stack(NamedTuple):
    """The residual stream of one pass.

    Attributes
    ----------
    states
        Embeddings, then the output of each layer, each (positions, size); of the last, as in
        transformers, mostly behind the final norm.
    behind
        Modules between the last layer and the body's output, such as the final norm, in their
        order; `None` where something else than modules lies between.
    """

    states: tuple[torch.Tensor, ...]
    behind: tuple[nn.Module, ...] | None


def watch_stack(model: nn.Module, body: nn.Module, inputs: dict[str, Any]) -> Stack:
    """Run `model`, and follow the output of its `body` back to the last layer."""
    from torch import nn

    layers = {id(layer) for m in body.modules() if isinstance(m, nn.ModuleList) for layer in m}
    made: dict[Key, tuple[nn.Module, Key]] = {}
    left: set[Key] = set()  # by layers
    held: list[Any] = []  # so that no two tensors lie at one place

    def note(module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        given, result = _tensor(args), _tensor(output)
        if given is None or result is None:
            return
        held.extend((given, result))
        if id(module) in layers:
            left.add(key_of(result))
        elif key_of(given) != key_of(result):
            made.setdefault(key_of(result), (module, key_of(given)))

    handles = [module.register_forward_hook(note) for module in body.modules()]
    ends: list[torch.Tensor] = []
    handles.append(body.register_forward_hook(lambda _, __, output: ends.append(output[0])))
    try:
        output = model(**inputs, output_hidden_states=True)
    finally:
        for handle in handles:
            handle.remove()
    states = output.get("hidden_states") or output.get("decoder_hidden_states") or ()
    behind = _followed(key_of(ends[-1]), made, left) if ends else None
    return Stack(tuple(state[0] for state in states), behind)


def _followed(
    end: Key, made: dict[Key, tuple[nn.Module, Key]], left: set[Key]
) -> tuple[nn.Module, ...] | None:
    behind: list[nn.Module] = []
    while end not in left:
        if end not in made or len(behind) > len(made):
            return None
        module, end = made[end]
        behind.insert(0, module)
    return tuple(behind)


def _tensor(item: Any) -> torch.Tensor | None:
    if isinstance(item, (tuple, list)):
        item = item[0] if item else None
    return item if getattr(item, "ndim", 0) >= 2 and item.is_floating_point() else None


def key_of(tensor: torch.Tensor) -> Key:
    """Tell where a tensor lies."""
    return tensor.data_ptr(), tensor.shape[-1]
