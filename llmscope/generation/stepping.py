"""Generate one token at a time: pause, force tokens, and branch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch

from llmscope.capture.cache_argument import cache_argument
from llmscope.capture.prefix_cache import keep_all
from llmscope.generation.draws import Draws, new_seed
from llmscope.generation.next_logits import NextLogits
from llmscope.generation.node import Node
from llmscope.generation.node_reads import NodeReads, alone
from llmscope.generation.repeat import repeating_call
from llmscope.generation.settings import (
    Prepared,
    check_names,
    edited_for,
    prompt_inputs,
    run_generate,
)
from llmscope.generation.tree import Tree
from llmscope.text.prepare import check_ids
from llmscope.words import say

if TYPE_CHECKING:
    from llmscope.scope import Scope
    from llmscope.text.prepare import Text


class Stepper(NodeReads):
    """Continues a prompt one token at a time, in a tree of branches.

    Any thread may use it: they take turns, with each other and with all that runs the model.
    Without forced tokens it generates the same tokens as `Scope.generate` with this seed and
    these settings; after a forced token, those that `generate` adds to the text up to there.

    Parameters
    ----------
    scope
        The model that generates.
    text
        A text, token ids or chat messages, as for `Scope.trace`.
    target
        The first tokens of an encoder-decoder model's decoder, text or ids.
    seed
        Of the random draws; by default a random one.
    **settings
        Any setting of transformers' `generate` for one sequence.

    Attributes
    ----------
    scope
        The model that generates, with its edits placed in the prompt.
    runner
        What runs it, under the edits of the scope.
    tree
        All generated tokens. The next token is added after `tree.current`.
    settings
        The settings in use.

    Raises
    ------
    TypeError
        For an unknown setting.
    ValueError
        When the model doesn't predict the next token, for a prompt that it can't take, and for
        settings of several sequences.

    Examples
    --------
    >>> from llmscope.generation import Stepper
    >>> stepper = Stepper(scope, "A tiny model", seed=0, do_sample=True, max_new_tokens=5)
    >>> node = stepper.step()
    >>> forced = stepper.force(token=7, after=node.number)
    >>> [node.number for node in stepper]
    [3, 4, 5]
    >>> stepper.undo(), len(stepper.tree)
    (True, 2)
    >>> stepper.select(node.number)
    >>> stepper.ids() == [*stepper.tree.prompt, node.token]
    True
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
        self._inputs = prompt_inputs(scope, text, target)
        self.scope, self.runner = edited_for(scope, self._inputs)
        self._prompt = (text, target)
        self._model: Any = scope.model
        self._configurations: list[tuple[int, dict[str, Any]]] = []  # (seed, settings)
        self._configuration_of: dict[int, int] = {}  # index of each node's, by number of the node
        self.settings: dict[str, Any] = {}
        self._prepared = self._prepare(settings)
        self._next_logits = NextLogits(self.scope, self.runner, self._prepared)
        self.settings = dict(settings)
        self.seed = new_seed() if seed is None else seed
        self.tree = Tree(self._prepared.input_ids[0].tolist())

    @alone
    def step(self, *, together: bool = False) -> Node | None:
        """Generate the next token after the current node.

        Parameters
        ----------
        together
            Whether one `undo` takes this step back together with the action before it.

        Returns
        -------
        Node or None
            The new current node; `None` where the text has ended.

        Raises
        ------
        ValueError
            When the text would be longer than the model's context.
        """
        if not together:
            self.tree.begin()
        return self._step()

    def __iter__(self) -> Iterator[Node]:
        """Generate until the text ends. Leave the loop to pause; one `undo` takes it all back."""
        together = False
        while (node := self.step(together=together)) is not None:
            yield node
            together = True

    @alone
    def force(self, token: int, after: int | None = None) -> Node:
        """Add a given token after a node, and select it.

        Parameters
        ----------
        token
            Token id.
        after
            Number of the node; by default the current one.

        Returns
        -------
        Node
            The new current node.

        Raises
        ------
        ValueError
            When the id is outside the vocabulary.
        KeyError
            When there is no such node.
        """
        check_ids([token], self.scope.facts.vocabulary)
        parent = self.tree.current if after is None else after
        logits, scores = self._scored(parent)
        self.tree.begin()
        return self._add(parent, token, logits, scores, forced=True)

    @alone
    def select(self, number: int) -> None:
        """Select a node: the next token is added after it.

        Parameters
        ----------
        number
            Number of the node, 0 for the prompt.

        Raises
        ------
        KeyError
            When there is no such node.
        """
        if number not in self.tree:
            raise KeyError(say("There is no node {number}.", number=number))
        self.tree.begin()
        self.tree.select(number)

    @alone
    def undo(self) -> bool:
        """Take back the last step, run of steps, forced token or selection.

        Returns
        -------
        bool
            Whether there was one.
        """
        return self.tree.undo()

    @property
    def seed(self) -> int:
        """Seed of the random draws; once set, the next tokens are drawn with it."""
        return self._draws.seed

    @seed.setter
    @alone
    def seed(self, seed: int) -> None:
        self._draws = Draws(seed, self._prepared.input_ids.device)
        self._configurations.append((seed, self.settings))

    @alone
    def configure(self, **settings: Any) -> None:
        """Replace all settings, for the next tokens.

        Parameters
        ----------
        **settings
            Any setting of transformers' `generate` for one sequence.

        Raises
        ------
        TypeError
            For an unknown setting.
        ValueError
            For settings of several sequences, and values that `generate` refuses.
        """
        self._prepared = self._next_logits.prepared = self._prepare(settings)
        self.settings = dict(settings)
        self._configurations.append((self.seed, self.settings))

    @alone
    def continue_tree(self, tree: Tree) -> None:
        """Continue an existing tree, such as `Run.tree`, from the end of its first path.

        Parameters
        ----------
        tree
            A tree after the same prompt.

        Raises
        ------
        ValueError
            When the prompt is another one, or there are generated tokens already.
        """
        if len(self.tree) or tree.prompt != self.tree.prompt:
            raise ValueError("Only an empty tree after the same prompt can be replaced.")
        self.tree = tree
        self._configuration_of = dict.fromkeys((node.number for node in tree), 0)
        tree.select(next(iter(tree.leaves()), Tree.ROOT))

    adopt = continue_tree  # its former name

    @alone
    def call(self, number: int | None = None) -> str:
        """Return the Python call of `Scope.generate` that repeats the text up to a node.

        Parameters
        ----------
        number
            Number of the node; by default the current one.

        Returns
        -------
        str
            The call continues from the last forced token. No call repeats tokens that were
            generated with several seeds or settings after it; then it is a call of `Scope.trace`
            with all ids.

        Raises
        ------
        KeyError
            When there is no such node.
        """
        number = self._number(number)
        path = self.tree.path(number)
        new = self.tree[number].unforced if path else 0
        used = {self._configuration_of[n] for n in path[len(path) - new :]}
        return repeating_call(
            *self._prompt,
            ids=self.ids(number),
            new=new,
            after_forced=new < len(path),
            configuration=self._configurations[used.pop()] if len(used) == 1 else None,
            has_encoder=self._model.config.is_encoder_decoder,
        )

    def _prepare(self, settings: Mapping[str, Any]) -> Prepared:
        """Let `generate` prepare one sequence with these settings."""
        check_names(settings)
        for name in ("num_beams", "num_return_sequences"):
            if settings.get(name) not in (None, 1):
                raise ValueError(say("{name} is not for one text: use scope.generate.", name=name))
        one = {**settings, "num_beams": 1, "num_return_sequences": 1}
        prepared = self.runner.undisturbed(
            lambda: run_generate(self.scope, self._inputs, one, lambda prepared: prepared)
        )
        keep_all(prepared.kwargs.get(cache_argument()))
        return prepared

    def _step(self) -> Node | None:
        number = self.tree.current
        if self.ended(number):
            return None
        logits, scores = self._scored(number)
        if self._prepared.config.do_sample:
            index = 0 if number == Tree.ROOT else self.tree[number].unforced
            token = self._draws.draw(scores.softmax(dim=-1), index)
        else:
            token = int(scores.argmax(dim=-1))
        return self._add(number, token, logits, scores, forced=False)

    def _scored(self, number: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the logits (vocabulary,) after a node, and processed scores (1, vocabulary)."""
        processors: Any = self._prepared.processors
        ids = self.tree.ids(number)

        def run() -> tuple[torch.Tensor, torch.Tensor]:
            logits = self._next_logits.after(ids)
            return logits, processors(self._prepared.batch(ids), logits[None].clone())

        return self.runner.undisturbed(run)

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
        self._configuration_of.setdefault(number, len(self._configurations) - 1)
        self.tree.select(number)
        return self.tree[number]
