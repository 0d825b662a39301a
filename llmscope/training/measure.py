"""What is kept of a model at one step: each probe is read by one pass, and reduced to arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from llmscope.analysis.head_scores import overview
from llmscope.analysis.matrices import layer_stack
from llmscope.capture import Recording, to_numpy
from llmscope.export.encoding import coded, summarised
from llmscope.kernel.tiles import shades
from llmscope.shared import SCORES, Kind
from llmscope.trace import Trace
from llmscope.training.probe import Probe, described, prepared
from llmscope.training.streams import Streams, normed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import torch
    from numpy.typing import NDArray

    from llmscope.capture import ForwardPass
    from llmscope.scope import Scope

    Arrays = dict[str, NDArray[Any]]
    Head = tuple[int, int]

MOST_WEIGHTS = 2**16  # of one kind of attention, up to which all heads are kept in full
_FEWEST = 8  # heads that are kept of longer probes
_LOGITS = 2**23  # in memory at once


class NotFinite(ValueError):
    """A model whose numbers are infinite, or none: nothing of it can be kept."""


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

    def measure(self) -> Arrays:
        """Read the probe by one pass, and return what is kept of it, by name.

        Raises
        ------
        NotFinite
            When a number of the model's is infinite, or none.
        """
        return self._scope.runner.undisturbed(self._measure)

    # ── one pass ─────────────────────────────────────────────────────────────────────────────

    def _trace(self) -> Trace:
        runner, inputs = self._scope.runner, self._inputs()
        forward = runner.undisturbed(lambda: runner.record(inputs))
        return Trace(self._scope, self._given, Recording(runner, inputs, forward))

    def _inputs(self) -> dict[str, torch.Tensor]:
        from llmscope.capture.wrappers import main_device

        device = main_device(self._scope.model)
        return {name: item.to(device) for name, item in self._given.inputs.items()}

    def _measure(self) -> Arrays:
        lens = self._streams.final is not None and bool(self.probe.positions)
        recording, states = self._streams.run(self._inputs(), lens)
        arrays = self._predicted(recording, states)
        for kind in self.probe.kinds:
            found = self._attended(recording, kind)
            arrays |= {f"{kind}.{name}": item for name, item in found.items()}
        return arrays

    # ── what the head says ───────────────────────────────────────────────────────────────────

    def _predicted(self, recording: Recording, states: list[torch.Tensor]) -> Arrays:
        """Return the chain, the next token and the lens, of one run of the head."""
        import torch

        runner = self._scope.runner
        if not runner.head.exists:
            return {}
        positions, hidden = [*self.probe.positions], recording.forward.hidden
        whole = recording.forward.logits
        arrays: Arrays = {}
        chained = 0 if runner.family == "masked" else len(recording.ids) - 1
        if whole is not None:
            rows: torch.Tensor = whole[[*range(chained), *positions]]
        else:
            ends = normed(states, self._streams.final or (), positions)
            rows = torch.cat([hidden[:chained], hidden[positions], *ends])
        kept: list[NDArray[np.float32]] = []
        likeliest: list[tuple[torch.Tensor, torch.Tensor]] = []
        chain: list[tuple[torch.Tensor, torch.Tensor]] = []
        told = chained + len(positions)
        for logits, first in self._logits(rows, recording.forward):
            if bool(logits.isnan().any()) or bool((logits == torch.inf).any()):
                raise NotFinite
            stop = first + len(logits)
            total = logits.logsumexp(dim=1)
            if first < chained:
                count = min(chained, stop) - first
                ids = recording.ids[first + 1 : first + count + 1]
                own = logits[:count].gather(1, torch.tensor(ids, device=logits.device)[:, None])
                rank = (logits[:count] > own).sum(1)
                chain.append((own[:, 0] - total[:count], rank))
            kept += [
                to_numpy(logits[n - first]) for n in range(max(first, chained), min(stop, told))
            ]
            if stop > chained:
                best = logits[max(chained - first, 0) :].max(dim=1)
                likeliest.append((best.values - total[max(chained - first, 0) :], best.indices))
        if chain:
            arrays["logprobs"] = to_numpy(torch.cat([one for one, _ in chain]))
            arrays["ranks"] = torch.cat([one for _, one in chain]).cpu().numpy().astype(np.int32)
        if kept:
            arrays |= summarised(kept)[0]._asdict()
        if states:
            shape = (len(states) + 1, len(positions))
            values = to_numpy(torch.cat([one for one, _ in likeliest])).reshape(shape)
            ids_ = torch.cat([one for _, one in likeliest]).cpu().numpy().reshape(shape)
            # The model's own answer is the last row; in `rows` it comes before the other layers.
            arrays["lens_logprobs"] = np.roll(values, -1, axis=0).T.copy()
            arrays["lens_ids"] = np.roll(ids_, -1, axis=0).T.astype(np.int32)
        return arrays

    def _logits(
        self, rows: torch.Tensor, forward: ForwardPass
    ) -> Iterator[tuple[torch.Tensor, int]]:
        """Yield float32 logits (some rows, vocabulary), and the number of the first row.

        `rows` are states, or logits where the head can't run by itself.
        """
        if forward.logits is not None:
            yield rows.float(), 0
            return
        assert forward.reference_logits is not None
        most = max(8, _LOGITS // forward.reference_logits.shape[-1])
        for first in range(0, len(rows), most):
            yield self._scope.runner.logits(rows[first : first + most]).float(), first

    # ── attention ────────────────────────────────────────────────────────────────────────────

    def _attended(self, recording: Recording, kind: Kind) -> Arrays:
        """Return scores of all heads of a kind, and matrices or thumbnails."""
        layers, most, queries, keys = self.probe.kinds[kind]
        scores = np.full((len(SCORES), len(layers), most), np.nan, np.float32)
        pictures: list[NDArray[np.uint8]] = []
        counts: list[int] = []
        for row, layer in enumerate(layers):
            thumbnails, found = overview(recording, layer, kind)
            if not np.isfinite(thumbnails).all():
                raise NotFinite
            scores[:, row, : len(found)] = found.T
            counts.append(len(found))
            pictures.append(shades(thumbnails))
        heads = self._in_full(kind, layers, counts, scores)
        whole = len(heads) == sum(counts)
        weights = [
            layer_stack(recording.layer(layer, kind)).read(None)[chosen]
            for layer in layers
            if (chosen := [head for number, head in heads if number == layer])
        ]
        codes = coded(
            np.concatenate([np.zeros((0, queries, keys), np.float32), *weights]), "float16"
        )
        if queries == keys and not np.triu(codes, 1).any():
            rows, columns = np.tril_indices(queries)
            codes = codes[:, :, rows, columns]
        found_arrays: Arrays = {
            "scores": scores,
            "counts": np.array(counts, np.int16),
            "heads": np.array(heads, np.int16).reshape(-1, 2),
            "codes": codes.reshape(2, len(heads), -1),
        }
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
