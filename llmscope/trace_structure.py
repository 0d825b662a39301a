"""The part of a trace that is about the model as a whole: what it is made of, and what it computes.

A token's path is its vectors, box by box, from its embedding to the unembedding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmscope.capture import Recording, to_numpy
from llmscope.text import labels
from llmscope.words import refused, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from llmscope.analysis.structure import Structure
    from llmscope.analysis.structure.numbers import TokenNumbers
    from llmscope.scope import Scope
    from llmscope.shared import Tower
    from llmscope.text import Token


class TokenPath:
    """The numbers of one token on its way through a model: `Trace.token_path`.

    All vectors are the model's own, in float32, of one pass more than the trace's.

    Attributes
    ----------
    tower : {"self", "encoder"}
        Which stack of blocks.
    position
        Of the token, from 0.

    Examples
    --------
    >>> path = scope.trace("The capital of France is").token_path()
    >>> list(path.block(0))[:3]
    ['stream.0', 'norm1', 'heads']
    """

    def __init__(self, scope: Scope, recording: Recording, numbers: TokenNumbers) -> None:
        self.tower: Tower = numbers.tower.tower.tower
        self.position = numbers.position
        self._scope = scope
        self._recording = recording
        self._numbers = numbers

    def __repr__(self) -> str:
        blocks = self._numbers.tower.tower.blocks
        return f"<TokenPath of position {self.position} through {_counted(blocks, 'block')}>"

    def before(self) -> Iterator[tuple[str, NDArray[np.float32]]]:
        """Go through the boxes below the blocks: ids, and what they give (width,)."""
        yield from self._seen(self._numbers.tower.before)

    def after(self) -> Iterator[tuple[str, NDArray[np.float32]]]:
        """Go through the boxes above the blocks: ids, and what they give (width,)."""
        yield from self._seen(self._numbers.tower.after)

    def _seen(self, seats: Any) -> Iterator[tuple[str, NDArray[np.float32]]]:
        for name, seat in seats.items():
            vector = self._numbers.vector(seat.gives)
            if vector is not None:
                yield name, to_numpy(vector)

    def block(self, block: int) -> dict[str, NDArray[np.float32]]:
        """Return the vectors (width,) of one block, by the names of its points.

        Parameters
        ----------
        block
            Its number, from 0.

        Returns
        -------
        dict
            "stream.0" is what it is given; each box's id what that gives, "mlp.neurons" the
            activations of neurons, "stream.1" and so on the stream behind each stage.

        Raises
        ------
        IndexError
            When there is no such block.
        ValueError
            When its numbers don't add up for this token.
        """
        self._check(block)
        return {name: to_numpy(vector) for name, vector in self._numbers.points(block)}

    def lengths(self) -> list[list[float]]:
        """Return the length of the stream at each point, by block: before it, after each stage."""
        blocks = range(self._numbers.tower.tower.blocks)
        return [[_length(one) for one in self._numbers.stream(n)] for n in blocks]

    def added(self) -> list[list[list[float]]]:
        """Return the length of what is added to the stream, by block, stage and branch.

        0 for what isn't seen.
        """
        return [
            [
                [0.0 if one is None else _length(one) for one in self._numbers.added(block, stage)]
                for stage in block.stages
            ]
            for block in self._numbers.tower.blocks
        ]

    def component(self, index: int) -> list[list[float]]:
        """Return one number of the stream at each point, by block.

        Raises
        ------
        IndexError
            When the stream has no such number.
        """
        width = self._numbers.tower.tower.width
        if not 0 <= index < width:
            raise IndexError(
                say("There is no number {index}: there are {count}.", index=index, count=width)
            )
        blocks = range(self._numbers.tower.tower.blocks)
        return [[float(one[index]) for one in self._numbers.stream(n)] for n in blocks]

    def error(self, block: int) -> float:
        """Return how far the stream is from the sum of its parts in a block, of its length."""
        self._check(block)
        return self._numbers.error(block)

    def given(self, box: str) -> dict[str, Any] | None:
        """Return what is given to a box above the blocks, as `box` has vectors."""
        from llmscope.analysis.structure.opened import point

        last: Any = None
        for name, seat in self._numbers.tower.after.items():
            if name == box:
                given = self._numbers.vector(seat.takes)
                return point("before", last if given is None else given)
            made = self._numbers.vector(seat.gives)
            last = last if made is None else made
        raise refused("There is no box {box!r} above the blocks.", box=box)

    def box(self, box: str, head: int = 0) -> dict[str, Any]:
        """Return what a box does to the token.

        Parameters
        ----------
        box
            Its whole id, as in `Structure.boxes`, or "block.3.rotary", "block.3.alibi" or
            "block.3.relative" for what its heads do about positions.
        head
            Which head, of these.

        Returns
        -------
        dict
            By its "kind". An "mlp" has the neurons that fire most, what each writes into the
            vocabulary; a "moe" the router's probabilities and choices; a "norm" its statistics;
            an "embedding" the nearest tokens; "rotary" the pairs of a query and a key before and
            after they are turned; "alibi" and "relative" what is added for each distance.

        Raises
        ------
        ValueError
            When there is no such box, or it can't be opened.
        IndexError
            When there is no such block or head.
        """
        from llmscope.analysis.structure.opened import Opener

        def names(ids: Any) -> list[str]:
            return labels(self._scope.tokenizer, list(ids))

        opener = Opener(self._recording, self._numbers, names)
        return self._recording.runner.undisturbed(lambda: opener.open(box, head))

    def to_pandas(self) -> pd.DataFrame:
        """Return a table with a row for each point of the stream.

        Returns
        -------
        DataFrame
            Columns `block`, `point` and `length`.

        Raises
        ------
        ModuleNotFoundError
            When pandas is not installed.
        """
        from llmscope.extras import data_frame

        rows = [
            (block, point, length)
            for block, lengths in enumerate(self.lengths())
            for point, length in enumerate(lengths)
        ]
        return data_frame("to_pandas")(rows, columns=["block", "point", "length"])

    def _check(self, block: int) -> None:
        from llmscope.analysis.structure.boxes import no_block

        blocks = self._numbers.tower.tower.blocks
        if not 0 <= block < blocks:
            raise no_block(block, blocks)
        self._numbers.check(block)


class TraceStructure:
    """What the model of a trace is made of, and what it makes of each token.

    Attributes
    ----------
    scope
        The scope that the trace was made by.
    recording
        The recorded pass, which everything is computed from.
    """

    scope: Scope
    recording: Recording
    tokens: tuple[Token, ...]

    @property
    def structure(self) -> Structure:
        """What the model is made of: boxes with shapes, in the order in which a vector meets them.

        Read in one short pass, once for each state of the model. Of a trace under edits, the model
        is the one without them.

        Raises
        ------
        RuntimeError
            When the model was changed after the trace was made; see `is_current`.

        Examples
        --------
        >>> scope.trace("The capital of France is").structure.towers[0].blocks
        3
        """
        from llmscope.analysis.structure.reading import reading_of

        return reading_of(self.scope.runner, self.recording).structure

    def token_path(self, position: int = -1, tower: Tower = "self") -> TokenPath:
        """Return the numbers of one token, box by box.

        The first read of a token runs the model once more, over the tokens up to it where they are
        cached, and keeps its vectors; those of the last eight tokens are kept.

        Parameters
        ----------
        position
            Of the token; negative ones count from the end.
        tower : {"self", "encoder"}
            "encoder" for the encoder of an encoder-decoder.

        Returns
        -------
        TokenPath
            Vectors at each box, lengths of the stream, and what boxes do.

        Raises
        ------
        IndexError
            When there is no such position.
        ValueError
            When the model has no such tower, or isn't understood.
        RuntimeError
            When the model was changed after the trace was made; see `is_current`.
        """
        from llmscope.analysis.structure.numbers import numbers_of

        numbers = numbers_of(self.scope.runner, self.recording, tower, position)
        return TokenPath(self.scope, self.recording, numbers)


def _length(vector: Any) -> float:
    return float(vector.double().norm())


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
