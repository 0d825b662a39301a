"""Writing one token at a time: paused, forced and branched at will."""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from transformers import Cache

from llmscope.capture.prefix_cache import common, croppable, cropped, keep_all
from llmscope.generation.draws import Dice, new_seed
from llmscope.generation.logits_recorder import is_guidance
from llmscope.generation.settings import (
    Prepared,
    check_names,
    decode,
    prompt_inputs,
    trace_of,
    within_context,
)
from llmscope.generation.tree import Node, Tree
from llmscope.sampling import Distribution
from llmscope.sampling.engines import named
from llmscope.text.prepare import check_ids

if TYPE_CHECKING:
    from llmscope.scope import Scope
    from llmscope.text.prepare import Text
    from llmscope.trace import Trace

_LOGITS = 64  # nodes whose logits are kept
# What counts from the prompt, so that a call that begins later can't mean the same.
_FROM_PROMPT = {
    "min_new_tokens", "min_length", "max_length", "exponential_decay_length_penalty",
    "begin_suppress_tokens", "forced_bos_token_id", "forced_eos_token_id",
    "encoder_repetition_penalty", "max_time", "generation_config",
}  # fmt: skip


class Stepper:
    """Writes behind a prompt, one token at a time, into a tree of branches.

    Without forced tokens it writes what `Scope.generate` writes with the same seed and settings,
    and behind a forced token what `generate` would write behind all that is there by then.

    Parameters
    ----------
    scope
        The model that writes.
    text
        A text, token ids or chat messages, as for `Scope.trace`.
    target
        What the decoder of an encoder-decoder model has written already: text or ids.
    seed
        Of the draws; without one, a seed is made up.
    **settings
        Any setting of transformers' `generate` for one sequence.

    Attributes
    ----------
    tree
        All that was written. `tree.current` is where the next token goes.
    """

    def __init__(
        self,
        scope: Scope,
        text: Text,
        *,
        target: str | Sequence[int] | None = None,
        seed: int | None = None,
        **settings: Any,
    ) -> None:
        self.scope = scope
        self._inputs = prompt_inputs(scope, text, target)
        self._caller = (text, target)
        self._model: Any = scope.model
        self._logits: OrderedDict[int, torch.Tensor] = OrderedDict()
        self._fed: list[int] = []  # what the cache in self._kwargs holds
        self._kwargs: dict[str, Any] = {}
        self._version = scope.runner.version.number()
        self._ways: list[tuple[int, dict[str, Any]]] = []  # seeds and settings, by `_way_of`
        self._way_of: list[int] = [0]  # by node
        self.settings: dict[str, Any] = {}
        self._prepared = self._prepare(settings)
        self.settings = dict(settings)
        self.seed = new_seed() if seed is None else seed
        self.tree = Tree(self._prepared.input_ids[0].tolist())

    # ── what a person does ───────────────────────────────────────────────────────────────────

    def step(self, *, together: bool = False) -> Node | None:
        """Write the next token behind the current node; `None` where the text has ended.

        One `undo` takes it back; `together` with what was done before it, if that is wanted.
        """
        if not together:
            self.tree.begin()
        return self._step()

    def __iter__(self) -> Iterator[Node]:
        """Write until the text ends. Leave the loop to pause; one `undo` takes it all back."""
        self.tree.begin()
        while (node := self._step()) is not None:
            yield node

    def force(self, token: int, after: int | None = None) -> Node:
        """Put a token of one's own behind a node (the current one), and go there."""
        check_ids([token], self.scope.facts.vocabulary)
        parent = self.tree.current if after is None else after
        logits, scores = self._scored(parent)
        self.tree.begin()
        return self._add(parent, token, logits, scores, forced=True)

    def select(self, number: int) -> None:
        """Go to a node of the tree: the next token goes behind it. The prompt is 0."""
        if number not in self.tree:
            raise KeyError(f"There is no node {number}.")
        self.tree.begin()
        self.tree.select(number)

    def undo(self) -> bool:
        """Take back the last step, forced token, move or run; False when there is none."""
        if not self.tree.undo():
            return False
        for number in [n for n in self._logits if n not in self.tree]:
            del self._logits[number]
        del self._way_of[len(self.tree) + 1 :]
        return True

    @property
    def seed(self) -> int:
        """Of the draws. Set it, and the next tokens are drawn with it."""
        return self._dice.seed

    @seed.setter
    def seed(self, seed: int) -> None:
        self._dice = Dice(seed, self._prepared.input_ids.device)
        self._ways.append((seed, self.settings))

    def configure(self, **settings: Any) -> None:
        """Change settings for the next tokens, by those given in place of all before."""
        self._prepared = self._prepare(settings)
        self.settings = dict(settings)
        self._ways.append((self.seed, self.settings))

    # ── what can be read ─────────────────────────────────────────────────────────────────────

    def ids(self, number: int | None = None) -> list[int]:
        """Token ids up to a node (the current one), the prompt included."""
        return self.tree.ids(self._number(number))

    @property
    def source(self) -> list[int]:
        """Token ids that the encoder read; none where the model has no encoder."""
        if not self._model.config.is_encoder_decoder:
            return []
        ids: list[int] = self._inputs["input_ids"][0].tolist()
        return ids

    def text(self, number: int | None = None) -> str:
        """Text up to a node (the current one), without special tokens."""
        return str(self.scope.tokenizer.decode(self.ids(number), skip_special_tokens=True))

    def ended(self, number: int | None = None) -> bool:
        """Whether the text ends at a node (the current one): end-of-text, a stop, or its length."""
        number = self._number(number)
        if number == Tree.ROOT:
            return False
        ids = self._tensor(self.tree.ids(number))
        return bool(self._prepared.criteria(ids, None).all())

    def distribution(self, number: int | None = None) -> Distribution:
        """Give what the token behind a node (the current one) is drawn from, by stages."""
        number = self._number(number)
        processors = [p for p in self._prepared.processors if not is_guidance(p)]
        logits = self._raw(number)
        ids, config = self.tree.ids(number), self._prepared.config
        steps = named(processors, config, ids, logits.device)
        origins = self._prepared.origins
        return Distribution.through(logits.cpu(), steps, origins, self.scope.tokenizer)

    def logits(self, number: int | None = None) -> torch.Tensor:
        """Logits (vocabulary,) behind a node (the current one), float32."""
        return self._raw(self._number(number))

    def trace(self, number: int | None = None) -> Trace:
        """Trace the text up to a node (the current one)."""
        return trace_of(self.scope, self._inputs, self.ids(number))

    def adopt(self, tree: Tree) -> None:
        """Go on from what was written before: `tree` takes the place of one that has no nodes."""
        if len(self.tree) or tree.prompt != self.tree.prompt:
            raise ValueError("Only an empty tree behind the same prompt can be replaced.")
        self.tree = tree
        self._way_of = [0] * (len(tree) + 1)
        ends = tree.leaves()
        tree.select(ends[0] if ends else Tree.ROOT)

    def call(self, number: int | None = None) -> str:
        """Write down the call of `Scope.generate` that gives the same text.

        It begins at the last forced token. Where settings were changed on the way since then there
        is no such call, and the ids are all there is to give.
        """
        number = self._number(number)
        path = self.tree.path(number)
        since = self.tree[number].since if path else 0
        ids = self.ids(number)
        ways = {self._way_of[n] for n in path[len(path) - since :]}
        text, target = self._caller
        begin: Any = text.tolist() if isinstance(text, torch.Tensor) else text
        anchored = since < len(path)
        seed, settings = self._ways[ways.pop()] if len(ways) == 1 else (0, {})
        pair = self._model.config.is_encoder_decoder
        if ways or not since or (anchored and _FROM_PROMPT & settings.keys()):
            return f"scope.trace({begin!r}, target={ids})" if pair else f"scope.trace({ids})"
        given = {"seed": seed, **settings, "max_new_tokens": since}
        if pair and (anchored or target is not None):
            given = {"target": ids[: len(ids) - since], **given}
        elif anchored:
            begin = ids[: len(ids) - since]
        given.pop("max_length", None)
        return f"scope.generate({begin!r}, {', '.join(f'{n}={v!r}' for n, v in given.items())})"

    # ── how it is done ───────────────────────────────────────────────────────────────────────

    def _prepare(self, settings: Mapping[str, Any]) -> Prepared:
        check_names(settings)
        for name in ("num_beams", "num_return_sequences"):
            if settings.get(name) not in (None, 1):
                raise ValueError(f"{name} is not for one text: use scope.generate.")
        one = {**settings, "num_beams": 1, "num_return_sequences": 1}
        prepared = self.scope.runner.undisturbed(
            lambda: decode(self.scope, self._inputs, one, lambda prepared: prepared)
        )
        keep_all(prepared.kwargs.get("past_key_values"))
        return prepared

    def _number(self, number: int | None) -> int:
        return self.tree.current if number is None else number

    def _tensor(self, ids: Sequence[int]) -> torch.Tensor:
        return torch.tensor([list(ids)], device=self._prepared.input_ids.device)

    def _step(self) -> Node | None:
        number = self.tree.current
        if self.ended(number):
            return None
        logits, scores = self._scored(number)
        if self._prepared.config.do_sample:
            since = 0 if number == Tree.ROOT else self.tree[number].since
            token = self._dice.draw(scores.softmax(dim=-1), since)
        else:
            token = int(scores.argmax(dim=-1))
        return self._add(number, token, logits, scores, forced=False)

    def _scored(self, number: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits (vocabulary,) behind a node, and the scores (1, vocabulary) made of them."""
        processors: Any = self._prepared.processors
        ids = self._tensor(self.tree.ids(number))

        def run() -> tuple[torch.Tensor, torch.Tensor]:
            logits = self._held(number)
            return logits, processors(ids, logits[None].clone())

        return self.scope.runner.undisturbed(run)

    def _add(
        self, parent: int, token: int, logits: torch.Tensor, scores: torch.Tensor, *, forced: bool
    ) -> Node:
        logprob = float(logits[token] - logits.logsumexp(dim=0))
        if self._prepared.config.do_sample:
            prob = float(scores[0].softmax(dim=0)[token])
        else:
            prob = float(token == int(scores.argmax(dim=-1)))
        rank = int((logits > logits[token]).sum())
        number = self.tree.add(parent, token, logprob, prob, rank, forced=forced)
        if number == len(self._way_of):
            self._way_of.append(len(self._ways) - 1)
        self.tree.select(number)
        return self.tree[number]

    def _raw(self, number: int) -> torch.Tensor:
        """Logits (vocabulary,) behind a node, float32."""
        return self.scope.runner.undisturbed(lambda: self._held(number))

    def _held(self, number: int) -> torch.Tensor:
        """Find these among the kept ones, or run the model, which is undisturbed."""
        version = self.scope.runner.version.number()
        if version != self._version:
            self._forget()
            self._version = version
        if number not in self._logits:
            self._logits[number] = self._forward(self.tree.ids(number))
            while len(self._logits) > _LOGITS:
                self._logits.popitem(last=False)
        self._logits.move_to_end(number)
        return self._logits[number]

    def _forward(self, ids: list[int]) -> torch.Tensor:
        """Run the model on what it has not seen of `ids`, the way `generate` does."""
        kwargs, fed = self._resumed(ids)
        self._fed = []  # until the pass is through, no cache is whole
        inputs = self._model.prepare_inputs_for_generation(
            self._tensor(ids),
            next_sequence_length=len(ids) - fed if fed or "past_key_values" in kwargs else None,
            is_first_iteration=fed == 0,
            **kwargs,
        )
        with within_context(self.scope, len(ids)):
            outputs = self._model(**inputs, return_dict=True)
        self._kwargs = self._model._update_model_kwargs_for_generation(
            outputs, kwargs, is_encoder_decoder=self._model.config.is_encoder_decoder
        )
        self._fed = ids if self._prepared.config.use_cache is not False else []
        logits: torch.Tensor = outputs.logits[0, -1].to(torch.float32, copy=True)
        return logits

    def _resumed(self, ids: list[int]) -> tuple[dict[str, Any], int]:
        """Give what the model needs to go on, and how many of `ids` are behind it."""
        if self._fed and ids[:-1] == self._fed:
            return self._kwargs, len(self._fed)
        kwargs = dict(self._prepared.kwargs)
        more = len(ids) - self._prepared.input_ids.shape[1]
        if more:
            kwargs = self._model._update_model_kwargs_for_generation(
                {},
                kwargs,
                is_encoder_decoder=self._model.config.is_encoder_decoder,
                num_new_tokens=more,
            )
        empty = kwargs.get("past_key_values")
        cache, seen = self._prefix(ids[:-1], empty)
        if cache is not None:
            return {**kwargs, "past_key_values": cache}, seen
        if more and self._prepared.config.use_cache is not False and not croppable(empty):
            # Step by step, as it was written: in a quantised cache that makes a difference.
            for end in range(len(ids) - more, len(ids)):
                self._forward(ids[:end])
            return self._kwargs, len(self._fed)
        # Mamba's has another name.
        new = {k: copy.deepcopy(v) for k, v in kwargs.items() if isinstance(v, Cache)}
        return {**kwargs, **new}, 0

    def _prefix(self, ids: list[int], empty: Any) -> tuple[Any | None, int]:
        """Find a cache of the longest prefix of `ids` that was read: here, or by anybody."""
        own = self._kwargs.get("past_key_values") if self._fed else None
        runner = self.scope.runner
        cached = runner.prefix_cache
        seen = common(self._fed, ids)
        if croppable(empty) and cached.ready(runner.version.state().key):
            if own is not None:
                cached.keep(self._fed, (), own, None)
            found = cached.find(ids, recorded=False)
            return found[1:] if found is not None else (None, 0)
        return (cropped(own, seen) if seen else None), seen

    def _forget(self) -> None:
        self._logits.clear()
        self._fed, self._kwargs = [], {}
