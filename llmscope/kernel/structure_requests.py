"""The requests about the whole model, as `llmscope.kernel.requests` has the others.

Boxes are named as in `llmscope.analysis.structure`; positions are those of a tower's tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmscope.kernel.requests import LATER, OfTrace

if TYPE_CHECKING:
    from llmscope.shared import Tower


@dataclass(frozen=True)
class OfModel(OfTrace):
    """A request about the whole model."""


@dataclass(frozen=True)
class Structure(OfModel):
    """What the model is made of: towers, runs of equal blocks, boxes with shapes."""

    form = "{trace}/model"


@dataclass(frozen=True)
class ModelStream(OfModel):
    """The stream of one token: its length at each point of all blocks; the ends as vectors."""

    form = "{trace}/model/stream/{tower}/{position}"
    tower: Tower
    position: int


@dataclass(frozen=True)
class ModelBlock(OfModel):
    """The vectors of one token at each point of one block."""

    form = "{trace}/model/block/{tower}/{layer}/{position}"
    tower: Tower
    layer: int
    position: int


@dataclass(frozen=True)
class ModelBox(OfModel):
    """What one box does to one token; of some boxes, in one head."""

    form = "{trace}/model/box/{box}/{head}/{position}"
    box: str
    head: int
    position: int


@dataclass(frozen=True)
class ModelComponent(OfModel):
    """One number of the stream of one token, at each point of all blocks."""

    form = "{trace}/model/component/{tower}/{position}/{index}"
    urgency = LATER
    tower: Tower
    position: int
    index: int
