"""What the units of a branch are: boxes with names, and where their vectors are seen."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from llmscope.analysis.structure.boxes import Box, BoxKind, Tap
from llmscope.analysis.structure.flow import Unit, activation_of, inside, is_activation, is_norm
from llmscope.analysis.structure.norms import norm_facts
from llmscope.capture.projection import is_linear
from llmscope.capture.summands import is_attention

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmscope.capture.ledger import Call, Ledger

_MIXERS = (
    ("state space", r"mamba|ssm|ssd|statespace"),
    ("linear attention", r"deltanet|linearattention|lightning|gateddelta|kimidelta"),
    ("recurrent", r"rwkv|rglru|recurrent|lstm|temporal"),
    ("convolution", r"conv|hyena"),
    ("Fourier transform", r"fourier|fnet"),
)
_RELATIVE = "relative_attention_bias"
_ROUTER = re.compile(r"router|gate$|gating", re.IGNORECASE)
_EXPERTS = re.compile(r"expert|moe|router", re.IGNORECASE)


@dataclass(frozen=True)
class Seat:
    """A box, and where its vectors are seen in a pass.

    Attributes
    ----------
    gives, takes
        What comes out of it, and what goes in.
    extra
        Other points in it: "neurons" of an MLP.
    calls
        The calls of modules that it is, in order: their paths and turns.
    """

    box: Box
    gives: Tap | None = None
    takes: Tap | None = None
    extra: dict[str, Tap] = field(default_factory=dict)
    calls: tuple[tuple[str, int], ...] = ()


class Heads(NamedTuple):
    """What is known of an attention module's heads."""

    kind: str
    layer: int
    heads: int
    kv_heads: int
    size: int
    window: int | None


class Known(NamedTuple):
    """What is known of modules.

    Attributes
    ----------
    attends
        What is known of the heads of a call; `None` for one that doesn't attend.
    returned
        The same of a block whose weights the model returns, by the width of its heads together.
    mixes
        Whether a module lets one token's numbers depend on another's.
    """

    attends: Callable[[Call], Heads | None]
    returned: Callable[[int], Heads | None]
    mixes: Callable[[Call], bool]


