"""Distributions over the vocabulary: what sampling settings keep, cut and change."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    import torch
    from numpy.typing import ArrayLike, NDArray
    from transformers import PreTrainedTokenizerBase

GREEDY = 0.0


@dataclass(frozen=True)
class Stage:
    """One step from the model's own distribution to the one that is sampled from.

    Attributes
    ----------
    name, setting
        The argument of transformers' `generate` that asks for it, and its value.
    probs
        Probabilities (vocabulary,) after it, renormalised.
    mask
        Which tokens (vocabulary,) are left after it.
    removed
        The mass that it cut, as a share of the distribution before it.
    """

    name: str
    setting: float
    probs: NDArray[np.float32]
    mask: NDArray[np.bool_]
    removed: float

    @property
    def kept(self) -> int:
        """How many tokens are left after it."""
        return int(np.count_nonzero(self.mask))


@dataclass(frozen=True)
class Candidate:
    """One row of `Distribution.top`.

    Attributes
    ----------
    id, text
        The token; `text` is what it adds to a text, and `None` where its bytes make no whole
        character, or where no tokenizer is known.
    base, prob
        Its probability in the model's own distribution, and after all stages.
    rank
        0 for the token that the model finds most likely.
    cut_by
        The name of the stage that cut it, or `None` if it was kept.
    """

    id: int
    text: str | None
    base: float
    prob: float
    rank: int
    cut_by: str | None

    @property
    def kept(self) -> bool:
        """Whether it can be sampled."""
        return self.cut_by is None


class Distribution:
    """A distribution over the vocabulary, with the stages that led to it.

    Made by `Trace.next_token`, `Trace.distribution` and `Distribution.from_logits`.

    Attributes
    ----------
    base
        The model's own probabilities (vocabulary,), float32: softmax of the logits.
    stages
        What was done to it, in transformers' order; empty where nothing was.
    """

    def __init__(
        self,
        base: NDArray[np.float32],
        stages: Sequence[Stage],
        tokenizer: PreTrainedTokenizerBase | None = None,
    ) -> None:
        self.base = base
        self.stages = tuple(stages)
        self._tokenizer = tokenizer

    @classmethod
    def from_logits(
        cls,
        logits: ArrayLike | torch.Tensor,
        *,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        min_p: float = 0.0,
        tokenizer: PreTrainedTokenizerBase | None = None,
    ) -> Distribution:
        """Apply sampling settings to logits as transformers' `generate` does.

        Names and meaning are transformers'; what isn't given isn't done.

        Parameters
        ----------
        logits
            Scores (vocabulary,) before any softmax.
        temperature
            At least 0. Divides the logits; 0 is greedy: all mass on the likeliest token.
        top_k
            Keep the k likeliest tokens, and what ties with the last of them; 0 keeps all.
        top_p
            In [0, 1]. Keep the likeliest tokens that together reach this mass [1]_.
        min_p
            In [0, 1]. Keep tokens at least this share of the likeliest one's probability [2]_.
        tokenizer
            Names the tokens in `top`.

        Raises
        ------
        ValueError
            For a setting outside its range.

        References
        ----------
        .. [1] Holtzman et al., "The Curious Case of Neural Text Degeneration", ICLR 2020.
        .. [2] Nguyen et al., "Turning Up the Heat: Min-p Sampling", ICLR 2025.
        """
        import torch

        check_settings(temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p)
        scores = torch.as_tensor(logits, dtype=torch.float32).detach().cpu()
        if scores.ndim != 1:
            raise ValueError(f"logits must have one axis (vocabulary,), not shape {scores.shape}")
        base = torch.softmax(scores, dim=-1)
        stages: list[Stage] = []
        before = base
        for name, setting, warper in _warpers(temperature, top_k, top_p, min_p, scores):
            # Row of a batch of one, as warpers expect; none of these reads the ids.
            scores = warper(None, scores[None])[0]
            after = torch.softmax(scores, dim=-1)
            gone = torch.isneginf(scores)
            stages.append(
                Stage(
                    name,
                    setting,
                    after.numpy(),
                    (~gone).numpy(),
                    float(before[gone].double().sum()),
                )
            )
            before = after
        return cls(base.numpy(), stages, tokenizer)

    @property
    def probs(self) -> NDArray[np.float32]:
        """Probabilities (vocabulary,) after all stages."""
        return self.stages[-1].probs if self.stages else self.base

    @property
    def entropy(self) -> float:
        """Entropy of `probs`, in bits."""
        probs = self.probs[self.probs > 0].astype(np.float64)
        return float(-(probs * np.log2(probs)).sum())

    @cached_property
    def _order(self) -> NDArray[np.intp]:
        return np.argsort(-self.base, kind="stable")

    def top(self, n: int = 10) -> list[Candidate]:
        """List the `n` tokens that the model finds most likely, cut or not."""
        ids = [int(i) for i in self._order[:n]]
        texts: Sequence[str | None] = [None] * len(ids)
        if self._tokenizer is not None:
            from llmscope.tokens import texts as texts_of

            texts = texts_of(self._tokenizer, ids)
        return [
            Candidate(
                token_id,
                text,
                float(self.base[token_id]),
                float(self.probs[token_id]),
                rank,
                self._cut_by(token_id),
            )
            for rank, (token_id, text) in enumerate(zip(ids, texts, strict=True))
        ]

    def _cut_by(self, token_id: int) -> str | None:
        return next((stage.name for stage in self.stages if not stage.mask[token_id]), None)

    def sample(self, seed: int | None = None) -> int:
        """Draw a token id, as `torch.multinomial` does; torch's global state stays untouched."""
        import torch

        generator = torch.Generator()
        if seed is None:
            generator.seed()
        else:
            generator.manual_seed(seed)
        drawn = torch.multinomial(torch.from_numpy(self.probs), 1, generator=generator)
        return int(drawn)

    def pick(self, u: float) -> int:
        """Give the token id at `u` in [0, 1) of the cumulative probability, likeliest first."""
        if not 0 <= u < 1:
            raise ValueError(f"u must lie in [0, 1), not {u}")
        cumulative = np.cumsum(self.probs[self._order].astype(np.float64))
        index = int(np.searchsorted(cumulative, u * cumulative[-1], side="right"))
        return int(self._order[index])

    def to_pandas(self, n: int | None = None) -> pd.DataFrame:
        """Give `top(n)` as a table; without `n`, the whole vocabulary."""
        try:
            import pandas as pd
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError("to_pandas needs pandas: pip install pandas") from error
        rows = self.top(len(self.base) if n is None else n)
        names = ("id", "text", "base", "prob", "rank", "cut_by")
        return pd.DataFrame([{name: getattr(row, name) for name in names} for row in rows])

    def __repr__(self) -> str:
        done = ", ".join(f"{stage.name}={stage.setting:g}" for stage in self.stages) or "as it is"
        first = self.top(1)[0]
        shown = repr(first.text) if first.text is not None else f"token {first.id}"
        return f"<Distribution {done}: {shown} {first.prob:.3f}, {self.entropy:.2f} bits>"


