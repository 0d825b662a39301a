"""Find a model's towers in what was noted of a pass: blocks, what is below and above them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch

from llmscope.analysis.structure.blocks import ReadBlock, Reading, ReadTower, folded, located
from llmscope.analysis.structure.boxes import Box, Stage, Tower
from llmscope.analysis.structure.ends import after_blocks, before_blocks
from llmscope.analysis.structure.flow import BlockFlow, Flow, Unexplained
from llmscope.analysis.structure.naming import Heads, Known, Namer, Seat
from llmscope.analysis.structure.positions import PositionReader
from llmscope.analysis.structure.structure import Structure
from llmscope.capture.attention import Attention, OutputAttention
from llmscope.capture.hooks import AttentionCall
from llmscope.capture.ledger import Call, Key, Ledger, first_of
from llmscope.capture.stream import outermost
from llmscope.capture.tensors import close
from llmscope.words import later

if TYPE_CHECKING:
    from llmscope.capture.recording import Recording
    from llmscope.capture.runner import Runner
    from llmscope.shared import Kind
    from llmscope.shared import Tower as TowerName

_RELATIVE = "relative_attention_bias"


class TowerReader:
    """Reads towers of what was noted in a pass."""

    def __init__(
        self,
        runner: Runner,
        recording: Recording,
        ledger: Ledger,
        calls: Sequence[AttentionCall],
        inputs: dict[str, torch.Tensor],
    ) -> None:
        self._runner = runner
        self._recording = recording
        self._model: Any = runner.model
        self._ledger = ledger
        self._calls = calls
        self._inputs = inputs
        self._heads = _heads_by_call(recording)
        self._mixing: dict[Any, bool] = {}
        self._used: dict[int, str] = {}

    def reading(self) -> Reading:
        """Return all that is understood."""
        name = type(self._model).__name__
        counted = sum(p.numel() for p in self._model.parameters())
        try:
            towers = tuple(self._tower(*one) for one in self._stacks())
        except Unexplained as error:
            why = later(
                "What {name} does can't be followed: {reason}.", name=name, reason=error.reason
            )
            whole = Box("model", "unknown", "", name, (), counted, facts={"why": why})
            return Reading(Structure(name, counted, (), whole))
        return Reading(Structure(name, counted, tuple(one.tower for one in towers)), towers)

    # ── towers ───────────────────────────────────────────────────────────────────────────────

    def _stacks(self) -> list[tuple[TowerName, list[Call], Call]]:
        """Return each tower's blocks, and the call whose output is above them."""
        model: Any = self._model
        root = next(call for call in self._ledger.calls if call.path == "")
        listed = outermost(model)
        blocks = [call for call in self._ledger.calls if call.path in listed]
        if not getattr(model.config, "is_encoder_decoder", False):
            return [("self", _chained(blocks), root)]
        encoder = next(n for n, m in model.named_modules() if m is model.get_encoder())
        inside = [call for call in blocks if call.path.startswith(f"{encoder}.")]
        others = [call for call in blocks if not call.path.startswith(f"{encoder}.")]
        above = next((call for call in self._ledger.calls if call.path == encoder), None)
        if above is None:
            raise Unexplained("its encoder isn't called")
        return [("encoder", _chained(inside), above), ("self", _chained(others), root)]

    def _tower(self, tower: TowerName, calls: list[Call], above: Call) -> ReadTower:
        first, last = calls[0], calls[-1]
        ids = self._inputs["input_ids"]
        if tower == "self" and "decoder_input_ids" in self._inputs:
            ids = self._inputs["decoder_input_ids"]
        tokens = self._tokens(first, ids.shape[1])
        prefix = "encoder." if tower == "encoder" else ""
        namer = self._namer("", tokens, prefix, self._used)
        assert first.received is not None
        assert last.made is not None
        before = self._before(namer, first.received, ids, tokens, prefix)
        blocks = [self._block(call, number, tokens) for number, call in enumerate(calls)]
        positions = PositionReader(self._model, self._ledger, self._calls, tokens)
        is_told = any(seat.box.kind in ("positions", "unknown") for seat in before)
        blocks = [
            located(block, positions.of_block(call.module, block.seats, is_told))
            for block, call in zip(blocks, calls, strict=True)
        ]
        after = self._after(namer, last.made, above, tower, tokens, prefix)
        made = Tower(
            tower,
            first.received[1] // tokens,
            tuple(seat.box for seat in before),
            tuple(folded(blocks)),
            tuple(seat.box for seat in after),
            positions.of_tower(prefix, before, [block.seats for block in blocks]),
        )
        return ReadTower(
            made,
            tuple(blocks),
            {seat.box.id: seat for seat in before},
            {seat.box.id: seat for seat in after},
        )

    def _tokens(self, first: Call, given: int) -> int:
        """Return how many positions a tower has: some are padded, or have others before them."""
        assert first.received is not None
        shape = self._ledger.value(first.received).shape
        if given not in shape[:-1] and shape[0] != given:
            raise Unexplained("its positions aren't those of the text")
        return given

    def _before(
        self, namer: Namer, begin: Key, ids: torch.Tensor, tokens: int, prefix: str
    ) -> list[Seat]:
        vocabulary = self._model.config.get_text_config().vocab_size
        text = Seat(Box(f"{prefix}tokens", "tokens", facts={"vocabulary": vocabulary}))
        try:
            return [text, *before_blocks(self._ledger, namer, begin, ids, tokens)]
        except Unexplained as error:
            width = begin[1] // tokens
            facts = {
                "why": later(
                    "What is below the blocks isn't understood: {reason}.", reason=error.reason
                )
            }
            return [text, Seat(Box(f"{prefix}input", "unknown", gives=width, facts=facts))]

    def _after(
        self, namer: Namer, begin: Key, above: Call, tower: TowerName, tokens: int, prefix: str
    ) -> list[Seat]:
        head = self._runner.head.exists and tower == "self"
        vocabulary = self._model.config.get_text_config().vocab_size if head else 0
        assert above.made is not None
        found: list[Seat]
        try:
            found = after_blocks(self._ledger, namer, begin, above.made, vocabulary, tokens)
        except Unexplained as error:
            gives = above.made[1] // tokens
            facts = {
                "why": later(
                    "What is above the blocks isn't understood: {reason}.", reason=error.reason
                )
            }
            found = [Seat(Box("end", "unknown", gives=gives, facts=facts))]
        found = [
            Seat(replace(s.box, id=f"{prefix}{s.box.id}"), s.gives, s.takes, s.extra, s.calls)
            if not s.box.id.startswith(prefix) or not prefix
            else s
            for s in found
        ]
        if head:
            softmax = Box("softmax", "softmax", takes=vocabulary, gives=vocabulary)
            found.append(Seat(softmax))
        return found

    # ── blocks ───────────────────────────────────────────────────────────────────────────────

    def _block(self, call: Call, number: int, tokens: int) -> ReadBlock:
        module = type(call.module).__name__
        counted = sum(p.numel() for n, p in call.module.named_parameters() if _RELATIVE not in n)
        used = self._used if call.turn == 0 else {}  # a block that runs again is no other one
        namer = self._namer(call.path, tokens, "", used, number)
        try:
            flows = BlockFlow(self._ledger, call).stages()
            self._check(flows)
            stages, seats = self._stages(flows, namer)
        except Unexplained as error:
            namer = self._namer(call.path, tokens, "", {}, number)
            why = later(
                "What {name} does can't be followed: {reason}.", name=module, reason=error.reason
            )
            seat = namer.unknown([call], why)
            seat = Seat(replace(seat.box, id="whole", path=""), seat.gives, seat.takes)
            stages, seats = (Stage(adds=False, whole=seat.box),), {"whole": seat}
            return ReadBlock(call.path, call.turn, module, stages, seats, counted, why)
        return ReadBlock(call.path, call.turn, module, stages, seats, counted)

    def _check(self, flows: Sequence[Flow]) -> None:
        """Raise Unexplained unless the numbers add up."""
        for flow in flows:
            if not flow.adds:
                continue
            value = self._ledger.value
            after, before = value(flow.total), value(flow.before)
            total = before.reshape(after.shape)
            for branch in flow.summands:
                total = total + value(branch).reshape(after.shape)
            if not close(total, after):
                raise Unexplained("its parts don't add up to what it gives")

    def _stages(
        self, flows: Sequence[Flow], namer: Namer
    ) -> tuple[tuple[Stage, ...], dict[str, Seat]]:
        seats: dict[str, Seat] = {}
        stages: list[Stage] = []

        def boxes(found: Sequence[Seat]) -> tuple[Box, ...]:
            seats.update({seat.box.id: seat for seat in found})
            return tuple(seat.box for seat in found)

        for flow in flows:
            branches, shared = [*flow.branches], 0
            if len(branches) > 1:
                while all(
                    len(units) > shared + 1
                    and units[shared].call is not None
                    and units[shared].call is branches[0][shared].call
                    and units[shared].what == branches[0][shared].what
                    for units in branches
                ):
                    shared += 1
            both = boxes(namer.seats(branches[0][:shared]))
            # Attention first, as in other models.
            ordered = [namer.seats(units[shared:]) for units in branches]
            ordered.sort(key=lambda found: all(seat.box.kind != "heads" for seat in found))
            made = tuple(boxes(found) for found in ordered)
            after = boxes(namer.seats(flow.norms))
            if any(not branch for branch in made):
                raise Unexplained("the stream is added to itself")
            stages.append(Stage(made, both, after, flow.adds))
        return tuple(stages), seats

    # ── what is known of modules ─────────────────────────────────────────────────────────────

    def _namer(
        self, root: str, tokens: int, prefix: str, used: dict[int, str], number: int = 0
    ) -> Namer:
        def attends(call: Call) -> Heads | None:
            return self._known_heads(call, number)

        def returned(width: int) -> Heads | None:
            return self._returned_heads(number, width)

        know = Known(attends, returned, self._mixes)
        return Namer(self._ledger, root, know, tokens, prefix, used)

    def _known_heads(self, call: Call, number: int) -> Heads | None:
        found = self._heads.get(id(call.module))
        if found:
            return found[min(call.turn, len(found) - 1)]
        return None

    def _returned_heads(self, number: int, width: int) -> Heads | None:
        """Return what is known of heads whose weights the model returns."""
        kind: Kind = "self"
        attention = self._recording.attention.get(kind, {}).get(number)
        if not isinstance(attention, OutputAttention):
            return None
        heads = attention.heads
        return Heads(kind, number, heads, heads, width // heads, None)

    def _mixes(self, call: Call) -> bool:
        """Return whether a token's numbers depend on others', by running a module again."""
        if call.received is None or call.made is None:
            return False
        kind = (type(call.module), call.path.rpartition(".")[2])
        if kind not in self._mixing:
            self._mixing[kind] = _mixes(self._ledger, call)
        return self._mixing[kind]


def _mixes(ledger: Ledger, call: Call) -> bool:
    given = first_of([*call.args, *call.kwargs.values()], True)
    if given is None or call.made is None or given.ndim < 2:
        return True
    along = max(range(given.ndim - 1), key=lambda n: given.shape[n])
    turned = given.flip(along)
    args = [turned if one is given else one for one in call.args]
    kwargs = {name: turned if one is given else one for name, one in call.kwargs.items()}
    try:
        again = first_of([call.module(*args, **kwargs)], True)
    except Exception:  # it is the way that modules refuse what they aren't made for
        return True
    made = ledger.value(call.made)
    if again is None or again.numel() != made.numel():
        return True
    return not close(again.flip(min(along, again.ndim - 2)).reshape(made.shape), made)


def _chained(calls: Sequence[Call]) -> list[Call]:
    """Return the calls of modules of which each takes what the one before gave."""
    chains: list[list[Call]] = []
    for call in calls:
        if call.received is None or call.made is None:
            continue
        if chains and chains[-1][-1].made == call.received:
            chains[-1].append(call)
        else:
            chains.append([call])
    if not chains:
        raise Unexplained("it has no blocks that take what the one before gave")
    longest = max(chains, key=len)
    lists = {call.path.rpartition(".")[0] for call in longest}
    if any(
        c.path.rpartition(".")[0] in lists
        for chain in chains
        if chain is not longest
        for c in chain
    ):
        raise Unexplained("something is between its blocks")
    return longest


def _heads_by_call(recording: Recording) -> dict[int, list[Heads]]:
    """Return what is known of attention modules' heads, by module and call."""
    found: dict[int, list[tuple[int, Heads]]] = {}
    for kind in recording.attention:
        for layer in recording.layers(kind):
            attention = recording.layer(layer, kind)
            if isinstance(attention, Attention):
                call = attention.call
                heads, kv_heads, _, _ = call.sizes
                window = call.kwargs.get("sliding_window")
                size = call.value.shape[-1]
                one = Heads(kind, layer, heads, kv_heads, size, window)
                found.setdefault(id(call.module), []).append((attention.order, one))
    return {
        key: [one for _, one in sorted(many, key=lambda x: x[0])] for key, many in found.items()
    }
