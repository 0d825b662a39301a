"""The whole model as one picture, from the text to the next token."""

from __future__ import annotations

from typing import ClassVar

import traitlets

from llmscope.views.single import TraceView
from llmscope.views.traits import ViewTraits


class ModelTraits(ViewTraits):
    """The traits of views with the whole model; `ModelView` documents them."""

    model = traitlets.Bool(False).tag(sync=True)
    block = traitlets.Int(-1).tag(sync=True)
    box = traitlets.Unicode("").tag(sync=True)


class ModelView(ModelTraits, TraceView):
    """The whole model as one picture: tokens, embeddings, blocks, the next token.

    Every box carries its true shape and number of parameters, and every arrow the vector of the
    token in focus. Equal blocks are folded, and one is opened. In encoder-decoders the side that
    `kind` is about is unfolded, "encoder" or any other.

    Parameters
    ----------
    trace
        The trace.
    **traits
        First values of traits, those of `View` included.

    Attributes
    ----------
    model : bool
        Whether the picture is shown; here it is at first, and in an `Explorer` not.
    block : int
        The block that is opened, from 0; -1 for that of `layer`.
    box : str
        The box that is opened in place, such as "embedding" or "block.3.mlp"; empty for none.

    Examples
    --------
    >>> view = llmscope.ModelView(scope.trace("The capital of France is"), box="block.0.mlp")
    >>> view.block
    -1
    """

    model = traitlets.Bool(True).tag(sync=True)

    _shows: ClassVar[list[str]] = ["tokens", "model"]
