"""Run a model: recorded, and only over the tokens that the prefix cache doesn't contain."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from llmscope.capture.cache_argument import cache_argument
from llmscope.capture.cancel import NEVER, Cancel, Cancelled
from llmscope.capture.compare import equal_passes, equal_rows
from llmscope.capture.facts import Family, family_of, layer_count
from llmscope.capture.forward_pass import ForwardPass, record
from llmscope.capture.head import Head
from llmscope.capture.isolation import lock_of, undisturbed
from llmscope.capture.passes import are_edited, edit_nothing
from llmscope.capture.prefix_cache import Found, PrefixCache, cropped
from llmscope.capture.undo import Changes, restoring
from llmscope.capture.version import ModelState, ModelVersion

if TYPE_CHECKING:
    import torch
    from torch import nn

T = TypeVar("T")


class Runner:
    """A model, and everything that is needed to run it.

    Parameters
    ----------
    model
        Any text model of transformers, in any mode, on any device.
    name
        What messages call it.

    Attributes
    ----------
    head
        The language-model head, which runs by itself.
    version
        Numbers the states of the model, to notice changes.
    prefix_cache
        Recent texts: one that begins like one of these costs only what differs.
    edits
        What is other than the model's own in its passes: nothing.
    """

    edits: tuple[Any, ...] = ()

    def __init__(self, model: nn.Module, name: str = "") -> None:
        self.model = model
        self.name = name or type(model).__name__
        self.head = Head(model)
        self.version = ModelVersion(model)
        self.prefix_cache = PrefixCache(model)

    @property
    def family(self) -> Family:
        """What kind of language model it is."""
        return family_of(self.model)

    @property
    def layers(self) -> int:
        """Number of layers."""
        return layer_count(self.model)

    @property
    def lock(self) -> threading.RLock:
        """Held by whoever runs the model, through whichever scope."""
        return lock_of(self.model)

    def undisturbed(self, run: Callable[[], T]) -> T:
        """Call `run` while no other pass uses the model; see `undisturbed`.

        Edits under which this thread runs it meanwhile don't count.
        """
        if not are_edited():
            return undisturbed(self.model, run)

        def unedited(changes: Changes) -> T:
            edit_nothing(self.model, changes)
            return run()

        return undisturbed(self.model, lambda: restoring(unedited))

    def run(self, inputs: dict[str, torch.Tensor], cancelled: Cancel = NEVER) -> ForwardPass:
        """Run the model on `inputs`, and record the pass.

        Raises
        ------
        Cancelled
            When `cancelled` returned True between two layers.
        """
        return self.undisturbed(lambda: self._run(inputs, cancelled))

    def _run(self, inputs: dict[str, torch.Tensor], cancelled: Cancel) -> ForwardPass:
        state = self.version.state()
        if set(inputs) != {"input_ids"} or not self.prefix_cache.ready(state.key):
            return self.record(inputs, cancelled, state)
        try:
            return self._run_cached(inputs["input_ids"][0].tolist(), cancelled, state)
        except Cancelled:
            raise
        except Exception as error:
            forward = self.record(inputs, cancelled)
            # The cache was the reason: Blenderbot's decoder alone has none, or memory was full.
            if self.prefix_cache.works:
                self.prefix_cache.clear()
            else:
                self.prefix_cache.refuse(f"with a cache it fails ({type(error).__name__})")
            return forward

    def _run_cached(self, ids: list[int], cancelled: Cancel, state: ModelState) -> ForwardPass:
        cache = self.prefix_cache
        found = cache.find(ids)
        looked = self.version.look(state, len(ids) - (found.shared if found is not None else 0))
        if looked is not state:
            found, state = None, looked
            cache.ready(state.key)
        if found is not None:
            forward = self._continue(ids, found, cancelled, state)
            if forward is not None:
                return forward
            state = self.version.state()
            cache.ready(state.key)
        empty = cache.empty()
        inputs = {"input_ids": cache.ids(ids), cache_argument(): empty}
        forward = self.record(inputs, cancelled, state)
        cache.keep(ids, empty, forward)
        return forward

    def _continue(
        self, ids: list[int], found: Found, cancelled: Cancel, state: ModelState
    ) -> ForwardPass | None:
        """Continue after the ids that are cached.

        `None` where that is not possible, or the model was changed unnoticed.
        """
        cache, before = self.prefix_cache, found.forward
        assert before is not None
        first = min(found.shared, len(ids) - 1)  # the last token is computed even if it is cached
        past = cropped(found.cache, first) if found.cache is not None and first else None
        if past is None:
            return None
        new = self.record(cache.inputs(ids, past, first), cancelled, state)
        if new.version != state.number:  # it was changed meanwhile, so it has to be a whole pass
            return None
        is_new = found.shared < len(ids)
        forward = before.continued(found.shared, new if is_new else None)
        if not is_new:
            if not equal_rows(before, new, first):
                self.version.count_change()
                return None
            forward = forward and replace(forward, reference_logits=new.last_logits)
        if forward is None or cache.works is None:
            whole = self.record({"input_ids": cache.ids(ids)}, cancelled, state)
            if forward is None or not equal_passes(forward, whole):
                again = self.record({"input_ids": cache.ids(found.ids)}, cancelled, state)
                if not equal_passes(before, again):
                    self.version.count_change()
                    return None
                cache.refuse("what it computes so differs from a whole pass")
                return whole
            cache.works = True
        if is_new:
            cache.keep(ids, past, forward)
        return forward

    def record(
        self,
        inputs: Any,
        cancelled: Cancel = NEVER,
        state: ModelState | None = None,
        inside: nn.Module | None = None,
    ) -> ForwardPass:
        """Run the model, which is undisturbed, over all of `inputs`; see `record`."""
        return record(self.head, self.version, inputs, cancelled, state, inside=inside)

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """Return logits (rows, vocabulary) of final hidden states (rows, hidden size)."""
        return self.undisturbed(lambda: self.head.logits(hidden))
