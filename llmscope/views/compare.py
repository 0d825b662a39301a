"""Two texts, or two models, side by side: A, B, and A less B."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import traitlets

from llmscope.comparison import Comparison
from llmscope.edits.code import code_of
from llmscope.kernel.edited_input import EditedInput, OtherInput, as_json
from llmscope.kernel.text_input import TextInput
from llmscope.scope import Scope
from llmscope.shared import MOST_ANCHORS, OF_TWO
from llmscope.state import Compared, ViewState
from llmscope.text import clean
from llmscope.trace import Trace
from llmscope.views.base import View
from llmscope.views.call import Code, call_of, source_of
from llmscope.views.lens import LensTraits
from llmscope.views.traits import INPUT, Edits, Positions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from llmscope.capture.facts import Facts
    from llmscope.edits import Edit
    from llmscope.kernel.inputs import Input

_OTHER = tuple(f"other_{name}" for name in INPUT)
_PANELS = ["header", "texts", "overview", "attention", "next-token", "lens", "chain"]


class Anchors(traitlets.TraitType[Any, Any]):
    """A tuple of pairs (position in A, position in B), in order."""

    default_value = ()
    info_text = "pairs of (position in A, position in B)"

    def validate(self, obj: Any, value: Any) -> tuple[tuple[int, int], ...]:
        """Return `value` as a tuple of pairs."""
        try:
            pairs = sorted((int(a), int(b)) for a, b in value)
        except (TypeError, ValueError):
            self.error(obj, value)
        crossing = any(a >= c or b >= d for (a, b), (c, d) in pairwise(pairs))
        if crossing or any(min(pair) < 0 for pair in pairs):
            raise traitlets.TraitError("anchors are pairs of positions that don't cross")
        if len(pairs) > MOST_ANCHORS:
            raise traitlets.TraitError(f"anchors holds {MOST_ANCHORS} at most, not {len(pairs)}")
        return tuple(pairs)


class OtherEdits(Edits):
    """The edits of B."""

    @staticmethod
    def from_json(value: Any, view: Any) -> tuple[Edit, ...]:
        """Return edits as Python has them."""
        return Edits.known(value, view.other_edits, view.other_scope)


class CompareView(View, LensTraits):
    """Two texts, or two models, side by side: every panel shows A, B, or A less B.

    The texts are aligned, token by token where they agree, and shaded by how much more surprising
    each token is in one of them; the next token is drawn as mirrored bars, all heads by how far
    they are apart. Both texts can be typed into, and the sliders act on both.

    Parameters
    ----------
    a, b
        Traces of two texts, two models, or with and without edits. Instead of a trace, a scope
        reads `text`, and as B `other_text`; without these, the text of the other.
    text
        What A reads; by default the text of its trace.
    **traits
        First values of traits: those below, and those of `View`.

    Attributes
    ----------
    side : {"a", "b", "difference"}
        What is shown.
    lens, stream
        As in `LensView`.
    other_text, other_pair, other_target, other_masked, other_edits
        What B reads, as `text`, `pair`, `target`, `masked` and `edits` are what A reads.
    anchors : tuple of (int, int)
        Positions in A and in B of tokens that are aligned by hand. Setting a text empties it.
    position : int
        The token in focus: of A, or with ``side="b"`` of B. -1 is the last one of each.

    Examples
    --------
    >>> view = llmscope.CompareView(scope.trace("The dog sleeps"), scope.trace("The fox sleeps"))
    >>> view.comparison.next_token.total_variation > 0
    True
    >>> view.other_text = "The dog sleeps"
    >>> view.comparison.next_token.total_variation < 1e-4
    True
    """

    side = traitlets.Enum(OF_TWO, "difference").tag(sync=True)
    other_text = traitlets.Unicode("").tag(sync=True)
    other_pair = traitlets.Unicode("").tag(sync=True)
    other_target = traitlets.Unicode("").tag(sync=True)
    other_masked = Positions().tag(sync=True)
    other_edits = OtherEdits().tag(sync=True, to_json=Edits.to_json, from_json=OtherEdits.from_json)
    anchors = Anchors().tag(sync=True)

    _maker = "llmscope.compare("

    def __init__(
        self, a: Trace | Scope, b: Trace | Scope, text: str | None = None, **traits: Any
    ) -> None:
        for given in (a, b):
            if not isinstance(given, Trace | Scope):
                raise TypeError(
                    f"Two traces are compared, or two scopes with text=…; {given!r:.60} is neither."
                )
        made = _read(a, b, text, traits)
        scopes = [given.scope if isinstance(given, Trace) else given for given in (a, b)]
        for name, scope in zip(("edits", "other_edits"), scopes, strict=True):
            if scope.edits:
                made = {name: scope.edits, **made}
        plain = [scope.under(()) if scope.edits else scope for scope in scopes]
        if _has_one_model(*plain) and plain[0].tokenizer is plain[1].tokenizer:
            plain[1] = plain[0]
        one, other = (given if isinstance(given, Trace) else None for given in (a, b))
        super().__init__(
            plain[0],
            trace=one,
            other=(plain[1], other),
            _panels=_PANELS,
            _editable=True,
            **{"text": "", **made, **traits},
        )
        self.observe(self._follow_texts, ["text", "other_text"])

    @property
    def other_scope(self) -> Scope:
        """The model of B."""
        found = self._handlers.other
        if found is None:
            raise ValueError("This view is closed.")
        return found

    @property
    def _facts(self) -> list[Facts]:
        return [*super()._facts, self.other_scope.facts]

    @property
    def a(self) -> Trace:
        """The trace of A; waits until it is there."""
        return self._read(self._inputs[0], lambda: False)

    @property
    def b(self) -> Trace:
        """The trace of B; waits until it is there."""
        return self._read(self._inputs[1], lambda: False)

    @property
    def comparison(self) -> Comparison:
        """A less B, as they are on screen; waits until both are there.

        Raises
        ------
        ValueError
            For anchors that the texts have no tokens for.
        """
        return Comparison(self.a, self.b, self.anchors)

    def state(self) -> ViewState:
        """Return what is on screen, as plain data that doesn't follow the view.

        Returns
        -------
        llmscope.state.ViewState
            That of any view, with what is compared.
        """
        inputs = self._inputs
        compared = Compared(
            inputs,
            self.other_scope,
            self._handlers.traces.other_given,
            self.anchors,
            lambda what: self._read(what, lambda: False),
        )
        return replace(super().state(), compared=compared)

    def shared_traits(self) -> dict[str, Any]:
        """Return the values of all traits that the page has.

        Returns
        -------
        dict
            By name.
        """
        return {**super().shared_traits(), "other_edits": Edits.to_json(self.other_edits, self)}

    @property
    def _inputs(self) -> tuple[Input, Input]:
        other: TextInput | EditedInput
        other = TextInput(*(getattr(self, name) for name in _OTHER))
        if self.other_edits:
            other = EditedInput(as_json(self.other_edits), other)
        return super()._input, OtherInput(other)

    @property
    def _input(self) -> Input:
        return self._inputs[self.side == "b"]

    def _follow_texts(self, change: Any) -> None:
        """Positions in a text are none of another; the page knows by itself which tokens stay."""
        if self._from_page:
            return
        self.anchors = ()
        if change["name"] == "other_text":
            self.other_masked = ()

    @traitlets.validate("other_text", "other_pair", "other_target")
    def _whole(self, proposal: Any) -> Any:
        return clean(proposal["value"])

    def _call(self, _request: Any, _cancelled: Callable[[], bool]) -> Iterator[dict[str, Any]]:
        traits = self.shared_traits()
        defaults = {name: getattr(type(self), name).default() for name in traits}
        for name in ("edits", "other_edits"):
            edits: tuple[Edit, ...] = getattr(self, name)
            traits[name] = tuple(Code(code_of(edit, source_of(edit))) for edit in edits)
        b = "scope" if self.other_scope is self.scope else "other"
        yield {"call": call_of(f"{self._maker}scope, {b}, ", traits, defaults)}


def compare(
    a: Trace | Scope,
    b: Trace | Scope,
    text: str | None = None,
    **traits: Any,
) -> CompareView:
    """Put two texts, or two models, side by side.

    Parameters
    ----------
    a, b
        Traces of two texts, two models, or with and without edits. Instead of a trace, a scope
        reads `text`, and as B `other_text`; without these, the text of the other.
    text
        What A reads; by default the text of its trace.
    **traits
        First values of the traits of `CompareView`.

    Returns
    -------
    CompareView
        The widget; its `comparison` has the numbers.

    Raises
    ------
    TypeError
        For what is neither a trace nor a scope.
    ValueError
        When neither has a text.

    See Also
    --------
    llmscope.Comparison : The same numbers without a widget.

    Examples
    --------
    >>> a, b = scope.trace("A dog and a fox"), scope.trace("A dog and a poodle")
    >>> view = llmscope.compare(a, b, temperature=0.7)
    >>> view.comparison.tokens[0].same
    True

    One text, two models:

    >>> view = llmscope.compare(scope, scope.under([llmscope.ablate(mlp=0)]), text="A dog")
    >>> view.comparison.head_distances.shape
    (3, 4)
    """
    return CompareView(a, b, text, **traits)


def _has_one_model(a: Scope, b: Scope) -> bool:
    if a.elsewhere or b.elsewhere:
        return a.elsewhere is b.elsewhere
    return a.model is b.model


def _read(a: Trace | Scope, b: Trace | Scope, text: str | None, traits: dict[str, Any]) -> Any:
    """Return the traits that say what both read, and under which edits."""
    made: dict[str, Any] = {}
    given = [one for one in (a, b) if isinstance(one, Trace)]
    if text is None and not given and "other_text" not in traits:
        raise ValueError("Two scopes read a text: compare(a, b, text=…), and other_text= for B.")
    for one, names, edits in ((a, INPUT, "edits"), (b, _OTHER, "other_edits")):
        source = one if isinstance(one, Trace) else next(iter(given), None)
        if source is not None:
            read = TextInput.of(source)
            values: dict[str, Any] = vars(read) if source is one else {"text": read.text}
            made |= {
                name: values[own] for name, own in zip(names, INPUT, strict=True) if own in values
            }
        if isinstance(one, Trace):
            made[edits] = one.edits
    if text is not None:
        if isinstance(a, Trace) and text != made["text"]:
            made |= {"pair": "", "target": "", "masked": ()}
        made["text"] = text
        if not isinstance(b, Trace):
            made["other_text"] = text
    made.setdefault("text", traits.get("other_text", ""))
    return made
