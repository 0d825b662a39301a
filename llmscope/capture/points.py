"""Points of a pass where its numbers can be read, or replaced by others, in one thread.

A point is where the outputs of a layer's heads still lie side by side, what a block adds to the
residual stream, or the stream behind a block. A function at a point is given those numbers in each
pass; what it returns takes their place.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import torch
from torch import nn

from llmscope.capture.anatomy import Anatomy, Heads, PartName, Turn, side_of
from llmscope.capture.attention import Attention
from llmscope.capture.cache_argument import cache_argument
from llmscope.capture.hooks import after_forward, before_forward, edit_attention
from llmscope.capture.modules import modules_of
from llmscope.capture.stream import first_tensor
from llmscope.capture.summands import SummandFollower

if TYPE_CHECKING:
    from llmscope.capture.anatomy import Block, Side
    from llmscope.capture.hooks import AttentionCall
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

# Called with the numbers at a point, and the position of the first of them.
Change = Callable[[torch.Tensor, int], torch.Tensor]


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

    def lowest(self) -> int | None:
        """Return the lowest block of the decoder that differs; `None` where the encoder does."""
        kinds = [point.kind for point in self.points] + [kind for kind, _ in self.weights]
        if "encoder" in kinds:
            return None
        layers = [p.layer for p in self.points] + [layer for _, layer in self.weights]
        return min(layers, default=None)


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
        raise ValueError(f"The layers of {name} can't be told from its other modules.")
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


_thread = threading.local()  # .pass_: that whose functions are called in this thread


def are_edited() -> bool:
    """Return whether functions are called at points of this thread's passes."""
    return getattr(_thread, "pass_", None) is not None


def is_installed(changed: Changed) -> bool:
    """Return whether it is these functions that are called at points of this thread's passes."""
    pass_: _Pass | None = getattr(_thread, "pass_", None)
    return pass_ is not None and pass_.changed is changed


def edit_nothing(model: nn.Module, changes: Changes) -> None:
    """Call no functions at points of this thread's passes, until `changes` are undone."""
    _set_pass(None, changes)
    edit_attention(model, changes, None)


def _set_pass(pass_: _Pass | None, changes: Changes) -> None:
    outer = getattr(_thread, "pass_", None)
    changes.undo_by(lambda: setattr(_thread, "pass_", outer))
    _thread.pass_ = pass_


def install(
    model: nn.Module, anatomy: Anatomy, changed: Changed, changes: Changes, name: str
) -> None:
    """Call functions at points of all passes that this thread makes, until `changes` are undone.

    They take the place of those that this thread's passes were under before.

    Parameters
    ----------
    name
        What messages call the model.
    """
    pass_ = _Pass(model, changed, changes)
    _set_pass(pass_, changes)
    asking: dict[Turn, _AtHeads] = {}
    of_heads = {(point.kind, point.layer) for point in changed.points if point.what == "heads"}
    for kind, layer in of_heads | {*changed.weights}:
        heads = heads_of(anatomy, layer, kind, name)
        functions = changed.points.get(Point("heads", layer, kind), ())
        if heads.asks:
            weights = changed.weights.get((kind, layer))
            asking[heads.turn] = _AtHeads(functions, weights, kind)
        else:
            _at_projection(model, heads, functions, pass_, changes)
    edit_attention(model, changes, _Heads(model, asking, pass_) if asking else None)
    blocks: dict[Turn, dict[Place, list[Change]]] = {}
    for point, functions in changed.points.items():
        if point.what != "heads":
            block = _block(anatomy, point.layer, point.kind, name)
            of_block = blocks.setdefault(block.turn, {})
            for place in _parts_at(block, point, name) or [BEHIND]:
                of_block.setdefault(place, []).extend(functions)
    for path in {turn.path for turn in blocks}:
        wanted = {turn.number: found for turn, found in blocks.items() if turn.path == path}
        _Blocks(path, wanted, pass_).hook(model.get_submodule(path), changes)


