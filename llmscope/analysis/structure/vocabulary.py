"""What a direction of the residual stream does to the logits, by the head alone.

A direction that is added to the stream in some block goes through the final norm, whose statistics
are held at what they are for this token [1]_, and is then read by the unembedding. What later
blocks make of it isn't in it.

References
----------
.. [1] Elhage et al., "A Mathematical Framework for Transformer Circuits", 2021.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from llmscope.analysis.structure.boxes import Box
from llmscope.analysis.structure.norms import scaled
from llmscope.words import later, say

if TYPE_CHECKING:
    from torch import nn

    from llmscope.analysis.structure.naming import Seat
    from llmscope.analysis.structure.numbers import TokenNumbers


class NoVocabulary(Exception):
    """A direction can't be read by the head.

    Parameters
    ----------
    why, **places
        As `llmscope.words.say` takes it.
    """

    def __init__(self, why: str, **places: object) -> None:
        super().__init__(say(why, **places))


@dataclass(frozen=True)
class Vocabulary:
    """Reads directions of the stream at one token.

    Attributes
    ----------
    matrix
        Of the unembedding (vocabulary, width).
    norms
        What directions go through first: each norm with what it is given at this token.
    factor
        What all is multiplied with.
    """

    matrix: torch.Tensor
    norms: tuple[tuple[Box, nn.Module, torch.Tensor], ...]
    factor: float

    def read(self, directions: torch.Tensor) -> torch.Tensor:
        """Return what directions (…, width) add to the logits (…, vocabulary)."""
        found = directions.float()
        for box, norm, given in self.norms:
            found = through(box, norm, given, found)
        return found @ self.matrix.float().T * self.factor


def through(
    box: Box, norm: nn.Module, given: torch.Tensor, directions: torch.Tensor
) -> torch.Tensor:
    """Return what directions (…, width) are behind a norm whose statistics are held.

    Parameters
    ----------
    given
        What the norm is given (width,): it has the statistics.
    """
    given, epsilon = given.float(), box.facts["epsilon"]
    if box.facts["how"] == "layer":
        directions = directions - directions.mean(-1, keepdim=True)
        given = given - given.mean()
    found = directions * torch.rsqrt(given.square().mean() + epsilon)
    weight: Any = getattr(norm, "weight", None)
    return scaled(found, weight, None, box.facts["offset"])


def vocabulary_of(model: nn.Module, numbers: TokenNumbers) -> Vocabulary:
    """Return what reads directions of the stream behind the last block.

    Raises
    ------
    NoVocabulary
        When the head does more than a norm, a factor and an unembedding.
    """
    seats = [*numbers.tower.after.values()]
    norms: list[tuple[Box, nn.Module, torch.Tensor]] = []
    factor = 1.0
    for seat in seats:
        box = seat.box
        if box.kind == "norm" and box.facts["how"] != "other":
            given = numbers.vector(seat.takes)
            if given is None:
                break
            norms.append((box, model.get_submodule(box.path or ""), given))
        elif box.kind == "scale" and "factor" in box.facts:
            factor *= box.facts["factor"]
        elif box.kind == "unembedding":
            matrix: Any = getattr(model.get_submodule(box.path or ""), "weight", None)
            if not isinstance(matrix, torch.Tensor) or not matrix.is_floating_point():
                raise NoVocabulary("The unembedding's numbers are packed.")
            return Vocabulary(matrix.detach(), tuple(norms), factor * box.facts.get("factor", 1.0))
        else:
            break
    if not any(seat.box.kind == "unembedding" for seat in seats):
        raise NoVocabulary("The model has no unembedding here.")
    raise NoVocabulary("The head does more to the stream than can be done to a part of it.")


def beyond(
    model: nn.Module, numbers: TokenNumbers, block: int, box_id: str, directions: torch.Tensor
) -> torch.Tensor:
    """Return what a box's directions (…, width) are once they are in the stream for good.

    They go through norms and factors of its branch, and norms of the stream behind the sum.

    Raises
    ------
    NoVocabulary
        When the stream itself goes through a norm in a later stage.
    """
    read = numbers.tower.blocks[block]
    behind: list[str] = []
    found = False
    for stage in read.stages:
        inside = any(box.id == box_id for box in stage.boxes())
        if not found and not inside:
            continue
        if found:
            if stage.after or not stage.adds:
                raise NoVocabulary(_NORMED)
            continue
        found = True
        branch = next(b for b in stage.branches if any(box.id == box_id for box in b))
        ids = [box.id for box in branch]
        behind = [*ids[ids.index(box_id) + 1 :], *(box.id for box in stage.after)]
        if not stage.adds:
            raise NoVocabulary(_NORMED)
    for other in numbers.tower.blocks[block + 1 :]:
        if any(stage.after or not stage.adds for stage in other.stages):
            raise NoVocabulary(_NORMED)
    for name in behind:
        directions = _through_seat(model, numbers, read.seats[name], directions)
    return directions


_NORMED = later(
    "The stream goes through a norm in each block, so what is added here doesn't reach the head as "
    "it is."
)


def _through_seat(
    model: nn.Module, numbers: TokenNumbers, seat: Seat, directions: torch.Tensor
) -> torch.Tensor:
    box = seat.box
    if box.kind == "scale" and "factor" in box.facts:
        return directions * float(box.facts["factor"])
    given = numbers.vector(seat.takes)
    if box.kind != "norm" or box.facts["how"] == "other" or given is None:
        name = box.module or say("a function")
        raise NoVocabulary("It goes through {name} before it is added.", name=name)
    return through(box, model.get_submodule(seat.calls[0][0]), given, directions)


def most(
    gains: torch.Tensor, count: int, largest: bool = True
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the greatest (or smallest) of gains (…, vocabulary), and their ids."""
    found = gains.topk(min(count, gains.shape[-1]), dim=-1, largest=largest)
    return found.values, found.indices


def treatment(vocabulary: Vocabulary) -> str:
    """Return in words how directions are read."""
    if not vocabulary.norms:
        return say("Read by the unembedding as it is.")
    return say(
        "Read by the unembedding, behind the final norm with this token's own statistics held: "
        "what is added to each logit, but for what later blocks make of it."
    )
