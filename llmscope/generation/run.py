"""The result of `Scope.generate`: sequences, and the distribution of every token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from llmscope.generation.draws import new_seed
from llmscope.generation.logits_recorder import DecodingRecord, OnStep, record_decoding
from llmscope.generation.settings import (
    Prepared,
    check_names,
    edited_for,
    prompt_inputs,
    run_generate,
    trace_of,
)
from llmscope.generation.tree import Tree
from llmscope.progress_bar import progress_bar
from llmscope.text import Token, from_ids

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from transformers import PreTrainedTokenizerBase

    from llmscope.sampling import Distribution
    from llmscope.scope import Scope
    from llmscope.text.prepare import Text
    from llmscope.trace import Trace


@dataclass(frozen=True)
class Step:
    """One generated token.

    Attributes
    ----------
    token
        The token.
    index
        Which step of its sequence it is, from 0.
    """

    token: Token
    index: int
    _record: DecodingRecord
    _sequence: int
    _tokenizer: PreTrainedTokenizerBase

    @property
    def distribution(self) -> Distribution:
        """The distribution that the token was chosen from, by stages; computed when read.

        In a beam search `base` is the model's own distribution, and `probs` is that after the
        logits processors; beams are chosen by their sum of log-probabilities.
        """
        return self._record.distribution(self._sequence, self.index, self._tokenizer)

    @cached_property
    def prob(self) -> float:
        """Probability of the token in that distribution: 1 in greedy search."""
        return float(self.distribution.probs[self.token.id])

    @cached_property
    def logprob(self) -> float:
        """Log-probability of the token in the model's own distribution, in nats."""
        logits = self._record.logits_at(self._sequence, self.index)
        return float(logits[self.token.id] - logits.logsumexp(dim=0))

    def __repr__(self) -> str:
        return f"<Step {self.index}: {self.token.text!r}, log p {self.logprob:.2f}>"


