"""What is below a model's first block and above its last one: boxes in a row, step by step back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from llmscope.analysis.structure.boxes import Box, BoxKind, How, Tap
from llmscope.analysis.structure.flow import (
    Unexplained,
    activation_of,
    has_weights,
    is_activation,
    is_norm,
)
from llmscope.analysis.structure.naming import Namer, Seat
from llmscope.analysis.structure.norms import norm_facts
from llmscope.capture.projection import is_linear

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmscope.capture.ledger import Call, Key, Ledger

_DEEPEST = 40
_FACTORS = ("embed_scale", "scalar_embed_scale")


def before_blocks(
    ledger: Ledger, namer: Namer, begin: Key, ids: torch.Tensor, tokens: int
) -> list[Seat]:
    """Return the boxes from the ids to what the first block receives.

    Raises
    ------
    Unexplained
        Where that can't be followed.
    """
    return _Before(ledger, namer, ids, tokens).back(begin, 0)


class _Before:
    def __init__(self, ledger: Ledger, namer: Namer, ids: torch.Tensor, tokens: int) -> None:
        self._ledger = ledger
        self._namer = namer
        self._ids = ids
        self._tokens = tokens

    def back(self, key: Key, depth: int) -> list[Seat]:
        """Return the boxes that make numbers of ids."""
        made = self._ledger.made(key)
        if depth > _DEEPEST:
            raise Unexplained("it is too deep")
        for call in made.calls:
            if not has_weights(call) and not call.module._buffers:
                continue
            is_looked_up = call.ids is not None or "position" in type(call.module).__name__.lower()
            if is_looked_up and not list(call.module.children()):
                return [self._looked_up(call, key)]
            if call.received is not None and call.received != key and _is_plain(call):
                below = self.back(call.received, depth + 1)
                if is_norm(call):
                    facts = norm_facts(self._ledger, call)
                    return [
                        *below,
                        self._namer.seat(self._namer.next_id("norm"), "norm", [call], facts),
                    ]
                return [*below, self._namer.seat(self._namer.next_id("dense"), "dense", [call], {})]
        step = made.step
        if step is None:
            raise Unexplained("it can't be followed down to the embeddings")
        if step.did == "same":
            return self.back(step.of[0], depth + 1)
        if step.did == "times" and isinstance(step.detail, (int, float)):
            below = self.back(step.of[0], depth + 1)
            last = below[-1]
            factor = float(step.detail)
            if len(below) == 1 and last.box.kind == "embedding" and last.gives is not None:
                gives = Tap(last.gives.path, last.gives.turn, factor=factor * last.gives.factor)
                facts = {**last.box.facts, "factor": factor}
                return [Seat(_with(last.box, facts=facts), gives, None, calls=last.calls)]
            return [*below, self._scale(key, factor)]
        if step.did == "add":
            return self._sum(step.of, depth)
        raise Unexplained("functions made it")

    def _sum(self, of: Sequence[Key], depth: int) -> list[Seat]:
        """Return the boxes of a sum: what has the tokens' embeddings, then what is added to it."""
        main: list[Seat] | None = None
        added: list[Seat] = []
        for key in of:
            try:
                boxes = self.back(key, depth + 1)
            except Unexplained:
                boxes = [self._fixed(key)]
            if any(seat.box.kind == "embedding" for seat in boxes):
                if main is not None:
                    raise Unexplained("two embeddings of the tokens are added up")
                main = boxes
            elif all(seat.box.kind in ("types", "positions") for seat in boxes):
                added += boxes
            else:
                raise Unexplained("something else is added to the embeddings")
        return [*(main or []), *added]

    def _looked_up(self, call: Call, key: Key) -> Seat:
        """Return an embedding: of tokens, of their types, or of positions."""
        ids = torch.zeros(0) if call.ids is None else call.ids.reshape(-1)
        rows = getattr(getattr(call.module, "weight", None), "shape", (0,))[0]
        name = f"{call.path.rpartition('.')[2]} {type(call.module).__name__}".lower()
        is_tokens = ids.shape == self._ids.reshape(-1).shape and torch.equal(
            ids, self._ids.reshape(-1)
        )
        counts_on = len(ids) == self._tokens and bool((ids.diff() == 1).all())
        if "pos" in name or (counts_on and not is_tokens):
            facts = {"how": self._how(key, call.module), "rows": rows}
            return self._seat("positions", call, facts)
        if is_tokens and not any(word in name for word in ("type", "segment")):
            facts = {"vocabulary": rows}
            factor = next((getattr(call.module, one, None) for one in _FACTORS), None)
            if factor is not None:
                facts["factor"] = float(factor)
            return self._seat("embedding", call, facts)
        if any(word in name for word in ("type", "segment")):
            return self._seat("types", call, {"rows": rows})
        raise Unexplained("an embedding is of something else than tokens, types and positions")

    def _seat(self, kind: BoxKind, call: Call, facts: dict[str, Any]) -> Seat:
        seat = self._namer.seat(self._namer.next_id(kind), kind, [call], facts)
        return Seat(_with(seat.box, takes=None), seat.gives, calls=seat.calls)

    def _fixed(self, key: Key) -> Seat:
        """Return positions that no module makes, if they are waves."""
        value = self._ledger.value(key)
        if key[1] % self._tokens or not _are_waves(value.reshape(self._tokens, -1)):
            raise Unexplained("something else is added to the embeddings")
        width = key[1] // self._tokens
        box_id = self._namer.next_id("positions")
        return Seat(
            Box(box_id, "positions", gives=width, facts={"how": "sinusoidal", "rows": None})
        )

    def _how(self, key: Key, module: nn.Module) -> How:
        value = self._ledger.value(key)
        if value.numel() % self._tokens == 0 and _are_waves(value.reshape(self._tokens, -1)):
            return "sinusoidal"
        return "learned" if next(module.parameters(), None) is not None else "unknown"

    def _scale(self, key: Key, factor: float) -> Seat:
        width = key[1] // self._tokens
        box_id = self._namer.next_id("scale")
        return Seat(Box(box_id, "scale", takes=width, gives=width, facts={"factor": factor}))


