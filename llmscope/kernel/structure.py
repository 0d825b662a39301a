"""The whole model as a page requests it: what it is made of, as JSON has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmscope.kernel import structure_requests as ask
from llmscope.kernel.protocol import format_key
from llmscope.kernel.requests import RequestError
from llmscope.words import say

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmscope.analysis.structure import Box, Position, Run, Stage, Structure, Tower
    from llmscope.trace import Trace


def of_model(trace: Trace, request: ask.OfModel, cancelled: Callable[[], bool]) -> dict[str, Any]:
    """Answer a request about the whole model.

    Raises
    ------
    RequestError
        For what the model doesn't have.
    """
    match request:
        case ask.Structure():
            return described(trace.structure)
    raise RequestError(say("There is no answer to {format_key!r}.", format_key=format_key(request)))


def described(structure: Structure) -> dict[str, Any]:
    """Return what a model is made of."""
    return {
        "name": structure.name,
        "parameters": structure.parameters,
        "towers": [_tower(tower) for tower in structure.towers],
        "whole": None if structure.whole is None else _box(structure.whole),
        "notes": [*structure.notes],
    }


def _tower(tower: Tower) -> dict[str, Any]:
    return {
        "tower": tower.tower,
        "width": tower.width,
        "blocks": tower.blocks,
        "positions": [_position(one) for one in tower.positions],
        "before": [_box(box) for box in tower.before],
        "runs": [_run(run) for run in tower.runs],
        "after": [_box(box) for box in tower.after],
    }


def _position(one: Position) -> dict[str, Any]:
    return {"how": one.how, "box": one.box, "why": one.why, "facts": one.facts}


def _run(run: Run) -> dict[str, Any]:
    return {
        "first": run.first,
        "count": run.count,
        "module": run.module,
        "paths": [*run.paths],
        "parameters": run.parameters,
        "stages": [_stage(stage) for stage in run.stages],
        "varied": run.varied,
    }


def _stage(stage: Stage) -> dict[str, Any]:
    return {
        "shared": [_box(box) for box in stage.shared],
        "branches": [[_box(box) for box in branch] for branch in stage.branches],
        "after": [_box(box) for box in stage.after],
        "adds": stage.adds,
        "whole": None if stage.whole is None else _box(stage.whole),
    }


def _box(box: Box) -> dict[str, Any]:
    return {
        "id": box.id,
        "kind": box.kind,
        "path": box.path,
        "module": box.module,
        "shapes": [[name, [*shape]] for name, shape in box.shapes],
        "parameters": box.parameters,
        "takes": box.takes,
        "gives": box.gives,
        "facts": box.facts,
        "opens": box.opens,
    }
