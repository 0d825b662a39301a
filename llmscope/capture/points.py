"""Points of a pass where its numbers can be read, or replaced by others, in one thread.

A point is where the outputs of a layer's heads still lie side by side, what a block adds to the
residual stream, or the stream behind a block. A function at a point is given those numbers in each
pass; what it returns takes their place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import torch
from torch import nn

from llmscope.capture.anatomy import Anatomy, Heads, PartName, side_of
from llmscope.capture.change import Change, changed
from llmscope.capture.head_points import AtHeads, HeadEditor, at_projection
from llmscope.capture.hooks import after_forward, before_forward, edit_attention
from llmscope.capture.passes import Pass, Turn
from llmscope.capture.stream import first_tensor
from llmscope.capture.summands import SummandFollower

if TYPE_CHECKING:
    from llmscope.capture.anatomy import Block
    from llmscope.capture.reweighing import Reweighing
    from llmscope.capture.undo import Changes
    from llmscope.shared import Kind


class Point(NamedTuple):
    """A point of a pass.

    Attributes
    ----------
    what
        "heads": outputs of the heads (batch, positions, heads, size), before W_O mixes them.
        "attention", "mlp", "other", "parts": what attention, the MLP, what is neither, or each of
        these adds to the residual stream (batch, positions, hidden size). "block": the stream
        behind a block.
    layer
        As the model counts them, from 0.
    kind
        Which attention; for other points, the "encoder"'s layers or the decoder's.
    """

    what: Literal["heads", "attention", "mlp", "other", "parts", "block"]
    layer: int
    kind: Kind = "self"


Place = tuple[int, int | None]  # in a block: which sum, and which summand of it
BEHIND: Place = (-1, None)


class Changed(NamedTuple):
    """What is read or changed in each pass.

    Attributes
    ----------
    points
        Functions by point, called one after another.
    weights
        What is changed of attention weights, by kind and layer.
    """

    points: Mapping[Point, Sequence[Change]]
    weights: Mapping[tuple[Kind, int], Reweighing]

    def lowest(self, anatomy: Anatomy) -> int | None:
        """Return the lowest block of the decoder that differs; `None` where the encoder does."""
        kinds = [point.kind for point in self.points] + [kind for kind, _ in self.weights]
        if "encoder" in kinds:
            return None
        blocks = [block_of(anatomy, point) for point in self.points]
        blocks += [anatomy.heads[of].block for of in self.weights]
        return min(blocks, default=None)


def block_of(anatomy: Anatomy, point: Point) -> int:
    """Return the number of the block that a point is in: a block may have two attentions."""
    if point.what != "heads":
        return point.layer
    return anatomy.heads[point.kind, point.layer].block


def check_point(anatomy: Anatomy, point: Point, name: str) -> None:
    """Raise ValueError or IndexError, in words, where a model doesn't have a point."""
    what, layer, kind = point
    if what == "heads":
        heads_of(anatomy, layer, kind, name)
    else:
        _parts_at(_block(anatomy, layer, kind, name), point, name)


def heads_of(anatomy: Anatomy, layer: int, kind: Kind, name: str) -> Heads:
    """Return where the heads of a layer are.

    Raises
    ------
    IndexError
        When there is no such layer.
    ValueError
        When its heads can't be told apart, or it has none.
    """
    if (kind, layer) in anatomy.heads:
        return anatomy.heads[kind, layer]
    layers = sorted(number for of, number in anatomy.heads if of == kind)
    if not layers:
        raise ValueError(f"{name} has no heads of {kind} attention that can be told apart.")
    if 0 <= layer <= max(layers):
        raise ValueError(f"Layer {layer} of {name} has no heads of {kind} attention.")
    raise IndexError(
        f"There is no layer {layer}: {kind} attention has {layers[0]} to {layers[-1]}."
    )


def _block(anatomy: Anatomy, layer: int, kind: Kind, name: str) -> Block:
    blocks = anatomy.blocks.get(side_of(kind), ())
    if not blocks:
        raise ValueError(
            f"The layers of {name} can't be told from its other modules, or their positions aren't "
            "those of the text."
        )
    if not 0 <= layer < len(blocks):
        raise IndexError(f"There is no layer {layer}: there are 0 to {len(blocks) - 1}.")
    return blocks[layer]


