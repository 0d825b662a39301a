"""What an edit is: plain data, which says what is to be other than the model's own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray

    from llmscope.capture import Recording
    from llmscope.shared import Kind

By = Literal["zero", "mean", "uniform", "mask"]
Positions = tuple[int, ...] | None


class HasRecording(Protocol):
    """A trace, as far as an edit needs it."""

    @property
    def recording(self) -> Recording:
        """The recorded pass."""

    def __len__(self) -> int: ...


class Part(NamedTuple):
    """A part of a model.

    Attributes
    ----------
    what
        "head"; "attention" or "mlp": what it adds to the residual stream; "layer": a whole block.
    layer, head
        As the model counts them, from 0; without a head where the part isn't one.
    kind
        Which attention; for other parts, whether the layer is one of the "encoder".
    """

    what: Literal["head", "attention", "mlp", "layer"]
    layer: int
    head: int | None = None
    kind: Kind = "self"

    def __str__(self) -> str:
        number = f"{self.layer}" if self.head is None else f"{self.layer}·{self.head}"
        name = {"head": "head", "attention": "attention", "mlp": "MLP", "layer": "layer"}[self.what]
        return f"{name} {number}" + ("" if self.kind == "self" else f" ({self.kind})")


@dataclass(frozen=True)
class Ablation:
    """A part that is switched off, or a single weight of attention; see `llmscope.ablate`.

    Attributes
    ----------
    part
        What is switched off; of an edge, the head.
    by
        What takes its place.
    positions
        Where; `None` is everywhere.
    edge
        Query and key of the one weight that is taken away.
    reference
        Texts whose mean takes its place; empty for the mean of the pass itself.
    """

    part: Part
    by: By = "zero"
    positions: Positions = None
    edge: tuple[int, int] | None = None
    reference: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.edge is not None:
            return f"{self.part}: no weight from {self.edge[0]} to {self.edge[1]}{_how(self.by)}"
        return f"{self.part} off{_how(self.by)}{_where(self.positions)}"


@dataclass(frozen=True)
class Scaling:
    """A head whose output is multiplied by a number; see `llmscope.scale_head`."""

    part: Part
    factor: float
    positions: Positions = None

    def __str__(self) -> str:
        return f"{self.part} × {self.factor:g}{_where(self.positions)}"


@dataclass(frozen=True, eq=False)
class Vectors:
    """What a part gave in a pass of another process, in the place of a trace.

    Attributes
    ----------
    values
        (positions, size), or (positions, heads, size).
    """

    values: NDArray[np.float32]

    @property
    def recording(self) -> Recording:
        """Refuse: the pass is elsewhere."""
        raise ValueError("What was patched is known by its vectors alone.")

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True)
class Patch:
    """A part that gives what it gave in another pass; see `llmscope.patch`.

    Attributes
    ----------
    part
        What is patched; a layer is the residual stream behind its block.
    source
        The trace of the other pass.
    positions
        Pairs of a position here and one of the source; `None` for the same ones everywhere.
    """

    part: Part
    source: HasRecording
    positions: tuple[tuple[int, int], ...] | None = None

    def __str__(self) -> str:
        here = tuple(here for here, _ in self.positions or ())
        whole = here == tuple(range(_size_of(self)))
        return f"{self.part} from another text{_where(None if whole else here or None)}"


@dataclass(frozen=True, eq=False)
class Steering:
    """A vector that is added to the residual stream; see `llmscope.steer`.

    Attributes
    ----------
    part
        The layer behind whose block it is added.
    direction
        The vector (hidden size,); or two texts whose difference it is.
    scale
        What it is multiplied by.
    positions
        Where it is added; `None` is everywhere.
    align
        "last": the difference of two texts at their last tokens; "front": position by position.
    """

    part: Part
    direction: NDArray[np.float32] | tuple[str, str]
    scale: float = 1.0
    positions: Positions = None
    align: Literal["last", "front"] = "last"

    def __str__(self) -> str:
        of = "a vector"
        if isinstance(self.direction, tuple):
            of = " − ".join(repr(text) for text in self.direction)
        return f"{self.part} + {self.scale:g} × ({of}){_where(self.positions)}"


Edit = Ablation | Scaling | Patch | Steering


def placed(edit: Edit, tokens: int, keys: int) -> Edit:
    """Return an edit whose positions are counted from the beginning of a text of `tokens`.

    The key of an edge is one of `keys`, of the side that is attended to.

    Raises
    ------
    IndexError
        When the text has no such position.
    ValueError
        When all of a text of another length is to be patched.
    """
    if isinstance(edit, Patch):
        size = _size_of(edit)
        if edit.positions is None:
            if size != tokens:
                raise ValueError(
                    f"The source has {size} tokens and this text {tokens}: say which positions are "
                    "patched, as positions=[…], or as a map {here: there}."
                )
            return replace(edit, positions=tuple((n, n) for n in range(size)))
        pairs = tuple((_at(a, tokens), _at(b, size, "source")) for a, b in edit.positions)
        return replace(edit, positions=pairs)
    if isinstance(edit, Ablation) and edit.edge is not None:
        query, key = edit.edge
        from_end = (_at(query, tokens) if query < 0 else query, _at(key, keys) if key < 0 else key)
        return replace(edit, edge=from_end)
    if edit.positions is None or all(position >= 0 for position in edit.positions):
        return edit
    return replace(edit, positions=tuple(_at(position, tokens) for position in edit.positions))


def check_can_continue(edits: Iterable[Edit]) -> None:
    """Raise ValueError for an edit that depends on how a text goes on."""
    for edit in edits:
        if isinstance(edit, Ablation) and edit.by == "mean" and not edit.reference:
            raise ValueError(
                f"{edit}: the mean is over a whole text, which isn't there yet while it is "
                "generated. reference= names texts whose mean is taken instead."
            )


def _size_of(patch: Patch) -> int:
    """Return how many positions the source has, on the side of the part."""
    if patch.part.kind == "encoder" and not isinstance(patch.source, Vectors):
        return patch.source.recording.inputs["input_ids"].shape[1]
    return len(patch.source)


def _at(position: int, tokens: int, of: str = "text") -> int:
    if not -tokens <= position < tokens:
        raise IndexError(f"There is no position {position}: the {of} has {tokens} tokens.")
    return position % tokens


def _how(by: By) -> str:
    return "" if by == "zero" else f", by {by}"


def _where(positions: Positions) -> str:
    if positions is None:
        return ""
    return f" at {', '.join(map(str, positions))}"
