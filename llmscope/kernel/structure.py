"""The whole model as a page requests it: what it is made of, as JSON has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from llmscope.kernel import structure_requests as ask
from llmscope.kernel.protocol import format_key
from llmscope.kernel.requests import RequestError
from llmscope.text import labels
from llmscope.words import Sentence, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from llmscope.analysis.structure import Box, Position, Run, Stage, Structure, Tower
    from llmscope.trace import Trace
    from llmscope.trace_structure import TokenPath


LIKELIEST = 10  # tokens at the end
WIDEST = 16_384  # numbers of a vector that is sent


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
        case ask.ModelStream(tower=tower, position=position):
            return _stream(trace, trace.token_path(position, tower))
        case ask.ModelBlock(tower=tower, layer=layer, position=position):
            return _block_of(trace.token_path(position, tower), layer)
        case ask.ModelBox(box=box, head=head, position=position):
            tower = "encoder" if box.startswith("encoder.") else "self"
            return _opened(trace, trace.token_path(position, tower), box, head)
        case ask.ModelComponent(tower=tower, position=position, index=index):
            return {"values": trace.token_path(position, tower).component(index)}
    raise RequestError(say("There is no answer to {format_key!r}.", format_key=format_key(request)))


def _stream(trace: Trace, path: TokenPath) -> dict[str, Any]:
    return {
        "before": [sent(*one) for one in path.before()],
        "after": [sent(*one) for one in path.after()],
        "lengths": path.lengths(),
        "added": path.added(),
        "top": _likeliest(trace, path),
    }


def _block_of(path: TokenPath, layer: int) -> dict[str, Any]:
    return {
        "points": [sent(*one) for one in path.block(layer).items()],
        "error": path.error(layer),
    }


def _opened(trace: Trace, path: TokenPath, box: str, head: int) -> dict[str, Any]:
    if box == "unembedding":
        top = _likeliest(trace, path)
        if top is not None:
            return {"kind": "unembedding", **top, "before": path.given(box)}
    return path.box(box, head)


def _likeliest(trace: Trace, path: TokenPath) -> dict[str, Any] | None:
    """Return the tokens that are likeliest after a token; `None` without a head."""
    if path.tower == "encoder" or not trace.scope.runner.head.exists:
        return None
    logits = trace.logits_at(path.position)
    ids = np.argsort(-logits, kind="stable")[:LIKELIEST]
    exact = logits.astype(np.float64)
    exact = np.exp(exact - exact.max())
    return {
        "ids": ids.astype(np.int32),
        "labels": labels(trace.scope.tokenizer, ids.tolist()),
        "logits": logits[ids],
        "probs": (exact / exact.sum())[ids].astype(np.float32),
    }


def sent(at: str, values: NDArray[np.float32]) -> dict[str, Any]:
    """Return a vector (width,) as it is sent: with its length, and not where it is too wide."""
    length = float(np.linalg.norm(values.astype(np.float64)))
    return {"at": at, "length": length, "values": values if len(values) <= WIDEST else None}


def described(structure: Structure) -> dict[str, Any]:
    """Return what a model is made of."""
    return {
        "name": structure.name,
        "parameters": structure.parameters,
        "towers": [_tower(tower) for tower in structure.towers],
        "whole": None if structure.whole is None else _box(structure.whole),
        "notes": [*map(say, structure.notes)],
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
    return {"how": one.how, "box": one.box, "why": say(one.why), "facts": one.facts}


def _run(run: Run) -> dict[str, Any]:
    return {
        "first": run.first,
        "count": run.count,
        "module": run.module,
        "paths": [*run.paths],
        "parameters": run.parameters,
        "stages": [_stage(stage) for stage in run.stages],
        "varied": {box: _facts(facts) for box, facts in run.varied.items()},
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
        "facts": _facts(box.facts),
        "opens": box.opens,
    }


def _facts(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: _said(one) for name, one in facts.items()}


def _said(one: Any) -> Any:
    if isinstance(one, list):
        return [_said(each) for each in one]
    return say(one) if isinstance(one, Sentence) else one
