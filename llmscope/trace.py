"""One forward pass over one text, and all that can be read from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from llmscope.analysis.matrices import positions as numbered
from llmscope.capture import Recording, to_numpy
from llmscope.trace_attention import TraceAttention
from llmscope.trace_effects import TraceEffects
from llmscope.trace_head import TraceHead
from llmscope.trace_structure import TraceStructure

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from llmscope.analysis.logit_lens import Lens
    from llmscope.edits import Edit
    from llmscope.export.bertviz import BertvizView
    from llmscope.export.static import Static
    from llmscope.scope import Scope
    from llmscope.shared import Stream
    from llmscope.text import Token
    from llmscope.text.prepare import ModelInput


class Trace(TraceHead, TraceAttention, TraceEffects, TraceStructure):
    """One forward pass of a model over one text: immutable, and computed lazily.

    Made by `Scope.trace`. Arrays are float32 numpy.

    Attributes
    ----------
    scope
        The scope that it was made by.
    text
        The text as the model read it; with a second sentence, both, one after the other.
    pair
        The second sentence, `None` without one.
    tokens
        One `Token` for each position; of the decoder side in encoder-decoder models.
    source_tokens
        The tokens of the encoder side; empty for other models.
    recording
        The recorded pass, which everything is computed from.

    Examples
    --------
    >>> trace = scope.trace("The capital of France is")
    >>> trace.attention(layer=1, head=2).shape == (len(trace), len(trace))
    True
    >>> bool((trace.logprobs[1:] < 0).all())
    True
    """

    def __init__(
        self,
        scope: Scope,
        given: ModelInput,
        recording: Recording,
    ) -> None:
        self.scope = scope
        self.text = given.text
        self.pair = given.pair
        self.tokens = given.tokens
        self.source_tokens = given.source_tokens
        self.recording = recording
        self._given = given

    def __len__(self) -> int:
        return len(self.tokens)

    def __repr__(self) -> str:
        text = self.text if len(self.text) <= 40 else self.text[:39] + "…"
        return f"<Trace of {text!r}: {len(self)} tokens, {self.scope.name}>"

    @property
    def version(self) -> int:
        """A number for the state of the model that the trace was made with."""
        return self.recording.forward.version

    @property
    def is_current(self) -> bool:
        """Whether the model is still in the state that the trace was made with.

        Weights, buffers, modules, their numbers and functions, hooks and adapters are looked at. A
        write through `.data` or numpy isn't noticed, as PyTorch doesn't count it.
        """
        return self.recording.is_current

    @property
    def edits(self) -> tuple[Edit, ...]:
        """The edits that the pass was under, their positions counted from the beginning."""
        return self.recording.runner.edits

    @cached_property
    def untouched(self) -> Trace:
        """The trace of the same text without edits; of a trace without edits, itself."""
        if not self.edits:
            return self
        runner = self.scope.runner
        inputs = self.recording.inputs
        return Trace(self.scope, self._given, Recording(runner, inputs, runner.run(inputs)))

    @property
    def ids(self) -> list[int]:
        """Token ids of `tokens`."""
        return [token.id for token in self.tokens]

    @property
    def roles(self) -> tuple[str | None, ...]:
        """Whose turn each token of the text is in, where chat messages were traced; else empty.

        One for each of `source_tokens` or, where there are none, of `tokens`: a message's role
        ("system", "user", "assistant"), or `None` for what the template puts before all turns.
        The markers around a message are in its turn. What follows the last message, so that the
        model answers, is the assistant's.
        """
        return self._given.turns.roles(self.source_tokens or self.tokens)

    @property
    def why_no_roles(self) -> str | None:
        """Why the turns of chat messages are unknown, in words; `None` where they are known."""
        return self._given.turns.why_none

    @property
    def segments(self) -> tuple[int, ...]:
        """Which sentence (positions,) each token belongs to: 0 the first, 1 the second (`pair=`).

        The second begins with the first token of its own; what separates the two belongs to the
        first. Empty where there is one sentence only.
        """
        if self.pair is None:
            return ()
        first = len(self.text) - len(self.pair)
        has_words = bool(self.pair.strip())
        begin = (n for n, t in enumerate(self.tokens) if has_words and t.text and t.end > first)
        second = next(begin, len(self))
        return tuple(int(n >= second) for n in range(len(self)))

    # ── variants ─────────────────────────────────────────────────────────────────────────────

    @property
    def gaps(self) -> tuple[int, ...]:
        """Positions of the mask token, where a masked model predicts: see `distribution`."""
        mask = self.scope.tokenizer.mask_token_id
        return tuple(n for n, token in enumerate(self.tokens) if token.id == mask)

    def masked(self, *positions: int) -> Trace:
        """Trace the same text with the tokens at `positions` replaced by the mask token.

        Parameters
        ----------
        *positions
            Of the tokens to mask; negative ones count from the end.

        Returns
        -------
        Trace
            A new one, whose tokens have the same `text`.

        Raises
        ------
        IndexError
            When there is no such position.
        ValueError
            When the model is no masked model, or its tokenizer has no mask token.
        """
        import torch

        mask = self.scope.tokenizer.mask_token_id
        if self.scope.facts.family != "masked" or mask is None:
            raise ValueError(f"{self.scope.name} has no mask token: it fills no gaps.")
        tokens = list(self.tokens)
        for position in map(self._position, positions):
            label = str(self.scope.tokenizer.mask_token)
            tokens[position] = replace(tokens[position], id=int(mask), label=label, special=True)
        known = self.recording.inputs
        ids = torch.tensor([[t.id for t in tokens]]).to(known["input_ids"])
        inputs = {**known, "input_ids": ids}
        given = replace(
            self._given, inputs=inputs, tokens=tuple(tokens), unmasked=self.unmasked_tokens
        )
        runner = self.recording.runner
        return Trace(self.scope, given, Recording(runner, inputs, runner.run(inputs)))

    @property
    def unmasked_tokens(self) -> tuple[Token, ...]:
        """The tokens as they were before `masked` hid some of them."""
        return self._given.unmasked or self.tokens

    @property
    def next_sentence(self) -> float:
        """Probability that the second sentence (`pair=`) follows the first.

        Raises
        ------
        ValueError
            When there is no second sentence, or the model has no head that tells.
        """
        self.check_current()
        if "token_type_ids" not in self.recording.inputs:
            raise ValueError("There is one sentence only: scope.trace(text, pair=…) reads two.")
        logits = self.recording.sentence_logits()
        if logits is None:
            raise ValueError(f"{self.scope.name} has no head that tells whether sentences follow.")
        return float(logits.float().softmax(-1)[0])

    # ── the layers ───────────────────────────────────────────────────────────────────────────

    def hidden(self, layer: int) -> NDArray[np.float32]:
        """Residual stream (positions, hidden size) after a layer.

        The numbering and the final norm are those of transformers' `hidden_states`. The first
        read runs the model once more, so that no trace keeps what nobody looks at.

        Parameters
        ----------
        layer
            0 is the embeddings, n the output of the n-th layer, -1 that of the last.

        Returns
        -------
        ndarray
            (positions, hidden size)

        Raises
        ------
        IndexError
            When there is no such layer.
        ValueError
            When the model computes otherwise once it is asked for its hidden states (xLSTM).
        RuntimeError
            When the model was changed after the trace was made; see `is_current`.
        """
        states = self.recording.residual_stream.states
        if not -len(states) <= layer < len(states):
            raise IndexError(
                f"There is no layer {layer}: hidden states are 0 to {len(states) - 1}."
            )
        return to_numpy(states[layer])

    def lens(
        self,
        top: int = 5,
        positions: slice | Sequence[int] | None = None,
        stream: Stream = "block",
    ) -> Lens:
        """Predict as if the model ended at each layer: the logit lens.

        The final norm and the head are applied to each layer's residual stream as the model
        applies them to the last one's.

        Parameters
        ----------
        top
            Number of likeliest tokens to return.
        positions
            Which positions; all by default. Each costs the model's head once a layer.
        stream : {"block", "attention", "mlp"}
            What is read of a layer: its output; its input with what attention adds; or its input
            with what the MLP adds, which is computed after attention.

        Returns
        -------
        Lens
            Tokens, probabilities, entropy, ranks and divergence, each (layers, positions, …).

        Raises
        ------
        ValueError
            When the model has no head, or one that can't be applied to other layers; or when its
            layers aren't the sum of two such sublayers.
        """
        from llmscope.analysis.logit_lens import read_lens
        from llmscope.shared import STREAMS

        self.check_current()
        if stream not in STREAMS:
            raise ValueError(f"stream is one of {', '.join(STREAMS)}; not {stream!r}.")
        if top < 1:
            raise ValueError(f"top is the number of tokens to list, at least 1; not {top}.")
        rows = numbered(len(self), positions)
        return read_lens(self.recording, self.scope.tokenizer, top, rows, stream)

    # ── elsewhere ────────────────────────────────────────────────────────────────────────────

    def bertviz(
        self,
        view: BertvizView = "head",
        *,
        layers: Sequence[int] | None = None,
        heads: Sequence[int] | None = None,
        limit: int = 150_000,
    ) -> Static:
        """Show attention in one of bertviz's own views [1]_, without a network.

        Its menu offers the parts of two sentences (`pair=`), and encoder, decoder and
        cross-attention where the model has them.

        Parameters
        ----------
        view : {"head", "model"}
            Lines from token to token, of all heads of one layer; or all heads of all layers.
        layers, heads
            Which ones are in it, counted from 0; all by default.
        limit
            How many lines it may draw at once, one for each weight: of one layer in the head view
            (128 tokens of SmolLM2-135M), of all layers in the model view (23 tokens).

        Returns
        -------
        Static
            A cell output that stays alive in a saved notebook; its `to_html` writes a file.

        Raises
        ------
        ValueError
            When there is no attention, or more of it than `limit`.
        IndexError
            For a layer or head that isn't there.

        References
        ----------
        .. [1] Vig, "A multiscale visualization of attention in the Transformer model", ACL 2019.
        """
        from llmscope.export.bertviz import bertviz

        return bertviz(self, view, layers=layers, heads=heads, limit=limit)

    def check_current(self) -> None:
        """Raise RuntimeError when the model was changed after the trace was made."""
        self.recording.check_current()
