"""Read what a model is made of: one short pass in which all that happens is noted."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from llmscope.analysis.structure.towers import TowerReader
from llmscope.capture.cancel import NEVER
from llmscope.capture.head import accepted
from llmscope.capture.hooks import AttentionCall, drop_capturing_hooks, record_attention
from llmscope.capture.ledger import Ledger
from llmscope.capture.undo import Changes, restoring

if TYPE_CHECKING:
    import torch
    from torch import nn

    from llmscope.analysis.structure.blocks import Reading
    from llmscope.capture.recording import Recording
    from llmscope.capture.runner import Runner

_SHORT = 8  # tokens over which a model is read

_known: WeakKeyDictionary[nn.Module, tuple[int, Reading]] = WeakKeyDictionary()


def reading_of(runner: Runner, recording: Recording) -> Reading:
    """Return what a model is made of: read in a short pass, once for each state of the model.

    Parameters
    ----------
    runner
        The model without edits.
    recording
        A pass of it, whose first tokens are read again.

    Raises
    ------
    RuntimeError
        When the model was changed after the pass.
    """
    recording.check_repeatable()
    version = runner.version.number()
    with runner.lock:
        known = _known.get(runner.model)
        if known is None or known[0] != version:
            known = version, _read(runner, recording)
            _known[runner.model] = known
        return known[1]


def _read(runner: Runner, recording: Recording) -> Reading:
    model = runner.model
    inputs = {name: _short(item) for name, item in recording.inputs.items()}
    if getattr(model.config, "attention_type", None) == "block_sparse":
        inputs = recording.inputs  # by a short text BigBird changes to another attention, for good

    calls: list[AttentionCall] = []

    def run(changes: Changes) -> Ledger:
        drop_capturing_hooks(model, changes)
        ledger = Ledger()
        recorded = record_attention(model, changes, NEVER)
        for path, module in model.named_modules():
            ledger.hook(path, module, changes)
        ledger.follow(changes)
        model(**inputs, **accepted(model, use_cache=False, return_dict=True))
        calls.extend(recorded)
        return ledger

    def read() -> Reading:
        ledger = restoring(run)
        return TowerReader(runner, recording, ledger, calls, inputs).reading()

    return runner.undisturbed(read)


def _short(item: torch.Tensor) -> torch.Tensor:
    """Return the first positions of inputs (1, positions), again and again where there are few."""
    times = -(-_SHORT // item.shape[1])
    return item.repeat(1, times)[:, :_SHORT]
