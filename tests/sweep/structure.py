"""What a model is made of, as llmscope reads it, held to plain hooks on the same modules."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch

from llmscope.trace import Trace
from tests.closeness import relative_difference

AT = 5  # the token


@dataclass
class Whole:
    """What came of one model."""

    whole: bool = False  # whether all of it is understood
    unread: bool = False  # whether it is one box
    boxes: list[str] = field(default_factory=list)  # that aren't understood
    refused: str = ""  # why numbers are refused
    wrong: list[str] = field(default_factory=list)  # boxes whose numbers aren't their modules'


def check_structure(trace: Trace, model: Any, tolerance: float) -> Whole:
    """Read what a model is made of, and hold each box to what an untouched model's hooks see."""
    structure = trace.structure
    found = Whole(structure.is_whole, structure.whole is not None)
    found.boxes = [name for name, box in structure.boxes() if box.kind == "unknown"]
    seen = _seen(model, trace.recording.inputs)
    for tower in structure.towers:
        prefix = "encoder." if tower.tower == "encoder" else ""
        for run in tower.runs:
            for number in range(run.first, run.first + run.count):
                try:
                    points = trace.token_path(AT, tower.tower).block(number)
                except ValueError as error:
                    found.refused = str(error)
                    continue
                root = run.paths[number - run.first]
                turn = run.paths[: number - run.first].count(root)
                for box in run.boxes():
                    if box.kind in ("heads", "scale", "unknown") or box.path is None:
                        continue
                    calls = seen.get(f"{root}.{box.path.rpartition(' … ')[2]}", [])
                    each = len(calls) // max(1, run.paths.count(root))
                    own = calls[turn * each] if len(calls) > turn * each else None
                    made = points.get(box.id)
                    if own is None or made is None or own.numel() % len(made):
                        continue
                    expected = own.reshape(-1, len(made))[AT]
                    if relative_difference(made, expected) > tolerance:
                        found.wrong.append(f"{prefix}block.{number}.{box.id}")
    return found


def _first(output: Any) -> torch.Tensor | None:
    """Return the first tensor of numbers of what a module returns."""
    items = output.to_tuple() if hasattr(output, "to_tuple") else output
    for item in items if isinstance(items, (tuple, list)) else (items,):
        if isinstance(item, torch.Tensor) and item.is_floating_point():
            return item
    return None


def _seen(model: torch.nn.Module, inputs: dict[str, Any]) -> dict[str, list[torch.Tensor]]:
    """Return what each call of each module returns."""
    found: dict[str, list[torch.Tensor]] = {}
    handles = []
    for path, module in model.named_modules():

        def note(_: Any, __: Any, output: Any, path: str = path) -> None:
            tensor = _first(output)
            if tensor is not None:
                found.setdefault(path, []).append(tensor.detach().float().clone())

        handles.append(module.register_forward_hook(note))
    with torch.no_grad():
        model(**inputs, use_cache=False)
    for handle in handles:
        handle.remove()
    return found
