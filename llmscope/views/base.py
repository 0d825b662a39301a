"""What all views have in common: the state that is shared with the page, and the source."""

from __future__ import annotations

import operator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import anywidget
import numpy as np
import traitlets

from llmscope.analysis.by_name import named_matrix
from llmscope.sampling import Distribution, check_settings
from llmscope.sampling.settings import ORDERS
from llmscope.source import Answers, Desk, Reading
from llmscope.source.answers import shown_kind, written

if TYPE_CHECKING:
    import os

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from llmscope.capture import Kind
    from llmscope.export.choose import Choice
    from llmscope.export.html import Page
    from llmscope.export.static import Static
    from llmscope.scope import Scope
    from llmscope.source.answers import Written
    from llmscope.trace import Trace

MOST_HEADS = 8  # as many as there are colours that can be told apart
MODES = ("matrix", "arcs", "steps")
COMBINE = ("none", "mean", "max", "difference", "rollout")
COLOR_SCALES = ("sqrt", "linear", "log")
SEGMENTS = ("all", "aa", "ab", "ba", "bb")
READING = ("text", "pair", "target", "masked")
SAMPLING = ("temperature", "top_k", "top_p", "min_p", "typical_p", "order")
_BUILT = Path(__file__).parents[1] / "static" / "llmscope.js"


class Heads(traitlets.TraitType[Any, Any]):
    """A tuple of (layer, head); takes any sequence of pairs."""

    default_value = ()
    info_text = "pairs of (layer, head)"

    def validate(self, obj: Any, value: Any) -> tuple[tuple[int, int], ...]:
        """Give `value` as a tuple of pairs."""
        try:
            pairs = tuple((int(layer), int(head)) for layer, head in value)
        except (TypeError, ValueError):
            self.error(obj, value)
        if len(set(pairs)) < len(pairs):
            raise traitlets.TraitError("heads names a head twice")
        if len(pairs) > MOST_HEADS:
            raise traitlets.TraitError(f"heads holds {MOST_HEADS} at most, not {len(pairs)}")
        return pairs


class Positions(traitlets.TraitType[Any, Any]):
    """A tuple of positions; takes any sequence of integers."""

    default_value = ()
    info_text = "positions of tokens"

    def validate(self, obj: Any, value: Any) -> tuple[int, ...]:
        """Give `value` as a tuple, in order."""
        try:
            return tuple(sorted({operator.index(position) for position in value}))
        except TypeError:
            self.error(obj, value)


