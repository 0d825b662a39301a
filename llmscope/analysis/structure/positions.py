"""How a tower knows where a token is: what is added below its blocks, and what its heads do."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from llmscope.analysis.structure.biases import has_alibi, table_of
from llmscope.analysis.structure.boxes import Position
from llmscope.analysis.structure.naming import Seat
from llmscope.analysis.structure.rotation import (
    Rotation,
    find_rotation,
    frequencies_of,
    slices_of,
)
from llmscope.capture.tensors import close
from llmscope.words import later

if TYPE_CHECKING:
    import torch
    from torch import nn

    from llmscope.capture.hooks import AttentionCall
    from llmscope.capture.ledger import Ledger

_ROTARY = re.compile(r"rotary|rope", re.IGNORECASE)
_RELATIVE = re.compile(
    r"rel_pos|relative|rel_embeddings|r_r_bias|pos_proj|pos_key|distance_emb", re.I
)
_AT = 3  # the position at which queries are looked at


class PositionReader:
    """Tells how heads know where a token is, by the numbers of one short pass.

    Parameters
    ----------
    model
        The model.
    ledger, calls
        All that happened in the pass, and the calls of attention functions in it.
    tokens
        How many tokens it had.
    """

    def __init__(
        self, model: nn.Module, ledger: Ledger, calls: Sequence[AttentionCall], tokens: int
    ) -> None:
        self._model = model
        self._calls: dict[int, list[AttentionCall]] = {}
        for call in calls:
            self._calls.setdefault(id(call.module), []).append(call)
        made = {(one.path, one.turn): one.made for one in ledger.calls if one.made}
        self._values = {place: ledger.value(key) for place, key in made.items()}
        self._modules = {(one.path, one.turn): one.module for one in ledger.calls}
        self._frequencies = frequencies_of(model)
        kinds = {type(module).__name__ for module in model.modules()}
        self._is_named_rotary = any(map(_ROTARY.search, kinds))
        self._tokens = tokens
        self._alibi = has_alibi(model)
        self._rotation: Rotation | None = None

    def of_block(
        self, root: nn.Module, seats: Mapping[str, Seat], is_told: bool
    ) -> dict[str, Seat]:
        """Return the boxes of a block, its heads with how they know where a token is.

        Parameters
        ----------
        root, seats
            The block's module, and its boxes.
        is_told
            Whether positions are added to the embeddings.
        """
        found = {}
        for name, seat in seats.items():
            if seat.box.kind == "heads":
                how = (
                    "" if seat.box.facts.get("kind") == "cross" else self._how(root, seat, is_told)
                )
                facts = {**seat.box.facts, "positions": how}
                seat = replace(seat, box=replace(seat.box, facts=facts))
            found[name] = seat
        return found

    def of_tower(
        self, prefix: str, before: Sequence[Seat], blocks: Sequence[Mapping[str, Seat]]
    ) -> tuple[Position, ...]:
        """Return all ways in which a tower knows where a token is."""
        found = [
            Position(seat.box.facts["how"], seat.box.id, facts={"rows": seat.box.facts.get("rows")})
            for seat in before
            if seat.box.kind == "positions"
        ]
        ways: dict[str, int] = {}
        heads = 0
        for number, seats in enumerate(blocks):
            for seat in seats.values():
                if seat.box.kind == "heads":
                    heads += 1
                    how = seat.box.facts.get("positions")
                    ways.setdefault(str(how), number) if how else None
        for how, number in ways.items():
            found.append(self._position(how, f"{prefix}block.{number}"))
        if found:
            return tuple(found)
        if any(seat.box.kind == "unknown" for seat in before):
            return (Position("unknown", why=later("What is below the blocks isn't understood.")),)
        if heads == 0:
            return (Position("none", why=later("Its layers take the tokens in their order.")),)
        return (Position("none"),)

    def _position(self, how: str, block: str) -> Position:
        if how == "rotary" and self._rotation is not None:
            rotation = self._rotation
            base = _base(self._model)
            facts = {
                "rotated": rotation.rotated,
                "layout": rotation.layout,
                "first": rotation.first,
                "base": base,
            }
            return Position("rotary", f"{block}.rotary", facts=facts)
        if how == "alibi":
            return Position("alibi", f"{block}.alibi")
        if how == "relative":
            if any(table_of(module) is not None for module in self._model.modules()):
                return Position("relative", f"{block}.relative")
            return Position("relative", why=later("Its attention has distances of its own."))
        if how == "named rotary":
            why = later("By the name of a module of it; what is turned isn't seen.")
            return Position("rotary", why=why)
        why = later("How its attention knows where a token is isn't understood.")
        return Position("unknown", why=why)

    def _how(self, root: nn.Module, seat: Seat, is_told: bool) -> str:
        turned = self._turned(seat)
        if turned:
            return "rotary"
        names = [name for name, _ in root.named_modules()]
        names += [name for name, _ in root.named_parameters()]
        if self._alibi:
            return "alibi"
        if any(map(_RELATIVE.search, names)) or self._has_table():
            return "relative"
        if turned is None and self._is_named_rotary:
            return "named rotary"
        return "unknown" if turned is None and not is_told else ""

    def _has_table(self) -> bool:
        return any(table_of(module) is not None for module in self._model.modules())

    def _turned(self, seat: Seat) -> bool | None:
        """Return whether queries are turned; `None` where that can't be told."""
        call = next((c for c in map(self._call, seat.calls) if c is not None), None)
        vectors = [self._row(tap.path, tap.turn) for n, tap in seat.extra.items() if n[:3] == "in."]
        seen = [one for one in vectors if one is not None]
        if call is None or call.query.shape[2] != self._tokens or not seen or self._tokens <= _AT:
            return None
        query = call.query[0, 0, _AT]
        for before in slices_of(seen, len(query)):
            if close(before.float(), query.float()):
                return False
            if self._rotation is not None:
                rotation = self._rotation
                turned = rotation.turn(rotation.pairs(before.float()), _AT)
                if close(turned, rotation.pairs(query.float())):
                    return True
        for before in slices_of(seen, len(query)):
            found = find_rotation(before, query, self._frequencies, _AT)
            if found is not None:
                self._rotation = found
                return True
        return None

    def _call(self, place: tuple[str, int]) -> AttentionCall | None:
        module = self._modules.get(place)
        if module is None:
            return None
        for inner in module.modules():
            found = self._calls.get(id(inner))
            if found:
                return found[min(place[1], len(found) - 1)]
        return None

    def _row(self, path: str, turn: int) -> torch.Tensor | None:
        value = self._values.get((path, turn))
        if value is None or value.numel() % self._tokens:
            return None
        return value.reshape(self._tokens, -1)[_AT]


def _base(model: Any) -> float | None:
    config = model.config.get_text_config()
    given = getattr(config, "rope_parameters", None)
    base = given.get("rope_theta") if isinstance(given, dict) else None
    base = base or getattr(config, "rope_theta", None) or getattr(config, "rotary_emb_base", None)
    return float(base) if isinstance(base, (int, float)) else None
