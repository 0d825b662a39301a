"""Names of attention matrices, as views and pages use them.

A name is ``head.{layer}.{head}``, ``rollout.{layer}``, or one of ``mean``, ``max`` and
``difference`` with the heads that it combines: ``mean.{layer}.{head}+{layer}.{head}``. Before any
of them, ``sinkless.`` leaves out the first key, to which many heads give what they don't use (an
attention sink), and renormalises.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

Reduction = Literal["mean", "max", "difference"]
REDUCTIONS: tuple[Reduction, ...] = get_args(Reduction)
SINKLESS = "sinkless."


class MatrixName(NamedTuple):
    """The parts of a matrix's name.

    Attributes
    ----------
    how
        "head", "rollout" or a `Reduction`.
    where
        The heads (layer, head) that it is made from; of a rollout (layer,).
    without_first
        Whether the first key is left out.
    """

    how: str
    where: list[tuple[int, ...]]
    without_first: bool


def parse(name: str) -> MatrixName:
    """Return the parts of a matrix's name.

    Raises
    ------
    KeyError
        When `name` is no name of a matrix.
    """
    plain = name.removeprefix(SINKLESS)
    how, _, rest = plain.partition(".")
    where = [tuple(map(int, one.split("."))) for one in rest.split("+")]
    length = 1 if how == "rollout" else 2
    known = how in REDUCTIONS or (how in ("head", "rollout") and len(where) == 1)
    if not known or any(len(one) != length for one in where):
        raise KeyError(name)
    return MatrixName(how, where, plain != name)
