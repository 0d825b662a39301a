"""What a model is made of, as a picture has it: towers of blocks, and boxes with shapes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from llmscope.shared import Tower as TowerName
from llmscope.words import say

BoxKind = Literal[
    "tokens",
    "embedding",
    "types",
    "positions",
    "norm",
    "scale",
    "dense",
    "activation",
    "heads",
    "output",
    "mlp",
    "moe",
    "mixer",
    "unembedding",
    "softmax",
    "unknown",
]
How = Literal["learned", "sinusoidal", "rotary", "alibi", "relative", "none", "unknown"]
Opens = Literal["box", "matrix", "lens", "next-token", ""]
_OPENS: Mapping[BoxKind, Opens] = {
    "heads": "matrix",
    "softmax": "next-token",
    "tokens": "",
    "activation": "",
}


@dataclass(frozen=True)
class Tap:
    """Where the vector of a box is seen in a pass: what a call of a module is given, or returns.

    Attributes
    ----------
    path, turn
        The module, and how many calls it had had before in the pass.
    given
        Whether it is what the module is given.
    factor
        What it is multiplied with, where functions do that.
    """

    path: str
    turn: int
    given: bool = False
    factor: float = 1.0


@dataclass(frozen=True)
class Box:
    """A part of a model that the vector of a token goes through.

    Attributes
    ----------
    id
        Its name in the picture; in a block without the block's part: "mlp" of "block.3.mlp".
    kind
        What it is; "unknown" where that isn't understood.
    path
        Of its module, in a block seen from the block's own; `None` where it is no module.
    module
        The name of the module's class.
    shapes
        Its parameters: names and shapes.
    parameters
        How many numbers these are; those of tied ones are counted where they come first.
    takes, gives
        Numbers of one token that go in and come out; `None` where these are ids.
    facts
        What else is known of it, by its kind.
    """

    id: str
    kind: BoxKind
    path: str | None = None
    module: str | None = None
    shapes: tuple[tuple[str, tuple[int, ...]], ...] = ()
    parameters: int = 0
    takes: int | None = None
    gives: int | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def opens(self) -> Opens:
        """Where a click leads: in place ("box"), to another panel, or nowhere."""
        return _OPENS.get(self.kind, "box")


@dataclass(frozen=True)
class Stage:
    """What a block does to the stream between two of its points.

    Attributes
    ----------
    branches
        Boxes in their order, from the stream to the addition.
    shared
        What all branches go through first.
    after
        What the sum goes through.
    adds
        Whether the branches are added to the stream; else they take its place.
    whole
        The one box that takes the stream's place, where no more is understood.
    """

    branches: tuple[tuple[Box, ...], ...] = ()
    shared: tuple[Box, ...] = ()
    after: tuple[Box, ...] = ()
    adds: bool = True
    whole: Box | None = None

    def boxes(self) -> Iterator[Box]:
        """Go through its boxes, in the order in which they run."""
        yield from self.shared
        for branch in self.branches:
            yield from branch
        yield from self.after
        if self.whole is not None:
            yield self.whole


@dataclass(frozen=True)
class Run:
    """Equal blocks that follow each other.

    Attributes
    ----------
    first
        The number of the first of them, from 0.
    module
        The name of their class.
    paths
        Of each block's module.
    parameters
        Of one block.
    stages
        Of one block.
    varied
        Facts of boxes that differ from block to block: by box and fact, one for each.
    """

    first: int
    module: str
    paths: tuple[str, ...]
    parameters: int
    stages: tuple[Stage, ...]
    varied: dict[str, dict[str, list[Any]]] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many blocks these are."""
        return len(self.paths)

    @property
    def is_whole(self) -> bool:
        """Whether all of it is understood."""
        return all(box.kind != "unknown" for stage in self.stages for box in stage.boxes())

    def boxes(self) -> Iterator[Box]:
        """Go through the boxes of one block, in the order in which they run."""
        for stage in self.stages:
            yield from stage.boxes()


@dataclass(frozen=True)
class Position:
    """One way in which a model knows where a token is.

    Attributes
    ----------
    how
        "learned" and "sinusoidal" vectors are added to the embeddings, "rotary" turns queries and
        keys, "alibi" and "relative" add to the logits of attention; "none" has nothing.
    box
        The box that shows it.
    why
        What is to be known of it, in words.
    facts
        What is known of it.
    """

    how: How
    box: str | None = None
    why: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Tower:
    """A stack of blocks, with what is below and above it.

    Attributes
    ----------
    tower
        "encoder" for what a decoder reads; else "self".
    width
        Numbers of the stream for each token.
    before
        Boxes from the ids to what the first block receives. Embeddings, types and positions are
        added up; all others take what was there before.
    runs
        The blocks.
    after
        Boxes from the last block to the end.
    positions
        How it knows where a token is.
    """

    tower: TowerName
    width: int
    before: tuple[Box, ...]
    runs: tuple[Run, ...]
    after: tuple[Box, ...]
    positions: tuple[Position, ...] = ()

    @property
    def blocks(self) -> int:
        """How many blocks it has."""
        return sum(run.count for run in self.runs)

    def run(self, block: int) -> Run:
        """Return the run that a block is in.

        Raises
        ------
        IndexError
            When there is no such block.
        """
        for run in self.runs:
            if run.first <= block < run.first + run.count:
                return run
        raise no_block(block, self.blocks)

    def opening(self, block: int) -> list[str]:
        """Return the whole ids of boxes that open in place: of a block, and outside of all."""
        prefix = "encoder." if self.tower == "encoder" else ""
        here = f"{prefix}block.{block}"
        ends = [box for box in (*self.before, *self.after) if box.path is not None]
        found = [box.id for box in ends if box.opens == "box"]
        found += [f"{here}.{box.id}" for box in self.run(block).boxes() if box.opens == "box"]
        ways = [one.box for one in self.positions if one.box is not None and "block." in one.box]
        return [*found, *(f"{here}.{way.rpartition('.')[2]}" for way in ways)]

    @property
    def is_whole(self) -> bool:
        """Whether all of it is understood."""
        ends = all(box.kind != "unknown" for box in (*self.before, *self.after))
        return ends and all(run.is_whole for run in self.runs)


def no_block(block: int, count: int) -> IndexError:
    """Return the error for a block that a tower doesn't have."""
    return IndexError(
        say("There is no block {block}: there are {count}, from 0.", block=block, count=count)
    )
