"""What a `Distribution` consists of and returns: stages, candidates, differences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Stage:
    """One stage between the model's own distribution and the one that is sampled from.

    Attributes
    ----------
    name, setting
        The argument of transformers' `generate` that asks for it, and its value; NaN where that is
        no number.
    origin
        Where the setting comes from: "given", "the model's generation_config" or "a default" of
        transformers.
    probs
        Probabilities (vocabulary,) after this stage, renormalised.
    mask
        Which tokens (vocabulary,) are left after this stage.
    removed
        Probability mass that this stage cut, as a share of the distribution before it.
    """

    name: str
    setting: float
    origin: str
    probs: NDArray[np.float32]
    mask: NDArray[np.bool_]
    removed: float

    @property
    def kept(self) -> int:
        """Number of tokens that are left after this stage."""
        return int(np.count_nonzero(self.mask))

    def __str__(self) -> str:
        return self.name if np.isnan(self.setting) else f"{self.name}={self.setting:g}"


@dataclass(frozen=True)
class Candidate:
    """One row of `Distribution.top`: a token and its probabilities.

    Attributes
    ----------
    id, text
        The token id, and the characters that the token adds to a text: `None` where its bytes
        are no whole character, or where there is no tokenizer.
    base, prob
        Probability in the model's own distribution, and after all stages.
    rank
        0 for the token that is most likely in the model's own distribution.
    cut_by
        Name of the stage that cut the token, or `None` if it was kept.
    """

    id: int
    text: str | None
    base: float
    prob: float
    rank: int
    cut_by: str | None

    @property
    def kept(self) -> bool:
        """Whether the token can be sampled."""
        return self.cut_by is None


@dataclass(frozen=True)
class Difference:
    """How far one distribution is from another.

    Attributes
    ----------
    kl
        Kullback-Leibler divergence KL(this ‖ other), in bits: the extra cost per token of coding
        samples of this distribution with the other. Infinite where a token has a probability here
        and none in the other.
    total_variation
        Total variation distance, in [0, 1]: half the sum of absolute differences.
    """

    kl: float
    total_variation: float
