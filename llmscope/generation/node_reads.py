"""What can be read at a node of a `Stepper`'s tree."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

from llmscope.generation.logits_recorder import is_guidance
from llmscope.generation.settings import Prepared, trace_of
from llmscope.generation.tree import Tree
from llmscope.sampling import Distribution
from llmscope.sampling.engines import transforms_of

if TYPE_CHECKING:
    import torch

    from llmscope.capture import Runner
    from llmscope.generation.next_logits import NextLogits
    from llmscope.scope import Scope
    from llmscope.trace import Trace


F = TypeVar("F", bound=Callable[..., Any])


def alone(method: F) -> F:
    """Let one thread at a time call a method: with the model's lock, so that there is one order."""

    @wraps(method)
    def held(self: NodeReads, *args: Any, **kwargs: Any) -> Any:
        with self.runner.lock:
            return method(self, *args, **kwargs)

    return cast(F, held)


class NodeReads:
    """Reads at a node of a tree; the base of `Stepper`, which adds the nodes."""

    scope: Scope
    runner: Runner
    tree: Tree
    _inputs: dict[str, torch.Tensor]
    _prepared: Prepared
    _next_logits: NextLogits

    @alone
    def ids(self, number: int | None = None) -> list[int]:
        """Return the token ids up to a node.

        Parameters
        ----------
        number
            Number of the node; by default the current one.

        Returns
        -------
        list of int
            The prompt included; of encoder-decoder models, of the decoder's side.

        Raises
        ------
        KeyError
            When there is no such node.
        """
        return self.tree.ids(self._number(number))

    @property
    def source(self) -> list[int]:
        """Token ids of the encoder's side; empty for models without an encoder."""
        ids: list[int] = self._inputs["input_ids"][0].tolist()
        return ids if "decoder_input_ids" in self._inputs else []

    @alone
    def text(self, number: int | None = None) -> str:
        """Return the text up to a node.

        Parameters
        ----------
        number
            Number of the node; by default the current one.

        Returns
        -------
        str
            The prompt included, without special tokens.

        Raises
        ------
        KeyError
            When there is no such node.
        """
        return str(self.scope.tokenizer.decode(self.ids(number), skip_special_tokens=True))

    @alone
    def ended(self, number: int | None = None) -> bool:
        """Whether the text ends at a node (by default the current one).

        Parameters
        ----------
        number
            Number of the node; the prompt, 0, never ends a text.

        Returns
        -------
        bool
            True after an end-of-text token or a stop string, and at the greatest length.

        Raises
        ------
        KeyError
            When there is no such node.
        """
        number = self._number(number)
        if number == Tree.ROOT:
            return False
        ids = self._prepared.batch(self.tree.ids(number))
        return bool(self._prepared.criteria(ids, None).all())

    @alone
    def distribution(self, number: int | None = None) -> Distribution:
        """Return the distribution of the next token after a node, by stages.

        Parameters
        ----------
        number
            Number of the node; by default the current one.

        Returns
        -------
        Distribution
            Its `probs` are those that `step` draws from.

        Raises
        ------
        KeyError
            When there is no such node.
        """
        number = self._number(number)
        processors = [p for p in self._prepared.processors if not is_guidance(p)]
        logits = self.logits(number)
        ids, config = self.tree.ids(number), self._prepared.config
        steps = transforms_of(processors, config, ids, logits.device)
        origins = self._prepared.origins
        return Distribution.through(logits.cpu(), steps, origins, self.scope.tokenizer)

    @alone
    def logits(self, number: int | None = None) -> torch.Tensor:
        """Return the logits of the next token after a node.

        Parameters
        ----------
        number
            Number of the node; by default the current one.

        Returns
        -------
        torch.Tensor
            (vocabulary,), float32.

        Raises
        ------
        KeyError
            When there is no such node.
        """
        ids = self.ids(number)
        return self.runner.undisturbed(lambda: self._next_logits.after(ids))

    @alone
    def trace(self, number: int | None = None) -> Trace:
        """Trace the text up to a node: attention, hidden states and the rest.

        Parameters
        ----------
        number
            Number of the node; by default the current one.

        Returns
        -------
        Trace
            Of the whole text, the prompt included.

        Raises
        ------
        KeyError
            When there is no such node.
        """
        return trace_of(self.scope, self._inputs, self.ids(number))

    def _number(self, number: int | None) -> int:
        return self.tree.current if number is None else number
