"""What the model would say if it ended at a layer: the logit lens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import traitlets

from llmscope.shared import MEASURES, STREAMS
from llmscope.views.single import TraceView
from llmscope.views.traits import ViewTraits

if TYPE_CHECKING:
    from llmscope.trace import Trace


class LensTraits(ViewTraits):
    """The traits of views with the logit lens; `LensView` documents them."""

    lens = traitlets.Enum(MEASURES, "probability").tag(sync=True)
    stream = traitlets.Enum(STREAMS, "block").tag(sync=True)


class LensView(LensTraits, TraceView):
    """The likeliest token at every layer and position of a trace, shaded by a measure of it.

    A click on a cell sets `layer` and `position`: views that are linked follow. Row n of the table
    is the residual stream after layer n, in the numbers of all views, and so layer n + 1 of
    `Trace.lens`. At first the model's own answer after the last token is in focus. In
    encoder-decoder models positions are those of the decoder.

    Parameters
    ----------
    trace
        Whose layers are read.
    **traits
        First values of traits, those of `View` included.

    Attributes
    ----------
    lens : {"probability", "entropy", "rank", "divergence"}
        What cells are shaded by: the probability of the likeliest token; the entropy of the
        distribution; the rank of the true token; or the Kullback-Leibler divergence of the
        model's answer from the layer's. As in `Lens`.
    stream : {"block", "attention", "mlp"}
        Which stream is read at each layer, as in `Trace.lens`.

    Examples
    --------
    >>> view = llmscope.LensView(scope.trace("The capital of France is"))
    """

    _shows: ClassVar[list[str]] = ["lens"]

    def __init__(self, trace: Trace, **traits: Any) -> None:
        last = max(0, trace.scope.facts.layers - 1)
        super().__init__(trace, **{"layer": last, **traits})
