"""One text of a survey, read where the model is."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from llmscope.capture import Cancel, Recording
from llmscope.corpus.measure import Measured, measure
from llmscope.shared import Kind
from llmscope.text.prepare import context_length, prepare

if TYPE_CHECKING:
    from llmscope.scope import Scope


class Read(NamedTuple):
    """What is known of one text.

    Attributes
    ----------
    ids
        Its tokens.
    measured
        What all heads did with it; `None` where that is known already.
    version
        The state of the model that it was read with; `None` where it wasn't read.
    """

    ids: list[int]
    measured: Measured | None = None
    version: int | None = None


def kind_of(scope: Scope) -> Kind:
    """Return which attention of a model is surveyed."""
    return "encoder" if scope.facts.family == "encoder-decoder" else "self"


def read_text(scope: Scope, text: str, is_known: bool, cancelled: Cancel) -> Read:
    """Return what all heads do with a text.

    Parameters
    ----------
    scope
        The model, with its edits.
    text
        One of a survey.
    is_known
        Whether only its tokens are wanted.
    cancelled
        As for `Scope.trace`.

    Raises
    ------
    ValueError
        For a text that the model can't read.
    RuntimeError
        When the model has no attention.
    Cancelled
        When `cancelled` returned True before the end.
    """
    if scope.elsewhere is not None:
        read: Read = scope.elsewhere.read_text(scope, text, is_known, cancelled)
        return read
    context = context_length(scope.model)
    given = prepare(scope.model, scope.tokenizer, text, name=scope.name, context=context)
    tokens = given.source_tokens or given.tokens
    ids = [token.id for token in tokens]
    if is_known:
        return Read(ids)
    runner = scope.runner_for(given.inputs)
    forward = runner.undisturbed(lambda: runner.record(given.inputs, cancelled))
    recording = Recording(runner, given.inputs, forward)
    if recording.why_no_attention:
        raise RuntimeError(recording.why_no_attention)
    is_causal = scope.facts.family == "causal"
    measured = measure(recording, kind_of(scope), tokens, is_causal, cancelled)
    return Read(ids, measured, forward.version)
