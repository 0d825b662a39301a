"""How large a page will be, before it is made."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Unpack

from llmscope.export.choice import Choice, Wanted, wanted, with_panels
from llmscope.export.encoding import BINS, LIKELIEST
from llmscope.export.page_data import alone
from llmscope.export.program import notices, packed_script, page_program
from llmscope.export.selection import Group, Plan, grouped, plan, states_of, weight_bytes
from llmscope.kernel import requests as ask
from llmscope.kernel import structure_requests as of_model
from llmscope.kernel.arrays import PageBuffers
from llmscope.shared import LENS_BLOCK, LENS_TOP

if TYPE_CHECKING:
    from llmscope.state import HasState, ViewState

# Bytes in a page for each byte, or number, before it is compressed and written as base64.
_BASE64 = 4 / 3
_PER_LIKELY = 4.4 * _BASE64  # id and logit
_PER_LABEL = 5.0 * _BASE64
_PER_BIN = 0.85 * _BASE64
_PACKED = 0.53  # by compression
_PER_FLOAT = 3.6 * _BASE64
_PER_SHADE = 0.6 * _BASE64
_FEW = 4  # steps that a page of a training holds, if it can
MOST_MB = 8.0  # of a page of a training, if nothing else is said


class Size(NamedTuple):
    """Bytes of a page, or an estimate of them.

    Attributes
    ----------
    program, attention, next_token, lens, rest
        The front end; weights; logits with labels; the logit lens; all else.
    """

    program: int
    attention: int
    next_token: int
    lens: int
    rest: int

    @property
    def total(self) -> int:
        """Sum of all of them."""
        return sum(self)

    def __str__(self) -> str:
        parts = ", ".join(
            f"{name.replace('_', ' ')} {size / 1e6:.2f}"
            for name, size in self._asdict().items()
            if size
        )
        return f"{self.total / 1e6:.2f} MB: {parts}"


def estimate(views: HasState | Sequence[HasState], **choice: Unpack[Choice]) -> Size:
    """Estimate how large a page of `to_html` will be, without computing what goes into it.

    Only the texts are run through the model. How well weights compress depends on the model: expect
    the true size within a third.

    Parameters
    ----------
    views, **choice
        As in `llmscope.to_html`.

    Returns
    -------
    Size
        Bytes by what they hold.

    Raises
    ------
    ValueError
        When a view shows no text, or has generated nothing yet, or `precision` is unknown.
    IndexError
        For a layer, head or position that isn't there.
    """
    return size_of(states_of(views), **choice)


def size_of(states: Sequence[ViewState], **choice: Unpack[Choice]) -> Size:
    """Return the estimate for what views show; see `estimate`."""
    want = wanted(**choice)
    states = with_panels(states, want)
    size = Size(_program(states), 0, 0, 0, 0)
    for group in grouped(fitted(states, want)):
        size = size._replace(rest=size.rest + _alone(group))
        for what in group.inputs(want):
            parts = _estimated(plan(group, what, want), group, want)
            size = Size(*(a + b for a, b in zip(size, parts, strict=True)))
    return size


def _program(states: Sequence[ViewState]) -> int:
    panels = {name for state in states for name in state.panels}
    lesson = any(state.slides for state in states)
    program = page_program(panels, states[0].language, lesson=lesson)
    return len(packed_script(program.script)) + len(notices(program.packages)) + 2500


def _alone(group: Group) -> int:
    """Return the size of what is about no trace: that is there already."""
    buffers = PageBuffers()
    found = alone(group)
    parts = [buffers.encoded(part) for part in found.answers.values()]
    data = json.dumps([parts, found.labels]).encode() + b"".join(one for one, _ in buffers.parts)
    return int(len(zlib.compress(data)) * _BASE64) if parts else 0


def fitted(states: Sequence[ViewState], want: Wanted) -> list[ViewState]:
    """Return views, those that show kept steps with as many as a page may hold.

    Raises
    ------
    ValueError
        For options that such views don't have, or others.
    """
    growing = [state for state in states if state.thinned is not None]
    if not growing:
        if want.max_mb is not None:
            raise ValueError("max_mb= is for views of a training, whose steps are thinned to it.")
        return [*states]
    plain = wanted(max_mb=want.max_mb, panels=want.panels, height=want.height)
    if want != plain and len(growing) == len(states):
        raise ValueError(
            "A page of a training holds what its Watch kept: it takes max_mb=, panels= and height=."
        )
    most = 1e6 * (MOST_MB if want.max_mb is None else want.max_mb) - _program(states)
    return [_fitted(one, most / len(growing)) if one in growing else one for one in states]


def _fitted(state: ViewState, most: float) -> ViewState:
    """Return a view with as many of its steps as take at most so many bytes."""
    assert state.thinned is not None

    def size(count: int) -> tuple[ViewState, int]:
        assert state.thinned is not None
        some = state.thinned(count)
        (group,) = grouped([some])
        return some, _alone(group)

    # A page is a straight line of its steps, very nearly.
    (few, least), (some, more) = size(_FEW), size(3 * _FEW)
    if more <= least:
        return some if more <= most else few
    count = _FEW + int((most - least) / (more - least) * 2 * _FEW)
    while count > _FEW:
        found, bytes_ = size(count)
        if bytes_ <= most:
            return found
        count = min(count - 1, int(count * most / bytes_))
    return few if least <= most else state.thinned(2)


def _estimated(made: Plan, group: Group, want: Wanted) -> Size:
    trace = made.trace
    facts = trace.scope.facts
    attention = lens = 0.0
    rest = 30 * len(trace) + 3000.0
    for kind, pairs in made.heads.items():
        attention += weight_bytes(trace, kind, want) * len(pairs)
    width = facts.heads and trace.scope.width / facts.heads
    for request in made.requests:
        match request:
            case ask.Thumbnails(kind=kind, layer=layer):
                rows, keys = min(trace.queries(kind), 32), min(trace.keys(kind), 32)
                heads = trace.heads(layer, kind)[0]
                rest += 6 * heads * _PER_FLOAT
                if not made.whole(kind, layer):
                    rest += heads * rows * keys * _PER_SHADE
            case ask.Steps(kind=kind):
                rest += (2 * width * trace.keys(kind) + 4 * width * facts.heads) * _PER_FLOAT
            case ask.LensBlock(block=block):
                positions = min(LENS_BLOCK, len(trace) - block * LENS_BLOCK)
                cells = positions * (facts.layers + 1)
                lens += cells * (LENS_TOP * _PER_LIKELY + 4 * _PER_FLOAT)
    rest += _of_model(made)
    likeliest = min(LIKELIEST, facts.vocabulary)
    count = len(made.positions)
    labels = min(facts.vocabulary, likeliest * count**0.7)
    bins = BINS if facts.vocabulary > LIKELIEST else 0
    each = likeliest * _PER_LIKELY + bins * _PER_BIN
    next_token = count * each + labels * _PER_LABEL
    return Size(0, int(attention), int(next_token), int(lens), int(rest))


def _of_model(made: Plan) -> float:
    """Return the size of what is held of the whole model: vectors, and its boxes in words."""
    asked = [one for one in made.requests if isinstance(one, of_model.OfModel)]
    if not asked:
        return 0.0
    towers = {one.tower: one for one in made.trace.structure.towers}
    numbers, words = 0, 3000 * sum(len(one.runs) for one in towers.values())
    for request in asked:
        match request:
            case of_model.ModelStream(tower=kind):
                tower = towers[kind]
                numbers += tower.width * (len(tower.before) + len(tower.after) - 1)
                words += 40 * tower.blocks
            case of_model.ModelBlock(tower=kind, layer=layer):
                boxes = [*towers[kind].run(layer).boxes()]
                numbers += sum((box.gives or 0) + (box.facts.get("neurons") or 0) for box in boxes)
                numbers += towers[kind].width * 3
            case of_model.ModelBox(box=box):
                width = towers["encoder" if box.startswith("encoder.") else "self"].width
                numbers += width * (5 if "norm" in box else 2)
                words += 1500 if box.endswith(("mlp", "moe")) else 100
    return (numbers * _PER_FLOAT + words * 0.3) * _PACKED
