"""A distribution over the vocabulary, and the stages between logits and probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from llmscope.extras import data_frame
from llmscope.sampling.engines import Transform, is_neutral, transforms
from llmscope.sampling.settings import NEUTRAL, from_arguments, from_config
from llmscope.sampling.stages import Candidate, Difference, Stage
from llmscope.shared import ORDERS, Order

if TYPE_CHECKING:
    import pandas as pd
    import torch
    from numpy.typing import ArrayLike, NDArray
    from transformers import GenerationConfig, PreTrainedTokenizerBase


class Distribution:
    """A distribution over the vocabulary, and the stages that sampling settings add.

    Made by `Trace.next_token`, `Trace.distribution`, `Step.distribution` and
    `Distribution.from_logits`.

    Parameters
    ----------
    logits
        Scores (vocabulary,) before any softmax, float32.
    base
        The model's own probabilities (vocabulary,), float32: softmax of the logits.
    stages
        One `Stage` for each setting that is applied, in order; empty where none is.
    tokenizer
        For the texts of tokens in `top`.

    Attributes
    ----------
    logits, base, stages
        As given.

    Examples
    --------
    >>> from llmscope import Distribution
    >>> dist = Distribution.from_logits([3.0, 2.0, 1.0, 0.0], temperature=0.5, top_k=2)
    >>> dist
    <Distribution temperature=0.5, top_k=2: token 0 0.881, 0.53 bits>
    >>> [(stage.name, stage.kept) for stage in dist.stages]
    [('temperature', 4), ('top_k', 2)]
    >>> [candidate.cut_by for candidate in dist.top(3)]
    [None, None, 'top_k']
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

        Names and meaning are transformers'. A setting that isn't given changes nothing.

        Parameters
        ----------
        logits
            Scores (vocabulary,) before any softmax.
        temperature
            At least 0. Divides the logits; 0 is greedy: all mass on the likeliest token.
        top_k
            Keep the k likeliest tokens, and those that tie with the last of them; 0 keeps all.
        top_p
            In [0, 1]. Keep the likeliest tokens that together reach this mass [1]_.
        min_p
            In [0, 1]. Keep tokens with at least this share of the highest probability [2]_.
        typical_p
            In (0, 1]. Keep the tokens whose surprisal is nearest to the entropy, until they
            together reach this mass [3]_.
        epsilon_cutoff, eta_cutoff
            In [0, 1]. Cut tokens below this probability: fixed, or lower where the entropy is
            high [4]_.
        repetition_penalty
            Above 0. Above 1 it makes the tokens among `input_ids` less likely [5]_.
        no_repeat_ngram_size
            Cut tokens that would repeat a sequence of this many of `input_ids`; 0 cuts none.
        order
            The engine whose order and rules apply: "transformers", "llama.cpp" or "vllm".
        input_ids
            The tokens so far, for `repetition_penalty` and `no_repeat_ngram_size`.
        generation_config
            A whole configuration, in place of single settings. Settings that it leaves open are
            filled in as `generate` does, ``top_k=50`` among them.
        model_config
            The model's own `generation_config`, the first source of settings left open.
        tokenizer
            For the texts of tokens in `top`.

        Returns
        -------
        Distribution
            Over the vocabulary, with one stage for each setting that is applied.

        Raises
        ------
        ValueError
            For a setting outside its range or one that the engine doesn't have, for settings
            beside a `generation_config`, for penalties without `input_ids`, and for logits that
            aren't finite numbers of shape (vocabulary,).

        References
        ----------
        .. [1] Holtzman et al., "The Curious Case of Neural Text Degeneration", ICLR 2020.
        .. [2] Nguyen et al., "Turning Up the Heat: Min-p Sampling", ICLR 2025.
        .. [3] Meister et al., "Locally Typical Sampling", TACL 2023.
        .. [4] Hewitt et al., "Truncation Sampling as Language Model Desmoothing", EMNLP 2022.
        .. [5] Keskar et al., "CTRL: A Conditional Transformer Language Model for Controllable
           Generation", 2019.

        Examples
        --------
        >>> from llmscope import Distribution
        >>> Distribution.from_logits([3.0, 2.0, 1.0])
        <Distribution as it is: token 0 0.665, 1.20 bits>
        >>> Distribution.from_logits([3.0, 2.0, 1.0], top_p=0.9)
        <Distribution top_p=0.9: token 0 0.731, 0.84 bits>
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
        elif given != NEUTRAL:
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
        return cls.through(scores, transforms(resolved, order, past), resolved.origins, tokenizer)

    @classmethod
    def through(
        cls,
        scores: torch.Tensor,
        steps: Sequence[Transform],
        origins: Mapping[str, str],
        tokenizer: PreTrainedTokenizerBase | None = None,
    ) -> Distribution:
        """Apply transforms to logits one by one, and keep a stage for each.

        Parameters
        ----------
        scores
            Logits (vocabulary,), float32 on the CPU.
        steps
            The transforms, in order; neutral ones add no stage.
        origins
            Where settings that weren't given come from, by name.
        tokenizer
            For the texts of tokens in `top`.

        Returns
        -------
        Distribution
            Over the vocabulary, with one stage for each transform that isn't neutral.
        """
        import torch

        raw = scores.numpy().copy()
        base = before = torch.softmax(scores, dim=-1)
        stages: list[Stage] = []
        for step in steps:
            if is_neutral(step):
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
        """Number of equally likely tokens with the same entropy: 2 to the entropy in bits."""
        return float(2.0**self.entropy)

    def diff(self, other: Distribution) -> Difference:
        """Compare `probs` with those of another distribution.

        Parameters
        ----------
        other
            A distribution over the same vocabulary.

        Returns
        -------
        Difference
            Kullback-Leibler divergence in bits, and total variation distance.

        Raises
        ------
        ValueError
            When the vocabularies differ in size.
        """
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
        """List the `n` tokens that are most likely in the model's own distribution.

        Parameters
        ----------
        n
            Number of tokens, 0 or more. Tokens that a stage cut are included.

        Returns
        -------
        list of Candidate
            The likeliest first.

        Raises
        ------
        ValueError
            For a negative `n`.
        """
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
        """Draw a token id from `probs` with `torch.multinomial`.

        Parameters
        ----------
        seed
            Of a generator of its own, so that torch's global random state doesn't change; `None`
            draws with a seed from the system.

        Returns
        -------
        int
            A token id.
        """
        import torch

        generator = torch.Generator()
        if seed is None:
            generator.seed()
        else:
            generator.manual_seed(seed)
        drawn = torch.multinomial(torch.from_numpy(self.probs), 1, generator=generator)
        return int(drawn)

    def pick(self, u: float) -> int:
        """Return the token at a place of the cumulative distribution (inverse CDF).

        Parameters
        ----------
        u
            Cumulative probability in [0, 1), the likeliest tokens first.

        Returns
        -------
        int
            A token id.

        Raises
        ------
        ValueError
            When `u` isn't in [0, 1).
        """
        if not 0 <= u < 1:
            raise ValueError(f"u must lie in [0, 1), not {u}")
        cumulative = np.cumsum(self.probs[self._order].astype(np.float64))
        index = int(np.searchsorted(cumulative, u * cumulative[-1], side="right"))
        return int(self._order[index])

    def to_pandas(self, n: int | None = None) -> pd.DataFrame:
        """Return `top(n)` as a table.

        Parameters
        ----------
        n
            Number of tokens; without it, the whole vocabulary.

        Returns
        -------
        pandas.DataFrame
            One row for each token, the likeliest first, with the columns id, text, base, prob,
            rank and cut_by.

        Raises
        ------
        ModuleNotFoundError
            When pandas isn't installed.
        """
        table = data_frame("to_pandas")
        rows = self.top(len(self.base) if n is None else n)
        names = ("id", "text", "base", "prob", "rank", "cut_by")
        return table([{name: getattr(row, name) for name in names} for row in rows])

    def __repr__(self) -> str:
        done = ", ".join(map(str, self.stages)) or "as it is"
        first = self.top(1)[0]
        shown = repr(first.text) if first.text is not None else f"token {first.id}"
        return f"<Distribution {done}: {shown} {first.prob:.3f}, {self.entropy:.2f} bits>"
