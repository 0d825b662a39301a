"""A model's blocks one by one, with where their vectors are seen, and runs of equal ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from llmscope.analysis.structure.boxes import Box, Run, Stage, Tower
from llmscope.analysis.structure.naming import Seat
from llmscope.analysis.structure.structure import Structure


@dataclass(frozen=True)
class ReadBlock:
    """One block.

    Attributes
    ----------
    path, turn
        Its module, and how many calls it had had before in the pass.
    stages
        What it does to the stream.
    seats
        Its boxes by their id, with where their vectors are seen.
    """

    path: str
    turn: int
    module: str
    stages: tuple[Stage, ...]
    seats: dict[str, Seat]
    parameters: int
    why: str = ""


@dataclass(frozen=True)
class ReadTower:
    """A tower with its blocks one by one."""

    tower: Tower
    blocks: tuple[ReadBlock, ...]
    before: dict[str, Seat]
    after: dict[str, Seat]


@dataclass(frozen=True)
class Reading:
    """What a model is made of, and where each box is seen in a pass."""

    structure: Structure
    towers: tuple[ReadTower, ...] = ()


def located(block: ReadBlock, seats: dict[str, Seat]) -> ReadBlock:
    """Return a block with other boxes of the same ids."""

    def of(boxes: tuple[Box, ...]) -> tuple[Box, ...]:
        return tuple(seats[box.id].box for box in boxes)

    stages = tuple(
        stage
        if stage.whole is not None
        else Stage(tuple(map(of, stage.branches)), of(stage.shared), of(stage.after), stage.adds)
        for stage in block.stages
    )
    return replace(block, stages=stages, seats=seats)


def folded(blocks: Sequence[ReadBlock]) -> list[Run]:
    """Return runs of equal blocks."""
    runs: list[list[ReadBlock]] = []
    for block in blocks:
        if runs and _signature(runs[-1][-1]) == _signature(block):
            runs[-1].append(block)
        else:
            runs.append([block])
    found, first = [], 0
    for run in runs:
        found.append(
            Run(
                first,
                run[0].module,
                tuple(block.path for block in run),
                run[0].parameters,
                run[0].stages,
                _varied(run),
            )
        )
        first += len(run)
    return found


_VARIES = ("window", "layer", "positions")


def _signature(block: ReadBlock) -> Any:
    def of(box: Box) -> Any:
        facts = sorted((n, str(v)) for n, v in box.facts.items() if n not in _VARIES)
        return box.id, box.kind, box.path, box.module, box.shapes, facts

    return block.module, tuple(
        (
            stage.adds,
            tuple(map(of, stage.shared)),
            tuple(tuple(map(of, branch)) for branch in stage.branches),
            tuple(map(of, stage.after)),
            of(stage.whole) if stage.whole else None,
        )
        for stage in block.stages
    )


def _varied(run: Sequence[ReadBlock]) -> dict[str, dict[str, list[Any]]]:
    found: dict[str, dict[str, list[Any]]] = {}
    for name, seat in run[0].seats.items():
        for fact in _VARIES:
            if fact in seat.box.facts:
                values = [block.seats[name].box.facts[fact] for block in run]
                if len(set(map(str, values))) > 1:
                    found.setdefault(name, {})[fact] = values
    return found
