"""The sublayers of a layer: what attention adds to the residual stream, and what the MLP adds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import nn

from llmscope.capture.hooks import after_forward, before_forward
from llmscope.capture.stream import Addition, StreamFollower, first_tensor, outermost
from llmscope.capture.undo import Changes
from llmscope.words import say

Sublayer = Literal["attention", "mlp"]


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
    for layer in outermost(model).values():
        watcher.hook(layer, changes)
    watcher.follow(changes)
    model(**inputs)
    if len(watcher.found) != len(states) - 1:
        raise ValueError(
            say("There are no halves: its layers can't be told from its other modules.")
        )
    return watcher.found


class _SumWatcher(StreamFollower):
    """Reads the stream with one sublayer alone, of each layer whose input is known."""

    def __init__(self, states: Sequence[torch.Tensor], sublayer: Sublayer) -> None:
        super().__init__()
        self.found: list[torch.Tensor] = []
        self._states = states
        self._sublayer = sublayer

    def leave(self) -> None:
        """Follow nothing until the next block begins."""
        super().leave()
        self._sums: list[Addition] = []

    def hook(self, layer: nn.Module, changes: Changes) -> None:
        before_forward(layer, changes, self._enter)
        after_forward(layer, changes, self._leave)
        self.hook_parts(layer, changes)

    def added(self, addition: Addition) -> None:
        """Take note of a sum that the stream went through."""
        self._sums.append(addition)

    def _enter(self, _: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.enter(first_tensor(args, kwargs))

    def _leave(
        self, _: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any
    ) -> None:
        number = len(self.found)
        received, made = first_tensor(args, kwargs), first_tensor((output,), {})
        if received is None or made is None or number >= len(self._states) - 1:
            return
        state = self._states[number]
        if received.shape[-2:] != state.shape or not _close(received.reshape(state.shape), state):
            return  # some other list of modules, such as the encoder's layers
        normed = self.is_stream(made)
        if normed is None or not self._sums:
            raise _refused(number, say("what it adds to the residual stream can't be followed"))
        self.found.append(self._read(number, normed).reshape(state.shape))
        self.leave()

    def _read(self, number: int, normed: bool) -> torch.Tensor:
        """Return the stream with one sublayer; `normed` says whether the layer ends with a norm."""
        *first, last = self._sums
        if last.attends and not first:
            raise _refused(number, say("it adds attention and MLP at once, side by side"))
        if not any(one.attends for one in self._sums):
            raise _refused(number, say("it has no attention"))
        if not first or not last.computes:
            raise _refused(number, say("its attention and MLP run side by side, on the same input"))
        if last.attends or not all(one.attends for one in first):
            raise _refused(
                number, say("it adds {count} parts in another order", count=len(self._sums))
            )
        if not all(_close(one.before + one.branch, one.after) for one in self._sums):
            raise _refused(number, say("its parts don't add up to what it gives"))
        if self._sublayer == "attention":
            return last.before
        if normed or any(one.is_normed for one in self._sums):
            raise ValueError(
                say(
                    "There is no MLP half: layer {number} normalises the stream behind "
                    "each sum, so what the MLP adds stands on the attention half alone.",
                    number=number,
                )
            )
        return first[0].before + last.branch


def _refused(number: int, why: str) -> ValueError:
    return ValueError(say("Layer {number} has no halves to read: {why}.", number=number, why=why))


def _close(one: torch.Tensor, other: torch.Tensor) -> bool:
    return torch.allclose(one.float(), other.float(), rtol=1e-3, atol=1e-5)
