"""Run a model under edits: every pass is edited, whoever makes it, and none of anybody else's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from llmscope.capture import Cancel, Cancelled, ForwardPass, Runner
from llmscope.capture.compare import equal_passes
from llmscope.capture.isolation import undisturbed
from llmscope.capture.passes import is_installed
from llmscope.capture.points import Changed, install
from llmscope.capture.prefix_cache import PrefixCache
from llmscope.capture.undo import Changes, restoring
from llmscope.edits.known import (
    Known,
    KnownBlocks,
    beginning_after,
    can_begin_inside,
    watch_blocks,
)

if TYPE_CHECKING:
    import torch

    from llmscope.capture.anatomy import Anatomy
    from llmscope.capture.version import ModelState
    from llmscope.edits.edit import Edit

T = TypeVar("T")


class EditedRunner(Runner):
    """A model as it computes under edits.

    Parameters
    ----------
    base
        The model as it is: what is known of it is shared.
    anatomy
        Where its blocks and heads are.
    edits, changed
        The edits, and what they come to in a pass.
    is_local
        Whether each position is edited by itself, so that a text can be continued.
    known
        What blocks gave before they were edited.
    """

    def __init__(
        self,
        base: Runner,
        anatomy: Anatomy,
        edits: Sequence[Edit],
        changed: Changed,
        is_local: bool,
        known: KnownBlocks,
    ) -> None:
        self.model, self.name = base.model, base.name
        self.head, self.version = base.head, base.version
        self.prefix_cache = PrefixCache(base.model)
        self.prefix_cache.limit = base.prefix_cache.limit // 4 if is_local else 0
        self.prefix_cache.works = base.prefix_cache.works
        self.edits: tuple[Edit, ...] = tuple(edits)
        self.stands_for = base.version.number()  # the state of the model that `changed` was read of
        self.changed = changed
        self.anatomy = anatomy
        self.known = known

    def undisturbed(self, run: Callable[[], T]) -> T:
        """Call `run` while no other pass uses the model, under the edits."""
        if is_installed(self.changed):
            return undisturbed(self.model, run)

        def edited(changes: Changes) -> T:
            install(self.model, self.anatomy, self.changed, changes, self.name)
            return run()

        return undisturbed(self.model, lambda: restoring(edited))

    def _run(self, inputs: dict[str, torch.Tensor], cancelled: Cancel) -> ForwardPass:
        lowest = self.changed.lowest(self.anatomy)
        blocks = self.anatomy.blocks.get("decoder", ())
        if set(inputs) != {"input_ids"} or lowest is None:
            return self.record(inputs, cancelled)
        ids = inputs["input_ids"][0].tolist()
        before = self.version.state()
        state = self.version.look(before, len(ids))
        below = blocks[:lowest] if can_begin_inside(self.head.body, blocks) else ()
        known = self.known.find(state.key, ids) if below else None
        last = None if known is None else known.highest(lowest)
        shared = self._shared(state.key, ids)
        if last is not None and (last + 1) / len(blocks) < shared:
            last = None  # less is left to compute of a text that goes on

        def run(changes: Changes) -> ForwardPass:
            first = 0 if last is None else last + 1
            outputs = watch_blocks(self.model, below, first, changes)
            if known is not None and last is not None:
                forward = self._begin_after(last, known, inputs, cancelled, state)
                outputs = known.outputs | outputs
            else:
                forward = super(EditedRunner, self)._run(inputs, cancelled)
                outputs = {} if shared else outputs
            if outputs:
                end = max(outputs) + 1
                calls = blocks[end].calls if end < len(blocks) else len(forward.calls)
                self.known.keep(state.key, ids, Known(outputs, forward.calls[:calls]))
            return forward

        return restoring(run)

    def _shared(self, key: int | None, ids: list[int]) -> float:
        """Return which part of a text is in the prefix cache."""
        if not self.prefix_cache.ready(key):
            return 0.0
        try:
            found = self.prefix_cache.find(ids)
        except Exception:  # of a cache that can't be cropped, which the pass will find out
            return 0.0
        return found.shared / len(ids) if found is not None else 0.0

    def _begin_after(
        self,
        number: int,
        known: Known,
        inputs: dict[str, torch.Tensor],
        cancelled: Cancel,
        state: ModelState,
    ) -> ForwardPass:
        """Run the blocks behind block `number`, whose output is known."""
        blocks, path = self.anatomy.blocks["decoder"], self.head.body
        assert path is not None
        body: Any = self.model.get_submodule(path)
        body = beginning_after(body, path, blocks, number, known.outputs[number])
        try:
            forward = self.record(inputs, cancelled, state, body)
        except Cancelled:
            raise
        except Exception:  # blocks hand each other more than what they return: Gemma 3n
            self.known.works = False
            return self.record(inputs, cancelled, state)
        calls = [*known.calls[: blocks[number + 1].calls], *forward.calls]
        forward = replace(forward, calls=calls)
        if self.known.works is None:
            whole = self.record(inputs, cancelled, state)
            self.known.works = equal_passes(forward, whole)
            return whole
        return forward
