"""The part of a trace that is about the head: logits, distributions, the chain of tokens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from llmscope.analysis.chain import chain
from llmscope.capture import Recording, to_numpy
from llmscope.sampling import Distribution

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from llmscope.analysis.chain import Chain
    from llmscope.scope import Scope


class TraceHead:
    """What the language-model head says at each position of one forward pass.

    Attributes
    ----------
    scope
        The scope that the trace was made by.
    recording
        The recorded pass, which everything is computed from.
    """

    scope: Scope
    recording: Recording
    _chain: Chain | None = None

    @property
    def logits(self) -> NDArray[np.float32]:
        """Logits (positions, vocabulary), unembedded when read.

        Raises
        ------
        ValueError
            When the model has no language-model head.
        RuntimeError
            When the model was changed after the trace was made; see `is_current`.
        """
        return self._logits(slice(None))

    @property
    def logprobs(self) -> NDArray[np.float32]:
        """Log-probability (positions,) of each token given those before it, in nats.

        The chain rule: their sum is the log-probability of the text. Nothing comes before the first
        token, so its entry is NaN. For models that generate from left to right.

        Raises
        ------
        ValueError
            For masked models, and for models without a language-model head.
        RuntimeError
            When the model was changed after the trace was made; see `is_current`.
        """
        return self._chained()[0]

    @property
    def ranks(self) -> NDArray[np.int64]:
        """Rank (positions,) of each token among all of the vocabulary, 0 for the likeliest.

        The first is -1: nothing came before it. Raises as `logprobs` does.
        """
        return self._chained()[1]

    @property
    def perplexity(self) -> float:
        """Exponential of the mean surprisal of all tokens but the first; NaN for a single token."""
        if len(self.recording.forward.states) < 2:
            return float("nan")
        return float(np.exp(-self.logprobs[1:].astype(np.float64).mean()))

    def next_token(self, position: int = -1, **sampling: Any) -> Distribution:
        """Return the distribution of the token that follows `position`.

        Parameters
        ----------
        position
            Of the last token before it; -1 is the end of the text.
        **sampling
            Settings of `Distribution.from_logits`; without any, the model's own distribution.

        Returns
        -------
        Distribution
            Its `probs` are those after the settings, `base` those of the model.

        Raises
        ------
        IndexError
            When there is no such position.
        ValueError
            For masked models, and for models without a language-model head.
        RuntimeError
            When the model was changed after the trace was made; see `is_current`.
        """
        self._need_left_to_right("has no next token: use trace.distribution(position)")
        return self.distribution(position, **sampling)

    def distribution(self, position: int = -1, **sampling: Any) -> Distribution:
        """Return the distribution that the model's head predicts at `position`.

        For a masked model that is the token at the position, for others the one that follows.

        Parameters
        ----------
        position
            Of a token; -1 is the last one.
        **sampling
            Settings of `Distribution.from_logits`; without any, the model's own distribution.

        Returns
        -------
        Distribution
            Its `probs` are those after the settings, `base` those of the model.

        Raises
        ------
        IndexError
            When there is no such position.
        ValueError
            For models without a language-model head.
        RuntimeError
            When the model was changed after the trace was made; see `is_current`.
        """
        context: dict[str, Any] = {
            "input_ids": self.recording.ids[: self._position(position) + 1],
            "model_config": self.scope.generation_config,
            "tokenizer": self.scope.tokenizer,
        }
        return Distribution.from_logits(self.logits_at(position), **context, **sampling)

    def logits_at(self, position: int) -> NDArray[np.float32]:
        """Return the logits at one position, without computing the others.

        Parameters
        ----------
        position
            Of a token; -1 is the last one.

        Returns
        -------
        ndarray
            (vocabulary,)

        Raises
        ------
        IndexError
            When there is no such position.
        ValueError
            For models without a language-model head.
        RuntimeError
            When the model was changed after the trace was made; see `is_current`.
        """
        row: NDArray[np.float32] = self._logits([self._position(position)])[0]
        return row

    def _logits(self, rows: slice | list[int]) -> NDArray[np.float32]:
        kept = self.recording.forward.logits is not None or isinstance(rows, list)
        return to_numpy(self.recording.logits(rows), copy=kept)

    def _chained(self) -> Chain:
        """Log-probability and rank of each token given those before it."""
        for _ in self.read_chain():
            pass
        assert self._chain is not None
        return self._chain

    def read_chain(self) -> Iterator[None]:
        """Compute `logprobs` and `ranks`, a few positions at a time.

        Yields
        ------
        None
            After some positions, so that other work may go on in between.

        Raises
        ------
        ValueError
            As `logprobs`.
        """
        if self._chain is None:
            self._need_left_to_right(
                "does not read from left to right: there is no chain of tokens"
            )
            self._chain = yield from chain(self.recording)

    def _position(self, position: int) -> int:
        count = len(self.recording.forward.states)
        if not -count <= position < count:
            raise IndexError(f"There is no position {position}: the text has {count} tokens.")
        return position % count

    def _need_left_to_right(self, otherwise: str) -> None:
        if self.scope.facts.family == "masked":
            raise ValueError(f"{self.scope.name} is a masked model, it {otherwise}.")
