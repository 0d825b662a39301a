"""One pass of a model over one text, recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from llmscope.capture.attention import Attention
from llmscope.capture.cache_argument import cache_argument
from llmscope.capture.cancel import NEVER, Cancel
from llmscope.capture.concat import Rows, concatenated, joins_of, tensors_of
from llmscope.capture.head import Head, accepted, logits_of
from llmscope.capture.hooks import AttentionCall, record_attention
from llmscope.capture.layers import by_layer
from llmscope.capture.undo import Changes, restoring
from llmscope.shared import Kind

if TYPE_CHECKING:
    import torch
    from torch import nn

    from llmscope.capture.version import ModelState, ModelVersion


@dataclass(frozen=True)
class ForwardPass:
    """What was recorded of one pass.

    Attributes
    ----------
    lengths
        Number of tokens of the text (or decoder side), and of the encoder side.
    states
        Final hidden states (positions, hidden size) of the model's body.
    logit_rows
        Logits (positions, vocabulary), only where the head can't run by itself.
    last_logits
        Logits (1, vocabulary) of the last position, where the pass computed them.
    reference_logits
        The same, of this pass or of one that computed the last token again: to notice later that
        the head was changed.
    calls
        Every call of an attention function.
    version, hooks
        Numbers of the model's state, and of the user's hooks, that the pass ran with.
    """

    model: nn.Module
    lengths: tuple[int, int]
    states: Rows
    logit_rows: Rows | None
    last_logits: torch.Tensor | None
    reference_logits: torch.Tensor | None
    calls: Sequence[AttentionCall]
    version: int
    hooks: int

    @cached_property
    def attention(self) -> dict[Kind, dict[int, Attention]]:
        """Recorded attention by kind and layer."""
        return by_layer(self.model, self.calls, *self.lengths)

    @property
    def hidden(self) -> torch.Tensor:
        """Final hidden states (positions, hidden size)."""
        return self.states.whole()

    @property
    def logits(self) -> torch.Tensor | None:
        """Logits (positions, vocabulary), only where the head can't run by itself."""
        return None if self.logit_rows is None else self.logit_rows.whole()

    def tensors(self) -> list[torch.Tensor]:
        """Return all tensors that the pass keeps in memory."""
        logits = [] if self.logit_rows is None else self.logit_rows.pieces
        last = [item for item in (self.last_logits, self.reference_logits) if item is not None]
        return [*self.states.pieces, *logits, *last, *tensors_of(self.calls)]

    @property
    def joins(self) -> int:
        """How often pieces of it were concatenated, which changes what it keeps in memory."""
        logits = 0 if self.logit_rows is None else self.logit_rows.joins
        return self.states.joins + logits + joins_of(self.calls)

    def continued(self, keep: int, new: ForwardPass | None) -> ForwardPass | None:
        """Return a pass over the first `keep` positions and those of `new` after them.

        `None` where it is unknown how their attention fits together.
        """
        calls = concatenated(self.calls, keep, new.calls if new else ())
        if calls is None:
            return None
        logits = self.logit_rows
        if logits is not None:
            logits = logits.grown(keep, new.logits if new else None)
        states = self.states.grown(keep, new.hidden if new else None)
        last = new.last_logits if new else None
        return replace(
            self,
            lengths=(len(states), 0),
            states=states,
            logit_rows=logits,
            last_logits=last,
            reference_logits=last,
            calls=calls,
            hooks=new.hooks if new else self.hooks,
        )


def record(
    head: Head,
    version: ModelVersion,
    inputs: Mapping[str, Any],
    cancelled: Cancel = NEVER,
    state: ModelState | None = None,
    *,
    inside: nn.Module | None = None,
    again: bool = False,
) -> ForwardPass:
    """Run the model of `head` on `inputs`, and record the pass.

    The model must be undisturbed. Its head computes the last row of logits only, where it can
    compute the others later.

    Parameters
    ----------
    head, version
        Of the model.
    inputs
        Arguments of the model's `forward`; a cache among them contains the text afterwards.
    state
        The model's state, where it is known already.
    inside
        What is run as the model's body, by default its own.

    Raises
    ------
    Cancelled
        When `cancelled` returned True between two layers.
    """
    state = state or version.state()
    model, body = head.split(inside)
    keeps_logits = body is None or head.runs_alone is False
    cached = inputs.get(cache_argument()) is not None
    options = accepted(head.model, use_cache=cached, return_dict=True)
    if not keeps_logits:
        options |= accepted(head.model, logits_to_keep=1)

    def run(changes: Changes) -> tuple[Any, list[AttentionCall]]:
        calls = record_attention(head.model, changes, cancelled)
        return model(**{**inputs, **options}), calls

    output, calls = restoring(run)
    if cached:  # the cache contains this text now
        inputs = {**inputs, cache_argument(): None}
    if body is not None and body.output is None:
        # The head reads what is inside: a decoder alone in a wrapper (BART's heirs).
        head.body = f"{head.body}.decoder"
        return record(head, version, inputs, cancelled)
    after = version.after_pass(state)
    if after is None and not again:
        # RWKV rescales its weights in the first pass after training.
        return record(head, version, inputs, cancelled, inside=inside, again=True)
    source = inputs["input_ids"].shape[1]
    tokens = inputs.get("decoder_input_ids", inputs["input_ids"]).shape[1]
    # Perceiver answers for all positions that it has, whether or not there are tokens.
    logits = logits_of(output)[0][:tokens] if head.exists else None
    final = output if body is None else body.output
    hidden = final[0][0][:tokens]  # (positions, hidden size)
    head.learn(final)
    if logits is not None and head.runs_alone is None:
        head.runs_alone = head.check(hidden, logits)
        if head.body is not None and not head.runs_alone:
            return record(head, version, inputs, cancelled, inside=inside)
    last = None if logits is None else logits[-1:].clone()
    return ForwardPass(
        model=head.model,
        lengths=(tokens, source),
        states=Rows(hidden),
        logit_rows=Rows(logits) if keeps_logits and logits is not None else None,
        last_logits=last,
        reference_logits=last,
        calls=calls,
        version=(after or state).number,
        hooks=(after or state).hooks,
    )
