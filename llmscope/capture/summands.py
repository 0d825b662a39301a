"""The sums of a block, numbered: what each adds, whether to the stream or beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import nn

from llmscope.capture.hooks import after_forward, before_forward
from llmscope.capture.layers import is_crossing
from llmscope.capture.stream import Addition, StreamFollower, first_tensor
from llmscope.capture.tensors import key_of

if TYPE_CHECKING:
    from llmscope.capture.tensors import Key
    from llmscope.capture.undo import Changes


class Sum(NamedTuple):
    """A sum in a block: of the stream and a branch or, beside it, of two outputs of modules.

    Attributes
    ----------
    attention
        Which summand is what an attention module returned, as far as that can be seen: 0 for a
        branch.
    is_beside
        Whether none of the summands was the stream, and one was such an output.
    made_beside
        Whether the branch is the sum of such two.
    attends, computes
        Whether attention, and anything else with weights, ran since the sum before.
    crosses
        Whether that attention was to another side.
    """

    attention: int | None
    is_beside: bool
    made_beside: bool = False
    attends: bool = False
    computes: bool = False
    crosses: bool = False


class SummandFollower(StreamFollower):
    """Follows the stream through a block, and tells its sums apart by their number."""

    def leave(self) -> None:
        """Follow nothing until the next block begins."""
        super().leave()
        self.number = 0  # of the next sum
        self._attended: dict[Key, bool] = {}  # what attention modules returned; whether they cross
        self._beside: set[Key] = set()
        self._is_beside = self._crosses = self._made_beside = False
        self._attention: int | None = None

    def summand(self, number: int, operand: int | None, tensor: torch.Tensor) -> torch.Tensor:
        """Return what is to be added instead of a summand of a sum; `None` is the branch."""
        return tensor

    def summed(self, one: Sum) -> None:
        """Take note of a sum."""

    def hook_parts(self, block: nn.Module, changes: Changes) -> None:
        """Listen to what runs inside a block; what runs inside of attention is attention."""
        attention = {n: m for n, m in block.named_modules() if m is not block and is_attention(m)}
        inside = {part for module in attention.values() for part in module.modules()}
        above = {m for m in block.modules() if any(part in inside for part in m.modules())}
        for module in block.modules():
            if module in attention.values():
                continue
            if "norm" in type(module).__name__.lower():
                after_forward(module, changes, self._norm)
            elif module not in inside | above and any(True for _ in module.parameters()):
                before_forward(module, changes, self._part)
        for path, module in attention.items():
            before_forward(module, changes, self._attends)
            self._hook_output(path, module, changes)

    def _hook_output(self, path: str, module: nn.Module, changes: Changes) -> None:
        crosses = is_crossing(path, module)

        def end(_: nn.Module, __: Any, ___: Any, output: Any) -> None:
            made = first_tensor((output,), {})
            if made is not None:
                self._held.append(made)
                self._attended[key_of(made)] = crosses
            self._crosses = crosses

        after_forward(module, changes, end)

    def branch(self, branch: torch.Tensor) -> torch.Tensor:
        """Look at what is about to be added to the stream."""
        key = key_of(branch)
        self._attention = 0 if key in self._attended else None
        self._crosses = self._attended.get(key, self._crosses)
        self._made_beside = key in self._beside
        return self.summand(self.number, None, branch)

    def added(self, addition: Addition) -> None:
        """Take note of a sum that the stream went through."""
        ran = (addition.attends, addition.computes, self._crosses)
        self.number += 1
        self.summed(Sum(self._attention, False, self._made_beside, *ran))
        self._crosses = False

    def beside(self, one: torch.Tensor, other: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Look at a sum of two tensors of which none is the stream."""
        keys = [key_of(one), key_of(other)]
        which = next((n for n, key in enumerate(keys) if key in self._attended), None)
        self._is_beside = which is not None
        if which is None:
            return one, other
        number = self.number
        self.number += 1
        self.summed(Sum(which, True))
        return self.summand(number, 0, one), self.summand(number, 1, other)

    def beside_is(self, total: torch.Tensor) -> None:
        """Take note of the sum of two tensors of which none was the stream."""
        if self._is_beside:
            self._held.append(total)
            self._beside.add(key_of(total))


def is_attention(module: nn.Module) -> bool:
    """Return whether a module with weights is an attention by its name."""
    name = type(module).__name__.lower()
    weighs = any(True for _ in module.parameters())
    return weighs and "attention" in name and not name.endswith("norm")
