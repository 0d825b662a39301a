"""One forward pass over one text, and all that can be read from it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from llmscope.capture import Forward, to_numpy
from llmscope.capture.version import weights_version
from llmscope.sampling import Distribution
from llmscope.text import Token
from llmscope.text.chat import Turns
from llmscope.trace_attention import AttentionReader

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from llmscope.analysis.logit_lens import Lens, Stream
    from llmscope.capture.residual import Stack
    from llmscope.export.bertviz import BertvizView
    from llmscope.export.static import Static
    from llmscope.scope import Scope

_ROWS = 64  # of logits that are computed at once


class Trace(AttentionReader):
    """What one model made of one text: immutable, and read lazily.

    Made by `Scope.trace`. Arrays come back as float32 numpy.

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
    """

    def __init__(
        self,
        scope: Scope,
        text: str,
        tokens: tuple[Token, ...],
        source_tokens: tuple[Token, ...],
        inputs: dict[str, torch.Tensor],
        forward: Forward,
        turns: Turns | None = None,
        pair: str | None = None,
    ) -> None:
        self.scope = scope
        self.text = text
        self.pair = pair
        self.tokens = tokens
        self.source_tokens = source_tokens
        self._inputs = inputs
        self._forward = forward
        self._turns = turns or Turns()
        self._chain: tuple[NDArray[np.float32], NDArray[np.int64]] | None = None

    def __len__(self) -> int:
        return len(self.tokens)

    def __repr__(self) -> str:
        text = self.text if len(self.text) <= 40 else self.text[:39] + "…"
        return f"<Trace of {text!r}: {len(self)} tokens, {self.scope.name}>"

    @property
    def version(self) -> int:
        """A number for the weights that the trace was made with."""
        return self._forward.version

    @property
    def is_current(self) -> bool:
        """Whether the model's weights are still those that the trace was made with."""
        return weights_version(self.scope.model) == self._forward.version

    @property
    def ids(self) -> list[int]:
        """Token ids of `tokens`."""
        return [token.id for token in self.tokens]

    @property
    def roles(self) -> tuple[str | None, ...]:
        """Whose turn each token of the text is in, where chat messages were traced; else empty.

        One for each of `source_tokens` or, where there are none, of `tokens`: a message's role
        ("system", "user", "assistant"), or `None` for what the template puts before all turns.
        The markers around a message are in its turn. What stands behind the last message, so
        that the model answers, is the assistant's.
        """
        return self._turns.roles(self.source_tokens or self.tokens)

    @property
    def why_no_roles(self) -> str | None:
        """Why the turns of chat messages can't be told, in words."""
        return self._turns.why_none

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

    # ── the head ─────────────────────────────────────────────────────────────────────────────

    @property
    def logits(self) -> NDArray[np.float32]:
        """Logits (positions, vocabulary), unembedded when read.

        Raises
        ------
        ValueError
            When the model has no language-model head.
        RuntimeError
            When the model's weights were changed since the trace was made, as PyTorch counts
            changes (a write through `.data` isn't counted).
        """
        return self._logits(slice(None))

    @property
    def logprobs(self) -> NDArray[np.float32]:
        """Log-probability (positions,) of each token given those before it, in nats.

        The chain rule: their sum is the log-probability of the text. The first token is given by
        nothing, so its entry is NaN. For models that write from left to right.
        """
        return self._chained()[0]

    @property
    def ranks(self) -> NDArray[np.int64]:
        """Rank (positions,) of each token among all that could have come, 0 for the likeliest.

        The first is -1: nothing came before it.
        """
        return self._chained()[1]

    @property
    def perplexity(self) -> float:
        """Exponential of the mean surprisal of all tokens but the first; NaN for a single token."""
        if len(self) < 2:
            return float("nan")
        return float(np.exp(-self.logprobs[1:].astype(np.float64).mean()))

    def next_token(self, position: int = -1, **sampling: Any) -> Distribution:
        """Give the distribution of the token that follows `position`.

        Parameters
        ----------
        position
            Of the last token that the model has seen; -1 is the end of the text.
        **sampling
            Settings of `Distribution.from_logits`; none given is the model's own distribution.
        """
        self._need_left_to_right("has no next token: use trace.distribution(position)")
        return self.distribution(position, **sampling)

    def distribution(self, position: int = -1, **sampling: Any) -> Distribution:
        """Give the distribution that the model's head gives at `position`.

        For a masked model that is the token at the gap, for others the one that follows.
        """
        context: dict[str, Any] = {
            "input_ids": self.ids[: self._position(position) + 1],
            "model_config": getattr(self.scope.model, "generation_config", None),
            "tokenizer": self.scope.tokenizer,
        }
        return Distribution.from_logits(self.logits_at(position), **context, **sampling)

    def logits_at(self, position: int) -> NDArray[np.float32]:
        """Logits (vocabulary,) at one position, without unembedding the others."""
        row: NDArray[np.float32] = self._logits([self._position(position)])[0]
        return row

    @property
    def gaps(self) -> tuple[int, ...]:
        """Positions of the mask token, which a masked model fills: see `distribution`."""
        mask = self.scope.tokenizer.mask_token_id
        return tuple(n for n, token in enumerate(self.tokens) if token.id == mask)

    def masked(self, *positions: int) -> Trace:
        """Trace the same text with the tokens at `positions` behind the mask token.

        Raises
        ------
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
        ids = self._inputs["input_ids"]
        inputs = {**self._inputs, "input_ids": torch.tensor([[t.id for t in tokens]]).to(ids)}
        forward = self.scope._capture.run(inputs)
        given = (inputs, forward, self._turns, self.pair)
        return Trace(self.scope, self.text, tuple(tokens), (), *given)

    @property
    def next_sentence(self) -> float:
        """Probability that the second sentence (`pair=`) follows the first.

        Raises
        ------
        ValueError
            When there is no second sentence, or the model has no head that tells.
        """
        self.check_current()
        if "token_type_ids" not in self._inputs:
            raise ValueError("There is one sentence only: scope.trace(text, pair=…) reads two.")
        logits = self.scope._capture.sentence_logits(self._inputs)
        if logits is None:
            raise ValueError(f"{self.scope.name} has no head that tells whether sentences follow.")
        return float(logits.float().softmax(-1)[0])

    # ── the stack ────────────────────────────────────────────────────────────────────────────

    def hidden(self, layer: int) -> NDArray[np.float32]:
        """Residual stream (positions, hidden size): 0 is the embeddings, n what layer n made.

        The numbering and the final norm are those of transformers' `hidden_states`. The first
        read runs the model once more, so that no trace keeps what nobody looks at.
        """
        states = self._stack.states
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
        """Read every layer as if the model ended there: the logit lens.

        The final norm and the head are applied to each layer's residual stream as the model
        applies them to the last one's.

        Parameters
        ----------
        top
            How many of the likeliest tokens are listed.
        positions
            Which ones are read; all by default. Each costs the model's head once a layer.
        stream : {"block", "attention", "mlp"}
            What is read of a layer: what it gives; its input with what attention adds; or its
            input with what the MLP adds, which was made behind attention.

        Raises
        ------
        ValueError
            When the model has no head, or one that can't be applied to other layers; or when its
            layers aren't the sum of two such halves.
        """
        from llmscope.analysis.logit_lens import STREAMS, read_lens

        self.check_current()
        if stream not in STREAMS:
            raise ValueError(f"stream is one of {', '.join(STREAMS)}; not {stream!r}.")
        if top < 1:
            raise ValueError(f"top is the number of tokens to list, at least 1; not {top}.")
        every = np.arange(len(self))
        index: Any = slice(None) if positions is None else positions
        rows = every[index if isinstance(index, slice) else list(index)]
        return read_lens(self, top, rows, stream)

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

    # ── how it is read ───────────────────────────────────────────────────────────────────────

    @cached_property
    def _stack(self) -> Stack:
        self.check_current()
        return self.scope._capture.stack(self._inputs)

    @cached_property
    def _lens_states(self) -> dict[Stream, list[torch.Tensor]]:
        """Hidden states as the head takes them, of the streams that were read."""
        return {}

    def _logits(self, rows: slice | list[int]) -> NDArray[np.float32]:
        kept = self._forward.full_logits is not None or isinstance(rows, list)
        return to_numpy(self._head(rows), copy=kept)

    def _head(self, rows: slice | list[int]) -> torch.Tensor:
        capture = self.scope._capture
        if not capture.has_head:
            raise ValueError(
                f"{self.scope.name} has no language-model head: it gives no probabilities."
            )
        self.check_current()
        if self._forward.full_logits is not None:
            return self._forward.full_logits[rows]
        if rows == [len(self) - 1] and self._forward.last_logits is not None:
            return self._forward.last_logits
        return capture.unembed(self._forward.hidden[rows])

    def _chained(self) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Log-probability and rank of each token given those before it."""
        for _ in self.read_chain():
            pass
        assert self._chain is not None
        return self._chain

    def read_chain(self) -> Iterator[None]:
        """Work out what `logprobs` and `ranks` give, a few positions before each `yield`."""
        if self._chain is not None:
            return
        self._need_left_to_right("does not read from left to right: there is no chain of tokens")
        import torch

        count = len(self)
        logprobs = np.full(count, np.nan, dtype=np.float32)
        ranks = np.full(count, -1, dtype=np.int64)
        for start in range(0, count - 1, _ROWS):
            stop = min(start + _ROWS, count - 1)
            logits = self._head(slice(start, stop)).float()
            ids = torch.tensor(self.ids[start + 1 : stop + 1], device=logits.device)
            own = logits.gather(1, ids[:, None])
            logprobs[start + 1 : stop + 1] = to_numpy(own[:, 0] - logits.logsumexp(dim=1))
            ranks[start + 1 : stop + 1] = (logits > own).sum(dim=1).cpu().numpy()
            yield
        self._chain = logprobs, ranks

    def _position(self, position: int) -> int:
        count = len(self)
        if not -count <= position < count:
            raise IndexError(f"There is no position {position}: the text has {count} tokens.")
        return position % count

    def _need_left_to_right(self, otherwise: str) -> None:
        if self.scope.facts.family == "masked":
            raise ValueError(f"{self.scope.name} is a masked model, it {otherwise}.")

    def check_current(self) -> None:
        """Raise RuntimeError when the model's weights were changed since."""
        if not self.is_current:
            raise RuntimeError(
                "The model's weights were changed after this trace was made, so what it would "
                "read now isn't what the model did then. Trace the text again."
            )
