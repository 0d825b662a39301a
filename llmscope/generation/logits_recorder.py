"""Run transformers' own decoding loop, and record the logits of each step.

The loop calls its logits processors, draws, and calls its stopping criteria. Both lists are
replaced by ones that record what they are called with.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch.overrides import TorchFunctionMode
from transformers import LogitsProcessorList, StoppingCriteriaList
from transformers.generation.configuration_utils import GenerationMode
from transformers.generation.logits_process import UnbatchedClassifierFreeGuidanceLogitsProcessor

from llmscope.capture import Cancelled
from llmscope.generation.settings import Prepared
from llmscope.sampling import Distribution
from llmscope.sampling.engines import transforms_of

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

OnStep = Callable[[list[list[int]]], None]

_LOOPS = {
    GenerationMode.GREEDY_SEARCH: "_sample",
    GenerationMode.SAMPLE: "_sample",
    GenerationMode.BEAM_SEARCH: "_beam_search",
    GenerationMode.BEAM_SAMPLE: "_beam_search",
}


@dataclass(eq=False)
class DecodingRecord:
    """Sequences of one decoding loop, and the logits that their tokens were chosen from.

    Attributes
    ----------
    prepared
        What the loop was called with.
    sequences
        Token ids (sequences, length), the prompt included, padded as `generate` pads.
    lengths
        Number of generated tokens of each sequence, its end-of-text included.
    logits
        For each step, the input (rows, vocabulary) of the logits processors, float32. In a beam
        search these are log-probabilities.
    rows
        Which row of `logits` each token of a sequence was chosen from: (sequences, steps).
    beam_scores
        Of beam search: the score (sequences,) that it ranks by.
    interrupted
        Whether the loop was interrupted.
    """

    prepared: Prepared
    sequences: torch.Tensor
    lengths: list[int]
    logits: list[torch.Tensor]
    rows: torch.Tensor
    beam_scores: torch.Tensor | None = None
    interrupted: bool = False

    @property
    def prompt_length(self) -> int:
        """Length of the prompt, in tokens."""
        return int(self.prepared.input_ids.shape[1])

    def ids(self, sequence: int) -> list[int]:
        """Return the token ids of one sequence, without padding."""
        end = self.prompt_length + self.lengths[sequence]
        ids: list[int] = self.sequences[sequence, :end].tolist()
        return ids

    def logits_at(self, sequence: int, step: int) -> torch.Tensor:
        """Return the logits (vocabulary,) that a token of a sequence was chosen from."""
        return self.logits[step][self.rows[sequence, step]]

    def distribution(
        self, sequence: int, step: int, tokenizer: PreTrainedTokenizerBase
    ) -> Distribution:
        """Return the distribution that a token of a sequence was chosen from."""
        prepared = self.prepared
        ids = self.ids(sequence)[: self.prompt_length + step]
        processors = [p for p in prepared.processors if not is_guidance(p)]
        return Distribution.through(
            self.logits_at(sequence, step),
            transforms_of(processors, prepared.config, ids, prepared.input_ids.device),
            prepared.origins,
            tokenizer,
        )


def record_decoding(
    prepared: Prepared, model: Any, generator: torch.Generator, on_step: OnStep
) -> DecodingRecord:
    """Run the decoding loop that the settings ask for.

    Parameters
    ----------
    prepared
        What `generate` has prepared for the loop.
    model
        The model that generates.
    generator
        Draws the tokens, in place of torch's global generator.
    on_step
        Called after each step with the ids of all sequences so far. When it raises `Cancelled`,
        or an interrupt comes, the record ends with the last whole step.

    Returns
    -------
    DecodingRecord
        Sequences and logits.

    Raises
    ------
    ValueError
        For a strategy other than greedy search, sampling and beam search.
    KeyboardInterrupt, Cancelled
        In a beam search, and before the first step ends.
    """
    mode = prepared.config.get_generation_mode()
    if mode not in _LOOPS:
        raise ValueError(
            f"{mode.replace('_', ' ')} can't be looked at step by step: "
            "take greedy search, sampling or beam search."
        )
    beams = _LOOPS[mode] == "_beam_search"
    prepared.config.return_dict_in_generate = beams
    prepared.config.output_scores = beams
    with ExitStack() as drawing:
        steps = _Steps(generator, on_step, drawing)
        try:
            output = getattr(type(model), _LOOPS[mode])(
                model,
                prepared.input_ids,
                logits_processor=_RecordingProcessors(prepared.processors, steps),
                stopping_criteria=_RecordingCriteria(prepared.criteria, steps),
                generation_config=prepared.config,
                **prepared.kwargs,
            )
        except (KeyboardInterrupt, Cancelled):
            if beams or steps.ids is None:
                raise
            return _of_samples(prepared, steps, steps.ids, interrupted=True)
        finally:
            prepared.kwargs.clear()  # frees the cache
    if not beams:
        return _of_samples(prepared, steps, output)
    return _of_beams(prepared, steps, output)


@dataclass
class _Steps:
    """The state of a running loop, shared by its processors and criteria."""

    generator: torch.Generator
    on_step: OnStep
    drawing: ExitStack  # is entered while the loop draws
    logits: list[torch.Tensor] = field(default_factory=list)  # (rows, vocabulary) each
    ids: torch.Tensor | None = None  # (rows, length)
    finished: torch.Tensor | None = None  # (sequences,): the step that ended each, or -1


class _DrawWith(TorchFunctionMode):
    """Makes `torch.multinomial` draw with the given generator, in this thread."""

    def __init__(self, generator: torch.Generator) -> None:
        super().__init__()
        self._generator = generator

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is torch.multinomial:
            kwargs = {**kwargs, "generator": self._generator}
        return func(*args, **kwargs)


class _RecordingProcessors(LogitsProcessorList):
    """Records logits; sampling happens between this call and the stopping criteria."""

    def __init__(self, processors: LogitsProcessorList, steps: _Steps) -> None:
        self._guidance = LogitsProcessorList(p for p in processors if is_guidance(p))
        super().__init__(p for p in processors if not is_guidance(p))
        self._steps = steps

    def __call__(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:
        scores = self._guidance(input_ids, scores, **kwargs)
        self._steps.logits.append(scores.detach().to("cpu", torch.float32, copy=True))
        scores = super().__call__(input_ids, scores, **kwargs)
        self._steps.drawing.enter_context(_DrawWith(self._steps.generator))
        return scores


class _RecordingCriteria(StoppingCriteriaList):
    """Records the ids so far, and the step at which each sequence ends."""

    def __init__(self, criteria: StoppingCriteriaList, steps: _Steps) -> None:
        super().__init__(criteria)
        self._steps = steps

    def __call__(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:
        steps = self._steps
        steps.drawing.close()
        done = super().__call__(input_ids, scores, **kwargs)
        if steps.finished is None or len(steps.finished) != len(done):
            steps.finished = torch.full(done.shape, -1, device=done.device)
        steps.finished[done & (steps.finished < 0)] = len(steps.logits)
        steps.ids = input_ids
        steps.on_step(input_ids.tolist())
        return done


def is_guidance(processor: Any) -> bool:
    """Whether a processor is classifier-free guidance.

    It runs the model once more to compute the logits, so its output is recorded, not its input.
    """
    return isinstance(processor, UnbatchedClassifierFreeGuidanceLogitsProcessor)


def _of_samples(
    prepared: Prepared, steps: _Steps, sequences: torch.Tensor, *, interrupted: bool = False
) -> DecodingRecord:
    count = sequences.shape[1] - prepared.input_ids.shape[1]
    assert steps.finished is not None
    lengths = [end if end >= 0 else count for end in steps.finished.tolist()]
    rows = torch.arange(len(sequences))[:, None].expand(-1, count)  # (sequences, steps)
    return DecodingRecord(
        prepared, sequences.cpu(), lengths, steps.logits[:count], rows, interrupted=interrupted
    )


def _of_beams(prepared: Prepared, steps: _Steps, output: Any) -> DecodingRecord:
    rows = output.beam_indices.cpu().long()  # (sequences, steps), -1 after the end
    lengths = (rows >= 0).sum(dim=1).tolist()
    kept: list[torch.Tensor] = []  # only rows of the beams that are returned
    for step, logits in enumerate(steps.logits[: rows.shape[1]]):
        used, place = rows[:, step].clamp(min=0).unique(return_inverse=True)
        kept.append(logits[used])
        rows[:, step] = place
    return DecodingRecord(
        prepared, output.sequences.cpu(), lengths, kept, rows, output.sequences_scores.cpu()
    )
