"""What a model is made of, to read and to print."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from llmscope.extras import data_frame

if TYPE_CHECKING:
    import pandas as pd

    from llmscope.analysis.structure.boxes import Box, Run, Tower


@dataclass(frozen=True, repr=False)
class Structure:
    """What a model is made of: `Trace.structure`.

    It is read of the model's own modules in a short pass: which of them were called, on what, and
    what was added up. Where that isn't understood, or the numbers don't add up, there is one box of
    the kind "unknown" with the module's name.

    Attributes
    ----------
    name
        The name of the model's class.
    parameters
        How many numbers the model has; tied ones are counted once.
    towers
        Stacks of blocks: the encoder's first, where a decoder reads it. Each has boxes `before` its
        blocks and `after` them, and `runs` of equal blocks, each block in `stages`.
    whole
        The model as one box, where nothing is understood; else `None`.
    notes
        What is to be known of it, in sentences.
    """

    name: str
    parameters: int
    towers: tuple[Tower, ...]
    whole: Box | None = None
    notes: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether all of the model is understood."""
        return self.whole is None and all(tower.is_whole for tower in self.towers)

    def boxes(self) -> Iterator[tuple[str, Box]]:
        """Go through all boxes of all blocks, from below.

        Yields
        ------
        tuple
            The whole id ("block.3.mlp"), and the box.
        """
        if self.whole is not None:
            yield self.whole.id, self.whole
        for tower in self.towers:
            yield from ((box.id, box) for box in tower.before)
            for run in tower.runs:
                for block in range(run.first, run.first + run.count):
                    prefix = "encoder." if tower.tower == "encoder" else ""
                    yield from ((f"{prefix}block.{block}.{box.id}", box) for box in run.boxes())
            yield from ((box.id, box) for box in tower.after)

    def to_pandas(self) -> pd.DataFrame:
        """Return a table with a row for each box.

        Returns
        -------
        DataFrame
            Columns `box`, `kind`, `module`, `parameters`, `takes` and `gives` (of a token).

        Raises
        ------
        ModuleNotFoundError
            When pandas is not installed.
        """
        rows = [
            (name, box.kind, box.module, box.parameters, box.takes, box.gives)
            for name, box in self.boxes()
        ]
        columns = ["box", "kind", "module", "parameters", "takes", "gives"]
        numbers = {"takes": "Int64", "gives": "Int64"}
        return data_frame("to_pandas")(rows, columns=columns).astype(numbers)

    def __repr__(self) -> str:
        lines = [f"<Structure of {self.name}: {self.parameters:,} parameters"]
        if self.whole is not None:
            lines.append(f"  not understood: {self.whole.facts.get('why', '')}")
        for tower in self.towers:
            if len(self.towers) > 1:
                lines.append(f"  {'encoder' if tower.tower == 'encoder' else 'decoder'}")
            lines.append(f"  {_row(tower.before)}")
            lines += [f"  {_run(run)}" for run in tower.runs]
            if tower.after:
                lines.append(f"  {_row(tower.after)}")
        return "\n".join(lines) + ">"


def _row(boxes: tuple[Box, ...]) -> str:
    return " → ".join(box.id for box in boxes)


def _run(run: Run) -> str:
    blocks = f"{run.count} block{'s' * (run.count != 1)}"
    if run.count > 1:
        blocks += f" ({run.first} to {run.first + run.count - 1})"
    return f"{blocks}: {', then '.join(map(_stage, run.stages))}"


def _stage(stage: Any) -> str:
    if stage.whole is not None:
        return f"{stage.whole.module}, which isn't understood"
    branches = " beside ".join(_row(branch) for branch in stage.branches)
    shared = f"{_row(stage.shared)} → " if stage.shared else ""
    after = f" → {_row(stage.after)}" if stage.after else ""
    return f"{'+ ' if stage.adds else ''}{shared}{branches}{after}"