def check_settings(*, temperature: float, top_k: int, top_p: float, min_p: float) -> None:
    """Raise ValueError, naming the allowed range, for a setting outside it."""
    _check("temperature", temperature, 0.0, math.inf)
    _check("top_p", top_p, 0.0, 1.0)
    _check("min_p", min_p, 0.0, 1.0)
    if isinstance(top_k, bool) or not isinstance(top_k, (int, np.integer)) or top_k < 0:
        raise ValueError(f"top_k must be a whole number, 0 (keep all) or more, not {top_k!r}")


def _check(name: str, value: float, low: float, high: float) -> None:
    number = isinstance(value, (int, float, np.floating, np.integer))
    if isinstance(value, bool) or not number or not low <= value <= high or value == math.inf:
        allowed = f"between {low:g} and {high:g}" if high < math.inf else f"{low:g} or more"
        raise ValueError(f"{name} must be a number {allowed}, not {value!r}")


def _warpers(
    temperature: float, top_k: int, top_p: float, min_p: float, scores: torch.Tensor
) -> list[tuple[str, float, Any]]:
    """List what `GenerationMixin._get_logits_processor` would make of these settings, in order."""
    from transformers import (
        MinPLogitsWarper,
        TemperatureLogitsWarper,
        TopKLogitsWarper,
        TopPLogitsWarper,
    )

    warpers: list[tuple[str, float, Any]] = []
    if temperature == GREEDY:
        return [("temperature", GREEDY, _greedy)]
    if temperature != 1.0:
        warpers.append(("temperature", temperature, TemperatureLogitsWarper(float(temperature))))
    if 0 < top_k < len(scores):
        warpers.append(("top_k", top_k, TopKLogitsWarper(int(top_k))))
    if top_p < 1.0:
        warpers.append(("top_p", top_p, TopPLogitsWarper(float(top_p))))
    if min_p > 0.0:
        warpers.append(("min_p", min_p, MinPLogitsWarper(float(min_p))))
    return warpers


def _greedy(_ids: object, scores: torch.Tensor) -> torch.Tensor:
    import torch

    only = torch.full_like(scores, -math.inf)
    likeliest = scores.argmax(dim=-1)
    only[0, likeliest] = scores[0, likeliest]
    return only