class _Pass:
    """Where in a text the pass is that runs, and what ran so far of it."""

    def __init__(self, model: nn.Module, changed: Changed, changes: Changes) -> None:
        self.changed = changed
        self.first: dict[Side, int] = {"decoder": 0, "encoder": 0}
        self.turns: Counter[str] = Counter()
        self._roots: dict[Side, nn.Module] = {"decoder": model}
        if getattr(model.config, "is_encoder_decoder", False):
            any_model: Any = model
            self._roots = {"decoder": any_model.get_decoder(), "encoder": any_model.get_encoder()}
        self._inside = {
            name
            for name, _ in model.named_modules()
            if "encoder" in self._roots and name.startswith(_path_of(model, self._roots["encoder"]))
        }
        for side, root in self._roots.items():
            before_forward(root, changes, self._begin(side), first=True)

    def _begin(self, side: Side) -> Callable[..., None]:
        def begin(_: nn.Module, __: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            if not self.is_on():
                return
            for path in [*self.turns]:
                if self.side(path) == side:
                    del self.turns[path]
            cache = kwargs.get(cache_argument()) if side == "decoder" else None
            length = getattr(cache, "get_seq_length", None)
            self.first[side] = 0 if length is None else int(length())

        return begin

    def is_on(self) -> bool:
        """Return whether its functions are those that count in this thread."""
        return getattr(_thread, "pass_", None) is self

    def side(self, path: str) -> Side:
        """Return in which stack a module is."""
        return "encoder" if path in self._inside else "decoder"

    def first_at(self, path: str) -> int:
        """Return the position of the first row that a module is given."""
        return self.first[self.side(path)]

    def turn(self, path: str) -> Turn:
        """Count a call of a module."""
        self.turns[path] += 1
        return Turn(path, self.turns[path] - 1)


def _path_of(model: nn.Module, wanted: nn.Module) -> str:
    return next(f"{name}." for name, module in model.named_modules() if module is wanted)


def _changed(functions: Sequence[Change], tensor: torch.Tensor, first: int) -> torch.Tensor:
    for function in functions:
        tensor = function(tensor, first)
    return tensor


class _AtHeads(NamedTuple):
    functions: Sequence[Change]
    weights: Reweighing | None
    kind: Kind


class _Heads:
    """Changes what attention functions return: an output for each head."""

    def __init__(
        self,
        model: nn.Module,
        wanted: Mapping[Turn, _AtHeads],
        pass_: _Pass,
    ) -> None:
        paths = {id(m): n for n, m in model.named_modules()}
        of_turns = {turn.path for turn in wanted}
        self.modules = {id(m) for m in modules_of(model) if paths[id(m)] in of_turns}
        self._paths = paths
        self._wanted = wanted
        self._pass = pass_
        self._before: AttentionCall | None = None
        self._turn = Turn("", 0)

    def begun(self, call: AttentionCall) -> AttentionCall:
        """Return a call that begins, with what will be changed of its weights."""
        path, before = self._paths[id(call.module)], self._before
        # DiffLlama mixes two sets of values by the same weights.
        if before is None or before.query is not call.query or before.key is not call.key:
            self._turn = self._pass.turn(path)
        self._before = call
        found = self._wanted.get(self._turn)
        if found is None or found.weights is None:
            return call
        first = self._pass.first_at(path)
        _, _, queries, keys = call.sizes
        # A sliding cache has only some of the keys before the text.
        first_key = max(0, first + queries - keys) if first and found.kind == "self" else 0
        reweighing = replace(found.weights, first_query=first, first_key=first_key)
        return replace(call, reweighing=reweighing)

    def ended(self, call: AttentionCall, output: Any) -> Any:
        """Return what the attention function is to return instead of `output`."""
        found = self._wanted.get(self._turn)
        if found is None:
            return output
        made: torch.Tensor = output[0]  # (batch, queries, heads, value size)
        if call.reweighing is not None:
            made = _reweighed(call, made)
        first = self._pass.first_at(self._paths[id(call.module)])
        return (_changed(found.functions, made, first), *output[1:])


def _reweighed(call: AttentionCall, made: torch.Tensor) -> torch.Tensor:
    """Mix the values anew, of those heads and queries whose weights are changed."""
    assert call.reweighing is not None
    made = made.clone()
    for number in range(len(made)):
        alone = _alone(call, number)
        attention = Attention(alone, 0)
        for head, rows in call.reweighing.rows_by_head(attention.queries).items():
            index = np.array(rows)
            keys = attention.key_range(index)
            weights = attention.weights(index, head)[0]  # (rows, keys)
            if bool(weights.isnan().any()):
                raise ValueError(
                    f"Head {head}: a query sees no other key than the one that is masked, so "
                    'nothing is left for it to attend to. by="zero" takes the weight away without '
                    "a share for others."
                )
            shared = head * attention.kv_heads // attention.heads
            values = alone.value[0, shared, keys]  # (keys, value size)
            made[number, rows, head] = weights.to(values.dtype) @ values
    return made


def _alone(call: AttentionCall, number: int) -> AttentionCall:
    """Return a call for one item of a batch."""
    batch = len(call.query)

    def one(item: Any) -> Any:
        of_batch = getattr(item, "ndim", 0) == 4 and len(item) == batch
        return item[number : number + 1] if of_batch else item

    return replace(
        call,
        query=one(call.query),
        key=one(call.key),
        value=one(call.value),
        mask=one(call.mask),
        kwargs={name: one(item) for name, item in call.kwargs.items()},
    )


def _at_projection(
    model: nn.Module, heads: Heads, functions: Sequence[Change], pass_: _Pass, changes: Changes
) -> None:
    """Change what W_O receives: the outputs of all heads, side by side."""
    turn = heads.turn

    def receive(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not pass_.is_on() or pass_.turn(turn.path) != turn or not args:
            return None
        given: torch.Tensor = args[0]
        apart = given.reshape(*given.shape[:-1], heads.number, -1)  # (…, positions, heads, size)
        apart = apart if apart.ndim == 4 else apart[None]
        made = _changed(functions, apart, pass_.first_at(turn.path))
        return (made.flatten(-2).reshape(given.shape), *args[1:]), kwargs

    before_forward(model.get_submodule(turn.path), changes, receive, first=True)


class _Blocks(SummandFollower):
    """Changes what blocks add to the residual stream, and the stream behind them."""

    def __init__(
        self, path: str, wanted: dict[int, dict[Place, list[Change]]], pass_: _Pass
    ) -> None:
        super().__init__()
        self._path = path
        self._wanted = wanted
        self._pass = pass_
        self._now: dict[Place, list[Change]] = {}
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
            self.enter(first_tensor(args, kwargs))
            self._is_on = True
            overrides: Any = torch.overrides
            overrides._push_mode(self)

    def summand(self, number: int, operand: int | None, tensor: torch.Tensor) -> torch.Tensor:
        """Return what is to be added instead of a summand."""
        functions = self._now.get((number, operand), ())
        return _changed(functions, tensor, self._pass.first_at(self._path))

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
            return _changed(functions, output, first)
        return type(output)((_changed(functions, output[0], first), *output[1:]))
