"""Answer which part made a token likely, part by part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from llmscope.analysis.effects.direct import direct
from llmscope.analysis.effects.effects import Effects, Part
from llmscope.analysis.effects.exact import estimated, exact, units_of, without_estimate
from llmscope.analysis.effects.measuring import Measuring
from llmscope.analysis.effects.tokens import (
    integrated_gradients,
    occlusion,
    saliency,
)
from llmscope.capture import NEVER, Cancel
from llmscope.words import say

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from llmscope.analysis.effects.question import Question
    from llmscope.capture import Recording
    from llmscope.edits.editor import Editor


def read_effects(
    editor: Editor,
    recording: Recording,
    question: Question,
    source: Recording | None = None,
    baseline: torch.Tensor | None = None,
    cancelled: Cancel = NEVER,
) -> Iterator[Effects]:
    """Yield effects as they are found; the last ones are whole.

    Parameters
    ----------
    editor
        Of the model.
    recording
        The pass that is asked about.
    question
        What is asked.
    source
        The pass that parts are patched from.
    baseline
        Embedding (size,) that stands for no token, for methods that need one.
    cancelled
        Asked between layers.

    Yields
    ------
    Effects
        Estimates first, where others are computed part by part.

    Raises
    ------
    ValueError
        When the model has no such parts, or the method isn't for it.
    Cancelled
        When `cancelled` returned True.
    """
    recording.check_repeatable()
    measuring = Measuring(editor, recording, question, cancelled)
    if question.of == "tokens":
        yield from _of_tokens(measuring, baseline)
    elif question.method == "direct":
        yield direct(measuring)
    else:
        if source is not None:
            check_source(recording, source)
        units = units_of(measuring, question)
        try:
            estimate = estimated(measuring, units, source)
        except ValueError:
            if question.method == "gradient":
                raise
            estimate = without_estimate(measuring, units)
        dims = ("layer", "head") if question.of == "heads" else ("layer",)
        if question.of == "layers" and question.method == "patch":
            dims = ("layer", "position")
        guess = replace(question, method="gradient")
        found = Effects(guess, estimate.values, dims, estimate.measured)
        if question.method == "gradient":
            yield found
            return
        if not np.isnan(found.values).all():
            yield replace(found, is_whole=False)
        for values in exact(measuring, units, source, estimate):
            yield _so_far(question, values, dims, estimate.measured)
        yield Effects(question, values, dims, estimate.measured)


def _so_far(
    question: Question, values: NDArray[np.float32], dims: tuple[str, ...], measured: float
) -> Effects:
    return Effects(question, values.copy(), dims, measured, is_whole=False)


def _of_tokens(measuring: Measuring, baseline: torch.Tensor | None) -> Iterator[Effects]:
    question = measuring.question
    rest: tuple[Part, ...] = ()
    dims = ("position",)
    if question.method == "saliency" or baseline is None:
        measured, values = saliency(measuring)
    elif question.method == "integrated_gradients":
        measured, values, lacking = integrated_gradients(measuring, baseline)
        rest = (Part("unexplained", None, None, None, lacking),)
    else:
        try:
            measured, values = saliency(measuring)
        except ValueError:
            order = None
        else:
            guess = replace(question, method="saliency")
            yield Effects(guess, values, dims, measured, is_whole=False)
            order = np.argsort(-np.abs(values), kind="stable")
        for measured, values in occlusion(measuring, baseline, order):
            yield _so_far(question, values, dims, measured)
    yield Effects(question, values, dims, measured, rest)


def check_source(recording: Recording, source: Recording) -> None:
    """Raise ValueError where parts of one pass can't be patched into another."""
    if source.runner.model is not recording.runner.model:
        raise ValueError("source= is a trace of the same model.")
    source.check_current()
    here, there = len(recording.ids), len(source.ids)
    if here == there:
        here, there = len(recording.source_ids), len(source.source_ids)
    if here != there:
        raise ValueError(
            say(
                "Patching takes texts of as many tokens: this one has {here}, the source {there}.",
                here=here,
                there=there,
            )
        )
