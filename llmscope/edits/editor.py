"""Turn edits into what they come to in a pass of one model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from cachetools import LRUCache

from llmscope.capture import Recording, Runner
from llmscope.capture.anatomy import Anatomy, side_of, watch_anatomy
from llmscope.capture.change import Change
from llmscope.capture.points import Changed, Point, check_point, heads_of
from llmscope.capture.reweighing import Reweighing
from llmscope.capture.undo import restoring
from llmscope.edits.edit import Ablation, Edit, Part, Patch, Scaling, Steering, Vectors, placed
from llmscope.edits.known import KnownBlocks
from llmscope.edits.runner import EditedRunner
from llmscope.words import say

if TYPE_CHECKING:
    from llmscope.edits.edit import Positions
    from llmscope.shared import Kind

_RUNNERS = 4  # edits whose cached texts are kept
_VECTORS = 32  # means and differences that are kept
_SHORT = 16  # tokens of the pass that a model is looked at in
_WHATS: dict[str, Any] = {"head": "heads", "attention": "attention", "mlp": "mlp"}

Inputs = dict[str, torch.Tensor]


class Editor:
    """Runs one model under edits.

    Parameters
    ----------
    runner
        The model as it is.
    heads
        Number of heads that the model's configuration names.
    inputs_of
        Returns the model's inputs for a text.
    """

    def __init__(self, runner: Runner, heads: int, inputs_of: Callable[[str], Inputs]) -> None:
        self.runner = runner
        self.known = KnownBlocks()
        self._heads = heads
        self._inputs_of = inputs_of
        self._anatomy: tuple[int, Anatomy] | None = None
        self._runners: LRUCache[Any, EditedRunner] = LRUCache(_RUNNERS)
        self._vectors: LRUCache[Any, torch.Tensor] = LRUCache(_VECTORS)

    @property
    def size(self) -> int:
        """Bytes that are kept for passes under edits."""
        runners = [*self._runners.values()]
        return self.known.size + sum(runner.prefix_cache.size for runner in runners)

    def clear(self) -> None:
        """Keep nothing of any text."""
        self.known.clear()
        self._runners.clear()
        self._vectors.clear()

    def anatomy(self, inputs: Inputs) -> Anatomy:
        """Return where blocks and heads are: found in a short pass, the first time."""
        version = self.runner.version.number()
        if self._anatomy is None or self._anatomy[0] != version:
            short = {name: item[:, :_SHORT] for name, item in inputs.items()}
            if getattr(self.runner.model.config, "attention_type", None) == "block_sparse":
                short = inputs  # by a short text BigBird changes to another attention, for good
            found = self.runner.undisturbed(
                lambda: restoring(
                    lambda changes: watch_anatomy(self.runner.model, short, changes, self._heads)
                )
            )
            self._anatomy = version, found
        return self._anatomy[1]

    def under(self, edits: Iterable[Edit], inputs: Inputs) -> EditedRunner:
        """Return the model as it computes under edits, for a text.

        Raises
        ------
        ValueError, IndexError
            When the model has no such part, or the text no such position.
        TypeError
            For what is no edit.
        """
        given = tuple(edits)
        for edit in given:
            if not isinstance(edit, Ablation | Scaling | Patch | Steering):
                raise TypeError(
                    "edits= is a list of edits, such as llmscope.ablate(head=(2, 0)); "
                    f"{edit!r:.60} is none."
                )
        ids = inputs.get("decoder_input_ids", inputs["input_ids"])
        tokens, source = ids.shape[1], inputs["input_ids"].shape[1]
        sides = {"self": (tokens, tokens), "encoder": (source, source), "cross": (tokens, source)}
        own = tuple(placed(edit, *sides[edit.part.kind]) for edit in given)
        # A mean is over the positions of this text alone.
        size = None if all(map(_is_local, own)) else (tokens, source)
        with self.runner.lock:
            found = self._runners.get((own, size))
            if found is None or found.stands_for != self.runner.version.number():
                found = self._runners[own, size] = self._made(own, inputs)
        return found

    def read(self, runner: Runner, inputs: Inputs, points: Sequence[Point]) -> list[torch.Tensor]:
        """Run a model, under edits or not, and return the numbers at points of the pass.

        Returns
        -------
        list of Tensor
            For each point (positions, …).
        """
        found: dict[Point, torch.Tensor] = {}

        def keep(point: Point) -> Change:
            def kept(tensor: torch.Tensor, _: int) -> torch.Tensor:
                found[point] = tensor[0].clone()
                return tensor

            return kept

        reader = self.with_more(runner, inputs, {point: keep(point) for point in points})
        reader.undisturbed(lambda: reader.record(inputs))
        return [found[point] for point in points]

    def with_more(
        self, runner: Runner, inputs: Inputs, changes: Mapping[Point, Change]
    ) -> EditedRunner:
        """Return what runs a model under the edits of `runner`, and then some changes.

        Raises
        ------
        ValueError, IndexError
            When the model has no such point.
        """
        own = runner.changed if isinstance(runner, EditedRunner) else Changed({}, {})
        merged = {point: [*own.points.get(point, ())] for point in {**own.points, **changes}}
        anatomy = self.anatomy(inputs)
        for point, change in changes.items():
            check_point(anatomy, point, self.runner.name)
            merged[point].append(change)
        changed = Changed(merged, own.weights)
        return EditedRunner(self.runner, anatomy, runner.edits, changed, False, self.known)

    def _made(self, edits: tuple[Edit, ...], inputs: Inputs) -> EditedRunner:
        anatomy = self.anatomy(inputs)
        points: dict[Point, list[Change]] = {}
        weights: dict[tuple[Kind, int], Reweighing] = {}
        for edit in edits:
            for point in self._points(edit, anatomy):
                check_point(anatomy, point, self.runner.name)
            self._check_head(edit.part, anatomy)
            if isinstance(edit, Ablation) and (edit.edge is not None or edit.by == "uniform"):
                self._add_weights(weights, edit, anatomy)
            else:
                for point, change in self._changes(edit, anatomy, inputs):
                    points.setdefault(point, []).append(change)
        is_local = all(map(_is_local, edits))
        changed = Changed(points, weights)
        return EditedRunner(self.runner, anatomy, edits, changed, is_local, self.known)

    def _check_head(self, part: Part, anatomy: Anatomy) -> None:
        if part.head is None:
            return
        count = heads_of(anatomy, part.layer, part.kind, self.runner.name).number
        if part.head >= count:
            raise IndexError(
                say(
                    "There is no head {head}: layer {layer} has 0 to {count}.",
                    head=part.head,
                    layer=part.layer,
                    count=count - 1,
                )
            )

    def _points(self, edit: Edit, anatomy: Anatomy) -> list[Point]:
        """Return the points at which an edit changes something."""
        what, layer, _, kind = edit.part
        if what != "layer":
            return [Point(_WHATS[what], layer, kind)]
        if not isinstance(edit, Ablation):
            return [Point("block", layer, kind)]
        if not edit.reference:
            return [Point("parts", layer, kind)]
        blocks = anatomy.blocks.get(side_of(kind), ())[layer : layer + 1]
        points: list[Point] = []
        for name in [part.name for block in blocks for part in block.parts]:
            of: Kind = "cross" if name == "cross" else kind
            points.append(Point("attention" if name == "cross" else name, layer, of))
        return points

    def _changes(
        self, edit: Edit, anatomy: Anatomy, inputs: Inputs
    ) -> Iterable[tuple[Point, Change]]:
        """Return what an edit changes, and where."""
        for point in self._points(edit, anatomy):
            head = edit.part.head
            if isinstance(edit, Scaling):
                yield point, _replaced(edit.positions, head, partial(_scaled, factor=edit.factor))
            elif isinstance(edit, Patch):
                yield point, _patched(edit.positions, head, self._of_source(edit, point))
            elif isinstance(edit, Steering):
                vector = self._direction(edit, point) * edit.scale
                positions = edit.positions
                if edit.align == "front" and isinstance(edit.direction, tuple):
                    pairs = tuple((n, n) for n in range(len(vector)))
                    yield point, _patched(pairs, None, vector, add=True)
                else:
                    yield point, _replaced(positions, None, partial(_steered, vector=vector))
            elif edit.reference:
                mean = self._mean(edit, point)
                of_part = mean if head is None else mean[head]
                yield point, _replaced(edit.positions, head, of_part.expand_as)
            elif edit.by == "mean":
                side = "decoder_input_ids" if edit.part.kind != "encoder" else "input_ids"
                count = inputs.get(side, inputs["input_ids"]).shape[1]
                yield point, _averaged(edit.positions, head, count)
            else:
                yield point, _replaced(edit.positions, head, torch.zeros_like)

    def _add_weights(
        self, weights: dict[tuple[Kind, int], Reweighing], edit: Ablation, anatomy: Anatomy
    ) -> None:
        """Add what an edit changes of attention weights."""
        part = edit.part
        assert part.head is not None
        if not heads_of(anatomy, part.layer, part.kind, self.runner.name).asks:
            raise ValueError(
                say(
                    "{name} computes attention in code of its own: its heads can be "
                    "switched off, scaled and patched, but not single weights.",
                    name=self.runner.name,
                )
            )
        known = weights.get((part.kind, part.layer), Reweighing())
        zero, masked, uniform = known.zero, known.masked, known.uniform
        if edit.edge is None:
            where = None if edit.positions is None else frozenset(edit.positions)
            uniform = (*uniform, (part.head, where))
        elif edit.by == "mask":
            masked = (*masked, (part.head, *edit.edge))
        else:
            zero = (*zero, (part.head, *edit.edge))
        weights[part.kind, part.layer] = Reweighing(zero, masked, uniform)

    # ── numbers of other texts ───────────────────────────────────────────────────────────────

    def _of_source(self, edit: Patch, point: Point) -> torch.Tensor:
        """Return what a point gave in the source of a patch (positions, …)."""
        if isinstance(edit.source, Vectors):
            return torch.as_tensor(edit.source.values)
        source = edit.source.recording
        if source.runner.model is not self.runner.model:
            raise ValueError("The source of a patch is a trace of the same model.")
        source.check_current()
        return self._kept((edit.source, point), lambda: self._read_one(source, point))

    def _read_one(self, source: Recording, point: Point) -> torch.Tensor:
        return self.read(source.runner, source.inputs, [point])[0]

    def _direction(self, edit: Steering, point: Point) -> torch.Tensor:
        """Return the vector (hidden size,) of a steering, or one for each position."""
        if not isinstance(edit.direction, tuple):
            return torch.as_tensor(edit.direction)
        towards, away = edit.direction

        def difference() -> torch.Tensor:
            one, other = (
                self.read(self.runner, self._inputs_of(text), [point])[0]
                for text in (towards, away)
            )
            if edit.align == "last":
                return one[-1] - other[-1]
            if len(one) != len(other):
                raise ValueError(
                    say(
                        "Position by position takes texts of as many tokens: {towards!r} "
                        'has {count}, {away!r} has {count_2}. align="last" takes the last '
                        "of each.",
                        towards=towards,
                        count=len(one),
                        away=away,
                        count_2=len(other),
                    )
                )
            return one - other

        return self._kept((towards, away, edit.align, point), difference)

    def _mean(self, edit: Ablation, point: Point) -> torch.Tensor:
        """Return the mean over all positions of reference texts."""

        def mean() -> torch.Tensor:
            rows = [
                self.read(self.runner, self._inputs_of(text), [point])[0] for text in edit.reference
            ]
            return torch.cat(rows).mean(0)

        return self._kept((edit.reference, point), mean)

    def _kept(self, name: Any, compute: Callable[[], torch.Tensor]) -> torch.Tensor:
        key = (self.runner.version.number(), name)
        if key not in self._vectors:
            self._vectors[key] = compute()
        return self._vectors[key]


def _is_local(edit: Edit) -> bool:
    """Return whether an edit is to each position by itself."""
    return not isinstance(edit, Ablation) or edit.by != "mean" or bool(edit.reference)


def _scaled(old: torch.Tensor, factor: float) -> torch.Tensor:
    return old * factor


def _steered(old: torch.Tensor, vector: torch.Tensor) -> torch.Tensor:
    if old.shape[-1] != len(vector):
        raise ValueError(
            say(
                "The direction has {count} numbers, the residual stream {shape}.",
                count=len(vector),
                shape=old.shape[-1],
            )
        )
    return old + vector.to(old)


def _rows(positions: Positions, first: int, count: int) -> list[int] | slice:
    """Return which of `count` rows, the first at position `first`, are at some positions."""
    if positions is None:
        return slice(None)
    return [position - first for position in positions if first <= position < first + count]


def _replaced(
    positions: Positions, head: int | None, new: Callable[[torch.Tensor], torch.Tensor]
) -> Change:
    """Return a function that puts `new` of some rows in their place."""

    def change(tensor: torch.Tensor, first: int) -> torch.Tensor:
        rows = _rows(positions, first, tensor.shape[1])
        changed = tensor.clone()
        place = (slice(None), rows) if head is None else (slice(None), rows, head)
        changed[place] = new(tensor[place])
        return changed

    return change


def _averaged(positions: Positions, head: int | None, count: int) -> Change:
    """Return a function that puts the mean over all `count` positions in the place of some."""

    def change(tensor: torch.Tensor, first: int) -> torch.Tensor:
        mean = tensor[:, :count].mean(1, keepdim=True)  # Longformer pads
        return _replaced(positions, head, lambda old: _part_of(mean, head).expand_as(old))(
            tensor, first
        )

    return change


def _part_of(mean: torch.Tensor, head: int | None) -> torch.Tensor:
    return mean if head is None else mean[:, :, head]


def _patched(
    pairs: tuple[tuple[int, int], ...] | None,
    head: int | None,
    source: torch.Tensor,
    *,
    add: bool = False,
) -> Change:
    """Return a function that takes rows of `source` (positions, …), as far as it has them."""

    def change(tensor: torch.Tensor, first: int) -> torch.Tensor:
        end = first + tensor.shape[1]
        every = pairs or [(n, n) for n in range(first, min(end, len(source)))]
        found = [(here - first, there) for here, there in every if first <= here < end]
        if not found:
            return tensor
        here, there = (list(side) for side in zip(*found, strict=True))
        given = source[there] if head is None else source[there, head]
        changed = tensor.clone()
        place: Any = (slice(None), here) if head is None else (slice(None), here, head)
        changed[place] = given.to(tensor) + (tensor[place] if add else 0)
        return changed

    return change
