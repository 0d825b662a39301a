"""The sublayers of a layer: what attention adds to the residual stream, and what the MLP adds.

No table of architectures names them. A run of the model is watched for the sums by which each
layer's input becomes its output: of each sum it is known which tensor was the residual stream, what
was added to it, and what ran before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from llmscope.capture.hooks import after_forward, before_forward
from llmscope.capture.tensors import key_of
from llmscope.capture.undo import Changes

if TYPE_CHECKING:
    from llmscope.capture.tensors import Key

Sublayer = Literal["attention", "mlp"]
_ADDS = frozenset({"add", "__add__", "__radd__", "add_", "__iadd__"})


class _Sum(NamedTuple):
    """One sum that the stream went through."""

    before: torch.Tensor  # the stream
    branch: torch.Tensor  # what was added
    after: torch.Tensor
    is_normed: bool  # whether the stream went through a norm since the sum before
    attends: bool  # whether attention ran since then
    computes: bool  # whether anything with weights did


def watch_sublayers(
    model: nn.Module,
    inputs: dict[str, Any],
    states: Sequence[torch.Tensor],
    sublayer: Sublayer,
    changes: Changes,
) -> list[torch.Tensor]:
    """Run `model`, for the residual stream of each layer with one of its sublayers alone.

    Parameters
    ----------
    states
        Embeddings, then the output of each layer, each (positions, hidden size), of an earlier run
        on the same inputs: they tell which modules are the layers.
    sublayer
        "attention" returns the stream before the MLP is added; "mlp" the layer's input with what
        the MLP added.
    changes
        Where the undo of hooks is registered.

    Returns
    -------
    list
        One tensor (positions, hidden size) for each layer, before any final norm.

    Raises
    ------
    ValueError
        When a layer isn't the sum of two such sublayers.
    """
    watcher = _SumWatcher(states, sublayer)
    for layer in _layers(model):
        watcher.hook(layer, changes)
    watcher.follow(changes)
    model(**inputs)
    if len(watcher.found) != len(states) - 1:
        raise ValueError("There are no halves: its layers can't be told from its other modules.")
    return watcher.found


def _layers(model: nn.Module) -> list[nn.Module]:
    """Return the modules in lists of modules, but not those in lists within these."""
    lists = {n: m for n, m in model.named_modules() if isinstance(m, nn.ModuleList)}
    outer = [m for n, m in lists.items() if not any(n.startswith(f"{o}.") for o in lists)]
    return [layer for modules in outer for layer in modules]


class _SumWatcher(TorchFunctionMode):
    """Follows the residual stream from each layer's input through its sums, in one thread."""

    def __init__(self, states: Sequence[torch.Tensor], sublayer: Sublayer) -> None:
        super().__init__()
        self.found: list[torch.Tensor] = []
        self._states = states
        self._sublayer = sublayer
        self._forget()

    def _forget(self) -> None:
        self._stream: dict[Key, bool] = {}  # where it is, and whether that is after a norm
        self._sums: list[_Sum] = []
        self._held: list[Any] = []  # references, so that `data_ptr()` stays unique
        self._attends = self._computes = False

    def hook(self, layer: nn.Module, changes: Changes) -> None:
        before_forward(layer, changes, self._enter)
        after_forward(layer, changes, self._leave)
        for module in layer.modules():
            if module is not layer:
                name = type(module).__name__.lower()
                if "norm" in name:
                    after_forward(module, changes, self._norm)
                elif any(True for _ in module.parameters()):
                    begin = self._attention if "attention" in name else self._part
                    before_forward(module, changes, begin)

    def follow(self, changes: Changes) -> None:
        """Enter this mode, until `changes` are undone."""
        overrides: Any = torch.overrides
        outer = overrides._get_current_function_mode_stack()

        def undo() -> None:
            while overrides._get_current_function_mode_stack():
                overrides._pop_mode()
            for mode in outer:
                overrides._push_mode(mode)

        changes.undo_by(undo)
        overrides._push_mode(self)

    def _enter(self, _: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._forget()
        received = _first(args, kwargs)
        if received is not None:
            self._held.append(received)
            self._stream = {key_of(received): False}

    def _attention(self, *_: Any) -> None:
        self._attends = True

    def _part(self, *_: Any) -> None:
        self._computes = True

    def _norm(self, _: nn.Module, args: tuple[Any, ...], __: Any, output: Any) -> None:
        if args and isinstance(output, torch.Tensor) and key_of(args[0]) in self._stream:
            self._held.append(output)
            self._stream[key_of(output)] = True

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if name not in _ADDS or not self._stream or kwargs or not _summable(args):
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
        received, made = _first(args, kwargs), _first((output,), {})
        if received is None or made is None or number >= len(self._states) - 1:
            return
        state = self._states[number]
        if received.shape[-2:] != state.shape or not _close(received.reshape(state.shape), state):
            return  # some other list of modules, such as the encoder's layers
        normed = self._stream.get(key_of(made))
        if normed is None or not self._sums:
            raise _refused(number, "what it adds to the residual stream can't be followed")
        self.found.append(self._read(number, normed).reshape(state.shape))
        self._forget()

    def _read(self, number: int, normed: bool) -> torch.Tensor:
        """Return the stream with one sublayer; `normed` says whether the layer ends with a norm."""
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
        if self._sublayer == "attention":
            return last.before
        if normed or any(one.is_normed for one in self._sums):
            raise ValueError(
                f"There is no MLP half: layer {number} normalises the stream behind each sum, so "
                "what the MLP adds stands on the attention half alone."
            )
        return first[0].before + last.branch


def _refused(number: int, why: str) -> ValueError:
    return ValueError(f"Layer {number} has no halves to read: {why}.")


def _summable(args: tuple[Any, ...]) -> bool:
    """Return whether these are two tensors of one shape."""
    tensors = len(args) == 2 and all(isinstance(item, torch.Tensor) for item in args)
    return tensors and args[0].shape == args[1].shape and args[0].ndim >= 2


def _close(one: torch.Tensor, other: torch.Tensor) -> bool:
    return torch.allclose(one.float(), other.float(), rtol=1e-3, atol=1e-5)


def _first(args: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.Tensor | None:
    items = [*args, *kwargs.values()]
    flat = [one for item in items for one in (item if isinstance(item, tuple) else (item,))]
    found = (one for one in flat if isinstance(one, torch.Tensor) and one.is_floating_point())
    return next(found, None)
