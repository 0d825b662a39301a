"""One run of transformers' own decoding loop, with what it saw at each step kept."""

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

if TYPE_CHECKING:
    Watch = Callable[[list[list[int]]], None]

_LOOPS = {
    GenerationMode.GREEDY_SEARCH: "_sample",
    GenerationMode.SAMPLE: "_sample",
    GenerationMode.BEAM_SEARCH: "_beam_search",
    GenerationMode.BEAM_SAMPLE: "_beam_search",
}


@dataclass
class Record:
    """What a run left behind.

    Attributes
    ----------
    sequences
        Token ids (sequences, length), the prompt included, padded as `generate` pads.
    lengths
        How many tokens were written in each sequence, its end-of-text included.
    scores
        For each step, what the logits processors were given: (rows, vocabulary), float32. Logits,
        or log-probabilities in a beam search.
    rows
        Which row of `scores` each token of a sequence was chosen from: (sequences, steps).
    beam_scores
        Of beam search: the score (sequences,) that it ranks by.
    """

    prepared: Prepared
    sequences: torch.Tensor
    lengths: list[int]
    scores: list[torch.Tensor]
    rows: torch.Tensor
    beam_scores: torch.Tensor | None = None
    interrupted: bool = False

    @property
    def prompt(self) -> int:
        """How many tokens of each sequence were there before."""
        return int(self.prepared.input_ids.shape[1])


def record(prepared: Prepared, model: Any, generator: torch.Generator, watch: Watch) -> Record:
    """Run the loop that the settings ask for.

    Parameters
    ----------
    generator
        What tokens are drawn with, in place of torch's global one.
    watch
        Called after each step with the ids of all sequences so far. When it raises `Cancelled`,
        or an interrupt comes, the record ends with the last whole step.
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
        seen = _Seen(generator, watch, drawing)
        try:
            output = getattr(type(model), _LOOPS[mode])(
                model,
                prepared.input_ids,
                logits_processor=_Processors(prepared.processors, seen),
                stopping_criteria=_Criteria(prepared.criteria, seen),
                generation_config=prepared.config,
                **prepared.kwargs,
            )
        except (KeyboardInterrupt, Cancelled):
            if beams or seen.ids is None:
                raise
            return _of_samples(prepared, seen, seen.ids, interrupted=True)
        finally:
            prepared.kwargs.clear()  # the cache among them
    if not beams:
        return _of_samples(prepared, seen, output)
    return _of_beams(prepared, seen, output)


@dataclass
class _Seen:
    generator: torch.Generator
    watch: Watch
    drawing: ExitStack
    scores: list[torch.Tensor] = field(default_factory=list)
    ids: torch.Tensor | None = None
    finished: torch.Tensor | None = None  # (sequences,): the step that ended each, or -1


class _Draws(TorchFunctionMode):
    """Lets `torch.multinomial` draw with a generator of one's own, in this thread."""

    def __init__(self, generator: torch.Generator) -> None:
        super().__init__()
        self._generator = generator

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is torch.multinomial:
            kwargs = {**kwargs, "generator": self._generator}
        return func(*args, **kwargs)


class _Processors(LogitsProcessorList):
    """Keeps what it is given; what follows until the stopping criteria is the draw."""

    def __init__(self, processors: LogitsProcessorList, seen: _Seen) -> None:
        self._guidance = LogitsProcessorList(p for p in processors if is_guidance(p))
        super().__init__(p for p in processors if not is_guidance(p))
        self._seen = seen

    def __call__(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:
        scores = self._guidance(input_ids, scores, **kwargs)
        self._seen.scores.append(scores.detach().to("cpu", torch.float32, copy=True))
        scores = super().__call__(input_ids, scores, **kwargs)
        self._seen.drawing.enter_context(_Draws(self._seen.generator))
        return scores


class _Criteria(StoppingCriteriaList):
    def __init__(self, criteria: StoppingCriteriaList, seen: _Seen) -> None:
        super().__init__(criteria)
        self._seen = seen

    def __call__(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:
        seen = self._seen
        seen.drawing.close()
        done = super().__call__(input_ids, scores, **kwargs)
        step = len(seen.scores)
        if seen.finished is None or len(seen.finished) != len(done):
            seen.finished = torch.full(done.shape, -1, device=done.device)
        seen.finished[done & (seen.finished < 0)] = step
        seen.ids = input_ids
        seen.watch(input_ids.tolist())
        return done


def is_guidance(processor: Any) -> bool:
    """Tell the one processor that runs the model: what it gives counts as the logits."""
    return isinstance(processor, UnbatchedClassifierFreeGuidanceLogitsProcessor)


def _of_samples(
    prepared: Prepared, seen: _Seen, sequences: torch.Tensor, *, interrupted: bool = False
) -> Record:
    steps = sequences.shape[1] - prepared.input_ids.shape[1]
    assert seen.finished is not None
    lengths = [end if end >= 0 else steps for end in seen.finished.tolist()]
    rows = torch.arange(len(sequences))[:, None].expand(-1, steps)
    return Record(
        prepared, sequences.cpu(), lengths, seen.scores[:steps], rows, interrupted=interrupted
    )


def _of_beams(prepared: Prepared, seen: _Seen, output: Any) -> Record:
    rows = output.beam_indices.cpu().long()
    lengths = (rows >= 0).sum(dim=1).tolist()
    # Other beams than those that were given back are not looked at again.
    kept: list[torch.Tensor] = []
    for step, scores in enumerate(seen.scores[: rows.shape[1]]):
        used, place = rows[:, step].clamp(min=0).unique(return_inverse=True)
        kept.append(scores[used])
        rows[:, step] = place
    return Record(
        prepared, output.sequences.cpu(), lengths, kept, rows, output.sequences_scores.cpu()
    )
