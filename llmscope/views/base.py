"""What all views have in common: the widget, what is on screen, and its source."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Unpack

import anywidget
import traitlets

from llmscope.edits.code import code_of
from llmscope.kernel import Handlers, Worker
from llmscope.kernel import requests as ask
from llmscope.kernel.inputs import text_of
from llmscope.kernel.subshell import run_as_addressed
from llmscope.state import SAMPLING, ViewState
from llmscope.views.call import Code, call_of, source_of
from llmscope.views.flushed import remember_session, send_flushed
from llmscope.views.joins import linked_to, unlink_all
from llmscope.views.rooms import RoomTraits
from llmscope.views.shown import input_of, with_slides
from llmscope.views.taught import TaughtTraits
from llmscope.words import spoken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from llmscope.export.choice import Choice
    from llmscope.export.page import Page
    from llmscope.export.static import Static
    from llmscope.kernel.generation import GenerationSession
    from llmscope.kernel.handlers import Answers
    from llmscope.kernel.inputs import Input
    from llmscope.sampling import Distribution
    from llmscope.scope import Scope
    from llmscope.trace import Trace

_BUILT = Path(__file__).parents[1] / "static" / "llmscope.js"
# anywidget follows changes of a file, and for that holds on to every widget for as long as the
# kernel lives (a strong lambda on a signal of the class); it holds on to none for a text.
_FOLLOWS_CHANGES = os.getenv("ANYWIDGET_HMR") == "1" or not _BUILT.exists()
_HEAD = {"layer", "head"}
_NOT_BUILT = "The front end of llmscope is not built. In a clone, run: pip install -e ."


class View(anywidget.AnyWidget, TaughtTraits, RoomTraits):
    """A widget that shows one text through one model.

    The traits below can be read, set, observed and linked; the page follows them and sets them.
    The page requests what must be computed by key, and is answered off the main thread.

    Parameters
    ----------
    scope
        The model; `None` while none is picked.
    text
        The text on screen at first.
    trace
        A trace that is shown as it is.
    session
        The text that is generated, in a view that generates.
    answers
        What answers requests of its own, by their kind; see `Handlers`.
    other
        The second of two models that are compared, with its trace, if it is shown as it is.
    **traits
        First values of the traits below.

    Attributes
    ----------
    text : str
        The text on screen.
    pair : str
        The second sentence, for models that read two.
    target : str
        The decoder's text, of an encoder-decoder model.
    masked : tuple of int
        Positions of tokens that a masked model doesn't see; below 0 from the end. Setting `text`
        empties it.
    layer, head : int
        The attention head in focus, from 0. Where neither was set, the page begins with a telling
        head: the one whose last token looks most at one that is neither the first nor itself.
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
    edits : tuple of edits
        What is other than the model's own, such as ``[llmscope.ablate(head=(24, 4))]``: every panel
        shows the text read under them. The page switches heads and layers off, and on again.
    side : {"edited", "untouched", "difference"}
        What is shown of a text under edits: it; the same text without them; or the one less the
        other, in the matrix, the next token, the lens and the chain rule. Without edits, and where
        a text is generated, it does nothing.
    patch_from : str
        A second text of as many tokens. While there is one, the page takes heads and MLPs from it
        where it else switches them off, and an Explorer shows the grid of patching.
    effect_of : tuple of int
        What *All heads* is coloured by: the effect of each head, and of each MLP beside its layer's
        number, on a token, such as " Mary", or on the difference of two, such as
        (" Mary", " John"); as ids. Empty for what heads look at.
    shade : {"attention", "effect"}
        What the text is shaded by: attention of the head in focus or, where `effect_of` names a
        token, the effect of each token of the text on that.
    position : int
        The token in focus, from 0; -1 is the last one, whatever the length of the text.
    temperature, top_k, top_p, min_p, typical_p, order
        Sampling settings, with the names and ranges of `Distribution.from_logits`.
    threshold : float
        Attention weights below it aren't drawn.
    lecture : bool
        A stage for a projector: as high as what is in sight, in large type, one subject at a time.
    chain_rule : bool
        Whether the chain rule is shown below the text, of a model that reads from left to right:
        the surprisal of each token, the product of their probabilities, and perplexity.
    lang : str or None
        The language of all words of the view, "en" or "zh"; `None` for that of the page around, as
        of JupyterLab. At first it is `llmscope.language`.
    saved_page_mb : float
        How large a page of the view, in megabytes, a saved notebook may hold, so that it is live
        there without a kernel; 0 for none. Words and a picture are always kept.
    """

    # How such a view of a `scope` is made in Python, up to its text; empty where a trace makes it.
    _maker: ClassVar[str] = ""

    _esm = _BUILT if _FOLLOWS_CHANGES else _BUILT.read_text(encoding="utf-8")

    def __init__(
        self,
        scope: Scope | None,
        text: str = "",
        trace: Trace | None = None,
        session: GenerationSession | None = None,
        answers: Answers | None = None,
        other: tuple[Scope, Trace | None] | None = None,
        **traits: Any,
    ) -> None:
        if not _BUILT.exists():
            raise FileNotFoundError(_NOT_BUILT)
        if unknown := traits.keys() - set(self.class_trait_names()):
            raise TypeError(f"{type(self).__name__} has no trait {', '.join(sorted(unknown))}.")
        if scope is not None and scope.edits:
            traits = {"edits": scope.edits, **traits}
            scope = scope.under(())
        self._answers = answers or {}
        own: Answers = {ask.Kept: self._keep, ask.Page: self._page, **self._answers}
        own = {**own, ask.Call: self._call} if self._maker else own
        self._handlers = Handlers(scope, trace, session, own, *(other or ()))
        self._worker = Worker(self._handlers, self._post)
        super().__init__(text=text, _telling=traits.keys().isdisjoint(_HEAD), **traits)
        # ipywidgets holds every widget until it is closed.
        self._own_widgets = () if "layout" in traits else (self.layout,)
        self.on_msg(self._receive)
        run_as_addressed(self)
        self.observe(self._follow_text, "text")
        if scope is not None and scope.elsewhere is not None:
            self._watch_server(scope.elsewhere)

    @property
    def scope(self) -> Scope | None:
        """The model that is looked into; `None` while none is picked."""
        return self._handlers.scope

    @property
    def trace(self) -> Trace:
        """The trace of the text on screen; waits until it is there."""
        return self._read(self._input, lambda: False)

    @property
    def distribution(self) -> Distribution:
        """The distribution on screen: at the token in focus, with the sampling settings."""
        return self.state().distribution

    @property
    def attention(self) -> NDArray[Any]:
        """The attention weights on screen: (queries, keys), or (heads, queries, keys) of arcs.

        Raises
        ------
        ValueError
            When the model has no such attention.
        """
        return self.state().attention

    def state(self) -> ViewState:
        """Return what is on screen, as plain data that doesn't follow the view.

        Returns
        -------
        llmscope.state.ViewState
            Values of all traits, what is read, and what follows from it.
        """
        shown = self._input
        state = ViewState(
            view=type(self).__name__,
            number=id(self),
            linked=tuple(map(id, linked_to(self))),
            scope=self.scope,
            panels=tuple(self._panels),
            traits=self.shared_traits(),
            language=self.language,
            changed=tuple(
                name for name in SAMPLING if self.trait_defaults(name) != getattr(self, name)
            ),
            input=shown,
            given=self._handlers.traces.given,
            session=self._handlers.session,
            read=lambda cancelled: self._read(shown, cancelled),
            answers=self._answers,
        )
        return with_slides(state, [one["set"] for one in self.slides], self._read)

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

        return figure(self.state(), width)

    def to_html(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        title: str | None = None,
        **choice: Unpack[Choice],
    ) -> Page:
        """Make one file of this view that is live without a kernel and without a network.

        Parameters
        ----------
        path, title, **choice
            As in `llmscope.to_html`.

        Returns
        -------
        llmscope.export.Page
            Its `html`, `path`, `size` and `notes`.

        Raises
        ------
        ValueError
            When there is nothing to show, or `precision` is unknown.
        IndexError
            For a layer, head or position that isn't there.
        """
        from llmscope.export.page import to_html

        return to_html(self, path, title=title, **choice)

    def static(self, *, title: str | None = None, **choice: Unpack[Choice]) -> Static:
        """Return this view as a cell output that stays alive in a saved notebook.

        It lives in exported and published notebooks, without a kernel, and follows light and dark
        of the page around it.

        Parameters
        ----------
        title, **choice
            As in `llmscope.to_html`.

        Returns
        -------
        llmscope.export.static.Static
            What a cell shows; its `page` is the page within.

        Raises
        ------
        ValueError
            When there is nothing to show, or `precision` is unknown.
        IndexError
            For a layer, head or position that isn't there.
        """
        from llmscope.export.static import static

        return static(self.state(), title=title, **choice)

    def close(self) -> None:
        """End the widget; its traces, caches, threads, layout and hold on the model end too."""
        if hasattr(self, "_worker"):
            unlink_all(self)
            self._leave_server()
            self._worker.close()
            self._handlers.close()
            self._answers = {}
        super().close()
        for widget in getattr(self, "_own_widgets", ()):
            widget.close()

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take what the page sets.

        Parameters
        ----------
        sync_data
            Values of traits by name, as ipywidgets sends them.
        """
        if sync_data.get("_telling") is False and not self._telling:
            # Somebody chose a head before the page could.
            sync_data = {name: sync_data[name] for name in sync_data.keys() - _HEAD}
            self.send_state(_HEAD)
        self._from_page = True
        try:
            super().set_state(sync_data)
        finally:
            self._from_page = False

    @property
    def _input(self) -> Input:
        """What is read: the ids of a path, or the text and what goes with it."""
        return input_of(self.shared_traits(), generates=self._handlers.session is not None)

    def _read(self, shown: Input, cancelled: Callable[[], bool]) -> Trace:
        return self._handlers.traces.trace(shown, cancelled)

    def _post(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        send_flushed(lambda: self.comm is not None and self.send(content, buffers))

    def _receive(self, _widget: Any, content: Any, _buffers: Any) -> None:
        remember_session()
        with spoken(self.language):
            self._worker.receive(content)

    def _follow_text(self, _change: Any) -> None:
        """Unmask what was masked in another text; the page knows by itself which tokens stay."""
        if not self._from_page:
            self.masked = ()

    @traitlets.observe("text")
    def _leave_path(self, change: Any) -> None:
        """Read another text than that of the path as it is."""
        generates = self._handlers.session is not None  # there, `text` is only the prompt
        if self._path and not generates and text_of(self._input, self.scope) != change["new"]:
            self._path = ""

    @traitlets.observe("pair", "target", "masked")
    def _read_as_it_is(self, _change: Any) -> None:
        if not self._from_page and self._handlers.session is None:
            self._path = ""

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        from llmscope.export.fallback import with_fallback

        bundle: tuple[dict[str, Any], dict[str, Any]] | None = super()._repr_mimebundle_(**kwargs)
        return bundle and with_fallback(bundle, self.state(), self._most_bytes, self.set_trait)

    def _keep(self, _request: ask.Kept, cancelled: Callable[[], bool]) -> Iterator[ask.Part]:
        from llmscope.export import keep

        yield keep.kept(self.state(), self._most_bytes, cancelled)

    def _page(self, _request: ask.Page, _cancelled: Callable[[], bool]) -> Iterator[ask.Part]:
        from llmscope.export import keep

        yield {"html": keep.whole_page(self.state())}

    def _call(self, _request: ask.Call, _cancelled: Callable[[], bool]) -> Iterator[ask.Part]:
        traits = {**self.shared_traits(), "lang": self.lang}
        defaults = {name: getattr(type(self), name).default() for name in traits}
        edits = tuple(Code(code_of(edit, source_of(edit))) for edit in self.edits)
        yield {"call": call_of(self._maker, {**traits, "edits": edits}, defaults)}

    def __repr__(self) -> str:
        name = self.scope.name if self.scope is not None else "no model yet"
        return f"<{type(self).__name__} {name}: {self.text!r}>"
