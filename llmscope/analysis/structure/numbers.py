"""The numbers of one token on its way through a model: one pass, read at each box."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import torch
from cachetools import LRUCache

from llmscope.analysis.structure.blocks import ReadBlock, ReadTower
from llmscope.analysis.structure.reading import reading_of
from llmscope.capture.again import inputs_of_all, inputs_of_one
from llmscope.capture.rows import Place, Rows, Wanted, watch_rows
from llmscope.capture.tensors import close
from llmscope.capture.undo import restoring
from llmscope.capture.version import stale
from llmscope.words import refused, say

if TYPE_CHECKING:
    from llmscope.analysis.structure.blocks import Reading
    from llmscope.analysis.structure.boxes import Stage, Tap
    from llmscope.analysis.structure.naming import Seat
    from llmscope.capture.recording import Recording
    from llmscope.capture.runner import Runner
    from llmscope.shared import Tower

_ROUNDING, _COARSE = 1e-3, 5e-2  # of the stream's length, in single and in half precision
_KEPT = 8  # positions of a trace whose numbers are kept

_kept: WeakKeyDictionary[Recording, LRUCache[Any, TokenNumbers]] = WeakKeyDictionary()


@dataclass(frozen=True)
class TokenNumbers:
    """The numbers of one token, of one tower.

    Attributes
    ----------
    reading
        What the model is made of.
    tower
        The tower, with its blocks one by one.
    position
        Of the token, among the tower's tokens.
    rows
        All that was seen.
    """

    reading: Reading
    tower: ReadTower
    position: int
    rows: Rows
    _streams: dict[int, list[torch.Tensor]] = field(default_factory=dict)

    def vector(self, tap: Tap | None) -> torch.Tensor | None:
        """Return the numbers (width,) at a tap; `None` where they weren't seen."""
        if tap is None:
            return None
        found = self.rows.vectors.get(place_of(tap))
        return found if found is None or tap.factor == 1 else found * tap.factor

    def stream(self, block: int) -> list[torch.Tensor]:
        """Return the stream (width,) at each point of a block: before it, and after each stage."""
        if block not in self._streams:
            self._streams[block] = self._stream(self.tower.blocks[block])
        return self._streams[block]

    def _stream(self, block: ReadBlock) -> list[torch.Tensor]:
        here = Place(block.path, block.turn, given=True)
        end = Place(block.path, block.turn)
        if here not in self.rows.vectors or end not in self.rows.vectors:
            raise refused(
                "What {path} is given for this token isn't seen: a text of this length goes "
                "another way through the model than a short one.",
                path=block.path,
            )
        points = [self.rows.vectors[here]]
        for number, stage in enumerate(block.stages):
            if number == len(block.stages) - 1:
                points.append(self.rows.vectors[end])
            else:
                points.append(self._behind(block, stage, number, points[-1]))
        return points

    def _behind(
        self, block: ReadBlock, stage: Stage, number: int, before: torch.Tensor
    ) -> torch.Tensor:
        """Return the stream behind a stage that isn't the last: as the next one is given it."""
        if stage.after:
            made = self.vector(block.seats[stage.after[-1].id].gives)
            if made is not None:
                return made
        following = block.stages[number + 1]
        first = next(following.boxes())
        given = self.vector(block.seats[first.id].takes)
        if given is not None and given.shape == before.shape:
            return given
        made = self.sum(block, stage, before)
        if made is None:
            raise refused(
                "The stream behind stage {number} of {path} isn't seen.",
                number=number,
                path=block.path,
            )
        return made

    def sum(self, block: ReadBlock, stage: Stage, before: torch.Tensor) -> torch.Tensor | None:
        """Return the stream with what a stage adds, before norms; `None` where that isn't seen."""
        total = before if stage.adds else torch.zeros_like(before)
        for added in self.added(block, stage):
            if added is None or added.shape != before.shape:
                return None
            total = total + added
        return total

    def added(self, block: ReadBlock, stage: Stage) -> list[torch.Tensor | None]:
        """Return what each branch of a stage adds (width,)."""
        return [self.vector(block.seats[branch[-1].id].gives) for branch in stage.branches]

    def error(self, block: int) -> float:
        """Return how far sums are from the stream, relative to its length, at most."""
        read, points, worst = self.tower.blocks[block], self.stream(block), 0.0
        for number, stage in enumerate(read.stages):
            total = self.sum(read, stage, points[number]) if stage.adds else None
            after: torch.Tensor | None = points[number + 1]
            if stage.after:
                after = self.vector(read.seats[stage.after[0].id].takes)
            if total is not None and after is not None:
                size = float(after.float().norm()) or 1.0
                worst = max(worst, float((total - after).float().norm()) / size)
        return worst

    def check(self, block: int) -> None:
        """Raise ValueError when the numbers of a block don't add up for this token."""
        vector = self.stream(block)[0]
        if self.error(block) > (_ROUNDING if vector.dtype == torch.float32 else _COARSE):
            raise refused(
                "The parts of block {block} don't add up to what it gives for this token: it is "
                "computed otherwise than for a short text.",
                block=block,
            )

    def points(self, block: int) -> Iterator[tuple[str, torch.Tensor]]:
        """Go through the points of a block: names, and vectors (width,).

        Yields
        ------
        tuple
            "stream.0", then for each stage its boxes and "stream.1", "stream.2", …
        """
        read, stream = self.tower.blocks[block], self.stream(block)
        yield "stream.0", stream[0]
        for number, stage in enumerate(read.stages):
            behind = {box.id for box in stage.after}
            for box in stage.boxes():
                if box.id in behind and box is stage.after[0]:
                    total = self.vector(read.seats[box.id].takes)
                    if total is not None:
                        yield f"sum.{number + 1}", total
                seat = read.seats[box.id]
                neurons = self.vector(seat.extra.get("neurons"))
                if neurons is not None:
                    yield f"{box.id}.neurons", neurons
                made = self.vector(seat.gives)
                if made is not None and stage.whole is None:
                    yield box.id, made
            yield f"stream.{number + 1}", stream[number + 1]


