"""What `generate` wrote, with every choice that it made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from llmscope.generation.settings import Prepared, check_names, decode, prompt_inputs, trace_of
from llmscope.sampling import Distribution
from llmscope.sampling.engines import named
from llmscope.text import Token, from_ids

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from llmscope.generation.logits_recorder import Record, Watch
    from llmscope.generation.tree import Tree
    from llmscope.scope import Scope
    from llmscope.text.prepare import Text
    from llmscope.trace import Trace


@dataclass(frozen=True)
class Step:
    """One token that was written.

    Attributes
    ----------
    token
        The token.
    index
        Which step of its sequence it is, from 0.
    """

    token: Token
    index: int
    _run: Run
    _sequence: int

    @property
    def distribution(self) -> Distribution:
        """What it was chosen from, with the stages that led there; made when read.

        In a beam search its `base` is the model's own distribution, and `probs` is what the
        processors made of it; a beam is then chosen by the sum along it.
        """
        return self._run._distribution(self._sequence, self.index)

    @cached_property
    def prob(self) -> float:
        """Probability of the token in what it was chosen from: 1 where nothing is drawn."""
        return float(self.distribution.probs[self.token.id])

    @cached_property
    def logprob(self) -> float:
        """Log-probability of the token in the model's own distribution, in nats."""
        scores = self._run._scores(self._sequence, self.index)
        return float(scores[self.token.id] - scores.logsumexp(dim=0))

    def __repr__(self) -> str:
        return f"<Step {self.index}: {self.token.text!r}, log p {self.logprob:.2f}>"


class Run:
    """What one call of `Scope.generate` wrote, and all that can be read from it.

    Attributes
    ----------
    scope
        The scope that wrote it.
    sequences
        Token ids (sequences, length), int64: with the prompt (of encoder-decoder models, what the
        decoder started with), and padded, as transformers' `generate` returns them.
    seed
        What the same run can be had with again.
    settings
        What was given to `generate`.
    scores
        Of a beam search, the score (sequences,) that beams are ranked by; else `None`.
    interrupted
        Whether it was stopped by an interrupt before it was through.
    """

    def __init__(
        self,
        scope: Scope,
        inputs: dict[str, torch.Tensor],
        record: Record,
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
        self._record = record
        self._traces: dict[int, Trace] = {}

    def __len__(self) -> int:
        return len(self.sequences)

    @property
    def prompt_length(self) -> int:
        """How many tokens of each sequence were there before."""
        return self._record.prompt

    @property
    def begin(self) -> list[int]:
        """Token ids that it was given: the prompt, or what the encoder read."""
        return [int(i) for i in self._inputs["input_ids"][0]]

    @property
    def texts(self) -> list[str]:
        """Text of each sequence, with the prompt and without special tokens."""
        return self._decoded(0)

    @property
    def continuations(self) -> list[str]:
        """What was written of each text, without special tokens."""
        return self._decoded(self.prompt_length)

    @cached_property
    def steps(self) -> tuple[tuple[Step, ...], ...]:
        """For each sequence, its steps: token, probability, and what it was chosen from."""
        start = self.prompt_length
        return tuple(
            tuple(
                Step(token, index, self, sequence)
                for index, token in enumerate(
                    from_ids(self.scope.tokenizer, self.ids(sequence))[start:]
                )
            )
            for sequence in range(len(self))
        )

    def ids(self, sequence: int = 0) -> list[int]:
        """Token ids of one sequence, without padding."""
        end = self.prompt_length + self._record.lengths[sequence]
        ids: list[int] = self.sequences[sequence, :end].tolist()
        return ids

    def trace(self, sequence: int = 0) -> Trace:
        """Trace one sequence, its prompt included: attention, hidden states and the rest."""
        sequence = range(len(self))[sequence]
        if sequence not in self._traces or not self._traces[sequence].is_current:
            ids = self.ids(sequence)
            self._traces[sequence] = trace_of(self.scope, self._inputs, ids)
        return self._traces[sequence]

    @cached_property
    def tree(self) -> Tree:
        """The sequences as branches of one tree, which part where they differ."""
        from llmscope.generation.tree import Tree

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

    def _scores(self, sequence: int, step: int) -> Any:
        return self._record.scores[step][self._record.rows[sequence, step]]

    def _distribution(self, sequence: int, step: int) -> Distribution:
        from llmscope.generation.logits_recorder import is_guidance

        prepared = self._record.prepared
        ids = self.ids(sequence)[: self.prompt_length + step]
        processors = [p for p in prepared.processors if not is_guidance(p)]
        return Distribution.through(
            self._scores(sequence, step),
            named(processors, prepared.config, ids, prepared.input_ids.device),
            prepared.origins,
            self.scope.tokenizer,
        )

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
    watch: Watch | None = None,
) -> Run:
    """Do what `Scope.generate` promises; `watch` is called with all ids after each step."""
    import torch

    from llmscope.generation.draws import new_seed
    from llmscope.generation.logits_recorder import record

    check_names(settings)
    inputs = prompt_inputs(scope, text, target)
    seed = new_seed() if seed is None else seed
    generator = torch.Generator(inputs["input_ids"].device).manual_seed(seed)

    def loop(prepared: Prepared) -> Record:
        with _bar(prepared) as bar:

            def step(ids: list[list[int]]) -> None:
                bar.update()
                if watch is not None:
                    watch(ids)

            return record(prepared, scope.model, generator, step)

    made = scope.runner.undisturbed(lambda: decode(scope, inputs, settings, loop))
    return Run(scope, inputs, made, seed, settings)


def _bar(prepared: Prepared) -> Any:
    """Count tokens on screen, once it takes longer than half a second."""
    from tqdm.auto import tqdm
    from transformers.utils.logging import is_progress_bar_enabled

    limit = prepared.config.max_length
    total = None if limit is None else limit - prepared.input_ids.shape[1]
    hidden = not is_progress_bar_enabled()
    return tqdm(total=total, unit="token", leave=False, delay=0.5, disable=hidden)
