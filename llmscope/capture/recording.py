"""One recorded pass, and what is computed of it later by running the model again."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from llmscope.capture.again import inputs_of_all, inputs_of_one
from llmscope.capture.attention import Attention, OutputAttention
from llmscope.capture.cancel import NEVER, Cancel
from llmscope.capture.head import accepted, sentence_logits_of
from llmscope.capture.hooks import drop_capturing_hooks
from llmscope.capture.layers import why_none
from llmscope.capture.output_attentions import output_attentions
from llmscope.capture.projection import Projection, watch_projection
from llmscope.capture.residual import ResidualStream, watch_residual_stream
from llmscope.capture.tensors import close
from llmscope.capture.undo import Changes, restoring
from llmscope.capture.version import stale
from llmscope.shared import Kind, Stream
from llmscope.words import later, refused

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    import torch

    from llmscope.capture.forward_pass import ForwardPass
    from llmscope.capture.runner import Runner
    from llmscope.capture.sublayers import Sublayer

    T = TypeVar("T")
    Layers = dict[int, Attention | OutputAttention]

_PROJECTIONS = 3  # layers whose projections are kept


class Recording:
    """One pass of a model over one text: what was recorded, and what running it again adds.

    Analysis is functions of a recording. What is run again is kept here, so that each run is made
    once; a recording holds what was read of it, and nothing else.

    Attributes
    ----------
    runner
        The model, and the way to run it.
    inputs
        Arguments of the model's `forward` (input ids and the like), each (1, positions).
    forward
        What the pass recorded.
    """

    def __init__(
        self, runner: Runner, inputs: dict[str, torch.Tensor], forward: ForwardPass
    ) -> None:
        self.runner = runner
        self.name = runner.name  # what messages call the model
        self.inputs = inputs
        self.forward = forward
        self.projections: dict[tuple[Kind, int], Projection] = {}
        self._head_states: dict[Stream, list[torch.Tensor]] = {}

    @property
    def ids(self) -> list[int]:
        """Token ids (positions,) of the text, or of the decoder side."""
        return _ids(self.inputs.get("decoder_input_ids", self.inputs["input_ids"]))

    @property
    def source_ids(self) -> list[int]:
        """Token ids (positions,) of the encoder side, or of the text where there is no encoder."""
        return _ids(self.inputs["input_ids"])

    # ── whether the model is the same ────────────────────────────────────────────────────────

    @property
    def is_current(self) -> bool:
        """Whether the model is in the state that the pass ran with."""
        return self.runner.version.number() == self.forward.version

    def check_current(self) -> None:
        """Raise RuntimeError when the model was changed after the pass."""
        self._check(self.runner.version.number())

    def _check(self, number: int) -> None:
        if number != self.forward.version:
            raise stale()

    def check_repeatable(self) -> None:
        """Raise RuntimeError when running the model again would not repeat the pass."""
        self._check((state := self.runner.version.state()).number)
        if state.hooks != self.forward.hooks:
            raise stale(later("Hooks were added to the model or removed from it"))

    def _check_close(self, again: torch.Tensor, recorded: torch.Tensor) -> None:
        """Raise RuntimeError when the model was changed in a way that its version doesn't show."""
        if again.shape == recorded.shape and not close(again, recorded):
            raise stale()

    # ── attention ────────────────────────────────────────────────────────────────────────────

    @cached_property
    def attention(self) -> dict[Kind, Layers]:
        """Attention by kind and layer; weights that the model returns, where none was recorded."""
        try:
            recorded = self.forward.attention
        except KeyError:  # a module that is no longer in the model
            self.check_current()
            raise
        found: dict[Kind, Layers] = {kind: dict(layers) for kind, layers in recorded.items()}
        has_two = "decoder_input_ids" in self.inputs
        kinds: tuple[Kind, ...] = ("self", "encoder", "cross") if has_two else ("self",)
        if all(kind in found for kind in kinds):
            return found
        self.check_repeatable()
        try:
            own = self._output_attentions()
        except (ValueError, TypeError, AttributeError):
            own = {}
        return {
            kind: found.get(kind) or dict(own[kind])
            for kind in kinds
            if kind in found or kind in own
        }

    @property
    def why_no_attention(self) -> str | None:
        """Why no attention can be read, in words; `None` where some can."""
        return None if self.attention else f"{self.name} {why_none(self.runner.model)}."

    def layers(self, kind: Kind) -> tuple[int, ...]:
        """Return the numbers of the layers that have attention of this kind."""
        return tuple(sorted(self.attention.get(kind, {})))

    def queries(self, kind: Kind) -> int:
        """Return the number of positions that attend."""
        tokens, source = self.forward.lengths
        return source if kind == "encoder" else tokens

    def keys(self, kind: Kind) -> int:
        """Return the number of positions that are attended to."""
        tokens, source = self.forward.lengths
        return tokens if kind == "self" else source

    def layer(self, layer: int, kind: Kind) -> Attention | OutputAttention:
        """Return the attention of one layer.

        Raises
        ------
        IndexError
            When there is no such layer.
        ValueError
            When it has no attention of this kind.
        """
        layers = self.attention.get(kind, {})
        if layer in layers:
            return layers[layer]
        if self.why_no_attention:
            raise ValueError(self.why_no_attention)
        if not layers:
            has = " and ".join(self.attention)
            raise ValueError(f"{self.name} has no {kind} attention; it has {has}.")
        if 0 <= layer < self.runner.layers:
            raise ValueError(f"Layer {layer} of {self.name} has no {kind} attention.")
        known = f"{kind} attention has layers {min(layers)} to {max(layers)}"
        raise IndexError(f"There is no layer {layer}: {known}.")

    def head(self, layer: int, head: int, kind: Kind) -> tuple[Attention | OutputAttention, int]:
        """Return the attention of a layer, and the number of one of its heads, counted from 0.

        Raises
        ------
        IndexError
            When there is no such layer or head.
        ValueError
            When the layer has no attention of this kind.
        """
        count = (attention := self.layer(layer, kind)).heads
        if not -count <= head < count:
            raise IndexError(f"There is no head {head}: layer {layer} has 0 to {count - 1}.")
        return attention, head % count

    def _refused(self, sentence: str) -> ValueError:
        return refused(sentence, name=self.name)

    def _output_attentions(self) -> dict[Kind, dict[int, OutputAttention]]:
        model, (queries, source) = self.runner.model, self.forward.lengths

        def run(changes: Changes) -> Any:
            drop_capturing_hooks(self.runner.model, changes)
            options = accepted(model, use_cache=False, return_dict=True)
            return model(**self.inputs, **options, output_attentions=True)

        return output_attentions(self._run_again(run), model.config, queries, source)

    # ── layers ───────────────────────────────────────────────────────────────────────────────

    @cached_property
    def residual_stream(self) -> ResidualStream:
        """Residual stream after each layer, of a run of its own."""
        self.check_repeatable()
        model, body = self.runner.model, self.runner.head.body
        inputs = inputs_of_all(self.runner, self.inputs)

        def run(changes: Changes, states: bool = True) -> ResidualStream:
            drop_capturing_hooks(self.runner.model, changes)
            inside = model if body is None else model.get_submodule(body)
            return watch_residual_stream(model, inside, inputs, changes, states)

        stream = self._run_again(run)
        if self._is_recorded(stream.output):
            return stream
        if self._is_recorded(self._run_again(lambda changes: run(changes, False)).output):
            raise self._refused("{name} computes otherwise when asked for its hidden states.")
        raise stale()

    def _is_recorded(self, output: torch.Tensor | None) -> bool:
        hidden = self.forward.hidden
        again = None if output is None else output[: len(hidden)]
        return again is None or again.shape != hidden.shape or close(again, hidden)

    def sublayers(self, sublayer: Sublayer) -> list[torch.Tensor]:
        """Return the residual stream (positions, hidden size) of each layer with one sublayer.

        Raises
        ------
        ValueError
            When a layer isn't the sum of attention and MLP.
        """
        from llmscope.capture.sublayers import watch_sublayers

        states, inputs = self.residual_stream.states, inputs_of_all(self.runner, self.inputs)
        try:
            return self._run_again(
                lambda changes: watch_sublayers(
                    self.runner.model, inputs, states, sublayer, changes
                )
            )
        except ValueError:
            # Was it the model, or a change of it that its version doesn't show?
            again = self.runner.undisturbed(lambda: self.runner.record(self.inputs))
            self._check_close(again.hidden, self.forward.hidden)
            raise

    def head_states(self, stream: Stream) -> list[torch.Tensor]:
        """Return the residual stream at each layer as the head takes it: after the final norm.

        Parameters
        ----------
        stream
            "block", the output of each layer, or the sublayer that it is read after.

        Returns
        -------
        list of Tensor
            Embeddings, then each layer, each (positions, hidden size).

        Raises
        ------
        ValueError
            When the head or the final norm can't be applied to other layers, or a layer isn't the
            sum of two sublayers.
        """
        if stream not in self._head_states:
            self._head_states[stream] = self._normed(stream)
        return self._head_states[stream]

    def _normed(self, stream: Stream) -> list[torch.Tensor]:
        (states, final, _), last = self.residual_stream, self.forward.hidden
        if self.forward.logits is not None or not states:
            raise self._refused("There is no lens: the head of {name} can't be run on its own.")
        if final is None:
            more = later("There is no lens: {name} does things behind its last layer alone.")
            raise self._refused(more)

        def normed(state: torch.Tensor) -> torch.Tensor:
            item = state[None]
            for module in final:
                item = module(item)
            return item[0]

        if stream == "block":
            others, end = states[:-1], [last]
        else:
            others, end = (states[0], *self.sublayers(stream)), []
        ends = [*self.runner.undisturbed(lambda: [normed(state) for state in others]), *end]
        if any(end.shape != last.shape for end in ends):
            raise self._refused("There is no lens: layers of {name} differ in their shape.")
        return ends

    def projection(
        self, layer: int, kind: Kind, query: int, cancelled: Cancel = NEVER
    ) -> Projection:
        """Return what the model does with the outputs of a layer's heads, for `query` at least.

        The results of the last few layers are kept.

        Raises
        ------
        Cancelled
            When `cancelled` returned True between two layers.
        RuntimeError
            When the model was changed after the pass.
        """
        self.check_repeatable()
        attention = self.layer(layer, kind)
        assert isinstance(attention, Attention)
        found = self.projections.pop((kind, layer), None)
        if found is None or not found.covers(query):
            found = self.runner.undisturbed(lambda: self._project(attention, query, cancelled))
        self.projections[kind, layer] = found
        for oldest in list(self.projections)[:-_PROJECTIONS]:
            self.projections.pop(oldest, None)
        return found

    def _project(self, attention: Attention, query: int, cancelled: Cancel) -> Projection:
        """Run up to the projection: over `query` alone, where a long text is cached before it."""
        model = self.runner.model

        def run(inputs: dict[str, Any], first: int) -> Projection:
            return restoring(
                lambda changes: watch_projection(
                    model, inputs, attention, changes, cancelled, first
                )
            )

        alone = inputs_of_one(self.runner, self.inputs, query)
        if alone is not None:
            found = run(alone, query)
            if close(found.call.query[:, :, -1], attention.call.query[:, :, query]):
                return found
        found = run(inputs_of_all(self.runner, self.inputs), 0)
        self._check_close(found.call.query, attention.call.query)
        return found

    # ── the head ─────────────────────────────────────────────────────────────────────────────

    def logits(self, rows: slice | list[int]) -> torch.Tensor:
        """Return logits (rows, vocabulary).

        Raises
        ------
        ValueError
            When the model has no language-model head.
        RuntimeError
            When the model was changed after the pass.
        """
        if not self.runner.head.exists:
            raise self._refused("{name} has no language-model head: it gives no probabilities.")
        self.check_repeatable()
        if self.forward.logits is not None:
            return self.forward.logits[rows]
        if rows == [len(self.forward.states) - 1] and self.forward.last_logits is not None:
            return self.forward.last_logits
        return self.unembed(self.forward.hidden[rows])

    def unembed(self, states: torch.Tensor) -> torch.Tensor:
        """Return logits (rows, vocabulary) of states (rows, hidden size) as the head takes them."""
        known = self.forward.reference_logits
        if known is not None:
            self._check_close(self.runner.logits(self.forward.hidden[-1:]), known)
        return self.runner.logits(states)

    def sentence_logits(self) -> torch.Tensor | None:
        """Return logits (2,) of sentences in this order and not; `None` without such a head."""
        model = self.runner.model
        options = accepted(model, return_dict=True)
        output = self.runner.undisturbed(lambda: model(**self.inputs, **options))
        logits = sentence_logits_of(model, output)
        return None if logits is None else logits[0]

    # ── running again ────────────────────────────────────────────────────────────────────────

    def _run_again(self, run: Callable[[Changes], T]) -> T:
        return self.runner.undisturbed(lambda: restoring(run))


def _ids(tensor: torch.Tensor) -> list[int]:
    ids: list[int] = tensor[0].tolist()
    return ids
