"""What is kept of a model at one step: each probe is read by one pass, and reduced to arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from llmscope.analysis.head_scores import overview_of
from llmscope.analysis.matrices import layer_stack, layers_stack
from llmscope.capture import Recording
from llmscope.export.encoding import coded, summarised
from llmscope.kernel.tiles import shades
from llmscope.shared import SCORES, Kind
from llmscope.trace import Trace
from llmscope.training.head_run import NotFinite, Rows, Said, said_of
from llmscope.training.probe import Probe, described, prepared
from llmscope.training.streams import Streams, normed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import torch
    from numpy.typing import NDArray

    from llmscope.scope import Scope

    Arrays = dict[str, NDArray[Any]]
    Head = tuple[int, int]

MOST_WEIGHTS = 2**16  # of one kind of attention, up to which all heads are kept in full
_FEWEST = 8  # heads that are kept of longer probes
_WEIGHTS = 2**22  # of one kind of attention, in memory at once


def measure(scope: Scope, probers: Sequence[Prober]) -> list[Arrays]:
    """Read all probes by a pass of each, and return what is kept of them, by name.

    Raises
    ------
    NotFinite
        When a number of the model's is infinite, or none.
    """

    def run() -> list[Arrays]:
        found = [prober.read() for prober in probers]
        rows = {number: rows for number, (_, rows) in enumerate(found) if rows is not None}
        said = dict(zip(rows, said_of(scope, [*rows.values()]), strict=True)) if rows else {}
        return [
            arrays | (prober.predicted(said[number]) if number in said else {})
            for number, (prober, (arrays, _)) in enumerate(zip(probers, found, strict=True))
        ]

    return scope.runner.undisturbed(run)


class Prober:
    """A probe, and how its numbers are read.

    Parameters
    ----------
    scope
        The model.
    given
        The probe.
    positions
        Where the next token is kept; `None` is the default.
    heads
        Heads that are kept in full; `None` for all, or the telling ones of a long probe.

    Attributes
    ----------
    probe
        What is known of it.
    notes
        In sentences, what can't be kept as it was asked for.
    """

    def __init__(
        self,
        scope: Scope,
        given: Any,
        positions: Iterable[int] | None,
        heads: Iterable[Head] | None,
    ) -> None:
        self._scope = scope
        self._given, note = prepared(scope, given)
        self.notes = [note] if note else []
        self._streams = Streams(scope.runner)
        trace = self._trace()
        self.probe: Probe = described(trace, given, positions)
        self._chosen = self._check(trace, heads)
        self._telling: dict[Kind, list[Head]] = {}
        if trace.why_no_attention:
            self.notes.append(trace.why_no_attention)
        if self.probe.positions and scope.runner.head.exists:
            why = scope.runner.undisturbed(lambda: self._streams.learn(trace.recording))
            self.notes += [why] if why else []

    # ── one pass ─────────────────────────────────────────────────────────────────────────────

    def _trace(self) -> Trace:
        runner, inputs = self._scope.runner, self._inputs()
        forward = runner.undisturbed(lambda: runner.record(inputs))
        return Trace(self._scope, self._given, Recording(runner, inputs, forward))

    def _inputs(self) -> dict[str, torch.Tensor]:
        from llmscope.capture.wrappers import main_device

        device = main_device(self._scope.model)
        return {name: item.to(device) for name, item in self._given.inputs.items()}

    def read(self) -> tuple[Arrays, Rows | None]:
        """Run the model, which must be undisturbed.

        Returns
        -------
        arrays
            What is kept of attention.
        rows
            What the head is to be asked for; `None` where there is no head.

        Raises
        ------
        NotFinite
            When a weight is none.
        """
        lens = self._streams.final is not None and bool(self.probe.positions)
        recording, states = self._streams.run(self._inputs(), lens)
        arrays: Arrays = {}
        for kind in self.probe.kinds:
            found = self._attended(recording, kind)
            arrays |= {f"{kind}.{name}": item for name, item in found.items()}
        return arrays, self._rows(recording, states) if self._scope.runner.head.exists else None

    # ── what the head says ───────────────────────────────────────────────────────────────────

    def _rows(self, recording: Recording, states: list[torch.Tensor]) -> Rows:
        """Return the rows of the chain, of the next token, and of the lens, in this order."""
        import torch

        positions, hidden = [*self.probe.positions], recording.forward.hidden
        targets = [] if self._scope.runner.family == "masked" else recording.ids[1:]
        kept = range(len(targets), len(targets) + len(positions))
        whole = recording.forward.logits
        if whole is not None:
            return Rows(whole[[*range(len(targets)), *positions]], True, targets, kept)
        ends = normed(states, self._streams.final or (), positions)
        rows = torch.cat([hidden[: len(targets)], hidden[positions], *ends])
        return Rows(rows, False, targets, kept)

    def predicted(self, said: Said) -> Arrays:
        """Return the chain, the next token and the lens."""
        arrays: Arrays = {}
        if len(said.ranks):
            arrays |= {"logprobs": said.logprobs, "ranks": said.ranks}
        if said.kept:
            arrays |= summarised(said.kept)._asdict()
        if len(said.best) > len(said.ranks) + len(said.kept):
            # The model's own answer is the last row; in `said` it comes before the other layers.
            for name, item in (("lens_logprobs", said.best), ("lens_ids", said.best_ids)):
                rows = item[len(said.ranks) :].reshape(-1, len(said.kept))
                arrays[name] = np.roll(rows, -1, axis=0).T.copy()
        return arrays

    # ── attention ────────────────────────────────────────────────────────────────────────────

    def _attended(self, recording: Recording, kind: Kind) -> Arrays:
        """Return scores of all heads of a kind, and matrices or thumbnails."""
        layers, most, queries, keys = self.probe.kinds[kind]
        scores = np.full((len(SCORES), len(layers), most), np.nan, np.float32)
        pictures: list[NDArray[np.uint8]] = []
        counts = [recording.layer(layer, kind).heads for layer in layers]
        at_once = max(1, _WEIGHTS // (most * queries * keys))
        for first in range(0, len(layers), at_once):
            group = layers[first : first + at_once]
            stack = layers_stack([recording.layer(layer, kind) for layer in group])
            thumbnails, found = overview_of(stack, recording, group, kind)
            if not np.isfinite(thumbnails).all():
                raise NotFinite
            pictures.append(shades(thumbnails))
            ends = np.cumsum(counts[first : first + at_once])
            for row, of_layer in enumerate(np.split(found, ends[:-1]), first):
                scores[:, row, : len(of_layer)] = of_layer.T
        heads = self._in_full(kind, layers, counts, scores)
        if at_once >= len(layers):
            places = dict(zip(layers, np.cumsum([0, *counts[:-1]]), strict=True))
            weights = stack.read()[[places[layer] + head for layer, head in heads]]
        else:
            weights = np.zeros((len(heads), queries, keys), np.float32)
            for layer in {layer for layer, _ in heads}:
                rows = [row for row, head in enumerate(heads) if head[0] == layer]
                every = layer_stack(recording.layer(layer, kind)).read()
                weights[rows] = every[[heads[row][1] for row in rows]]
        codes = coded(weights, "float16")
        if queries == keys and not np.triu(codes, 1).any():
            down = np.tril_indices(queries)
            codes = codes[:, :, *down]
        found_arrays: Arrays = {
            "scores": scores,
            "counts": np.array(counts, np.int16),
            "heads": np.array(heads, np.int16).reshape(-1, 2),
            "codes": codes.reshape(2, len(heads), -1),
        }
        whole = len(heads) == sum(counts)
        return found_arrays if whole else {**found_arrays, "shades": np.concatenate(pictures)}

    def _in_full(
        self, kind: Kind, layers: tuple[int, ...], counts: list[int], scores: NDArray[np.float32]
    ) -> list[Head]:
        """Return the heads that are kept in full, in order."""
        every = [
            (layer, head)
            for layer, count in zip(layers, counts, strict=True)
            for head in range(count)
        ]
        if self._chosen is not None:
            return [head for head in every if head in self._chosen]
        _, _, queries, keys = self.probe.kinds[kind]
        room = max(_FEWEST, MOST_WEIGHTS // (queries * keys))
        if len(every) <= room:
            return every
        # The highest by each score, and those that once were, while there is room.
        telling = self._telling.setdefault(kind, [])
        highest = []
        for score in scores:
            if not np.isnan(score).all():
                row, head = np.unravel_index(int(np.nanargmax(score)), score.shape)
                highest.append((layers[int(row)], int(head)))
        telling[:] = [*dict.fromkeys([*highest, *telling])][:room]
        return sorted(telling)

    def _check(self, trace: Trace, heads: Iterable[Head] | None) -> frozenset[Head] | None:
        if heads is None:
            return None
        chosen = frozenset(heads)
        known = {
            (layer, head)
            for kind in trace.kinds
            for layer in trace.layers(kind)
            for head in range(trace.heads(layer, kind)[0])
        }
        for layer, head in sorted(chosen - known):
            if known:
                raise IndexError(f"There is no head ({layer}, {head}) for heads=.")
        return chosen
