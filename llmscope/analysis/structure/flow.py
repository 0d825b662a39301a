"""How a block makes one stream of another: what it adds, and what made that, step by step back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from llmscope.capture.ledger import Call, Key, Ledger
from llmscope.words import later

_ACTIVATION = re.compile(r"relu2?|gelu|silu|swish|tanh|mish|sigmoid|swiglu")
_DEEPEST = 60  # steps back from a tensor


class Unexplained(Exception):
    """How a tensor came about isn't understood.

    Parameters
    ----------
    reason, **places
        Why, as `llmscope.words.later` takes it: the second half of a sentence.
    """

    def __init__(self, reason: str, **places: object) -> None:
        self.reason = later(reason, **places)
        super().__init__(self.reason)


@dataclass(eq=False)
class Unit:
    """One thing that a vector goes through: a module, or a function.

    Attributes
    ----------
    what
        A call of a "module", its "norm", a part of one ("core": of its beginning up to `end`), or a
        function: "times" a factor, "bent", or a "product" with something else.
    call
        The call, where there is one.
    made
        What it gives.
    detail
        The factor, or the function's name.
    end
        Of a core, the clock's time at which it ends.
    """

    what: Literal["module", "norm", "core", "times", "bent", "product"]
    call: Call | None
    made: Key
    detail: Any = None
    end: int = 0
    beside: list[Unit] = field(default_factory=list)


@dataclass(eq=False)
class Flow:
    """What happens between two points of the stream.

    Attributes
    ----------
    before, total, after
        The stream, the sum, and what the norms behind it make of that.
    branches
        Units from the stream to what is added.
    norms
        Units behind the sum.
    adds
        Whether the branches are added to the stream.
    """

    before: Key
    total: Key
    branches: list[list[Unit]]
    summands: list[Key]
    adds: bool = True
    norms: list[Unit] = field(default_factory=list)

    @property
    def after(self) -> Key:
        """The stream behind it."""
        return self.norms[-1].made if self.norms else self.total


class BlockFlow:
    """Explains what one block returned by what it was given.

    Parameters
    ----------
    ledger
        All that happened in it.
    block
        Its call.
    """

    def __init__(self, ledger: Ledger, block: Call) -> None:
        assert block.received is not None
        assert block.made is not None
        self._ledger = ledger
        self._block = block
        self._begin = block.received
        self._end = block.made
        self._streams: dict[Key, tuple[Flow, ...] | None] = {}

    def stages(self) -> list[Flow]:
        """Return what happens to the stream, from the block's beginning to its end.

        Raises
        ------
        Unexplained
            Where that can't be followed.
        """
        summed = self._stream(self._end, 0)
        if not summed:
            # Nothing is added: all that the block does takes the stream's place.
            units = self._chain(self._end, {self._begin: 0}, None, 0)[0]
            return [Flow(self._begin, self._end, [units], [self._end], adds=False)]
        found: list[Flow] = []
        points = [self._begin]
        for flow in summed:
            starts = {point: n for n, point in enumerate(points)}
            flow = Flow(flow.before, flow.total, [], flow.summands, flow.adds, flow.norms)
            flow.branches, began = self._branches(flow, starts)
            if began == len(points) - 1:
                found.append(flow)
                points.append(flow.after)
            elif began == len(points) - 2 and flow.adds and not found[-1].norms:
                # It reads what the branch before it read: both are beside each other.
                last = found[-1]
                last.branches += flow.branches
                last.summands += flow.summands
                last.total, last.norms = flow.total, flow.norms
                points[-1] = last.after
            else:
                raise Unexplained("a branch begins elsewhere")
        return found

    # ── the stream ───────────────────────────────────────────────────────────────────────────

    def _stream(self, tensor: Key, depth: int) -> tuple[Flow, ...] | None:
        """Return the sums from the block's beginning to a tensor; `None` if it isn't the stream."""
        key = tensor
        if key == self._begin:
            return ()
        if key not in self._streams:
            self._streams[key] = None
            self._streams[key] = self._stream_back(tensor, depth)
        return self._streams[key]

    def _stream_back(self, tensor: Key, depth: int) -> tuple[Flow, ...] | None:
        if depth > _DEEPEST:
            return None
        made = self._ledger.made(tensor)
        step = made.step
        if step is not None and step.did == "same":
            return self._stream(step.of[0], depth + 1)
        if step is not None and step.did == "add" and step.of[0][1] == step.of[1][1]:
            one, other = step.of
            flows = self._stream(one, depth + 1), self._stream(other, depth + 1)
            stream = self._which(flows)
            if stream is None:
                return None
            before, branch = (one, other) if stream == 0 else (other, one)
            flow = Flow(before, tensor, [], [branch])
            return (*(flows[stream] or ()), flow)
        for call in made.calls:
            if is_norm(call) and call.received is not None and call.above is not None:
                below = self._stream(call.received, depth + 1)
                if below is None:
                    continue
                unit = Unit("norm", call, tensor)
                if below and below[-1].after == call.received:
                    last = below[-1]
                    flow = Flow(last.before, last.total, [], last.summands, last.adds)
                    flow.norms = [*last.norms, unit]
                    return (*below[:-1], flow)
                return (*below, Flow(call.received, tensor, [], [tensor], adds=False))
        return None

    def _which(self, flows: tuple[Any, Any]) -> int | None:
        """Return which of two summands is the stream: the one with more sums in it."""
        one, other = flows
        if one is None or other is None:
            return None if one is None and other is None else int(one is None)
        sums = [sum(flow.adds for flow in found) for found in flows]
        if sums[0] != sums[1]:
            return int(sums[1] > sums[0])
        replaced = [sum(not flow.adds for flow in found) for found in flows]
        return None if replaced[0] == replaced[1] else int(replaced[1] < replaced[0])

    # ── branches ─────────────────────────────────────────────────────────────────────────────

    def _branches(self, flow: Flow, starts: dict[Key, int]) -> tuple[list[list[Unit]], int]:
        """Return the branches of a sum, and at which point of the stream they begin."""
        if not flow.adds:
            units, began = self._chain(flow.total, starts, None, 0)
            return [units], began
        found: list[list[Unit]] = []
        points: set[int] = set()
        summands: list[Key] = []
        for tensor in flow.summands:
            for one in self._summands(tensor, starts):
                units, start = self._chain(one, starts, None, 0)
                found.append(units)
                summands.append(one)
                points.add(start)
        if len(points) != 1:
            raise Unexplained("its branches begin at several points")
        flow.summands = summands
        return found, points.pop()

    def _summands(self, tensor: Key, starts: dict[Key, int]) -> list[Key]:
        """Return the branches that a tensor is the sum of; itself, if it is one."""
        made = self._ledger.made(tensor)
        inside = [call for call in made.calls if self._is_inside(call) and has_weights(call)]
        if inside or made.step is None or made.step.did not in ("add", "same"):
            return [tensor]
        if made.step.did == "same":
            return self._summands(made.step.of[0], starts)
        one, other = made.step.of
        if one[1] != other[1]:
            return [tensor]
        return [*self._summands(one, starts), *self._summands(other, starts)]

    def _chain(
        self, tensor: Key, starts: dict[Key, int], last: Unit | None, depth: int
    ) -> tuple[list[Unit], int]:
        """Return the units that make `tensor` of a point of the stream, and which point."""
        if depth > _DEEPEST:
            raise Unexplained("it is too deep")
        if tensor in starts:
            return [], starts[tensor]
        made = self._ledger.made(tensor)
        for call in reversed(made.calls):
            if not self._is_inside(call) or not has_weights(call) or call.received is None:
                continue
            if call.received == tensor or _begins_or_ends_with_norm(self._ledger, call):
                continue
            unit = Unit("norm" if is_norm(call) else "module", call, tensor)
            try:
                return self._after(call.received, starts, unit, depth)
            except Unexplained:
                continue
        for call in made.calls:
            if is_activation(call) and call.received is not None and call.received != tensor:
                unit = Unit("bent", None, tensor, activation_of(call))
                return self._after(call.received, starts, unit, depth)
        step = made.step
        if step is not None and step.did == "same":
            try:
                return self._chain(step.of[0], starts, last, depth + 1)
            except Unexplained:
                return self._core(starts, last, depth)
        if step is not None and step.did in ("times", "bent", "product"):
            try:
                return self._through(tensor, starts, depth)
            except Unexplained:
                return self._core(starts, last, depth)
        return self._core(starts, last, depth)

    def _after(
        self, tensor: Key, starts: dict[Key, int], unit: Unit, depth: int
    ) -> tuple[list[Unit], int]:
        units, start = self._chain(tensor, starts, unit, depth + 1)
        return [*units, unit], start

    def _through(self, tensor: Key, starts: dict[Key, int], depth: int) -> tuple[list[Unit], int]:
        """Return the same through a function of numbers."""
        step = self._ledger.made(tensor).step
        assert step is not None
        if step.did == "product":
            one, start = self._chain(step.of[0], starts, None, depth + 1)
            other, second = self._chain(step.of[1], starts, None, depth + 1)
            if start != second:
                raise Unexplained("two points of the stream are multiplied")
            shared = 0
            while (
                shared < min(len(one), len(other))
                and one[shared].call is other[shared].call
                and one[shared].call is not None
            ):
                shared += 1
            unit = Unit("product", None, tensor, beside=other[shared:])
            return [*one, unit], start
        what: Literal["times", "bent"] = "times" if step.did == "times" else "bent"
        return self._after(step.of[0], starts, Unit(what, None, tensor, step.detail), depth)

    def _core(
        self, starts: dict[Key, int], last: Unit | None, depth: int
    ) -> tuple[list[Unit], int]:
        """Go back over all that a module did before one that was called in it."""
        if last is None or last.call is None:
            raise Unexplained("functions made it")
        for call in last.call.outer():
            if not self._is_inside(call):
                break
            if call.received is None or last.call.received is None:
                continue
            unit = Unit("core", call, last.call.received, end=last.call.began)
            try:
                return self._after(call.received, starts, unit, depth)
            except Unexplained:
                continue
        raise Unexplained("functions made it")

    def _is_inside(self, call: Call) -> bool:
        return call is not self._block and self._block.holds(call) and bool(call.ended)


def is_norm(call: Call) -> bool:
    """Return whether a call is of a norm, by its class."""
    name = type(call.module).__name__.lower()
    return "norm" in name and not list(call.module.children())


def is_activation(call: Call) -> bool:
    """Return whether a call is of a function of each number, by its class."""
    name = type(call.module).__name__.lower()
    return not has_weights(call) and _ACTIVATION.search(name) is not None


def activation_of(call: Call) -> str:
    """Return the name of an activation function."""
    found = _ACTIVATION.search(type(call.module).__name__.lower())
    assert found is not None
    return found[0]


def has_weights(call: Call) -> bool:
    """Return whether a module has parameters of its own, or is a norm without."""
    return is_norm(call) or next(call.module.parameters(), None) is not None


def inside(ledger: Ledger, call: Call) -> Sequence[Call]:
    """Return the calls that were made in a call, in order."""
    return [one for one in ledger.calls if one is not call and call.holds(one)]


def _begins_or_ends_with_norm(ledger: Ledger, call: Call) -> bool:
    """Return whether a module is a norm and something else, one after the other."""
    if is_norm(call) or call.received is None or call.made is None:
        return False
    ends = (call.received, call.made)
    return any(
        is_norm(one) and (one.received == ends[0] or one.made == ends[1])
        for one in inside(ledger, call)
    )
