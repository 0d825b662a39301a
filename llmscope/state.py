"""What is on screen in a view, as plain data, and all that follows from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from llmscope.analysis.comparison import check_shapes
from llmscope.analysis.matrix_name import MatrixName
from llmscope.comparison import Comparison
from llmscope.kernel.edited_input import EditedInput, dense
from llmscope.kernel.summary import default_kind
from llmscope.words import ENGLISH

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from llmscope.generation.stepping import Stepper
    from llmscope.kernel.generation import GenerationSession
    from llmscope.kernel.handlers import Answers
    from llmscope.kernel.inputs import Input
    from llmscope.sampling import Distribution
    from llmscope.scope import Scope
    from llmscope.shared import Kind
    from llmscope.text import Token
    from llmscope.trace import Trace

SAMPLING = ("temperature", "top_k", "top_p", "min_p", "typical_p", "order")
_HEADS = ("layer", "head", "heads", "kind")
_DRAWN = ("direction", "position", "threshold", "hide_sink", "segments")
SHARED = (*_HEADS, *_DRAWN, *SAMPLING)  # between linked views


@runtime_checkable
class HasState(Protocol):
    """Whatever shows something that can be exported: every view does."""

    def state(self) -> ViewState:
        """Return what is on screen."""


@dataclass(frozen=True)
class Compared:
    """Two that are side by side, A and B.

    Attributes
    ----------
    inputs
        What A and B read.
    scope, given
        The model of B, and the trace that the view was made of, if it was.
    anchors
        Positions in A and B of tokens that are aligned by hand.
    read
        Computes the trace of one of the inputs.
    """

    inputs: tuple[Input, Input]
    scope: Scope
    given: Trace | None
    anchors: tuple[tuple[int, int], ...]
    read: Callable[[Input], Trace]


@dataclass(frozen=True, eq=False)
class ViewState:
    """What is on screen in one view.

    A trace is computed when something is read that follows from it, and once.

    Attributes
    ----------
    view
        Name of the view's class.
    number
        Of the view, for as long as it lives.
    linked
        Numbers of the views that were linked to this one, by `link(this, other)`.
    scope
        The model; `None` while none is picked.
    panels
        Names of panels, as in `llmscope.panels`.
    traits
        All values that are shared with the page, by name.
    changed
        Names of the sampling settings that aren't the defaults of the view.
    input
        What is read.
    given, session
        The trace that the view was made of, if it was; the text that it generates, if it does.
    read
        Computes the trace; takes a function that says whether it isn't needed any more.
    answers
        What answers requests of the view's own, by their kind.
    compared
        Two that are side by side; else `None`.
    language
        The language of its words.
    thinned
        Of a view of kept steps: returns what it shows of at most so many of them.
    slides
        Of a lesson, what is on screen on each slide.
    """

    view: str
    number: int
    linked: tuple[int, ...]
    scope: Scope | None
    panels: tuple[str, ...]
    traits: Mapping[str, Any]
    changed: tuple[str, ...]
    input: Input
    given: Trace | None
    session: GenerationSession | None
    read: Callable[[Callable[[], bool]], Trace]
    answers: Answers = field(default_factory=dict)
    compared: Compared | None = None
    language: str = ENGLISH
    thinned: Callable[[int], ViewState] | None = None
    slides: tuple[ViewState, ...] = ()

    # ── traits that pictures are drawn by ─────────────────────────────────────────────────────────

    @property
    def text(self) -> str:
        """The text of the view; in a view that generates, the prompt."""
        return str(self.traits["text"])

    @property
    def is_difference(self) -> bool:
        """Whether the text under edits less the same without them is shown, or A less B."""
        if self.compared is not None:
            return bool(self.traits["side"] == "difference")
        is_edited = bool(self.traits["edits"]) and self.session is None
        return is_edited and self.traits["side"] == "difference"

    @property
    def inputs(self) -> list[Input]:
        """What is read, and what its reader may turn to: without the edits, or A and B."""
        if self.compared is not None:
            return list(self.compared.inputs)
        plain: Any = self.input.input if isinstance(self.input, EditedInput) else self.input
        if not self.traits["edits"] or self.session is not None:
            return list(dict.fromkeys([self.input, plain]))
        return list(dict.fromkeys([EditedInput(dense(self.traits["edits"]), plain), plain]))

    @property
    def layer(self) -> int:
        """The layer in focus."""
        return int(self.traits["layer"])

    @property
    def head(self) -> int:
        """The head in focus."""
        return int(self.traits["head"])

    @property
    def heads(self) -> tuple[tuple[int, int], ...]:
        """The chosen heads (layer, head)."""
        return tuple(self.traits["heads"])

    @property
    def mode(self) -> str:
        """How attention is shown: one of `llmscope.shared.MODES`."""
        return str(self.traits["mode"])

    @property
    def combine(self) -> str:
        """How chosen heads are combined: one of `llmscope.shared.COMBINE`."""
        return str(self.traits["combine"])

    @property
    def hide_sink(self) -> bool:
        """Whether the first key is left out."""
        return bool(self.traits["hide_sink"])

    @property
    def color_scale(self) -> str:
        """How opaque weights are: one of `llmscope.shared.COLOR_SCALES`."""
        return str(self.traits["color_scale"])

    @property
    def threshold(self) -> float:
        """Weights below it aren't drawn."""
        return float(self.traits["threshold"])

    @property
    def effect_of(self) -> tuple[int, ...]:
        """A token, and perhaps a foil, whose effects are shown."""
        return tuple(self.traits["effect_of"])

    @property
    def position(self) -> int:
        """The position in focus; -1 is the last."""
        return int(self.traits["position"])

    @property
    def direction(self) -> str:
        """Whether attention "from" or "to" the token in focus is shown."""
        return str(self.traits["direction"])

    @property
    def is_from(self) -> bool:
        """Whether attention from the token in focus is shown."""
        return self.direction == "from"

    @property
    def is_pinned(self) -> bool:
        """Whether a token was chosen, instead of the last one by default."""
        return self.position >= 0 or not self.is_from

    @property
    def sampling(self) -> dict[str, Any]:
        """Sampling settings, as `Trace.distribution` takes them."""
        settings = {name: self.traits[name] for name in SAMPLING}
        if settings["order"] == "vllm":
            del settings["typical_p"]  # vLLM has none; the page leaves it out too.
        return settings

    # ── what follows from traits alone ────────────────────────────────────────────────────────────

    @property
    def in_focus(self) -> MatrixName:
        """The matrix of the head in focus."""
        return MatrixName("head", [(self.layer, self.head)], self.hide_sink)

    @property
    def matrices(self) -> list[MatrixName]:
        """The matrices on screen; several in arcs of chosen heads."""
        heads: list[tuple[int, ...]] = [*self.heads]
        if self.mode == "arcs" and heads:
            return [MatrixName("head", [one], self.hide_sink) for one in heads]
        if self.mode == "matrix" and self.combine == "rollout":
            return [MatrixName("rollout", [(self.layer,)], self.hide_sink)]
        if self.mode == "matrix" and self.combine == "difference" and len(heads) > 1:
            return [MatrixName("difference", heads[:2], self.hide_sink)]
        if self.mode == "matrix" and self.combine in ("mean", "max") and heads:
            return [MatrixName(self.combine, heads, self.hide_sink)]
        return [self.in_focus]

    @property
    def shading(self) -> MatrixName:
        """The matrix that the text is shaded by."""
        if self.mode == "arcs" and len(self.heads) > 1:
            return MatrixName("mean", [*self.heads], self.hide_sink)
        return self.in_focus if self.mode == "steps" else self.matrices[0]

    @property
    def stepper(self) -> Stepper | None:
        """What generates, after this prompt; `None` in other views."""
        return None if self.session is None else self.session.at(self.text)

    def follows(self, other: ViewState) -> bool:
        """Whether this view shows what `other` generates, which takes the same model."""
        if self.session is not None or other.session is None:
            return False
        models = [one and (one.elsewhere or one.model) for one in (self.scope, other.scope)]
        return models[0] is not None and models[0] is models[1]

    # ── what follows from the trace ───────────────────────────────────────────────────────────────

    def showing(self, trace: Trace) -> ViewState:
        """Return what the same view shows of another trace."""
        return replace(self, read=lambda _cancelled: trace)

    @cached_property
    def trace(self) -> Trace:
        """The trace on screen.

        Raises
        ------
        ValueError
            When there is no model, or it can't read the input.
        """
        return self.read(lambda: False)

    @property
    def kind(self) -> Kind:
        """Which attention is on screen."""
        chosen = self.traits["kind"]
        return chosen if chosen in self.trace.kinds else default_kind(self.trace)

    @property
    def text_tokens(self) -> tuple[Token, ...]:
        """The tokens of the text; in encoder-decoder models, of the encoder's."""
        return self.trace.source_tokens or self.trace.tokens

    @property
    def queries(self) -> tuple[Token, ...]:
        """The tokens that attend."""
        found = self.trace.source_tokens if self.kind == "encoder" else self.trace.tokens
        return self._paired(found, "queries")

    @property
    def keys(self) -> tuple[Token, ...]:
        """The tokens that are attended to."""
        found = self.trace.tokens if self.kind == "self" else self.trace.source_tokens
        return self._paired(found, "keys")

    @property
    def focus(self) -> int:
        """The position in focus, on whichever side, as the page finds it."""
        last = max(len(self.trace.source_tokens), len(self.trace)) - 1
        return self.position if 0 <= self.position <= last else last

    @property
    def end(self) -> int:
        """Which query is in focus, or with ``direction="to"`` which key."""
        side = self.queries if self.is_from else self.keys
        return max(0, min(self.focus, len(side) - 1))

    @property
    def framed(self) -> int:
        """Which token of the text is in focus; -1 where it is on the other side."""
        side = self.queries if self.is_from else self.keys
        return self.end if side is self.text_tokens else -1

    @property
    def has_attention(self) -> bool:
        """Whether the model has attention of this kind."""
        return bool(self.trace.layers(self.kind))

    @property
    def place(self) -> int:
        """Position of the distribution on screen; with a decoder side, the end of it."""
        within = not self.trace.source_tokens and self.position < len(self.trace)
        return self.position if within else -1

    @property
    def distribution(self) -> Distribution:
        """The distribution on screen."""
        return self.trace.distribution(self.place, **self.sampling)

    @property
    def attention(self) -> NDArray[Any]:
        """The weights on screen: (queries, keys), or (heads, queries, keys) of arcs.

        Raises
        ------
        ValueError
            When the model has no such attention.
        """
        found = [self._weights(one) for one in self.matrices]
        return np.stack(found) if self.mode == "arcs" and self.heads else found[0]

    def line(self, matrix: MatrixName) -> NDArray[np.float32]:
        """Return weights from the token in focus to all keys, or to it from all queries."""
        if self.is_from:
            row: NDArray[np.float32] = self._weights(matrix, [self.end])[0]
            return row
        column: NDArray[np.float32] = self._weights(matrix)[:, self.end]
        return column

    @cached_property
    def comparison(self) -> Comparison:
        """The text on screen under edits, and without them; or A and B."""
        if (found := self.compared) is not None:
            a, b = map(found.read, found.inputs)
            return Comparison(a, b, found.anchors)
        return Comparison(self.trace, self.trace.untouched)

    @property
    def is_signed(self) -> bool:
        """Whether the weights on screen are differences."""
        return self.compares_matrices or self.matrices[0].how == "difference"

    @property
    def compares_matrices(self) -> bool:
        """Whether the weights on screen are those under edits less those without them."""
        return self.is_difference and self.mode == "matrix"

    def _weights(
        self, matrix: MatrixName, rows: Sequence[int] | None = None
    ) -> NDArray[np.float32]:
        """Return a matrix (rows, keys); of two traces the one less the other."""
        if not self.compares_matrices:
            return self.trace.matrix(matrix, rows, self.kind)
        traces = (self.comparison.a, self.comparison.b)
        check_shapes(traces[0].recording, traces[1].recording, self.kind)
        pairing = self.comparison.pairing(self.kind)
        both = []
        for side, trace in enumerate(traces):
            own: Any = rows
            if pairing is not None:
                own = pairing.queries[slice(None) if rows is None else [*rows], side].tolist()
            weights = trace.matrix(matrix, own, self.kind)
            both.append(weights if pairing is None else weights[:, pairing.keys[:, side]])
        return both[0] - both[1]

    def _paired(self, tokens: tuple[Token, ...], name: str) -> tuple[Token, ...]:
        """Return the tokens of a side; of the difference of two texts, those that both have."""
        pairing = self.comparison.pairing(self.kind) if self.compares_matrices else None
        if pairing is None:
            return tokens
        return tuple(tokens[at] for at in getattr(pairing, name)[:, 0])
