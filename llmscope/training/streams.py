"""The residual stream before each layer, out of the pass that is recorded anyway."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmscope.capture import Recording
from llmscope.capture.hooks import after_forward, before_forward, drop_capturing_hooks
from llmscope.capture.tensors import close
from llmscope.capture.undo import Changes, restoring

if TYPE_CHECKING:
    import torch
    from torch import nn

    from llmscope.capture import ForwardPass, Runner

    Inputs = dict[str, torch.Tensor]
    Layers = tuple[nn.Module, ...]


class Streams:
    """Passes of a model that give the residual stream, too, once `learn` found out how.

    Parameters
    ----------
    runner
        The model, which must be undisturbed.

    Attributes
    ----------
    final
        Modules between the last layer and the head, by which the head reads other layers; `None`
        where there is no lens.
    """

    def __init__(self, runner: Runner) -> None:
        self.final: Layers | None = None
        self._runner = runner
        self._layers: Layers | None = None  # whose inputs are the states; else the model is asked

    def learn(self, whole: Recording) -> str | None:
        """Find how the head is applied to other layers; return why it can't be, in words.

        Parameters
        ----------
        whole
            A pass, which is run again: the reference.
        """
        try:
            expected = whole.head_states("block")[:-1]
            final = whole.residual_stream.final
        except (ValueError, RuntimeError, NotImplementedError) as error:
            return str(error)
        assert final is not None
        rows = [*range(len(whole.forward.hidden))]
        for layers in (*_candidates(self._runner.model, len(expected)), None):
            self._layers = layers
            recording, states = self.run(whole.inputs, True)
            ends = normed(states, final, rows)
            same = len(ends) == len(expected) and all(map(close, ends, expected))
            if same and close(recording.forward.hidden, whole.forward.hidden):
                self.final = final
                return None
        name = self._runner.name
        return f"There is no lens: {name} computes otherwise when asked for its hidden states."

    def run(self, inputs: Inputs, asked: bool) -> tuple[Recording, list[torch.Tensor]]:
        """Run the model once.

        Parameters
        ----------
        inputs
            Arguments of its `forward`.
        asked
            Whether the residual stream is wanted.

        Returns
        -------
        recording
            The pass.
        states
            (positions, hidden size) before each layer; empty unless it was asked for.
        """
        runner, outputs = self._runner, []
        state = runner.version.state()  # before there are hooks, which would make it another

        def run(changes: Changes) -> ForwardPass:
            if not asked:
                return runner.record(inputs, state=state)
            if self._layers is not None:
                for layer in self._layers:
                    before_forward(layer, changes, lambda _, args, kwargs: note(args, kwargs))
                return runner.record(inputs, state=state)
            drop_capturing_hooks(runner.model, changes)
            after_forward(runner.model, changes, lambda _, __, ___, output: outputs.append(output))
            return runner.record({**inputs, "output_hidden_states": True}, state=state)

        def note(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            outputs.append(args[0] if args else kwargs.get("hidden_states"))

        forward = restoring(run)
        states: list[Any] = outputs
        if asked and self._layers is None and outputs:
            output = outputs[-1]
            given = output.get("hidden_states") or output.get("decoder_hidden_states") or ()
            states = [*given][:-1]
        return Recording(runner, inputs, forward), [one[0] for one in states if one is not None]


def normed(states: list[torch.Tensor], final: Layers, rows: list[int]) -> list[torch.Tensor]:
    """Return states (rows, hidden size) of layers as the head takes them."""
    ends = []
    for state in states:
        item: Any = state[rows][None]
        for module in final:
            item = module(item)
        ends.append(item[0])
    return ends


def _candidates(model: nn.Module, count: int) -> list[Layers]:
    """Return lists of so many modules that a model has: its layers are one of them."""
    from torch import nn

    lists = [one for one in model.modules() if isinstance(one, nn.ModuleList)]
    # Of an encoder-decoder's two, the decoder's comes last.
    return [tuple(one) for one in reversed(lists) if len(one) == count]
