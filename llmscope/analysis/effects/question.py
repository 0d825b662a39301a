"""What is asked of a pass: which token, where, by which measure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from llmscope.words import say

if TYPE_CHECKING:
    import torch

    from llmscope.shared import Kind

Of = Literal["heads", "mlps", "layers", "tokens"]
Measure = Literal["logit", "logit_difference", "logprob", "prob"]
Method = Literal[
    "direct", "gradient", "ablate", "patch", "saliency", "integrated_gradients", "occlusion"
]
MEASURES: tuple[Measure, ...] = ("logit", "logit_difference", "logprob", "prob")
OF: tuple[Of, ...] = ("heads", "mlps", "layers", "tokens")
_OF_PARTS: tuple[Method, ...] = ("direct", "gradient", "ablate", "patch")
_OF_TOKENS: tuple[Method, ...] = ("saliency", "integrated_gradients", "occlusion")
METHODS: dict[Of, tuple[Method, ...]] = {
    "heads": _OF_PARTS,
    "mlps": _OF_PARTS,
    "layers": _OF_PARTS,
    "tokens": _OF_TOKENS,
}


@dataclass(frozen=True)
class Question:
    """Which part made a token likely.

    Attributes
    ----------
    token, foil
        Ids; `None` without a foil.
    position
        Whose prediction is asked about.
    of
        Which parts.
    method
        How their effect is found.
    measure
        What is measured: the token's logit, that less the foil's, or the token's log-probability
        or probability.
    by
        What takes the place of a part that is switched off: "zero", or its "mean" over the pass.
    kind
        Which attention heads are of.
    text
        The token, and the foil, as text.
    """

    token: int
    foil: int | None
    position: int
    of: Of
    method: Method
    measure: Measure
    by: Literal["zero", "mean"]
    kind: Kind
    text: tuple[str, ...]

    def measured(self, logits: torch.Tensor) -> torch.Tensor:
        """Return the measure (…,) of logits (…, vocabulary).

        Parameters
        ----------
        logits
            Of the position in question.

        Returns
        -------
        Tensor
            In float32.
        """
        logits = logits.float()
        if self.measure == "logprob":
            return logits.log_softmax(-1)[..., self.token]
        if self.measure == "prob":
            return logits.softmax(-1)[..., self.token]
        found = logits[..., self.token]
        return found if self.foil is None else found - logits[..., self.foil]

    def __str__(self) -> str:
        of = " against ".join(repr(text) for text in self.text)
        return f"the {self.measure.replace('_', ' ')} of {of}"


def checked(of: Any, method: Any, measure: Any, foil: Any, by: Any) -> tuple[Of, Method, Measure]:
    """Return what is asked, with defaults.

    Raises
    ------
    ValueError
        For names that mean nothing, and for what doesn't go together.
    """
    if of not in OF:
        raise ValueError(f"of is one of {_listed(OF)}; not {of!r}.")
    methods = METHODS[of]
    method = methods[0] if method is None else method
    if method not in methods:
        raise ValueError(f"The method for {of} is one of {_listed(methods)}; not {method!r}.")
    if measure is None:
        measure = "logit" if foil is None else "logit_difference"
    if measure not in MEASURES:
        raise ValueError(f"measure is one of {_listed(MEASURES)}; not {measure!r}.")
    if (measure == "logit_difference") != (foil is not None):
        raise ValueError(
            say(
                'A foil is the other token of measure="logit_difference": name '
                "both or none of them."
            )
        )
    if method == "direct" and measure not in ("logit", "logit_difference"):
        raise ValueError(
            say(
                "Direct effects add up to a logit, or to the difference of two: "
                "not to a {measure}.",
                measure=measure,
            )
        )
    if by == "mean" and (of == "tokens" or method in ("direct", "patch")):
        raise ValueError(f'by="mean" is for what is switched off, not for method={method!r}.')
    if by not in ("zero", "mean"):
        raise ValueError(f'by is "zero" or "mean", not {by!r}.')
    return of, method, measure


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f'"{name}"' for name in names)
