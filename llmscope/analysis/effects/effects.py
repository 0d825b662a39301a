"""What parts did to a token: numbers with labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from llmscope.extras import data_frame

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from llmscope.analysis.effects.question import Question


class Part(NamedTuple):
    """A part, and its effect.

    Attributes
    ----------
    what
        "head", "MLP", "layer" or "token"; of direct effects also "embedding", "attention bias",
        "attention" where its heads can't be told apart, "cross head", "other", and "constant": what
        is added to the logit whatever the text.
    layer, head, position
        Which one; `None` where that has no meaning.
    effect
        In the unit of the measure.
    """

    what: str
    layer: int | None
    head: int | None
    position: int | None
    effect: float


@dataclass(frozen=True)
class Effects:
    """How much each part made a token more likely.

    All methods have one sign: a part with a positive effect speaks for the token (against the foil,
    where there is one). Without it, or as in the other text, the measure would be lower by as much.

    Attributes
    ----------
    question
        Which token and foil, at which position, by which measure and method.
    values
        (layers, heads), (layers,) or (positions,), as `dims` says; NaN where a layer has no such
        part, and where it wasn't computed.
    dims
        Names of the axes of `values`.
    measured
        The measure in the pass as it is.
    rest
        Of direct effects: all other parts. With `values` they sum to `measured`. Of integrated
        gradients: what their sum lacks, "unexplained", where the path was too steep for the steps.
    labels
        Of tokens.
    capped
        The number that the model's logits are squashed to stay below, after `measured`; `None`
        without one. Direct effects add up before that.
    is_whole
        Whether all parts were computed; `Trace.effects` returns no others.

    Examples
    --------
    >>> found = scope.trace("A tiny model").effects(5, 7)  # ids of tokens, or texts such as " cat"
    >>> found.dims, found.values.shape == (scope.facts.layers, scope.facts.heads)
    (('layer', 'head'), True)
    >>> bool(abs(sum(part.effect for part in found.parts()) - found.measured) < 1e-3)
    True
    """

    question: Question
    values: NDArray[np.float32]
    dims: tuple[str, ...]
    measured: float
    rest: tuple[Part, ...] = ()
    labels: tuple[str, ...] = ()
    capped: float | None = None
    is_whole: bool = field(default=True)

    @property
    def is_estimate(self) -> bool:
        """Whether the numbers are estimates of what another method computes."""
        return self.question.method in ("gradient", "saliency")

    def labelled(self, labels: tuple[str, ...]) -> Effects:
        """Return the same with labels of tokens.

        Parameters
        ----------
        labels
            One for each position.

        Returns
        -------
        Effects
            A copy.
        """
        return replace(self, labels=labels)

    def parts(self) -> list[Part]:
        """Return all parts with their effects, in the order of `values`, and then the rest.

        Returns
        -------
        list of Part
            Without those that a layer doesn't have.
        """
        found: list[Part] = []
        what = {"heads": "head", "mlps": "MLP", "layers": "layer", "tokens": "token"}
        name = what[self.question.of]
        for place, effect in np.ndenumerate(self.values):
            if np.isnan(effect):
                continue
            at = dict(zip(self.dims, place, strict=True))
            numbers = (at.get("layer"), at.get("head"), at.get("position"))
            found.append(Part(name, *numbers, float(effect)))
        return [*found, *self.rest]

    def top(self, n: int = 10) -> list[Part]:
        """Return the `n` parts with the greatest effects, whichever their sign.

        Parameters
        ----------
        n
            How many.

        Returns
        -------
        list of Part
            The greatest first.
        """
        return sorted(self.parts(), key=lambda part: -abs(part.effect))[:n]

    def to_pandas(self) -> pd.DataFrame:
        """Return a table with a row for each part.

        Returns
        -------
        DataFrame
            Columns `what`, `layer`, `head`, `position` and `effect`; of tokens also `token`.

        Raises
        ------
        ModuleNotFoundError
            When pandas is not installed.
        """
        table = data_frame("to_pandas")(self.parts(), columns=list(Part._fields))
        if self.labels:
            table.insert(1, "token", _labels(self.labels, table["position"].tolist()))
        numbers = {name: "Int64" for name in ("layer", "head", "position")}
        return table.astype(numbers).dropna(axis="columns", how="all")

    def __repr__(self) -> str:
        what = f"{int(np.isfinite(self.values).sum())} {self.question.of}"
        estimated = ", estimated" if self.is_estimate else ""
        return f"<Effects of {what} on {self.question}: {self.measured:.4g}{estimated}>"


def _labels(labels: Sequence[str], positions: Sequence[int]) -> list[str]:
    return [labels[int(position)] for position in positions]