def _parts_at(block: Block, point: Point, name: str) -> list[Place]:
    """Return the summands (sum, operand) of a block that are a point's; empty for the block."""
    if point.what == "block":
        return []
    if point.what == "parts":
        found = [(part.addition, part.operand) for part in block.parts]
    else:
        wanted: PartName = point.what if point.what != "heads" else "attention"
        if wanted == "attention" and point.kind == "cross":
            wanted = "cross"
        found = [(part.addition, part.operand) for part in block.parts if part.name == wanted]
    if found:
        return found
    what = {"mlp": "MLP", "attention": "attention"}.get(point.what, "each part")
    has = ", ".join(dict.fromkeys(part.name for part in block.parts if part.name != "other"))
    raise ValueError(
        f"What {what} adds to the residual stream can't be told apart in layer {point.layer} of "
        f"{name}" + (f", which has {has}." if has else ".")
    )


def install(
    model: nn.Module, anatomy: Anatomy, wanted: Changed, changes: Changes, name: str
) -> None:
    """Call functions at points of all passes that this thread makes, until `changes` are undone.

    They take the place of those that this thread's passes were under before.

    Parameters
    ----------
    name
        What messages call the model.
    """
    pass_ = Pass(model, wanted, changes)
    asking: dict[Turn, AtHeads] = {}
    of_heads = {(point.kind, point.layer) for point in wanted.points if point.what == "heads"}
    for kind, layer in of_heads | {*wanted.weights}:
        heads = heads_of(anatomy, layer, kind, name)
        of_side = anatomy.blocks.get(side_of(kind), ())
        pass_.await_turn(heads.turn, of_side[heads.block].turn if of_side else None, model, changes)
        functions = wanted.points.get(Point("heads", layer, kind), ())
        if heads.asks:
            weights = wanted.weights.get((kind, layer))
            asking[heads.turn] = AtHeads(functions, weights, kind)
        else:
            at_projection(model, heads, functions, pass_, changes)
    edit_attention(model, changes, HeadEditor(model, asking, pass_) if asking else None)
    blocks: dict[Turn, dict[Place, list[Change]]] = {}
    for point, functions in wanted.points.items():
        if point.what != "heads":
            block = _block(anatomy, point.layer, point.kind, name)
            of_block = blocks.setdefault(block.turn, {})
            for place in _parts_at(block, point, name) or [BEHIND]:
                of_block.setdefault(place, []).extend(functions)
    for path in {turn.path for turn in blocks}:
        of_path = {turn.number: found for turn, found in blocks.items() if turn.path == path}
        _Blocks(path, of_path, pass_).hook(model.get_submodule(path), changes)


class _Blocks(SummandFollower):
    """Changes what blocks add to the residual stream, and the stream behind them."""

    def __init__(
        self, path: str, wanted: dict[int, dict[Place, list[Change]]], pass_: Pass
    ) -> None:
        super().__init__()
        self._path = path
        self._wanted = wanted
        self._pass = pass_
        self._now: dict[Place, list[Change]] = {}
        self._sizes: torch.Size | None = None  # batch and positions
        self._is_on = False

    def hook(self, block: nn.Module, changes: Changes) -> None:
        """Listen to the module of one or more blocks."""
        before_forward(block, changes, self._begin, first=True)
        if any(place != BEHIND for found in self._wanted.values() for place in found):
            self.hook_parts(block, changes)
        after_forward(block, changes, self._end, first=True)

    def _begin(self, _: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._now = {}
        if self._pass.is_on():
            self._now = self._wanted.get(self._pass.turn(self._path).number, {})
        if any(place != BEHIND for place in self._now):
            received = first_tensor(args, kwargs)
            self._sizes = None if received is None else received.shape[:2]
            self.enter(received)
            self._is_on = True
            overrides: Any = torch.overrides
            overrides._push_mode(self)

    def summand(self, number: int, operand: int | None, tensor: torch.Tensor) -> torch.Tensor:
        """Return what is to be added instead of a summand."""
        functions = self._now.get((number, operand), ())
        if not functions or self._sizes is None:
            return tensor
        # OPT's MLP has the positions of all texts of a batch in one row.
        apart = tensor if tensor.ndim > 2 else tensor.reshape(*self._sizes, -1)
        made = changed(functions, apart, self._pass.first_at(self._path))
        return made.reshape(tensor.shape)

    def _end(self, _: nn.Module, __: Any, ___: Any, output: Any) -> Any:
        if self._is_on:
            overrides: Any = torch.overrides
            overrides._pop_mode()
            self._is_on = False
            self.leave()
        functions = self._now.get(BEHIND, ())
        if not functions:
            return None
        first = self._pass.first_at(self._path)
        if isinstance(output, torch.Tensor):
            return changed(functions, output, first)
        return type(output)((changed(functions, output[0], first), *output[1:]))