class Namer:
    """Names the boxes of one block, or of what is before or after all blocks.

    Parameters
    ----------
    ledger
        All that happened.
    root
        The path that paths are seen from.
    known
        What is known of modules.
    tokens
        The number of tokens.
    prefix
        What all ids begin with.
    used
        Which box has a parameter, by its identity; grows.
    """

    def __init__(
        self,
        ledger: Ledger,
        root: str,
        known: Known,
        tokens: int,
        prefix: str,
        used: dict[int, str],
    ) -> None:
        self._ledger = ledger
        self._root = root
        self._attends = known.attends
        self._returned = known.returned
        self._mixes = known.mixes
        self._tokens = tokens
        self._prefix = prefix
        self._numbers: Counter[str] = Counter()
        self._used = used

    # ── branches ─────────────────────────────────────────────────────────────────────────────

    def seats(self, units: Sequence[Unit]) -> list[Seat]:
        """Return the boxes of a branch."""
        found: list[Seat] = []
        group: list[Unit] = []
        for unit in units:
            if unit.what == "norm" or (unit.what == "times" and not group):
                found += self._group(group)
                group = []
                found.append(self._norm(unit) if unit.what == "norm" else self._scale(unit))
            else:
                group.append(unit)
        times: list[Unit] = []
        while group and group[-1].what == "times":
            times.insert(0, group.pop())
        found += self._group(group)
        for unit in times:
            found.append(self._scale(unit, found[-1] if found else None))
        return found

    def _norm(self, unit: Unit) -> Seat:
        call = unit.call
        assert call is not None
        return self.seat(self.next_id("norm"), "norm", [call], norm_facts(self._ledger, call))

    def _scale(self, unit: Unit, below: Seat | None = None) -> Seat:
        is_number = isinstance(unit.detail, (int, float))
        facts = {"factor": float(unit.detail)} if is_number else {"vector": True}
        width = unit.made[1] // self._tokens
        box = Box(self.next_id("scale"), "scale", takes=width, gives=width, facts=facts)
        takes = below.gives if below is not None else None
        gives = None
        if takes is not None and is_number:
            gives = Tap(takes.path, takes.turn, takes.given, takes.factor * float(unit.detail))
        return Seat(box, gives, takes)

    def _group(self, units: list[Unit]) -> list[Seat]:
        """Return the boxes of what is between two norms: attention, an MLP, or something else."""
        calls = [u.call for unit in units for u in (unit, *unit.beside) if u.call is not None]
        if not calls:
            return []
        heads = next((h for h in map(self._heads_in, calls) if h is not None), None)
        if heads is not None or any(self._is_attention(call) for call in calls):
            return self._attention(units, calls, heads)
        kinds = [type(m).__name__ for call in calls for m in call.module.modules()]
        if any(map(_EXPERTS.search, kinds)):
            return [self._moe(calls)]
        if any(unit.what == "core" for unit in units) or any(map(self._mixes, calls)):
            return [self._mixer(calls)]
        linears = [call for one in calls for call in self._linears(one)]
        if len(linears) == 1 and len(calls) == 1:
            return [self.seat(self.next_id("dense"), "dense", calls, {})]
        if linears:
            return [self._mlp(units, calls, linears)]
        return [self.unknown(calls)]

    # ── attention ────────────────────────────────────────────────────────────────────────────

    def _heads_in(self, call: Call) -> Heads | None:
        own = self._attends(call)
        if own is not None:
            return own
        return next(
            (h for h in map(self._attends, inside(self._ledger, call)) if h is not None), None
        )

    def _is_attention(self, call: Call) -> bool:
        mixes = _how_it_mixes(type(call.module).__name__)
        return mixes is None and is_attention(call.module) and self._mixes(call)

    def _attention(self, units: list[Unit], calls: list[Call], heads: Heads | None) -> list[Seat]:
        last = calls[-1]
        if len(calls) == 1:
            made = [c for c in self._linears(last) if c.made == last.made and c is not last]
            output = made[-1] if made else None
            inner = [last]
        else:
            output = last if is_linear(last.module) else None
            inner = calls[:-1]
        if heads is None and output is not None and output.received is not None:
            heads = self._returned(output.received[1] // self._tokens)
        facts: dict[str, Any] = {"kind": "self", "layer": None}
        if heads is not None:
            facts = heads._asdict()
        name = "cross_" if facts["kind"] == "cross" else ""
        if output is None or self._heads_in(output) is not None:
            facts["whole"] = True
            return [self.seat(self.next_id(f"{name}heads"), "heads", calls, facts)]
        under = {id(p) for p in output.module.parameters()}
        first = self.seat(self.next_id(f"{name}heads"), "heads", inner, facts, without=under)
        gives = Tap(output.path, output.turn, given=True)
        width = output.received[1] // self._tokens if output.received else None
        box = _replace(first.box, gives=width)
        second = self.seat(self.next_id(f"{name}output"), "output", [output], {})
        inner_taps = self._in_attention(inner, output)
        return [Seat(box, gives, first.takes, inner_taps, first.calls), second]

    def _in_attention(self, calls: list[Call], output: Call) -> dict[str, Tap]:
        """Return where queries and keys may be seen before they are turned."""
        found = [
            one
            for call in calls
            for one in (call, *inside(self._ledger, call))
            if (is_linear(one.module) or is_norm(one)) and one is not output and one.made
        ]
        return {f"in.{n}": Tap(one.path, one.turn) for n, one in enumerate(found)}

    # ── others ───────────────────────────────────────────────────────────────────────────────

    def _mlp(self, units: list[Unit], calls: list[Call], linears: list[Call]) -> Seat:
        last = linears[-1]
        first = [call for call in linears if call.received == calls[0].received]
        assert last.received is not None
        neurons = last.received[1] // self._tokens
        wide = [one.made[1] // self._tokens for one in first if one.made is not None]
        gated = wide.count(neurons) > 1 or 2 * neurons in wide
        ends = last.made == calls[-1].made or last is calls[-1]
        facts = {
            "gated": gated,
            "activation": self._activation(units, calls),
            "neurons": neurons if ends else None,
        }
        seat = self.seat(self.next_id("mlp"), "mlp", calls, facts)
        extra = {"neurons": Tap(last.path, last.turn, given=True)} if ends else {}
        extra |= {f"first.{n}": Tap(one.path, one.turn) for n, one in enumerate(first) if ends}
        return Seat(seat.box, seat.gives, seat.takes, extra, seat.calls)

    def _activation(self, units: list[Unit], calls: list[Call]) -> str | None:
        said = [str(unit.detail) for unit in units if unit.what == "bent"]
        for call in calls:
            said += [activation_of(one) for one in inside(self._ledger, call) if is_activation(one)]
        return said[0] if said else None

    def _moe(self, calls: list[Call]) -> Seat:
        facts: dict[str, Any] = {}
        for call in calls:
            for module in call.module.modules():
                for name, wanted in _ROUTED.items():
                    value = next(
                        (v for one in wanted if type(v := getattr(module, one, None)) is int), None
                    )
                    if value is not None:
                        facts.setdefault(name, value)
        names = [name for call in calls for name, _ in call.module.named_modules()]
        facts["shared"] = any("shared" in name for name in names)
        seat = self.seat(self.next_id("moe"), "moe", calls, facts)
        routers = [
            one
            for call in calls
            for one in inside(self._ledger, call)
            if _ROUTER.search(type(one.module).__name__)
        ]
        extra = {f"router.{n}": Tap(one.path, one.turn) for n, one in enumerate(routers)}
        return Seat(seat.box, seat.gives, seat.takes, extra, seat.calls)

    def _mixer(self, calls: list[Call]) -> Seat:
        names = [type(m).__name__ for call in calls for m in call.module.modules()]
        how = next(filter(None, map(_how_it_mixes, names)), None)
        if how is None:
            return self.unknown(calls)
        return self.seat(self.next_id("mixer"), "mixer", calls, {"how": how})

    def unknown(self, calls: list[Call], why: str = "") -> Seat:
        """Return what isn't understood as one box."""
        return self.seat(self.next_id("part"), "unknown", calls, {"why": why})

    # ── boxes ────────────────────────────────────────────────────────────────────────────────

    def next_id(self, name: str) -> str:
        """Return a name that no other box has; norms and what is often there are numbered."""
        self._numbers[name] += 1
        number = self._numbers[name]
        is_numbered = name in ("norm", "scale", "dense", "part") or number > 1
        return f"{self._prefix}{name}{number if is_numbered else ''}"

    def seat(
        self,
        box_id: str,
        kind: BoxKind,
        calls: Sequence[Call],
        facts: dict[str, Any],
        without: Iterable[int] = (),
    ) -> Seat:
        """Return a box for calls of modules that follow each other."""
        first, last = calls[0], calls[-1]
        shapes: list[tuple[str, tuple[int, ...]]] = []
        skipped, count, modules = {*without}, 0, {id(c.module): c for c in calls}.values()
        paths = [self.seen(call.path) for call in modules]
        for path, call in zip(paths, modules, strict=True):
            for name, parameter in call.module.named_parameters():
                if id(parameter) in skipped:
                    continue
                if _RELATIVE in name:
                    continue  # a table that all blocks share
                skipped.add(id(parameter))
                shapes.append(
                    (name if len(paths) == 1 else f"{path}.{name}", tuple(parameter.shape))
                )
                if id(parameter) not in self._used:
                    self._used[id(parameter)] = box_id
                    count += parameter.numel()
                elif len(parameter.shape) > 1:
                    facts = {**facts, "tied": self._used[id(parameter)]}
        box = Box(
            box_id,
            kind,
            _common(paths),
            type(last.module if len(paths) > 1 else first.module).__name__,
            tuple(shapes),
            count,
            first.received[1] // self._tokens if first.received else None,
            last.made[1] // self._tokens if last.made else None,
            facts,
        )
        gives = Tap(last.path, last.turn) if last.made else None
        takes = Tap(first.path, first.turn, given=True) if first.received else None
        return Seat(box, gives, takes, calls=tuple((call.path, call.turn) for call in calls))

    def seen(self, path: str) -> str:
        """Return a path as it is seen from the block."""
        return path.removeprefix(f"{self._root}.") if self._root else path

    def _linears(self, call: Call) -> list[Call]:
        return [one for one in (call, *inside(self._ledger, call)) if is_linear(one.module)]


_ROUTED = {
    "experts": ("num_experts", "num_local_experts", "n_routed_experts", "n_experts"),
    "chosen": ("top_k", "num_experts_per_tok", "num_selected_experts", "moe_k"),
}


def _how_it_mixes(name: str) -> str | None:
    lower = name.lower()
    return next((how for how, pattern in _MIXERS if re.search(pattern, lower)), None)


def _common(paths: Sequence[str]) -> str:
    return paths[0] if len(paths) == 1 else f"{paths[0]} … {paths[-1]}"


def _replace(box: Box, **changed: Any) -> Box:
    from dataclasses import replace

    return replace(box, **changed)
