"""Slides: a caption, and the state of a view that it is about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import traitlets

from llmscope.lessons.captions import Caption, MarkdownError, caption, words
from llmscope.lessons.points import point
from llmscope.lessons.sight import Sight, nearest
from llmscope.panels import PANELS

if TYPE_CHECKING:
    from llmscope.views import View

TEXT = "tokens"  # the panel of the text, which is above all others
_MODES = ("matrix", "arcs", "steps")
_PANEL_OF = {"text": TEXT, "heads": "overview", **dict.fromkeys(_MODES, "attention")}
STORY = ("text", "tokens", "embedding", "attention", "mlp", "unembedding", "softmax", "next")
_STORY_OF = {
    TEXT: "text",
    "overview": "attention",
    "attention": "attention",
    "patching": "mlp",
    "lens": "unembedding",
    "next-token": "softmax",
    "chain": "next",
    "generation": "next",
    "tokenizers": "tokens",
}
_GUESSED = ("temperature", "top_k", "top_p", "threshold")  # sliders that are always there
_OF_TEXT = {"position": -1, "masked": ()}  # what a new text begins with
_TEXTS = {"text", "pair", "target"}
_KEYS = "bsrfcgxmdh.?+-="  # which lessons and panels use
_NEVER = {"slide", "lecture"}


class Slide:
    r"""One step of a lesson: what is said, and what the view shows meanwhile.

    What a slide sets stays for those after it. A new text begins with its last token in focus, and
    nothing masked.

    Parameters
    ----------
    caption
        What is said, in Markdown: paragraphs, lists, ``**bold**``, ``*emphasis*``, code, links, and
        formulas between dollars. A first line ``## …`` is the headline.
    show
        The subject of the stage: "text", "heads", "attention", "matrix", "arcs", "steps",
        "next-token", "chain", "lens", "model", "patching", or another panel of the view. Without
        it, that of the slide before.
    zoom
        Whether it fills the screen, without the text above and the next token beside it. Its name
        in the place of ``True`` shows it, too.
    hide
        Names of panels that this slide doesn't show.
    point
        What a ring is put around, and a short line behind ``|``: ``"token 3 | looks back here"``,
        ``"head 24.4"``, ``"box block.3.mlp"``, ``"next Paris"``, ``"slider temperature"``,
        ``"cell 5 2"``; or several of them.
    note
        The short line, where there is one point, and none in it.
    guess
        What the class guesses before it is shown: "next-token", or the name of a slider's trait,
        whose true value is that of the slide.
    ask, answer
        A question, and its answer, which is held back until it is revealed; in Markdown.
    key
        A key that jumps to this slide, from any other.
    story
        Which part of the model is lit in the line at the top: "text", "tokens", "embedding",
        "attention", "mlp", "unembedding", "softmax" or "next". Without it, that of the subject.
    **settings
        Values of traits of the view, by name: ``layer=24, head=4, temperature=0.7, text="…"``.

    Attributes
    ----------
    title : str
        The headline, as text.

    Raises
    ------
    ValueError
        For what can't be read.

    Examples
    --------
    >>> slide = llmscope.Slide("## Who looks back?\n\nHead **24·4** does.", layer=24, head=4)
    >>> slide.title
    'Who looks back?'
    """

    def __init__(
        self,
        caption: str = "",
        /,
        *,
        show: str = "",
        zoom: bool | str = False,
        hide: str | Sequence[str] = (),
        point: str | Sequence[str] = (),
        note: str = "",
        guess: str = "",
        ask: str = "",
        answer: str = "",
        key: str = "",
        story: str = "",
        **settings: Any,
    ) -> None:
        self.line = 0  # of its file, from 1; 0 where it has none
        self.show = show or (zoom if isinstance(zoom, str) else "")
        self.show = self.show or ("next-token" if guess == "next-token" else "")
        self.zoom = bool(zoom)
        self.hide = (hide,) if isinstance(hide, str) else tuple(hide)
        self.points = _points(point, note)
        self.guess, self.key, self.story = guess, key.lower(), story
        self.caption = _read("caption", caption)
        self.ask, self.answer = _read("ask", ask).body, _read("answer", answer).body
        self.settings = settings
        if self.show in _MODES:
            self.settings = {"mode": self.show, **settings}
        _check_choice("guess", guess, ("next-token", *_GUESSED))
        _check_choice("story", story, STORY)
        if guess in _GUESSED and guess not in settings:
            raise ValueError(f"guess={guess!r} has no truth: give the slide its value, {guess}=…")
        if ask and not (answer or guess):
            raise ValueError("ask= has no answer=, which is held back until it is revealed.")
        if key and (len(key) != 1 or self.key in _KEYS or self.key.isspace() or key.isdigit()):
            raise ValueError(
                f"key={key!r} is no key of its own: one sign, and none of {' '.join(_KEYS)}, "
                "digits and the space bar."
            )

    @property
    def title(self) -> str:
        """The headline, as text; empty without one."""
        return words(self.caption.title)

    def __repr__(self) -> str:
        settings = "".join(f", {name}={value!r}" for name, value in self.settings.items())
        return f"Slide({(self.title or words(self.caption.body))[:40]!r}{settings})"


def _read(name: str, text: str) -> Caption:
    try:
        return caption(text)
    except MarkdownError as error:
        error.args = (f"{name}: {error}.",)
        raise


def _points(given: str | Sequence[str], note: str) -> list[dict[str, Any]]:
    found = [point(one) for one in ([given] if isinstance(given, str) else given)]
    if note:
        if len(found) != 1:
            raise ValueError("note= is said of one point=; of several, write 'token 3 | a line'.")
        found[0]["note"] = found[0]["note"] or note
    return found


def _check_choice(name: str, value: str, values: Sequence[str]) -> None:
    if value and value not in values:
        raise ValueError(f"{name}={value!r} is none. {nearest(value, values)}")


class Taught:
    """Slides, held to a view: what each sets, and what the page is told.

    Parameters
    ----------
    view
        The view.
    slides
        Slides of it.

    Raises
    ------
    ValueError
        For what a slide sets, shows or points at and the view doesn't have.
    """

    def __init__(self, view: View, slides: Sequence[Slide]) -> None:
        self._view = view
        self._sets: list[dict[str, Any]] = []
        self._told: list[dict[str, Any]] = []
        names = [name for name in view.shared_traits() if name[0] != "_" and name not in _NEVER]
        base = {name: getattr(view, name) for name in names}
        state: dict[str, Any] = {}
        shown = ""
        keys: dict[str, int] = {}
        for number, slide in enumerate(slides, 1):
            try:
                shown = self._panel(slide.show, "show") if slide.show else shown
                state = {**state, **self._checked(slide, base, shown)}
                if slide.key and keys.setdefault(slide.key, number) != number:
                    raise ValueError(f"key={slide.key!r} is slide {keys[slide.key]}'s.")
                values = {**base, **state}
                if view.is_telling and "layer" not in state:
                    del values["layer"]
                self._told.append(self._tell(slide, shown, values))
            except (ValueError, TypeError, IndexError) as error:
                raise type(error)(f"{named(slide, number)}: {error}") from None
            self._sets.append(state)
        for name in ("layer", "head") if view.is_telling else ():
            # Slides before one that chooses a head show that; where none does, the page finds one.
            chosen = [state[name] for state in self._sets if name in state]
            base = {**base, name: chosen[0]} if chosen else {**base}
            if not chosen:
                del base[name]
        self._base = base

    @property
    def states(self) -> list[dict[str, Any]]:
        """Of each slide, values of all traits that slides may set, before it is revealed."""
        found = []
        before = self._base
        for slide, state in zip(self._told, self._sets, strict=True):
            now = {**self._base, **state}
            guess = slide["guess"]
            found.append({**now, guess: before[guess]} if guess in now else now)
            before = now
        return found

    def told(self, title: str) -> dict[str, Any]:
        """Return the lesson as the page has it."""
        return {
            "title": title,
            "base": self.as_page(self._base),
            "slides": [
                {**slide, "set": self.as_page(state)}
                for slide, state in zip(self._told, self._sets, strict=True)
            ],
        }

    def as_page(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return values of traits as the page has them."""
        found = {}
        for name, value in values.items():
            to_json = self._view.trait_metadata(name, "to_json")
            found[name] = value if to_json is None else to_json(value, self._view)
        return found

    def _checked(self, slide: Slide, base: dict[str, Any], shown: str) -> dict[str, Any]:
        """Return what a slide sets, as the view's traits have it."""
        settings = slide.settings
        opened = PANELS[shown].opened_by if slide.show else ""
        if opened and isinstance(getattr(self._view, opened), bool):
            settings = {opened: True, **settings}
        if _TEXTS & settings.keys():
            settings = {**{n: v for n, v in _OF_TEXT.items() if n in base}, **settings}
        found = {}
        names = sorted({*base, "layer", "head"})
        for name, value in settings.items():
            if name not in names:
                raise ValueError(
                    f"{type(self._view).__name__} has no trait {name!r}. {nearest(name, names)}"
                )
            try:
                found[name] = self._view.checked(name, value)
            except traitlets.TraitError as error:
                raise ValueError(f"{name}={value!r}: {error}") from None
        return found

    def _panel(self, name: str, what: str) -> str:
        """Return the panel that a subject is of."""
        panel = _PANEL_OF.get(name, name)
        if panel not in self._view.panels:
            names = [one for one, of in _PANEL_OF.items() if of in self._view.panels]
            names += [one for one in self._view.panels if one not in ("header", *names)]
            hint = nearest("" if panel in PANELS else name, names)
            raise ValueError(f"{what}={name!r} isn't shown by {type(self._view).__name__}. {hint}")
        return panel

    def _tell(self, slide: Slide, shown: str, values: dict[str, Any]) -> dict[str, Any]:
        hide = [self._panel(name, "hide") for name in slide.hide]
        sight = Sight(self._view, values, shown, slide.zoom, hide)
        sight.check_guess(slide.guess)
        for one in slide.points:
            sight.check(one)
        return {
            "title": slide.caption.title,
            "caption": slide.caption.body,
            "show": shown,
            "zoom": slide.zoom,
            "hide": hide,
            "points": slide.points,
            "guess": slide.guess,
            "ask": slide.ask,
            "answer": slide.answer,
            "key": slide.key,
            "story": slide.story or _STORY_OF.get(shown, ""),
        }


def named(slide: Slide, number: int) -> str:
    """Return how an error calls a slide: its number, its headline, and its line in a file."""
    title = f" “{slide.title}”" if slide.title else ""
    where = f", line {slide.line}" if slide.line else ""
    return f"Slide {number}{title}{where}"
