"""The functions that make edits, as people write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import index
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from llmscope.edits.edit import Ablation, By, HasRecording, Part, Patch, Scaling, Steering, Vectors

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from llmscope.shared import Kind

Where = int | slice | Sequence[int] | None


def ablate(
    *,
    head: tuple[int, int] | None = None,
    attention: int | None = None,
    mlp: int | None = None,
    layer: int | None = None,
    edge: tuple[int, int, int, int] | None = None,
    by: By = "zero",
    positions: Where = None,
    reference: str | Sequence[str] = (),
    kind: Kind = "self",
) -> Ablation:
    """Switch off a part of a model: an edit for `Scope.trace` and its like.

    Layers, heads and positions count from 0; negative positions count from the end of the text.

    Parameters
    ----------
    head
        (layer, head): the head's output, before W_O mixes it with the others.
    attention, mlp
        A layer: all that its attention, or its MLP, adds to the residual stream.
    layer
        A layer: all that its block adds to the residual stream.
    edge
        (layer, head, query, key): one weight of attention.
    by : {"zero", "mean", "uniform", "mask"}
        What takes its place [1]_. "mean" is the mean over the positions of the pass, or of
        `reference`. "uniform", for heads, gives all visible keys an equal weight. An edge's weight
        becomes 0, and no other changes; by "mask" its score becomes −∞ before the softmax, so that
        the other keys share the weight (attention knockout [2]_).
    positions
        Where it is switched off; by default everywhere, in what is generated too.
    reference
        Texts over all of whose positions the mean is taken.
    kind
        In encoder-decoder models: which attention, or with "encoder" the encoder's layers.

    Returns
    -------
    Ablation
        The edit. `Scope.trace` raises ValueError where the model has no such part.

    Raises
    ------
    TypeError
        When none or more than one of the parts is named.
    ValueError
        For a `by` that doesn't go with the part.

    References
    ----------
    .. [1] Wang et al., "Interpretability in the wild: a circuit for indirect object identification
       in GPT-2 small", ICLR 2023.
    .. [2] Geva et al., "Dissecting recall of factual associations in auto-regressive language
       models", EMNLP 2023.

    Examples
    --------
    >>> off = llmscope.ablate(head=(1, 2))
    >>> trace = scope.trace("A tiny model", edits=[off])
    >>> str(off), trace.edits == (off,)
    ('head 1·2 off', True)
    """
    texts = (reference,) if isinstance(reference, str) else tuple(reference)
    if edge is not None:
        if any(item is not None for item in (head, attention, mlp, layer)):
            raise _one_part()
        at_layer, of_head, query, key = _numbers(edge, "edge", 4)
        if by not in ("zero", "mask"):
            raise ValueError(f'An edge is taken away by "zero" or "mask", not {by!r}.')
        if positions is not None or texts:
            raise ValueError("An edge has a query and a key, and neither positions nor reference.")
        return Ablation(Part("head", at_layer, of_head, kind), by, edge=(query, key))
    part = _part(head, attention, mlp, layer, kind)
    if by not in ("zero", "mean", "uniform"):
        raise ValueError(f'by is "zero", "mean" or "uniform", not {by!r}; "mask" is for an edge.')
    if by == "uniform" and part.what != "head":
        raise ValueError(f"Only a head can attend uniformly: {part} is none.")
    if texts and by != "mean":
        raise ValueError('reference= are texts for by="mean".')
    return Ablation(part, by, _positions(positions), reference=texts)


def scale_head(
    head: tuple[int, int], factor: float, *, positions: Where = None, kind: Kind = "self"
) -> Scaling:
    """Multiply the output of a head by a number: an edit for `Scope.trace` and its like.

    Parameters
    ----------
    head
        (layer, head), both from 0.
    factor
        0 switches it off, 1 changes nothing, 2 doubles it.
    positions
        Where; by default everywhere.
    kind
        Which attention in encoder-decoder models.

    Returns
    -------
    Scaling
        The edit.

    Examples
    --------
    >>> str(llmscope.scale_head((1, 2), 0.5))
    'head 1·2 × 0.5'
    """
    part = _part(head, None, None, None, kind)
    return Scaling(part, _number(factor, "factor"), _positions(positions))


def patch(
    *,
    source: HasRecording,
    head: tuple[int, int] | None = None,
    attention: int | None = None,
    mlp: int | None = None,
    layer: int | None = None,
    positions: Where | Mapping[int, int] = None,
    kind: Kind = "self",
) -> Patch:
    """Take a part from another text: activation patching [1]_, an edit for `Scope.trace`.

    Parameters
    ----------
    source
        A trace of the same model, of the other text.
    head, attention, mlp
        As in `ablate`.
    layer
        A layer: the residual stream behind its block, before any final norm.
    positions
        Which positions are taken; by default all, which takes texts of the same length. A map
        ``{here: there}`` takes them from other positions of the source.
    kind
        As in `ablate`.

    Returns
    -------
    Patch
        The edit. `Scope.trace` raises ValueError where the lengths or the models differ.

    Raises
    ------
    TypeError
        When none or more than one of the parts is named, and for a source that is no trace.

    References
    ----------
    .. [1] Meng et al., "Locating and editing factual associations in GPT", NeurIPS 2022.

    Examples
    --------
    >>> other = scope.trace("A tiny poodle")
    >>> last = scope.facts.layers - 1
    >>> edit = llmscope.patch(layer=last, source=other, positions={-1: -1})
    >>> trace = scope.trace("A tiny model", edits=[edit])
    >>> bool(abs(trace.logits[-1] - other.logits[-1]).max() < 1e-3)
    True
    """
    if not isinstance(source, Vectors) and not hasattr(source, "recording"):
        raise TypeError(f"source is a trace, as scope.trace(text) makes it, not {source!r:.60}.")
    part = _part(head, attention, mlp, layer, kind)
    pairs: tuple[tuple[int, int], ...] | None
    if isinstance(positions, Mapping):
        pairs = tuple((index(here), index(there)) for here, there in positions.items())
    else:
        found = _positions(positions)
        pairs = None if found is None else tuple((position, position) for position in found)
    return Patch(part, source, pairs)


def steer(
    *,
    layer: int,
    direction: ArrayLike | tuple[str, str],
    scale: float = 1.0,
    positions: Where = None,
    align: Literal["last", "front"] = "last",
    kind: Kind = "self",
) -> Steering:
    """Add a vector to the residual stream behind a block [1]_: an edit for `Scope.trace`.

    Parameters
    ----------
    layer
        The vector is added to the stream behind its block, before any final norm.
    direction
        A vector (hidden size,), or two texts: the stream of the first there, less that of the
        second.
    scale
        What the vector is multiplied by.
    positions
        Where it is added; by default everywhere, in what is generated too.
    align : {"last", "front"}
        The difference of two texts is taken at the last token of each; or, for texts of as many
        tokens, position by position, and added to the first positions.
    kind
        "encoder" for a layer of the encoder.

    Returns
    -------
    Steering
        The edit.

    Raises
    ------
    ValueError
        For a direction that is neither a vector nor two texts.

    References
    ----------
    .. [1] Turner et al., "Activation addition: steering language models without optimization",
       arXiv 2308.10248, 2023.

    Examples
    --------
    >>> str(llmscope.steer(layer=1, direction=("love", "hate"), scale=4))
    "layer 1 + 4 × ('love' − 'hate')"
    """
    if align not in ("last", "front"):
        raise ValueError(f'align is "last" or "front", not {align!r}.')
    part = _part(None, None, None, layer, kind)
    where = _positions(positions)
    texts: Any = direction
    if isinstance(texts, (tuple, list)) and any(isinstance(text, str) for text in texts):
        if len(texts) != 2 or not all(isinstance(text, str) for text in texts):
            raise ValueError("direction is a vector, or two texts: (towards, away from).")
        if align == "front" and where is not None:
            raise ValueError('align="front" begins at the first position: leave out positions.')
        return Steering(part, tuple(texts), _number(scale, "scale"), where, align)
    vector = np.array(direction, dtype=np.float32)
    if vector.ndim != 1 or not np.isfinite(vector).all():
        raise ValueError(f"direction is a vector of numbers, not an array {vector.shape}.")
    return Steering(part, vector, _number(scale, "scale"), where)


def _part(
    head: tuple[int, int] | None,
    attention: int | None,
    mlp: int | None,
    layer: int | None,
    kind: Kind,
) -> Part:
    if kind not in ("self", "cross", "encoder"):
        raise ValueError(f'kind is "self", "cross" or "encoder", not {kind!r}.')
    given = {"head": head, "attention": attention, "mlp": mlp, "layer": layer}
    named = {what: item for what, item in given.items() if item is not None}
    if len(named) != 1:
        raise _one_part()
    ((what, item),) = named.items()
    if what == "head":
        layer, head_number = _numbers(item, what, 2)
        return Part("head", layer, head_number, kind)
    (layer,) = _numbers((item,), what, 1)
    return Part(what, layer, None, kind)  # type: ignore[arg-type]


def _one_part() -> TypeError:
    return TypeError("Name one part: head=(layer, head), or attention=, mlp= or layer= a layer.")


def _numbers(given: Any, name: str, count: int) -> tuple[int, ...]:
    try:
        numbers = tuple(index(item) for item in given)
    except TypeError:
        numbers = ()
    if len(numbers) != count:
        what = {4: "(layer, head, query, key)", 2: "(layer, head)", 1: "a layer"}[count]
        raise TypeError(f"{name} is {what} in whole numbers, not {given!r:.60}.")
    if any(number < 0 for number in numbers[:2]):
        raise ValueError(f"{name} counts from 0, so {given!r} is none.")
    return numbers


def _number(given: float, name: str) -> float:
    number = float(given)
    if not np.isfinite(number):
        raise ValueError(f"{name} is a finite number, not {given}.")
    return number


def _positions(given: Where) -> tuple[int, ...] | None:
    if given is None:
        return None
    if isinstance(given, slice):
        if given.stop is None or (given.start or 0) < 0 or given.stop < 0:
            raise ValueError("A slice of positions has an end, and counts from the beginning.")
        return tuple(range(given.stop)[given])
    if isinstance(given, int):
        return (given,)
    return tuple(index(position) for position in given)
