"""What one box does to one token: what it shows when it is opened in its place."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from llmscope.analysis.structure.biases import alibi_in_place, relative_in_place, table_of
from llmscope.analysis.structure.boxes import no_block
from llmscope.analysis.structure.neurons import listed, mlp_in_place
from llmscope.analysis.structure.norms import normalised
from llmscope.analysis.structure.rotation import frequencies_of, rotary_in_place, unturned
from llmscope.analysis.structure.router import router_in_place
from llmscope.analysis.structure.vocabulary import (
    NoVocabulary,
    beyond,
    treatment,
    vocabulary_of,
)
from llmscope.capture.attention import Attention
from llmscope.capture.rows import Place
from llmscope.capture.tensors import to_numpy
from llmscope.words import refused, say

if TYPE_CHECKING:
    import torch
    from torch import nn

    from llmscope.analysis.structure.naming import Seat
    from llmscope.analysis.structure.neurons import Labels
    from llmscope.analysis.structure.numbers import TokenNumbers
    from llmscope.capture.recording import Recording

NEAREST = 10  # tokens to an embedding
_ID = re.compile(r"(?:encoder\.)?(?:block\.(\d+)\.)?([a-z][a-z0-9_]*)")


class Opener:
    """Opens boxes at one token.

    Parameters
    ----------
    recording
        The pass.
    numbers
        The numbers of the token.
    labels
        What tokens are called.
    """

    def __init__(self, recording: Recording, numbers: TokenNumbers, labels: Labels) -> None:
        self._recording = recording
        self._numbers = numbers
        self._labels = labels
        self._model: nn.Module = recording.runner.model

    def open(self, box_id: str, head: int = 0) -> dict[str, Any]:
        """Return what a box does to the token.

        Raises
        ------
        ValueError
            When there is no such box, or it can't be opened: the message says why.
        IndexError
            When there is no such block or head.
        """
        block, name = self._place(box_id)
        if name in ("rotary", "alibi", "relative") and block is not None:
            return self._position(block, name, head)
        seat = self._seat(block, name, box_id)
        numbers, kind = self._numbers, seat.box.kind
        if kind == "mlp" and block is not None:
            return mlp_in_place(self._model, numbers, block, seat, self._labels)
        if kind == "moe" and block is not None:
            return self._mixture(block, seat)
        if kind == "norm":
            return self._norm(seat)
        if kind == "embedding":
            return self._embedding(seat)
        if kind == "positions":
            return self._positions(seat)
        if kind == "heads":
            return self._heads(seat)
        return {
            "kind": "plain",
            "before": point("before", numbers.vector(seat.takes)),
            "after": point("after", numbers.vector(seat.gives)),
        }

    def _place(self, box_id: str) -> tuple[int | None, str]:
        found = _ID.fullmatch(box_id)
        if found is None:
            raise refused("There is no box {box!r}.", box=box_id)
        return None if found[1] is None else int(found[1]), found[2]

    def _seat(self, block: int | None, name: str, box_id: str) -> Seat:
        tower = self._numbers.tower
        prefix = "encoder." if tower.tower.tower == "encoder" else ""
        if block is None:
            seats = {**tower.before, **tower.after}
            seat = seats.get(f"{prefix}{name}")
        else:
            if block >= len(tower.blocks):
                raise no_block(block, len(tower.blocks))
            seats = tower.blocks[block].seats
            seat = seats.get(name)
        if seat is None:
            known = ", ".join(seats)
            raise refused("There is no box {box!r}; there are {known}.", box=box_id, known=known)
        return seat

    # ── kinds ────────────────────────────────────────────────────────────────────────────────

    def _mixture(self, block: int, seat: Seat) -> dict[str, Any]:
        found = router_in_place(self._numbers, seat)
        if found is None:
            raise refused("What the router of {name} chooses can't be seen.", name=seat.box.module)
        made = self._numbers.vector(seat.gives)
        found |= {"top": None, "bottom": None}
        try:
            vocabulary = vocabulary_of(self._model, self._numbers)
            if made is None:
                return {**found, "treatment": treatment(vocabulary)}
            through = beyond(self._model, self._numbers, block, seat.box.id, made[None])
            gains = vocabulary.read(through)
            found["top"] = listed(gains, self._labels)[0]
            found["bottom"] = listed(gains, self._labels, largest=False)[0]
            return {**found, "treatment": treatment(vocabulary)}
        except NoVocabulary as error:
            return {**found, "treatment": str(error)}

    def _norm(self, seat: Seat) -> dict[str, Any]:
        facts = seat.box.facts
        before, after = self._numbers.vector(seat.takes), self._numbers.vector(seat.gives)
        if before is None or after is None:
            raise refused("What goes through this norm isn't seen.")
        module: Any = self._model.get_submodule(seat.calls[0][0])
        how, epsilon = facts["how"], facts["epsilon"]
        known = how != "other"
        plain = normalised(before.float(), how, epsilon) if known else None
        deviation = before.float() - before.float().mean()
        weight, bias = getattr(module, "weight", None), getattr(module, "bias", None)
        return {
            "kind": "norm",
            "how": how,
            "mean": float(before.float().mean()) if how == "layer" else None,
            "variance": float(deviation.square().mean()) if how == "layer" else None,
            "rms": float(before.float().square().mean().sqrt()) if how == "rms" else None,
            "epsilon": epsilon,
            "before": to_numpy(before),
            "normalised": None if plain is None else to_numpy(plain),
            "after": to_numpy(after),
            "weight": None if weight is None or weight.ndim != 1 else to_numpy(weight),
            "bias": None if bias is None or bias.ndim != 1 else to_numpy(bias),
            "offset": facts["offset"],
        }

    def _embedding(self, seat: Seat) -> dict[str, Any]:
        vector = self._numbers.vector(seat.gives)
        module: Any = self._model.get_submodule(seat.calls[0][0])
        weight = getattr(module, "weight", None)
        if vector is None or weight is None or weight.shape[-1] != len(vector):
            raise refused("The table of this embedding isn't seen.")
        rows = weight.detach().float()
        sizes = rows.norm(dim=-1).clamp_min(1e-12) * vector.float().norm().clamp_min(1e-12)
        cosines = rows @ vector.float() / sizes
        found = cosines.topk(min(NEAREST + 1, len(cosines)))
        own = self._own_id()
        kept = [n for n, one in enumerate(found.indices.tolist()) if one != own][:NEAREST]
        ids = found.indices[kept]
        return {
            "kind": "embedding",
            "vector": point("vector", vector),
            "ids": ids.int().cpu().numpy(),
            "labels": self._labels(ids.tolist()),
            "cosines": to_numpy(found.values[kept]),
        }

    def _own_id(self) -> int:
        is_encoder = self._numbers.tower.tower.tower == "encoder"
        ids = self._recording.source_ids if is_encoder else self._recording.ids
        return ids[self._numbers.position]

    def _positions(self, seat: Seat) -> dict[str, Any]:
        vector = self._numbers.vector(seat.gives)
        if vector is None or seat.gives is None:
            raise refused("What is added for this position isn't seen.")
        every = self._numbers.rows.whole.get(Place(seat.gives.path, seat.gives.turn))
        rows = vector[None] if every is None else every
        sizes = rows.float().norm(dim=-1).clamp_min(1e-12) * vector.float().norm().clamp_min(1e-12)
        return {
            "kind": "positions",
            "how": seat.box.facts["how"],
            "row": self._row_of(seat, vector),
            "vector": point("vector", vector),
            "cosines": to_numpy(rows.float() @ vector.float() / sizes),
        }

    def _row_of(self, seat: Seat, vector: torch.Tensor) -> int | None:
        """Return the row of its table that is added for the token."""
        weight: Any = getattr(self._model.get_submodule(seat.calls[0][0]), "weight", None)
        if weight is None or weight.ndim != 2 or weight.shape[-1] != len(vector):
            return None
        same = (weight.detach() == vector).all(-1).nonzero()
        return int(same[0]) if len(same) else None

    def _heads(self, seat: Seat) -> dict[str, Any]:
        before, after = self._numbers.vector(seat.takes), self._numbers.vector(seat.gives)
        if before is None or after is None:
            raise refused("What goes into these heads isn't seen.")
        heads, lengths = seat.box.facts.get("heads"), np.zeros(0, dtype=np.float32)
        if heads and not seat.box.facts.get("whole") and len(after) % heads == 0:
            lengths = to_numpy(after.reshape(heads, -1).float().norm(dim=-1))
        return {
            "kind": "heads",
            "before": point("before", before),
            "after": point("after", after),
            "lengths": lengths,
        }

    # ── positions in attention ───────────────────────────────────────────────────────────────

    def _position(self, block: int, how: str, head: int) -> dict[str, Any]:
        tower = self._numbers.tower
        if block >= len(tower.blocks):
            raise no_block(block, len(tower.blocks))
        seats = tower.blocks[block].seats
        heads = [s for n, s in seats.items() if s.box.kind == "heads" and "cross" not in n]
        if not heads:
            raise refused("Block {block} has no heads.", block=block)
        count = heads[0].box.facts.get("heads") or 1
        if not 0 <= head < count:
            raise IndexError(
                say("There is no head {head}: there are {count}.", head=head, count=count)
            )
        position = self._numbers.position
        found: dict[str, Any] | None = None
        if how == "rotary":
            found = self._rotary(heads[0], head)
        elif how == "alibi":
            found = alibi_in_place(self._recording, head, position)
        else:
            tokens = self._recording.forward.lengths[tower.tower.tower == "encoder"]
            for read in tower.blocks:  # the first one's table is for all
                module = self._model.get_submodule(read.path)
                tables = [one for one in module.modules() if table_of(one) is not None]
                if tables:
                    found = relative_in_place(tables[0], head, position, tokens)
                    break
        if found is None:
            raise refused("How block {block} knows where a token is can't be opened.", block=block)
        kv_heads = heads[0].box.facts.get("kv_heads") or count
        return {**found, "head": head, "kv_head": head * kv_heads // count}

    def _rotary(self, seat: Seat, head: int) -> dict[str, Any] | None:
        facts, position = seat.box.facts, self._numbers.position
        attention = self._recording.attention.get(facts["kind"], {}).get(facts["layer"])
        if not isinstance(attention, Attention):
            return None
        call = attention.call
        vectors = [
            self._numbers.vector(tap) for n, tap in seat.extra.items() if n.startswith("in.")
        ]
        kv_head = head * call.key.shape[1] // call.query.shape[1]
        keys = call.key[0, kv_head]
        if position >= len(keys) or call.query.shape[2] != call.key.shape[2]:
            return None
        query = call.query[0, head, position]
        seen = [one for one in vectors if one is not None]
        if position == 0:
            ways = self._numbers.tower.tower.positions
            rotary = next((one.facts for one in ways if one.how == "rotary"), {})
            return unturned(query, keys[0], frequencies_of(self._model), rotary)
        return rotary_in_place(seen, query, keys[position], frequencies_of(self._model), position)


def point(at: str, vector: torch.Tensor | None) -> dict[str, Any] | None:
    """Return a vector (width,) with its length, as answers have it."""
    if vector is None:
        return None
    values = to_numpy(vector)
    return {"at": at, "length": float(np.linalg.norm(values.astype(np.float64))), "values": values}