def after_blocks(
    ledger: Ledger, namer: Namer, begin: Key, end: Key, vocabulary: int, tokens: int
) -> list[Seat]:
    """Return the boxes from the last block to the model's output.

    Parameters
    ----------
    vocabulary
        How many logits there are; 0 where the output isn't logits.

    Raises
    ------
    Unexplained
        Where that can't be followed.
    """
    return _After(ledger, namer, begin, vocabulary, tokens).seats(end)


class _After:
    def __init__(
        self, ledger: Ledger, namer: Namer, begin: Key, vocabulary: int, tokens: int
    ) -> None:
        self._ledger = ledger
        self._namer = namer
        self._begin = begin
        self._vocabulary = vocabulary
        self._tokens = tokens

    def seats(self, end: Key) -> list[Seat]:
        """Name what makes the output of what the last block gives."""
        found: list[Seat] = []
        facts: dict[str, Any] = {}
        width = self._begin[1] // self._tokens
        for what, detail, key in self._back(end, 0):
            last = found[-1] if found else None
            is_after = last is not None and last.box.kind == "unembedding"
            if what == "norm":
                name = "final_norm" if not found else self._namer.next_id("head_norm")
                found.append(
                    self._namer.seat(
                        self._prefixed(name), "norm", [detail], norm_facts(self._ledger, detail)
                    )
                )
            elif what == "linear":
                found.append(self._linear(detail))
            elif what == "bent" and not is_after:
                name = self._prefixed(self._namer.next_id("head_activation"))
                box = Box(
                    name, "activation", takes=width, gives=width, facts={"activation": detail}
                )
                found.append(Seat(box, None, None))
            elif what == "times" and not is_after:
                scale = self._namer.next_id("head_scale")
                box = Box(
                    self._prefixed(scale),
                    "scale",
                    takes=width,
                    gives=width,
                    facts={"factor": detail},
                )
                found.append(Seat(box, None, None))
            elif is_after and what in ("times", "bent", "bias"):
                facts.setdefault("then", []).append([what, detail])
            else:
                raise Unexplained("a bias is added behind the last block")
            width = key[1] // self._tokens
        if found and "then" in facts:
            last = found[-1]
            found[-1] = Seat(
                _with(last.box, facts={**last.box.facts, **_read(facts["then"])}),
                last.gives,
                last.takes,
                calls=last.calls,
            )
        return found

    def _prefixed(self, name: str) -> str:
        return name

    def _linear(self, call: Call) -> Seat:
        assert call.made is not None
        gives = call.made[1] // self._tokens
        if self._vocabulary and gives >= self._vocabulary:
            bias = getattr(call.module, "bias", None) is not None
            facts: dict[str, Any] = {"vocabulary": gives, "bias": bias}
            return self._namer.seat("unembedding", "unembedding", [call], facts)
        name = self._prefixed(self._namer.next_id("head_dense"))
        return self._namer.seat(name, "dense", [call], {})

    def _back(self, key: Key, depth: int) -> list[tuple[str, Any, Key]]:
        if key == self._begin:
            return []
        if depth > _DEEPEST:
            raise Unexplained("it is too deep")
        made = self._ledger.made(key)
        for call in made.calls:
            if has_weights(call) and call.received is not None and call.received != key:
                if not _is_plain(call):
                    continue
                what = "norm" if is_norm(call) else "linear"
                if what == "linear" and not is_linear(call.module):
                    name = type(call.module).__name__
                    raise Unexplained("{name} is behind the last block", name=name)
                return [*self._back(call.received, depth + 1), (what, call, key)]
        for call in made.calls:
            if is_activation(call) and call.received is not None and call.received != key:
                below = self._back(call.received, depth + 1)
                return [*below, ("bent", activation_of(call), key)]
        step = made.step
        if step is None:
            raise Unexplained("what is behind the last block can't be followed")
        if step.did == "same":
            return self._back(step.of[0], depth + 1)
        if step.did == "times" and isinstance(step.detail, (int, float)):
            return [*self._back(step.of[0], depth + 1), ("times", float(step.detail), key)]
        if step.did == "bent":
            return [*self._back(step.of[0], depth + 1), ("bent", step.detail, key)]
        if step.did == "add" and min(step.of[0][1], step.of[1][1]) * self._tokens <= key[1]:
            one, other = sorted(step.of, key=lambda item: item[1])
            if one[1] != other[1]:
                return [*self._back(other, depth + 1), ("bias", None, key)]
        raise Unexplained("functions made the output")


def _is_plain(call: Call) -> bool:
    return is_norm(call) or not list(call.module.children())


def _are_waves(rows: torch.Tensor) -> bool:
    """Return whether vectors (positions, width) are sines and cosines: all of one known length."""
    wanted = (rows.shape[-1] / 2) ** 0.5
    return bool(((rows.float().norm(dim=-1) - wanted).abs() < 1e-2 * wanted).all())


def _read(then: list[list[Any]]) -> dict[str, Any]:
    """Return what is done to logits, in words of facts: a factor, a soft cap, a bias."""
    kinds = [what for what, _ in then]
    facts: dict[str, Any] = {"bias": True} if "bias" in kinds else {}
    rest = [(what, detail) for what, detail in then if what != "bias"]
    if [what for what, _ in rest][-3:] == ["times", "bent", "times"] and rest[-2][1] == "tanh":
        facts["softcap"] = rest[-1][1]
        rest = rest[:-3]
    if any(what == "bent" for what, _ in rest):
        raise Unexplained("logits are bent")
    factor = 1.0
    for _, detail in rest:
        factor *= detail
    return facts if factor == 1 else {**facts, "factor": factor}


def _with(box: Box, **changed: Any) -> Box:
    from dataclasses import replace

    return replace(box, **changed)
