"""Single panels of the Explorer, each as a widget of its own, over one trace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, ClassVar, cast

import traitlets

from llmscope.kernel import TextInput
from llmscope.views.base import View

if TYPE_CHECKING:
    from llmscope.trace import Trace


class TraceView(View):
    """Some panels that show one trace.

    Parameters
    ----------
    trace
        The trace.
    **traits
        First values of traits, those of `View`.
    """

    _shows: ClassVar[list[str]] = []

    def __init__(self, trace: Trace, **traits: Any) -> None:
        given = {**asdict(TextInput.of(trace)), "edits": trace.edits}
        scope = trace.scope.under(())
        super().__init__(scope, trace=trace, _panels=self._shows, **given, **traits)

    @classmethod
    def below(cls, panels: Sequence[str], traits: Sequence[type] = ()) -> type[TraceView]:
        """Return this kind of view with further panels above its own.

        Parameters
        ----------
        panels
            Names of panels, such as "tokens".
        traits
            Views whose traits those panels read, such as `llmscope.views.model.ModelTraits`.

        Returns
        -------
        type
            A view of the same name.
        """
        shows = list(dict.fromkeys((*panels, *cls._shows)))
        bases = (*(one for one in traits if not issubclass(cls, one)), cls)
        return cast("type[TraceView]", type(cls.__name__, bases, {"_shows": shows}))


class TokensView(TraceView):
    """The text of a trace, token by token: shaded by attention, underlined by probability.

    Below it, of a model that reads from left to right, the chain rule: how surprising each token
    is given those before it, the product of their probabilities, and perplexity.

    Parameters
    ----------
    trace
        The trace.
    **traits
        First values of traits, those of `View`; `chain_rule` is true at first.

    Examples
    --------
    >>> view = llmscope.TokensView(scope.trace("The capital of France is"), position=2)
    >>> view.position
    2
    """

    chain_rule = traitlets.Bool(True).tag(sync=True)

    _shows: ClassVar[list[str]] = ["tokens", "chain"]


class NextTokenView(TraceView):
    """The distribution of the token after the one in focus, with the sampling sliders.

    Parameters
    ----------
    trace
        The trace.
    **traits
        First values of traits, those of `View`.

    Examples
    --------
    >>> view = llmscope.NextTokenView(scope.trace("The capital of France is"), temperature=0.7)
    >>> len(view.distribution.top(3))
    3
    """

    _shows: ClassVar[list[str]] = ["next-token"]


class PatchingView(TraceView):
    """What the residual stream carries, layer by layer and token by token: activation patching.

    Each cell takes the stream behind one layer at one position from a second text, `patch_from`, of
    as many tokens, and says how far the difference of two logits goes from what it is here (0) to
    what it is there (1). A click adds the edit of a cell to `edits`. The tokens are `effect_of`, by
    default the likeliest here and the likeliest of the second text, both after the token in focus.

    Parameters
    ----------
    trace
        The trace.
    **traits
        First values of traits, those of `View`.

    Examples
    --------
    >>> trace = scope.trace("A tiny model")
    >>> view = llmscope.PatchingView(trace, patch_from="A tiny poodle")
    >>> view.patch_from
    'A tiny poodle'
    """

    _shows: ClassVar[list[str]] = ["tokens", "patching"]


class AttentionView(TraceView):
    """All heads at a glance; the one in focus, or several, as a matrix, as arcs, step by step.

    Parameters
    ----------
    trace
        The trace.
    **traits
        First values of traits, those of `View`.

    Examples
    --------
    >>> view = llmscope.AttentionView(scope.trace("The capital of France is"), layer=1, head=2)
    >>> view.attention.shape == (len(view.trace), len(view.trace))
    True
    """

    _shows: ClassVar[list[str]] = ["tokens", "overview", "attention"]
