"""A distribution over the vocabulary, with the stages that led to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from llmscope.sampling.engines import Step, is_nothing, steps
from llmscope.sampling.settings import NOTHING, ORDERS, Order, from_arguments, from_config

if TYPE_CHECKING:
    import pandas as pd
    import torch
    from numpy.typing import ArrayLike, NDArray
    from transformers import GenerationConfig, PreTrainedTokenizerBase


@dataclass(frozen=True)
class Stage:
    """One step from the model's own distribution to the one that is sampled from.

    Attributes
    ----------
    name, setting
        The argument of transformers' `generate` that asks for it, and its value; NaN where that is
        no number.
    origin
        Where the setting came from: "given", "the model's generation_config" or "a default" of
        transformers.
    probs
        Probabilities (vocabulary,) after it, renormalised.
    mask
        Which tokens (vocabulary,) are left after it.
    removed
        The mass that it cut, as a share of the distribution before it.
    """

    name: str
    setting: float
    origin: str
    probs: NDArray[np.float32]
    mask: NDArray[np.bool_]
    removed: float

    @property
    def kept(self) -> int:
        """How many tokens are left after it."""
        return int(np.count_nonzero(self.mask))

    def __str__(self) -> str:
        return self.name if np.isnan(self.setting) else f"{self.name}={self.setting:g}"


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


@dataclass(frozen=True)
class Difference:
    """How far a distribution is from another.

    Attributes
    ----------
    kl
        Kullback-Leibler divergence of the other from this one, in bits: how many more a token
        costs who expects the other. Infinite where this one allows what the other doesn't.
    total_variation
        Half the sum of all differences, in [0, 1]: the mass that would have to move.
    """

    kl: float
    total_variation: float


class Distribution:
    """A distribution over the vocabulary, with the stages that led to it.

    Made by `Trace.next_token`, `Trace.distribution` and `Distribution.from_logits`.

    Attributes
    ----------
    logits
        The scores (vocabulary,) that it was made of, float32.
    base
        The model's own probabilities (vocabulary,), float32: softmax of the logits.
    stages
        What was done to it, in the order in which it was; empty where nothing was.
    """

    def __init__(
        self,
        logits: NDArray[np.float32],
        base: NDArray[np.float32],
        stages: Sequence[Stage],
        tokenizer: PreTrainedTokenizerBase | None = None,
    ) -> None:
        self.logits = logits
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
        typical_p: float = 1.0,
        epsilon_cutoff: float = 0.0,
        eta_cutoff: float = 0.0,
        repetition_penalty: float = 1.0,
        no_repeat_ngram_size: int = 0,
        order: Order = "transformers",
        input_ids: Sequence[int] | None = None,
        generation_config: GenerationConfig | None = None,
        model_config: GenerationConfig | None = None,
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
        typical_p
            In (0, 1]. Keep the tokens whose surprisal is nearest to the entropy, until they reach
            this mass [3]_.
        epsilon_cutoff, eta_cutoff
            In [0, 1]. Cut tokens below this probability, fixed or falling with the entropy [4]_.
        repetition_penalty
            Above 0. Makes tokens among `input_ids` less likely, where it is above 1 [5]_.
        no_repeat_ngram_size
            Cut tokens that would repeat a stretch of this many of `input_ids`; 0 cuts none.
        order
            Whose order and rules: "transformers", "llama.cpp" or "vllm".
        input_ids
            The tokens so far, which the last two settings look at.
        generation_config
            A whole configuration, in place of settings; what it leaves open is filled in as
            `generate` does, with ``top_k=50`` for one.
        model_config
            The model's own, from which `generation_config` is filled in first.
        tokenizer
            Names the tokens in `top`.

        Raises
        ------
        ValueError
            For a setting outside its range, or one that the engine doesn't have.

        References
        ----------
        .. [1] Holtzman et al., "The Curious Case of Neural Text Degeneration", ICLR 2020.
        .. [2] Nguyen et al., "Turning Up the Heat: Min-p Sampling", ICLR 2025.
        .. [3] Meister et al., "Locally Typical Sampling", TACL 2023.
        .. [4] Hewitt et al., "Truncation Sampling as Language Model Desmoothing", EMNLP 2022.
        .. [5] Keskar et al., "CTRL: A Conditional Transformer Language Model", 2019.
        """
        import torch

        given = {
            "temperature": temperature,
            "top_k": top_k,
            "top_p": top_p,
            "min_p": min_p,
            "typical_p": typical_p,
            "epsilon_cutoff": epsilon_cutoff,
            "eta_cutoff": eta_cutoff,
            "repetition_penalty": repetition_penalty,
            "no_repeat_ngram_size": no_repeat_ngram_size,
        }
        if order not in ORDERS:
            raise ValueError(f"order must be one of {', '.join(ORDERS)}, not {order!r}")
        if generation_config is None:
            resolved = from_arguments(given)
        elif given != NOTHING:
            raise ValueError("Give either a generation_config or single settings, not both.")
        else:
            resolved = from_config(generation_config, model_config)
        if input_ids is None and (repetition_penalty != 1.0 or no_repeat_ngram_size):
            raise ValueError("Penalties look at the tokens so far: give input_ids.")
        scores = torch.as_tensor(logits, dtype=torch.float32).detach().cpu()
        if scores.ndim != 1:
            raise ValueError(f"logits must have one axis (vocabulary,), not shape {scores.shape}")
        if not bool(torch.isfinite(scores).any()) or bool(torch.isnan(scores).any()):
            raise ValueError("logits must be numbers, and one of them must be above -inf")
        past = [] if input_ids is None else [int(i) for i in input_ids]
        return cls.through(scores, steps(resolved, order, past), resolved.origins, tokenizer)

    @classmethod
    def through(
        cls,
        scores: torch.Tensor,
        steps: Sequence[Step],
        origins: Mapping[str, str],
        tokenizer: PreTrainedTokenizerBase | None = None,
    ) -> Distribution:
        """Take logits (vocabulary,), float32 on the CPU, through an engine's steps."""
        import torch

        raw = scores.numpy().copy()
        base = before = torch.softmax(scores, dim=-1)
        stages: list[Stage] = []
        for step in steps:
            if is_nothing(step):
                continue
            scores = step.apply(scores)
            after = torch.softmax(scores, dim=-1)
            gone = torch.isneginf(scores)
            removed = float(before[gone].double().sum())
            origin = origins.get(step.name, "given")
            mask = (~gone).numpy()
            stages.append(Stage(step.name, step.setting, origin, after.numpy(), mask, removed))
            before = after
        return cls(raw, base.numpy(), stages, tokenizer)

    @property
    def probs(self) -> NDArray[np.float32]:
        """Probabilities (vocabulary,) after all stages."""
        return self.stages[-1].probs if self.stages else self.base

    @property
    def entropy(self) -> float:
        """Entropy of `probs`, in bits."""
        probs = self.probs[self.probs > 0].astype(np.float64)
        return float(-(probs * np.log2(probs)).sum()) + 0.0

    @property
    def effective_vocabulary(self) -> float:
        """Two to the entropy: how many equally likely tokens would be as uncertain."""
        return float(2.0**self.entropy)

    def diff(self, other: Distribution) -> Difference:
        """Compare `probs` with those of another distribution over the same vocabulary."""
        if self.probs.shape != other.probs.shape:
            raise ValueError("The two distributions are over different vocabularies.")
        ours, theirs = self.probs.astype(np.float64), other.probs.astype(np.float64)
        some = ours > 0
        with np.errstate(divide="ignore"):
            kl = float((ours[some] * np.log2(ours[some] / theirs[some])).sum())
        return Difference(max(0.0, kl), float(np.abs(ours - theirs).sum() / 2))

    @cached_property
    def _order(self) -> NDArray[np.intp]:
        return np.argsort(-self.logits, kind="stable")

    def top(self, n: int = 10) -> list[Candidate]:
        """List the `n` tokens that the model finds most likely, cut or not."""
        if n < 0:
            raise ValueError(f"n must be 0 or more, not {n}")
        ids = [int(i) for i in self._order[:n]]
        texts: Sequence[str | None] = [None] * len(ids)
        if self._tokenizer is not None:
            from llmscope.text import texts as texts_of

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
        done = ", ".join(map(str, self.stages)) or "as it is"
        first = self.top(1)[0]
        shown = repr(first.text) if first.text is not None else f"token {first.id}"
        return f"<Distribution {done}: {shown} {first.prob:.3f}, {self.entropy:.2f} bits>"
