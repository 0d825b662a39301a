"""Run a model once and keep what is needed to read the rest later."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from llmscope.capture.attention import Attention, Kind, OwnWeights
from llmscope.capture.compare import alike, close
from llmscope.capture.concat import Rows, stitched, tensors_of
from llmscope.capture.head import (
    Body,
    body_name,
    has_head,
    logits_of,
    sentence_logits_of,
    with_body,
)
from llmscope.capture.hooks import Call, Cancelled, tap
from llmscope.capture.layers import by_layer
from llmscope.capture.modules import modules_of
from llmscope.capture.output_attentions import own_weights
from llmscope.capture.prefix_cache import Warm, cropped
from llmscope.capture.projection import Projection, watch_projection
from llmscope.capture.residual import Stack, watch_stack
from llmscope.capture.version import fingerprint, weights_version
from llmscope.capture.wrappers import uncompiled

if TYPE_CHECKING:
    import torch
    from torch import nn

    from llmscope.capture.sublayers import Half

_SHORT = 256  # tokens up to which a text is read again as a whole
_locks: WeakKeyDictionary[nn.Module, threading.RLock] = WeakKeyDictionary()
_locks_guard = threading.Lock()


def lock_of(model: nn.Module) -> threading.RLock:
    """Give the lock that everybody who runs `model` takes, whichever scope they hold it through."""
    with _locks_guard:
        return _locks.setdefault(model, threading.RLock())


@contextmanager
def undisturbed(model: nn.Module) -> Iterator[None]:
    """Run `model` without gradients and dropout, alone, and leave it as it was."""
    import torch

    modules = modules_of(model)
    with lock_of(model), torch.no_grad(), uncompiled(modules):
        training = [module for module in modules if module.training]
        for module in training:
            module.training = False
        try:
            yield
        finally:
            for module in training:
                module.training = True


def _accepted(model: nn.Module, **wanted: Any) -> dict[str, Any]:
    names = inspect.signature(type(model).forward).parameters
    return {name: item for name, item in wanted.items() if name in names}


def _lengths(inputs: Mapping[str, torch.Tensor]) -> tuple[int, int]:
    """Count the tokens of the text that is written or read, and of the encoder's side."""
    source = inputs["input_ids"].shape[1]
    return inputs.get("decoder_input_ids", inputs["input_ids"]).shape[1], source


@dataclass(frozen=True)
class Forward:
    """What one pass left behind.

    Attributes
    ----------
    lengths
        How many tokens were written or read, and how many on the encoder's side.
    last_logits
        Logits (1, vocabulary) of the last position, where the pass made them.
    calls
        Every attention call of it.
    version
        Of the weights that the pass ran with.
    """

    model: nn.Module
    lengths: tuple[int, int]
    states: Rows
    logit_rows: Rows | None
    last_logits: torch.Tensor | None
    calls: Sequence[Call]
    version: int

    @cached_property
    def attention(self) -> dict[Kind, dict[int, Attention]]:
        """Recorded attention by kind and layer."""
        return by_layer(self.model, self.calls, *self.lengths)

    @property
    def hidden(self) -> torch.Tensor:
        """Final hidden states (positions, hidden size) of the model's body."""
        return self.states.whole()

    @property
    def full_logits(self) -> torch.Tensor | None:
        """Logits (positions, vocabulary), only where a head can't be replayed row by row."""
        return None if self.logit_rows is None else self.logit_rows.whole()

    def tensors(self) -> list[torch.Tensor]:
        """List all that it holds."""
        logits = [] if self.logit_rows is None else self.logit_rows.pieces
        return [*self.states.pieces, *logits, *tensors_of(self.calls)]


