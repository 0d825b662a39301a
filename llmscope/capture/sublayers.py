"""The two halves of a layer: what attention adds to the residual stream, and what the MLP adds.

No table of architectures tells where they lie. A run of the model is watched for the sums by which
each layer's input becomes its output: of each it is known which tensor was the stream, what was
added, and what ran before.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from llmscope.capture.residual import key_of

if TYPE_CHECKING:
    Key = tuple[int, int]

Half = Literal["attention", "mlp"]
_ADDS = frozenset({"add", "__add__", "__radd__", "add_", "__iadd__"})


class _Sum(NamedTuple):
    """One sum that the stream went through."""

    before: torch.Tensor  # the stream
    branch: torch.Tensor  # what was added
    after: torch.Tensor
    is_normed: bool  # whether the stream went through a norm since the sum before
    attends: bool  # whether attention ran since then
    computes: bool  # whether anything with weights did


def watch_halves(
    model: nn.Module, inputs: dict[str, Any], states: Sequence[torch.Tensor], half: Half
) -> list[torch.Tensor]:
    """Run `model`, for the residual stream of each layer with one of its halves alone.

    Parameters
    ----------
    states
        Embeddings, then the output of each layer, each (positions, size), as the same run gives
        them: they tell which modules are the layers.
    half
        "attention" gives the stream before the MLP is added; "mlp" the layer's input with what the
        MLP added.

    Returns
    -------
    list
        One for each layer, (positions, size), before any final norm.

    Raises
    ------
    ValueError
        When a layer isn't the sum of two such halves, in words.
    """
    watcher = _Watcher(states, half)
    handles = [hook for layer in _layers(model) for hook in watcher.hooks(layer)]
    try:
        with watcher:
            model(**inputs)
    finally:
        for handle in handles:
            handle.remove()
    if len(watcher.found) != len(states) - 1:
        raise ValueError("There are no halves: its layers can't be told from its other modules.")
    return watcher.found


def _layers(model: nn.Module) -> list[nn.Module]:
    """List what stands in lists of modules, but not in lists within these."""
    lists = {n: m for n, m in model.named_modules() if isinstance(m, nn.ModuleList)}
    outer = [m for n, m in lists.items() if not any(n.startswith(f"{o}.") for o in lists)]
    return [layer for modules in outer for layer in modules]


class _Watcher(TorchFunctionMode):
    """Follows the residual stream from each layer's input through its sums."""

    def __init__(self, states: Sequence[torch.Tensor], half: Half) -> None:
        super().__init__()
        self.found: list[torch.Tensor] = []
        self._states = states
        self._half = half
        self._thread = threading.get_ident()
        self._forget()

    def _forget(self) -> None:
        self._stream: dict[Key, bool] = {}  # where it lies, and whether behind a norm
        self._sums: list[_Sum] = []
        self._held: list[Any] = []  # so that no two tensors lie at one place
        self._attends = self._computes = False

    def hooks(self, layer: nn.Module) -> list[Any]:
        handles: list[Any] = [
            layer.register_forward_pre_hook(self._enter, with_kwargs=True),
            layer.register_forward_hook(self._leave, with_kwargs=True),
        ]
        for module in layer.modules():
            if module is not layer:
                name = type(module).__name__.lower()
                if "norm" in name:
                    handles.append(module.register_forward_hook(self._norm))
                elif any(True for _ in module.parameters()):
                    begin = self._attention if "attention" in name else self._part
                    handles.append(module.register_forward_pre_hook(begin))
        return handles

    def _enter(self, _: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._forget()
        given = _first(args, kwargs)
        if given is not None and threading.get_ident() == self._thread:
            self._held.append(given)
            self._stream = {key_of(given): False}

    def _attention(self, *_: Any) -> None:
        self._attends = True

    def _part(self, *_: Any) -> None:
        self._computes = True

    def _norm(self, _: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        if args and isinstance(output, torch.Tensor) and key_of(args[0]) in self._stream:
            self._held.append(output)
            self._stream[key_of(output)] = True

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if name not in _ADDS or not self._stream or kwargs or not _alike(args):
            return func(*args, **kwargs)
        keys = [key_of(item) for item in args]
        stream = next((n for n, key in enumerate(keys) if key in self._stream), None)
        if stream is None:
            return func(*args)
        operands = [item.clone() if name in ("add_", "__iadd__") else item for item in args]
        after = func(*args)
        before, branch = operands[stream], operands[1 - stream]
        normed = self._stream[keys[stream]]
        made = _Sum(before, branch, after, normed, self._attends, self._computes)
        self._sums.append(made)
        self._stream = {key_of(after): False}
        self._attends = self._computes = False
        return after

    def _leave(
        self, _: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any
    ) -> None:
        number = len(self.found)
        given, made = _first(args, kwargs), _first((output,), {})
        if given is None or made is None or number >= len(self._states) - 1:
            return
        state = self._states[number]
        if given.shape[-2:] != state.shape or not _close(given.reshape(state.shape), state):
            return  # some other list of modules, such as the encoder's layers
        normed = self._stream.get(key_of(made))
        if normed is None or not self._sums:
            raise _refused(number, "what it adds to the residual stream can't be followed")
        self.found.append(self._read(number, normed).reshape(state.shape))
        self._forget()

    def _read(self, number: int, normed: bool) -> torch.Tensor:
        """Take the half of a layer, at whose end the stream went through a norm or not."""
        *first, last = self._sums
        if last.attends and not first:
            raise _refused(number, "it adds attention and MLP at once, side by side")
        if not any(one.attends for one in self._sums):
            raise _refused(number, "it has no attention")
        if not first or not last.computes:
            raise _refused(number, "its attention and MLP run side by side, on the same input")
        if last.attends or not all(one.attends for one in first):
            raise _refused(number, f"it adds {len(self._sums)} parts in another order")
        if not all(_close(one.before + one.branch, one.after) for one in self._sums):
            raise _refused(number, "its parts don't add up to what it gives")
        if self._half == "attention":
            return last.before
        if normed or any(one.is_normed for one in self._sums):
            raise ValueError(
                f"There is no MLP half: layer {number} normalises the stream behind each sum, so "
                "what the MLP adds stands on the attention half alone."
            )
        return first[0].before + last.branch


def _refused(number: int, why: str) -> ValueError:
    return ValueError(f"Layer {number} has no halves to read: {why}.")


def _alike(args: tuple[Any, ...]) -> bool:
    """Whether these are two tensors of one shape."""
    tensors = len(args) == 2 and all(isinstance(item, torch.Tensor) for item in args)
    return tensors and args[0].shape == args[1].shape and args[0].ndim >= 2


def _close(one: torch.Tensor, other: torch.Tensor) -> bool:
    return torch.allclose(one.float(), other.float(), rtol=1e-3, atol=1e-5)


def _first(args: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.Tensor | None:
    items = [*args, *kwargs.values()]
    flat = [one for item in items for one in (item if isinstance(item, tuple) else (item,))]
    found = (one for one in flat if isinstance(one, torch.Tensor) and one.is_floating_point())
    return next(found, None)