class Run:
    """The result of one call of `Scope.generate`.

    Attributes
    ----------
    scope
        The scope that generated it.
    sequences
        Token ids (sequences, length), int64: with the prompt (of encoder-decoder models, the
        decoder's first tokens), and padded, as transformers' `generate` returns them.
    seed
        The seed that repeats the run.
    settings
        The settings that were given to `generate`.
    scores
        Of a beam search, the score (sequences,) that beams are ranked by; else `None`.
    interrupted
        Whether an interrupt ended the run early.
    record
        What the tokens were chosen from, step by step.

    Examples
    --------
    >>> run = scope.generate("A tiny model", max_new_tokens=3, do_sample=True, seed=0)
    >>> len(run), run.sequences.shape == (1, run.prompt_length + 3)
    (1, True)
    >>> run.texts[0].startswith("A tiny model")
    True
    >>> step = run.steps[0][2]
    >>> 0 < step.prob <= 1, step.logprob < 0
    (True, True)
    >>> len(run.trace()) == run.prompt_length + 3
    True
    """

    def __init__(
        self,
        scope: Scope,
        inputs: dict[str, torch.Tensor],
        record: DecodingRecord,
        seed: int,
        settings: dict[str, Any],
    ) -> None:
        self.scope = scope
        self.sequences: NDArray[np.int64] = record.sequences.numpy()
        self.seed = seed
        self.settings = settings
        self.scores: NDArray[np.float32] | None = None
        if record.beam_scores is not None:
            self.scores = record.beam_scores.float().numpy()
        self.interrupted = record.interrupted
        self._inputs = inputs
        self.record = record
        self._traces: dict[int, Trace] = {}

    def __len__(self) -> int:
        return len(self.sequences)

    @property
    def prompt_length(self) -> int:
        """Length of the prompt in `sequences`, in tokens."""
        return self.record.prompt_length

    @property
    def begin(self) -> list[int]:
        """Token ids (length,) of the prompt; of encoder-decoder models, of the encoder's side."""
        return [int(i) for i in self._inputs["input_ids"][0]]

    @property
    def has_encoder(self) -> bool:
        """Whether the prompt is read by an encoder, and `sequences` by a decoder."""
        return "decoder_input_ids" in self._inputs

    @property
    def texts(self) -> list[str]:
        """Text of each sequence, with the prompt and without special tokens."""
        return self._decoded(0)

    @property
    def continuations(self) -> list[str]:
        """Generated text of each sequence, without the prompt and without special tokens."""
        return self._decoded(self.prompt_length)

    @cached_property
    def steps(self) -> tuple[tuple[Step, ...], ...]:
        """Steps of each sequence: token, probability, and the distribution it was chosen from."""
        start = self.prompt_length
        return tuple(
            tuple(
                Step(token, index, self.record, sequence, self.scope.tokenizer)
                for index, token in enumerate(
                    from_ids(self.scope.tokenizer, self.ids(sequence))[start:]
                )
            )
            for sequence in range(len(self))
        )

    def ids(self, sequence: int = 0) -> list[int]:
        """Return the token ids of one sequence, without padding.

        Parameters
        ----------
        sequence
            Which sequence, from 0; negative from the end.

        Returns
        -------
        list of int
            The prompt included.

        Raises
        ------
        IndexError
            When there is no such sequence.
        """
        return self.record.ids(sequence)

    def trace(self, sequence: int = 0) -> Trace:
        """Trace one sequence: attention, hidden states and the rest.

        Parameters
        ----------
        sequence
            Which sequence, from 0; negative from the end.

        Returns
        -------
        Trace
            Of the whole sequence, its prompt included; kept until the model is changed.

        Raises
        ------
        IndexError
            When there is no such sequence.
        """
        sequence = range(len(self))[sequence]
        if sequence not in self._traces or not self._traces[sequence].is_current:
            ids = self.ids(sequence)
            self._traces[sequence] = trace_of(self.scope, self._inputs, ids)
        return self._traces[sequence]

    @cached_property
    def tree(self) -> Tree:
        """The sequences as branches of one tree, which part where they differ."""
        tree = Tree(self.sequences[0, : self.prompt_length].tolist())
        for steps in self.steps:
            node = 0
            for step in steps:
                probs = step.distribution.probs
                base = step.distribution.base
                token = step.token.id
                rank = int((base > base[token]).sum())
                node = tree.add(node, token, step.logprob, float(probs[token]), rank)
        return tree

    def _decoded(self, start: int) -> list[str]:
        return [
            str(self.scope.tokenizer.decode(self.ids(i)[start:], skip_special_tokens=True))
            for i in range(len(self))
        ]

    def __repr__(self) -> str:
        texts = self.texts
        shown = repr(texts[0] if len(texts[0]) <= 60 else texts[0][:59] + "…")
        more = f" and {len(self) - 1} more" if len(self) > 1 else ""
        stopped = ", interrupted" if self.interrupted else ""
        return f"<Run of {self.scope.name}: {shown}{more}{stopped}>"


def generate(
    scope: Scope,
    text: Text,
    target: str | Sequence[int] | None,
    seed: int | None,
    settings: dict[str, Any],
    on_step: OnStep | None = None,
) -> Run:
    """Generate text and record every choice: the work of `Scope.generate`.

    Parameters
    ----------
    scope, text, target, seed, settings
        As for `Scope.generate`.
    on_step
        Called after each step with the ids of all sequences so far.

    Returns
    -------
    Run
        The sequences.

    Raises
    ------
    TypeError, ValueError
        As `Scope.generate`.
    """
    check_names(settings)
    inputs = prompt_inputs(scope, text, target)
    scope, runner = edited_for(scope, inputs)
    seed = new_seed() if seed is None else seed
    generator = torch.Generator(inputs["input_ids"].device).manual_seed(seed)

    def loop(prepared: Prepared) -> DecodingRecord:
        with _bar(prepared) as bar:

            def step(ids: list[list[int]]) -> None:
                bar.update()
                if on_step is not None:
                    on_step(ids)

            return record_decoding(prepared, scope.model, generator, step)

    record = runner.undisturbed(lambda: run_generate(scope, inputs, settings, loop))
    return Run(scope, inputs, record, seed, settings)


def _bar(prepared: Prepared) -> Any:
    """Make a progress bar that counts tokens, and appears after half a second."""
    limit = prepared.config.max_length
    total = None if limit is None else limit - prepared.input_ids.shape[1]
    return progress_bar(total=total, unit="token", delay=0.5)