class Capture:
    """A model and the way to run it: recorded passes, and its head on its own.

    Parameters
    ----------
    model
        Any text model of transformers, in any mode, on any device.

    Attributes
    ----------
    warm
        What it has read lately, so that a text that begins as one of these costs what differs.
    """

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.has_head = has_head(model)
        self.warm = Warm(model)
        self._body = body_name(model)
        self._body_output: Any = None  # the class of what the body returns
        self._head_replays: bool | None = None

    def run(
        self, inputs: dict[str, torch.Tensor], cancelled: Callable[[], bool] = lambda: False
    ) -> Forward:
        """Run the model on `inputs` and record it, from where a text that is kept warm ends.

        Raises
        ------
        Cancelled
            When `cancelled` said so between two layers.
        """
        with undisturbed(self.model):
            if set(inputs) != {"input_ids"}:
                return self._pass(inputs, cancelled)
            try:
                return self._warmly(inputs, cancelled)
            except Cancelled:
                raise
            except Exception:
                forward = self._pass(inputs, cancelled)
                # It was the cache: Blenderbot's decoder alone has none, or there was no room.
                self.warm.holds = self.warm.holds or False
                self.warm.clear()
                return forward

    def _warmly(self, inputs: dict[str, torch.Tensor], cancelled: Callable[[], bool]) -> Forward:
        if not self.warm.ready(fingerprint(self.model)):
            return self._pass(inputs, cancelled)
        ids = inputs["input_ids"][0].tolist()
        found = self.warm.find(ids)
        if found is not None:
            forward = self._continued(ids, *found, cancelled)
            if forward is not None:
                return forward
        cache = self.warm.empty()
        forward = self._pass({**inputs, "past_key_values": cache}, cancelled)
        self.warm.keep(ids, forward.tensors(), cache, forward)
        return forward

    def _continued(
        self,
        ids: list[int],
        before: Forward,
        cache: Any,
        kept: int,
        cancelled: Callable[[], bool],
    ) -> Forward | None:
        """Read on behind the first `kept` ids; `None` where that can't be put together."""
        new = None
        if kept < len(ids):
            if cache is None:
                return None
            new = self._pass(self.warm.inputs(ids, cache, kept), cancelled)
        forward = self._joined(before, kept, new)
        if forward is None or self.warm.holds is None:
            whole = self._pass({"input_ids": self.warm.ids(ids)}, cancelled)
            self.warm.holds = forward is not None and alike(forward, whole)
            if not self.warm.holds:
                self.warm.clear()
                return whole
        assert forward is not None
        if new is not None:
            self.warm.keep(ids, forward.tensors(), cache, forward)
        return forward

    def _joined(self, before: Forward, kept: int, new: Forward | None) -> Forward | None:
        calls = stitched(before.calls, kept, new.calls if new else ())
        if calls is None:
            return None
        logits = before.logit_rows
        if logits is not None:
            logits = logits.grown(kept, new.full_logits if new else None)
        states = before.states.grown(kept, new.hidden if new else None)
        last = new.last_logits if new else None
        lengths = (len(states), 0)
        return Forward(self.model, lengths, states, logits, last, calls, before.version)

    def _pass(
        self,
        inputs: Mapping[str, Any],
        cancelled: Callable[[], bool] = lambda: False,
        *,
        again: bool = False,
    ) -> Forward:
        version = weights_version(self.model)
        whole = self._body is None or self._head_replays is False
        model, body = self.model, None
        if self._body is not None:
            body = Body(self.model.get_submodule(self._body))
            with suppress(LookupError):
                model = with_body(self.model, self._body, body)
            if model is self.model:
                whole, body = True, None
        cached = inputs.get("past_key_values") is not None
        options = _accepted(self.model, use_cache=cached, return_dict=True)
        if not whole:
            options |= _accepted(self.model, logits_to_keep=1)
        with tap(self.model, cancelled) as calls:
            output = model(**{**inputs, **options})
        if cached:  # it holds this text by now
            inputs = {**inputs, "past_key_values": None}
        if body is not None and body.output is None:
            # The head reads what is inside: a decoder alone in a wrapper (BART's heirs).
            self._body = f"{self._body}.decoder"
            return self._pass(inputs, cancelled)
        if weights_version(self.model) != version and not again:
            # RWKV rescales its weights in the first pass after training.
            return self._pass(inputs, cancelled, again=True)
        tokens, source = _lengths(inputs)
        # Perceiver answers for all positions that it has, whether or not there are tokens.
        logits = logits_of(output)[0][:tokens] if self.has_head else None
        behind = output if body is None else body.output
        hidden = behind[0][0][:tokens]
        self._body_output = type(behind)
        if logits is not None and self._head_replays is None:
            self._head_replays = self._check_head(hidden, logits)
            if self._body is not None and not self._head_replays:
                return self._pass(inputs, cancelled)
        keep = Rows(logits) if whole and logits is not None else None
        last = None if logits is None else logits[-1:].clone()
        rows = Rows(hidden)
        return Forward(self.model, (tokens, source), rows, keep, last, calls, version)

    def unembed(self, hidden: torch.Tensor) -> torch.Tensor:
        """Turn final hidden states (rows, hidden size) into logits (rows, vocabulary).

        All of the model's own code behind its body runs (scaling, soft caps, biases),
        with the hidden states put in the body's place.
        """
        import torch
        from transformers.modeling_outputs import BaseModelOutput

        if self._body is None:
            raise ValueError(f"{type(self.model).__name__} has no head that can be run on its own")
        body = Body(self.model.get_submodule(self._body), self._body_output(hidden[None]))
        blank = torch.zeros((1, hidden.shape[0]), dtype=torch.long, device=hidden.device)
        inputs: dict[str, Any] = {"input_ids": blank}
        if getattr(self.model.config, "is_encoder_decoder", False):
            inputs |= {"decoder_input_ids": blank, "encoder_outputs": BaseModelOutput(hidden[None])}
        options = _accepted(self.model, use_cache=False, return_dict=True)
        with undisturbed(self.model):
            shell = with_body(self.model, self._body, body)
            logits: torch.Tensor = logits_of(shell(**inputs, **options))[0]
        return logits

    def stack(self, inputs: dict[str, torch.Tensor]) -> Stack:
        """Run the model again, for what each of its layers left in the residual stream."""
        with undisturbed(self.model), _hooks_restored(self.model):
            options = _accepted(self.model, use_cache=False, return_dict=True, logits_to_keep=1)
            body = self.model if self._body is None else self.model.get_submodule(self._body)
            return watch_stack(self.model, body, {**inputs, **options})

    def halves(
        self, inputs: dict[str, torch.Tensor], states: Sequence[torch.Tensor], half: Half
    ) -> list[torch.Tensor]:
        """Run the model again, for the residual stream of each layer with one of its halves."""
        from llmscope.capture.sublayers import watch_halves

        with undisturbed(self.model):
            options = _accepted(self.model, use_cache=False, return_dict=True, logits_to_keep=1)
            return watch_halves(self.model, {**inputs, **options}, states, half)

    def projection(
        self,
        inputs: dict[str, torch.Tensor],
        attention: Attention,
        query: int,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Projection:
        """Run the model up to the projection behind one attention, for `query` at least.

        Of a long text that is kept warm that query alone is read again.
        """
        with undisturbed(self.model):
            alone = self._alone(inputs, query)
            if alone is not None:
                found = watch_projection(self.model, alone, attention, cancelled, query)
                if close(found.call.query[:, :, -1], attention.call.query[:, :, query]):
                    return found
            options = _accepted(self.model, use_cache=False, return_dict=True, logits_to_keep=1)
            return watch_projection(self.model, {**inputs, **options}, attention, cancelled)

    def _alone(self, inputs: dict[str, torch.Tensor], query: int) -> dict[str, Any] | None:
        """Give inputs that read one position of a text, behind those that are kept warm."""
        ids = inputs["input_ids"][0, : query + 1].tolist()
        if set(inputs) != {"input_ids"} or inputs["input_ids"].shape[1] <= _SHORT or not query:
            return None
        if not self.warm.ready(fingerprint(self.model)):
            return None
        _, cache, kept = self.warm.find(ids) or (None, None, 0)
        cache = cropped(cache, query) if cache is not None and kept > query else None
        return None if cache is None else self.warm.inputs(ids, cache, query)

    def own_attentions(self, inputs: dict[str, torch.Tensor]) -> dict[Kind, dict[int, OwnWeights]]:
        """Weights that the model itself returns, for models whose attention asks no interface."""
        with undisturbed(self.model), _hooks_restored(self.model):
            options = _accepted(self.model, use_cache=False, return_dict=True)
            output = self.model(**inputs, **options, output_attentions=True)
        return own_weights(output, self.model.config, *_lengths(inputs))

    def sentence_logits(self, inputs: dict[str, torch.Tensor]) -> torch.Tensor | None:
        """Logits (2,) of two sentences standing in this order and not, if the model has them."""
        with undisturbed(self.model):
            options = _accepted(self.model, return_dict=True)
            logits = sentence_logits_of(self.model, self.model(**inputs, **options))
        return None if logits is None else logits[0]

    def _check_head(self, hidden: torch.Tensor, logits: torch.Tensor) -> bool:
        import torch

        if self._body is None:
            return False
        try:
            replayed = self.unembed(hidden[-1:])
        except Exception:
            return False
        return torch.allclose(replayed[-1].float(), logits[-1].float(), atol=1e-3, rtol=1e-3)


@contextmanager
def _hooks_restored(model: nn.Module) -> Iterator[None]:
    """Take back the hooks that transformers leaves behind when asked for hidden states."""
    flag = "_output_capturing_hooks_installed"
    before = {module: dict(module._forward_hooks) for module in modules_of(model)}
    flags = {module: module.__dict__.get(flag) for module in before}
    try:
        yield
    finally:
        for module, hooks in before.items():
            for handle in module._forward_hooks.keys() - hooks.keys():
                del module._forward_hooks[handle]
            if flags[module] is None:
                module.__dict__.pop(flag, None)
