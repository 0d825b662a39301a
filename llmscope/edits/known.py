"""What the blocks of recent texts gave, so that an edit costs the layers from its own on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from cachetools import LRUCache
from torch import nn

from llmscope.capture.head import with_module
from llmscope.capture.hooks import after_forward
from llmscope.capture.undo import Changes

if TYPE_CHECKING:
    from llmscope.capture.anatomy import Block
    from llmscope.capture.hooks import AttentionCall

LIMIT = 2**28  # bytes
_TEXTS = 2


class Known(NamedTuple):
    """What the first blocks of one text gave.

    Attributes
    ----------
    outputs
        What each block returned, by number; only some where a text is long.
    calls
        The calls of attention functions up to the last of these blocks.
    """

    outputs: dict[int, Any]
    calls: Sequence[AttentionCall]

    def highest(self, below: int) -> int | None:
        """Return the highest block below another that is known."""
        return max((number for number in self.outputs if number < below), default=None)

    @property
    def size(self) -> int:
        """Bytes that it holds besides what the traces hold."""
        return sum(_bytes(output) for output in self.outputs.values())


class KnownBlocks:
    """What blocks gave, by text and state of the model: before anything was edited.

    Attributes
    ----------
    works
        Whether a pass that began inside the model was found to equal a whole one; `None` until it
        was tried.
    """

    def __init__(self) -> None:
        self.works: bool | None = None
        self._texts: LRUCache[tuple[int | None, tuple[int, ...]], Known] = LRUCache(_TEXTS)

    @property
    def size(self) -> int:
        """Bytes that are kept."""
        return sum(known.size for known in [*self._texts.values()])

    def find(self, key: int | None, ids: Sequence[int]) -> Known | None:
        """Return what is known of a text; nothing where the model may not be relied on."""
        if key is None or self.works is False:
            return None
        return self._texts.get((key, tuple(ids)))

    def keep(self, key: int | None, ids: Sequence[int], known: Known) -> None:
        """Keep what the blocks of a text gave."""
        before = self.find(key, ids)
        if key is None or not known.outputs:
            return
        if before is None or max(before.outputs) < max(known.outputs):
            self._texts[key, tuple(ids)] = known

    def clear(self) -> None:
        """Keep nothing."""
        self._texts.clear()


def watch_blocks(
    model: nn.Module, blocks: Sequence[Block], first: int, changes: Changes
) -> dict[int, Any]:
    """Return a dictionary that fills with what `blocks` return, from `first` on, in the next pass.

    Of a long text, only what the last of them returned is kept.
    """
    outputs: dict[int, Any] = {}

    def keep(number: int) -> Any:
        def end(_: nn.Module, __: Any, ___: Any, output: Any) -> None:
            if outputs and len(blocks) * _bytes(output) > LIMIT:
                outputs.clear()
            outputs[number] = _copied(output)  # what follows may write to it

        return end

    for number in range(first, len(blocks)):
        after_forward(model.get_submodule(blocks[number].turn.path), changes, keep(number))
    return outputs


class KnownBlock(nn.Module):
    """In place of a block: returns what the block is known to return."""

    def __init__(self, block: nn.Module, output: Any) -> None:
        super().__init__()
        self.__dict__["_block"] = block
        self._output = output

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_block"], name)

    def forward(self, *_: Any, **__: Any) -> Any:
        """Return what is known."""
        return self._output


def beginning_after(
    body: nn.Module, path: str, blocks: Sequence[Block], number: int, output: Any
) -> nn.Module:
    """Return a copy of a model's body that begins behind block `number`, with what that gave.

    Parameters
    ----------
    path
        Of the body in the model.
    """
    output = _copied(output)
    for block in blocks[: number + 1]:
        inside = block.turn.path.removeprefix(f"{path}.")
        body = with_module(body, inside, KnownBlock(body.get_submodule(inside), output))
    return body


def can_begin_inside(path: str | None, blocks: Sequence[Block]) -> bool:
    """Return whether blocks are modules of their own, inside of the model's body."""
    if path is None:
        return False
    paths = [block.turn.path for block in blocks]
    return len({*paths}) == len(paths) and all(one.startswith(f"{path}.") for one in paths)


def in_batch(output: Any, count: int) -> Any:
    """Return what a block gave, once for each item of a batch."""
    if isinstance(output, torch.Tensor):
        alone = output.ndim and len(output) == 1
        return output.expand(count, *output.shape[1:]) if alone else output
    if isinstance(output, tuple):
        return tuple(in_batch(item, count) for item in output)
    return output


def _copied(output: Any) -> Any:
    if isinstance(output, torch.Tensor):
        return output.clone()
    return tuple(map(_copied, output)) if isinstance(output, tuple) else output


def _bytes(output: Any) -> int:
    if isinstance(output, torch.Tensor):
        return output.nbytes
    return sum(map(_bytes, output)) if isinstance(output, tuple) else 0
