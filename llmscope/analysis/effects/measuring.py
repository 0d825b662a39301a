"""Run a model to the logits of one position: whole or from a block on, once or in a batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch

from llmscope.capture.cancel import NEVER, Cancel, Cancelled
from llmscope.capture.head import accepted, logits_of
from llmscope.capture.hooks import after_forward, before_forward
from llmscope.capture.modules import modules_of
from llmscope.capture.undo import Changes, restoring
from llmscope.edits.known import (
    beginning_after,
    can_begin_inside,
    in_batch,
    watch_blocks,
)
from llmscope.words import say

if TYPE_CHECKING:
    from llmscope.analysis.effects.question import Question
    from llmscope.capture import Recording
    from llmscope.capture.change import Change
    from llmscope.capture.points import Point
    from llmscope.edits.editor import Editor


class Measuring:
    """Measures how likely a token is in passes like a recorded one.

    Parameters
    ----------
    editor
        Of the model.
    recording
        The pass as it is, under edits or not.
    question
        Which token, where, by which measure.

    Attributes
    ----------
    passes
        How many rows went through how many layers, in whole passes.
    """

    def __init__(
        self, editor: Editor, recording: Recording, question: Question, cancelled: Cancel = NEVER
    ) -> None:
        self.editor, self.recording, self.question = editor, recording, question
        self.anatomy = editor.anatomy(recording.inputs)
        self.blocks = self.anatomy.blocks.get("decoder", ())
        self.passes = 0.0
        self._cancelled = cancelled
        self._known: dict[int, Any] = {}
        head = editor.runner.head
        self._can_begin = (
            set(recording.inputs) == {"input_ids"}
            and can_begin_inside(head.body, self.blocks)
            and editor.known.works is not False
        )
        self._inputs = {**recording.inputs}

    def measure(
        self,
        changes: Mapping[Point, Change],
        *,
        lowest: int = 0,
        rows: int = 1,
        gradients: bool = False,
        before: Callable[[Changes], None] | None = None,
    ) -> torch.Tensor:
        """Return the measure (rows,) of one pass over a batch.

        Parameters
        ----------
        changes
            What is done at points of the pass, after the edits that it is under.
        lowest
            The lowest layer that is changed.
        rows
            Size of the batch.
        gradients
            Whether they are recorded.
        before
            Called before the pass, inside of it.
        """
        runner = self.editor.with_more(self.recording.runner, self.recording.inputs, changes)

        def run(undo: Changes) -> torch.Tensor:
            if gradients:
                outer = torch.is_grad_enabled()
                undo.undo_by(lambda: torch.set_grad_enabled(outer))
                torch.set_grad_enabled(True)
            for module in {self._stop_at(n) for n in range(len(self.blocks))}:
                before_forward(module, undo, self._stop)
            if before is not None:
                before(undo)
            return self.question.measured(self._logits(lowest, rows))

        return runner.undisturbed(lambda: restoring(run))

    def check_known(self, measured: float) -> None:
        """Begin no pass inside of the model where that makes a difference."""
        if not self._known or self.editor.known.works:
            return
        size = max(abs(measured), 1e-3)
        try:
            again = float(self.measure({}, lowest=len(self.blocks))[0])
        except Cancelled:
            raise
        except Exception:  # blocks hand each other more than what they return: Gemma 3n
            again = float("nan")
        if not abs(again - measured) <= 1e-2 * size:
            self._known = {}

    def learn_blocks(self) -> Callable[[Changes], None]:
        """Return what keeps the outputs of all blocks in a pass that changes nothing."""

        def watch(undo: Changes) -> None:
            if self._can_begin:
                model = self.recording.runner.model
                self._known = watch_blocks(model, self.blocks, 0, undo)

        return watch

    def _stop_at(self, number: int) -> Any:
        return self.recording.runner.model.get_submodule(self.blocks[number].turn.path)

    def _stop(self, *_: Any) -> None:
        if self._cancelled():
            raise Cancelled

    def _logits(self, lowest: int, rows: int) -> torch.Tensor:
        """Return logits (rows, vocabulary) at the position in question."""
        runner, position = self.recording.runner, self.question.position
        model: Any = runner.model
        inputs = {name: item.expand(rows, -1) for name, item in self._inputs.items()}
        options = accepted(model, use_cache=False, return_dict=True)
        length = len(self.recording.forward.states)
        if position == length - 1:
            options |= accepted(model, logits_to_keep=1)
        begin = max((n for n in self._known if n < lowest), default=None)
        if begin is not None and runner.head.body is not None:
            path = runner.head.body
            output = in_batch(_detached(self._known[begin]), rows)
            body: Any = model.get_submodule(path)
            model, _ = runner.head.split(beginning_after(body, path, self.blocks, begin, output))
        first = 0 if begin is None else begin + 1
        self.passes += rows * (len(self.blocks) - first) / max(1, len(self.blocks))
        logits: torch.Tensor = logits_of(model(**inputs, **options))
        return logits[:, -1 if logits.shape[1] == 1 else position]


def embeddings_of(model: Any) -> list[Any]:
    """Return the modules that embed tokens: the encoder's first, where there is one.

    Raises
    ------
    ValueError
        When they aren't found.
    """
    stacks = [model]
    if getattr(model.config, "is_encoder_decoder", False):
        stacks = [model.get_encoder(), model.get_decoder()]
    modules = {*modules_of(model)}
    found = [stack.get_input_embeddings() for stack in stacks]
    if not all(module in modules for module in found):
        raise ValueError(say("The model's embeddings are not found, so there are no gradients."))
    return found


def embeddings_with_gradients(model: Any, undo: Changes) -> None:
    """Let gradients be recorded from the embeddings on, whichever weights want any."""

    def begin(_: Any, __: Any, ___: Any, output: torch.Tensor) -> torch.Tensor:
        if not isinstance(output, torch.Tensor):
            raise ValueError(
                say("The model's embeddings are more than numbers, so no gradients are.")
            )
        return output.detach().requires_grad_(True).clone()  # CTRL scales it in place

    for module in dict.fromkeys(embeddings_of(model)):
        after_forward(module, undo, begin, first=True)


def at_rows(new: Sequence[Callable[[torch.Tensor], torch.Tensor]]) -> Change:
    """Return a change that does something else to each row of a batch."""

    def change(tensor: torch.Tensor, _: int) -> torch.Tensor:
        changed = tensor.clone()
        for row, function in enumerate(new):
            changed[row] = function(tensor[row])
        return changed

    return change


def _detached(output: Any) -> Any:
    if isinstance(output, torch.Tensor):
        return output.detach()
    return tuple(map(_detached, output)) if isinstance(output, tuple) else output
