"""The heads of a pass, where their outputs still lie side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from llmscope.capture.anatomy import Heads
from llmscope.capture.attention import Attention
from llmscope.capture.change import Change, changed
from llmscope.capture.hooks import before_forward
from llmscope.capture.modules import modules_of
from llmscope.capture.passes import Turn
from llmscope.words import say

if TYPE_CHECKING:
    import torch
    from torch import nn

    from llmscope.capture.hooks import AttentionCall
    from llmscope.capture.passes import Pass
    from llmscope.capture.reweighing import Reweighing
    from llmscope.capture.undo import Changes
    from llmscope.shared import Kind


class AtHeads(NamedTuple):
    """What is done at the heads of one attention: by functions, and to its weights."""

    functions: Sequence[Change]
    weights: Reweighing | None
    kind: Kind


class HeadEditor:
    """Changes what attention functions return: an output for each head."""

    def __init__(
        self,
        model: nn.Module,
        wanted: Mapping[Turn, AtHeads],
        pass_: Pass,
    ) -> None:
        paths = {id(m): n for n, m in model.named_modules()}
        of_turns = {turn.path for turn in wanted}
        self.modules = {id(m) for m in modules_of(model) if paths[id(m)] in of_turns}
        self._paths = paths
        self._wanted = wanted
        self._pass = pass_
        self._before: AttentionCall | None = None
        self._turn = Turn("", 0)

    def begun(self, call: AttentionCall) -> AttentionCall:
        """Return a call that begins, with what will be changed of its weights."""
        path, before = self._paths[id(call.module)], self._before
        # DiffLlama mixes two sets of values by the same weights.
        if before is None or before.query is not call.query or before.key is not call.key:
            self._turn = self._pass.turn(path)
        self._before = call
        found = self._wanted.get(self._turn)
        if found is None or found.weights is None:
            return call
        first = self._pass.first_at(path)
        _, _, queries, keys = call.sizes
        # A sliding cache has only some of the keys before the text.
        first_key = max(0, first + queries - keys) if first and found.kind == "self" else 0
        reweighing = replace(found.weights, first_query=first, first_key=first_key)
        return replace(call, reweighing=reweighing)

    def ended(self, call: AttentionCall, output: Any) -> Any:
        """Return what the attention function is to return instead of `output`."""
        found = self._wanted.get(self._turn)
        if found is None:
            return output
        made: torch.Tensor = output[0]  # (batch, queries, heads, value size)
        if call.reweighing is not None:
            made = _reweighed(call, made)
        first = self._pass.first_at(self._paths[id(call.module)])
        return (changed(found.functions, made, first), *output[1:])


def _reweighed(call: AttentionCall, made: torch.Tensor) -> torch.Tensor:
    """Mix the values anew, of those heads and queries whose weights are changed."""
    assert call.reweighing is not None
    made = made.clone()
    for number in range(len(made)):
        alone = _alone(call, number)
        attention = Attention(alone, 0)
        for head, rows in call.reweighing.rows_by_head(attention.queries).items():
            index = np.array(rows)
            keys = attention.key_range(index)
            weights = attention.weights(index, head)[0]  # (rows, keys)
            if bool(weights.isnan().any()):
                raise ValueError(
                    say(
                        "Head {head}: a query sees no other key than the one that is "
                        'masked, so nothing is left for it to attend to. by="zero" takes '
                        "the weight away without a share for others.",
                        head=head,
                    )
                )
            shared = head * attention.kv_heads // attention.heads
            values = alone.value[0, shared, keys]  # (keys, value size)
            made[number, rows, head] = weights.to(values.dtype) @ values
    return made


def _alone(call: AttentionCall, number: int) -> AttentionCall:
    """Return a call for one item of a batch."""
    batch = len(call.query)

    def one(item: Any) -> Any:
        of_batch = getattr(item, "ndim", 0) == 4 and len(item) == batch
        return item[number : number + 1] if of_batch else item

    return replace(
        call,
        query=one(call.query),
        key=one(call.key),
        value=one(call.value),
        mask=one(call.mask),
        kwargs={name: one(item) for name, item in call.kwargs.items()},
    )


def at_projection(
    model: nn.Module, heads: Heads, functions: Sequence[Change], pass_: Pass, changes: Changes
) -> None:
    """Change what W_O receives: the outputs of all heads, side by side."""
    turn = heads.turn

    def receive(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not pass_.is_on() or pass_.turn(turn.path) != turn or not args:
            return None
        given: torch.Tensor = args[0]
        apart = given.reshape(*given.shape[:-1], heads.number, -1)  # (…, positions, heads, size)
        apart = apart if apart.ndim == 4 else apart[None]
        made = changed(functions, apart, pass_.first_at(turn.path))
        return (made.flatten(-2).reshape(given.shape), *args[1:]), kwargs

    before_forward(model.get_submodule(turn.path), changes, receive, first=True)