def place_of(tap: Tap) -> Place:
    """Return where a tap is in a pass."""
    return Place(tap.path, tap.turn, tap.given)


def numbers_of(runner: Runner, recording: Recording, tower: Tower, position: int) -> TokenNumbers:
    """Return the numbers of one token: one pass more, whose last few results are kept.

    Parameters
    ----------
    runner
        The model without edits.
    recording
        The pass, which may be under edits: so are the numbers.
    tower
        Whose tokens `position` counts.

    Raises
    ------
    ValueError
        When the model has no such tower.
    IndexError
        When there is no such position.
    RuntimeError
        When the model was changed after the pass.
    """
    recording.check_repeatable()
    reading = reading_of(runner, recording)
    found = next((one for one in reading.towers if one.tower.tower == tower), None)
    if found is None:
        has = ", ".join(one.tower.tower for one in reading.towers)
        raise refused(
            "{name} has no tower {tower!r}; it has {has}.",
            name=recording.name,
            tower=tower,
            has=has or say("none that is understood"),
        )
    tokens, source = recording.forward.lengths
    count = source if tower == "encoder" else tokens
    if not -count <= position < count:
        raise IndexError(
            say("There is no position {index}: there are {count}.", index=position, count=count)
        )
    position %= count
    kept = _kept.setdefault(recording, LRUCache(_KEPT))
    if (tower, position) not in kept:
        rows = _seen(recording, reading, found, position)
        kept[tower, position] = TokenNumbers(reading, found, position, rows)
    return kept[tower, position]


def _seen(recording: Recording, reading: Reading, tower: ReadTower, position: int) -> Rows:
    runner = recording.runner
    wanted = _wanted(tower)
    body = Place(runner.head.body or "", 0)
    wanted = wanted._replace(places={*wanted.places, body})
    tokens, source = recording.forward.lengths
    alone = inputs_of_one(runner, recording.inputs, position)
    if alone is not None:
        rows = {"": (0, 1)}
    else:
        alone = inputs_of_all(runner, recording.inputs)
        count = source if tower.tower.tower == "encoder" else tokens
        rows = {"": (position, count)}
    inputs = alone
    seen = runner.undisturbed(
        lambda: restoring(lambda changes: watch_rows(runner.model, inputs, wanted, rows, changes))
    )
    end = seen.vectors.get(body)
    if tower.tower.tower == "self" and end is not None:
        hidden = recording.forward.hidden
        if end.shape == hidden[position].shape and not close(end, hidden[position]):
            raise stale()
    return seen


def _wanted(tower: ReadTower) -> Wanted:
    places: set[Place] = set()
    whole: set[Place] = set()
    many: set[Place] = set()
    for block in tower.blocks:
        places |= {Place(block.path, block.turn, True), Place(block.path, block.turn)}
    seats: list[Seat] = [*tower.before.values(), *tower.after.values()]
    seats += [seat for block in tower.blocks for seat in block.seats.values()]
    for seat in seats:
        taps = [seat.gives, seat.takes, *seat.extra.values()]
        if seat.box.kind in ("unembedding",):
            taps = [seat.takes]
        places |= {place_of(tap) for tap in taps if tap is not None}
        if seat.box.kind == "positions" and seat.gives is not None:
            whole.add(place_of(seat.gives))
        many |= {place_of(tap) for name, tap in seat.extra.items() if name.startswith("router")}
    return Wanted(places, whole, many)
