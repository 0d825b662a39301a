"""Logits of the next token, from the model and its key-value cache."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import torch
from cachetools import LRUCache
from transformers import Cache

from llmscope.capture.cache_argument import cache_argument
from llmscope.capture.prefix_cache import common, croppable, cropped
from llmscope.generation.settings import Prepared, within_context

if TYPE_CHECKING:
    from llmscope.capture import Runner
    from llmscope.scope import Scope

_KEPT = 64  # texts whose logits are kept


class NextLogits:
    """Computes the logits after any token ids that begin with one prompt.

    Only ids that no cache contains go through the model: as in `generate`, which prepares the
    inputs of each step from the cache of the one before.

    Parameters
    ----------
    scope
        The model.
    runner
        What runs it, under edits or not.
    prepared
        What `generate` has prepared for the prompt. It may be replaced by another one.

    Attributes
    ----------
    kept
        Logits (vocabulary,) by token ids, of the last 64 texts.
    """

    def __init__(self, scope: Scope, runner: Runner, prepared: Prepared) -> None:
        self.prepared = prepared
        self.kept: LRUCache[tuple[int, ...], torch.Tensor] = LRUCache(_KEPT)
        self._scope = scope
        self._runner = runner
        self._model: Any = scope.model
        self._cached: list[int] = []  # ids whose keys and values are in the cache of self._kwargs
        self._kwargs: dict[str, Any] = {}
        self._version = runner.version.number()

    def after(self, ids: list[int]) -> torch.Tensor:
        """Return the logits after `ids`; call it inside `undisturbed`.

        Parameters
        ----------
        ids
            Token ids, the prompt included.

        Returns
        -------
        torch.Tensor
            (vocabulary,), float32.

        Raises
        ------
        ValueError
            When there are more ids than the model's context has positions.
        """
        known = self._runner.version
        version = known.look(known.state(), tokens=1).number
        if version != self._version:
            self.kept.clear()
            self._cached, self._kwargs = [], {}
            self._version = version
        key = tuple(ids)
        if key not in self.kept:
            self.kept[key] = self._forward(ids)
        return self.kept[key]

    def _forward(self, ids: list[int]) -> torch.Tensor:
        """Run the model on the ids that aren't cached."""
        kwargs, cached = self._resumed(ids)
        self._cached = []  # an interrupted pass leaves the cache incomplete
        has_cache = cached > 0 or cache_argument() in kwargs
        inputs = self._model.prepare_inputs_for_generation(
            self.prepared.batch(ids),
            next_sequence_length=len(ids) - cached if has_cache else None,
            is_first_iteration=cached == 0,
            **kwargs,
        )
        with within_context(self._scope, len(ids)):
            outputs = self._model(**inputs, return_dict=True)
        self._kwargs = self._model._update_model_kwargs_for_generation(
            outputs, kwargs, is_encoder_decoder=self._model.config.is_encoder_decoder
        )
        self._cached = ids if self.prepared.config.use_cache is not False else []
        logits: torch.Tensor = outputs.logits[0, -1].to(torch.float32, copy=True)  # (vocabulary,)
        return logits

    def _resumed(self, ids: list[int]) -> tuple[dict[str, Any], int]:
        """Return the forward's arguments, and the number of `ids` that their cache contains."""
        if self._cached and ids[:-1] == self._cached:
            return self._kwargs, len(self._cached)
        kwargs = dict(self.prepared.kwargs)
        more = len(ids) - self.prepared.input_ids.shape[1]
        if more:
            kwargs = self._model._update_model_kwargs_for_generation(
                {},
                kwargs,
                is_encoder_decoder=self._model.config.is_encoder_decoder,
                num_new_tokens=more,
            )
        empty = kwargs.get(cache_argument())
        cache, seen = self._prefix(ids[:-1], empty)
        if cache is not None:
            return {**kwargs, cache_argument(): cache}, seen
        if more and self.prepared.config.use_cache is not False and not croppable(empty):
            # Token by token, as they were generated: a quantised cache then has the same values.
            for end in range(len(ids) - more, len(ids)):
                self._forward(ids[:end])
            return self._kwargs, len(self._cached)
        # Under any name: Mamba's cache was called cache_params.
        new = {k: copy.deepcopy(v) for k, v in kwargs.items() if isinstance(v, Cache)}
        return {**kwargs, **new}, 0

    def _prefix(self, ids: list[int], empty: Any) -> tuple[Any | None, int]:
        """Return a cache of the longest cached prefix of `ids`, and that prefix's length.

        It is the cache of the step before, or one of the scope's, which all traces and steppers
        share.
        """
        own = self._kwargs.get(cache_argument()) if self._cached else None
        runner = self._runner
        cache = runner.prefix_cache
        seen = common(self._cached, ids)
        if croppable(empty) and cache.ready(runner.version.state().key):
            if own is not None:
                cache.keep(self._cached, own)
            found = cache.find(ids, recorded=False)
            return (found.cache, found.shared) if found is not None else (None, 0)
        return (cropped(own, seen) if seen else None), seen