class View(anywidget.AnyWidget):
    """A widget that shows one text through one model.

    The traits below can be read, set, observed and linked; the page follows them and sets them.
    What needs computing is asked for by the page, by name, and answered off the main thread.

    Attributes
    ----------
    text : str
        The text on screen.
    pair : str
        The second sentence, for models that read two.
    target : str
        What the decoder of an encoder-decoder model has written.
    masked : tuple of int
        Positions of tokens that a masked model doesn't see; below 0 from the end. Setting `text`
        empties it.
    layer, head : int
        The attention head in focus, from 0.
    heads : tuple of (layer, head)
        Chosen heads, of any layers, at most eight: overlaid as arcs, or combined to one matrix.
    mode : {"matrix", "arcs", "steps"}
        How attention is shown.
    combine : {"none", "mean", "max", "difference", "rollout"}
        What the matrix shows: the head in focus; of the chosen heads the mean, the greatest
        weight, or the first less the second; or attention rollout up to the layer in focus.
    kind : {"", "self", "encoder", "cross"}
        Which attention; "" is the first that the model has.
    direction : {"from", "to"}
        Whether attention from the token in focus is shown, or attention to it.
    hide_sink : bool
        Leave out the first token and divide the other weights of a row by their sum.
    color_scale : {"sqrt", "linear", "log"}
        How opaque a weight is drawn.
    segments : {"all", "aa", "ab", "ba", "bb"}
        Of two sentences, which weights are drawn: "ab" are those from the first to the second.
        `attention` and `figure()` stay whole.
    position : int
        The token in focus, from 0; -1 is the last one, whatever the length of the text.
    temperature, top_k, top_p, min_p, typical_p, order
        Sampling settings, with the names and ranges of `Distribution.from_logits`.
    threshold : float
        Attention weights below it aren't drawn.
    lecture : bool
        Large type, for a projector.
    """

    _esm = _BUILT

    text = traitlets.Unicode("").tag(sync=True)
    pair = traitlets.Unicode("").tag(sync=True)
    target = traitlets.Unicode("").tag(sync=True)
    masked = Positions().tag(sync=True)
    layer = traitlets.Int(0).tag(sync=True)
    head = traitlets.Int(0).tag(sync=True)
    heads = Heads().tag(sync=True)
    mode = traitlets.Enum(MODES, "matrix").tag(sync=True)
    combine = traitlets.Enum(COMBINE, "none").tag(sync=True)
    kind = traitlets.Enum(("", "self", "encoder", "cross"), "").tag(sync=True)
    direction = traitlets.Enum(("from", "to"), "from").tag(sync=True)
    hide_sink = traitlets.Bool(False).tag(sync=True)
    color_scale = traitlets.Enum(COLOR_SCALES, "sqrt").tag(sync=True)
    segments = traitlets.Enum(SEGMENTS, "all").tag(sync=True)
    position = traitlets.Int(-1).tag(sync=True)
    temperature = traitlets.Float(1.0).tag(sync=True)
    top_k = traitlets.Int(0).tag(sync=True)
    top_p = traitlets.Float(1.0).tag(sync=True)
    min_p = traitlets.Float(0.0).tag(sync=True)
    typical_p = traitlets.Float(1.0).tag(sync=True)
    order = traitlets.Enum(ORDERS, "transformers").tag(sync=True)
    threshold = traitlets.Float(0.0).tag(sync=True)
    lecture = traitlets.Bool(False).tag(sync=True)

    _panels = traitlets.List(traitlets.Unicode()).tag(sync=True)
    _editable = traitlets.Bool(False).tag(sync=True)
    # The key of what is on screen, where it isn't what the tokenizer makes of `text`: a text as
    # a model wrote it.
    _path = traitlets.Unicode("").tag(sync=True)

    def __init__(
        self, scope: Scope | None, text: str = "", trace: Trace | None = None, **traits: Any
    ) -> None:
        if not _BUILT.exists():
            raise FileNotFoundError(
                "The front end of llmscope is not built. In a clone, run: pip install -e ."
            )
        unknown = traits.keys() - set(self.class_trait_names())
        if unknown:
            raise TypeError(f"{type(self).__name__} has no trait {', '.join(sorted(unknown))}.")
        self._answers = Answers(scope, trace)
        self._linked: list[View] = []
        self._desk = Desk(self._answers, self._post)
        self._from_page = False
        super().__init__(text=text, **traits)
        self.on_msg(self._receive)
        self.observe(self._follow_text, "text")

    @property
    def scope(self) -> Scope | None:
        """The model that is looked into; `None` while none is picked."""
        return self._answers.scope

    @property
    def trace(self) -> Trace:
        """The trace of the text on screen; waits until it is there."""
        return self._answers.trace(self._shown)

    @property
    def _shown(self) -> Written:
        return written(self._path) if self._path else self._reading

    @property
    def distribution(self) -> Distribution:
        """The distribution on screen: at the token in focus, with the sampling settings."""
        settings = {name: getattr(self, name) for name in SAMPLING}
        if self.order == "vllm":
            del settings["typical_p"]  # vLLM has none; the page leaves it out too.
        return self.trace.distribution(self._place(), **settings)

    @property
    def attention(self) -> NDArray[Any]:
        """The attention weights on screen: (queries, keys), or (heads, queries, keys) of arcs.

        Raises
        ------
        ValueError
            When the model has no such attention.
        """
        trace = self.trace
        kind = self._kind(trace)
        matrices = [named_matrix(trace.recording, kind, name) for name in self._matrices()]
        overlaid = self.mode == "arcs" and len(self.heads) > 0
        return np.stack(matrices) if overlaid else matrices[0]

    def figure(self, width: float | None = None) -> Figure:
        """Draw what is on screen for a paper: vectors, on white.

        Parameters
        ----------
        width
            In inches; without it, the figure is as wide as what it shows takes.

        Returns
        -------
        matplotlib.figure.Figure
            It belongs to no backend: save it with ``savefig``, as PDF, SVG or PNG.

        Raises
        ------
        ValueError
            When the text is too long to print, or the width too small.
        """
        from llmscope.export.figures import figure

        return figure(self, width)

    def to_html(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        title: str | None = None,
        **choice: Unpack[Choice],
    ) -> Page:
        """Make one file of this view that is live without a kernel and without a network.

        The arguments are those of `llmscope.to_html`.
        """
        from llmscope.export.html import to_html

        return to_html(self, path, title=title, **choice)

    def static(self, *, title: str | None = None, **choice: Unpack[Choice]) -> Static:
        """Give this view as a cell output that stays alive in a saved notebook.

        It lives in exported and published notebooks, without a kernel, and follows light and dark
        of the page around it. The arguments are those of `llmscope.to_html`.
        """
        from llmscope.export.static import static

        return static(self, title=title, **choice)

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        from llmscope.export.fallback import fallback

        bundle: tuple[dict[str, Any], dict[str, Any]] | None = super()._repr_mimebundle_(**kwargs)
        return bundle and (bundle[0] | fallback(self), bundle[1])

    @property
    def _reading(self) -> Reading:
        return Reading(*(getattr(self, name) for name in READING))

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take what the page sets."""
        self._from_page = True
        try:
            super().set_state(sync_data)
        finally:
            self._from_page = False

    def _follow_text(self, _change: Any) -> None:
        """Unmask what was masked in another text; the page knows by itself which tokens stay."""
        if not self._from_page:
            self.masked = ()

    def _kind(self, trace: Trace) -> Kind:
        """Tell which attention is on screen."""
        return self.kind if self.kind in trace.kinds else shown_kind(trace)

    def _matrices(self) -> list[str]:
        """Name the matrices on screen, as the page does."""
        sinkless = "sinkless." if self.hide_sink else ""
        chosen = [f"{layer}.{head}" for layer, head in self.heads]
        if self.mode == "arcs" and chosen:
            return [f"{sinkless}head.{one}" for one in chosen]
        if self.mode == "matrix" and self.combine == "rollout":
            return [f"{sinkless}rollout.{self.layer}"]
        if self.mode == "matrix" and self.combine == "difference" and len(chosen) > 1:
            return [f"{sinkless}difference.{'+'.join(chosen[:2])}"]
        if self.mode == "matrix" and self.combine in ("mean", "max") and chosen:
            return [f"{sinkless}{self.combine}.{'+'.join(chosen)}"]
        return [f"{sinkless}head.{self.layer}.{self.head}"]

    def close(self) -> None:
        """End the widget: its traces, caches and threads go with it."""
        if hasattr(self, "_desk"):
            self._desk.close()
            self._answers.release()
        super().close()

    def _place(self) -> int:
        """Where the distribution on screen stands; with a decoder side, behind its end."""
        trace = self.trace
        within = not trace.source_tokens and self.position < len(trace)
        return self.position if within else -1

    def _post(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        if self.comm is not None:
            self.send(content, buffers)

    def _receive(self, _widget: Any, content: dict[str, Any], _buffers: Any) -> None:
        self._desk.receive(content)

    @traitlets.observe("text")
    def _leave_path(self, change: Any) -> None:
        """Another text than that of the path is read as it stands."""
        writes = self._answers.writing is not None  # there, `text` is only the prompt
        if self._path and not writes and self._answers.text_of(self._shown) != change["new"]:
            self._path = ""

    @traitlets.observe("pair", "target", "masked")
    def _read_as_it_stands(self, _change: Any) -> None:
        if not self._from_page and self._answers.writing is None:
            self._path = ""

    @traitlets.validate("temperature", "top_k", "top_p", "min_p", "typical_p")
    def _within_range(self, proposal: Any) -> Any:
        try:
            check_settings(**{proposal["trait"].name: proposal["value"]})
        except ValueError as error:
            raise traitlets.TraitError(str(error)) from None
        return proposal["value"]

    @traitlets.validate("threshold")
    def _a_share(self, proposal: Any) -> Any:
        if not 0 <= proposal["value"] <= 1:
            raise traitlets.TraitError(f"threshold lies between 0 and 1, not {proposal['value']}")
        return proposal["value"]

    @traitlets.validate("layer", "head")
    def _exists(self, proposal: Any) -> Any:
        name, value = proposal["trait"].name, proposal["value"]
        facts = self.scope.facts if self.scope is not None else None
        count = getattr(facts, f"{name}s", 0) or 0
        if value < 0 or (count and value >= count):
            raise traitlets.TraitError(f"{name} lies between 0 and {count - 1}, not {value}")
        return value

    @traitlets.validate("heads")
    def _exist(self, proposal: Any) -> Any:
        facts = self.scope.facts if self.scope is not None else None
        for layer, head in proposal["value"]:
            beyond = facts is not None and (
                (facts.layers and layer >= facts.layers) or (facts.heads and head >= facts.heads)
            )
            if layer < 0 or head < 0 or beyond:
                raise traitlets.TraitError(f"There is no head ({layer}, {head}).")
        return proposal["value"]

    @traitlets.validate("position")
    def _from_the_end(self, proposal: Any) -> Any:
        if proposal["value"] < -1:
            raise traitlets.TraitError("position is -1 (the last token) or more")
        return proposal["value"]

    def __repr__(self) -> str:
        name = self.scope.name if self.scope is not None else "no model yet"
        return f"<{type(self).__name__} {name}: {self.text!r}>"
