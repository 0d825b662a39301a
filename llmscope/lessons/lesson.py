"""A lesson: a sequence of states of one view, with captions, on a stage."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import traitlets

from llmscope.lessons.reading import read
from llmscope.lessons.slides import Slide, Taught
from llmscope.words import chosen

if TYPE_CHECKING:
    import os

    from llmscope.export.choice import Choice
    from llmscope.export.page import Page
    from llmscope.export.static import Static
    from llmscope.scope import Scope
    from llmscope.views import View

_TEXTS = Path(__file__).parent / "texts"
_SLIDE_HEIGHT = 620  # pixels of a slide of nbconvert's, below which nothing is


class Lesson(traitlets.HasTraits):
    """Slides over a view, one after the other, by keys: for a projector, a page, and at home.

    Each slide sets traits of the view and says a few words. The widget is the view's own: who
    touches it leaves the track, and one key brings it back.

    Parameters
    ----------
    view
        The view: an `Explorer`, or any other.
    slides
        What is shown, in order.
    title
        Of the lesson, and of pages of it.
    lang
        The language of the buttons and of what the panels say, such as "zh".

    Attributes
    ----------
    slide : int
        The slide that is on, from 0: set it, observe it, or link it. In the browser alone,
        ``jslink((lesson.view, "slide"), …)``.

    Raises
    ------
    ValueError
        For a slide that sets, shows or points at what the view doesn't have, named by its number.

    Examples
    --------
    >>> explorer = scope.explore("The capital of France is")
    >>> lesson = llmscope.Lesson(explorer, slides=[
    ...     llmscope.Slide("## One text", show="text"),
    ...     llmscope.Slide("## What comes next?", guess="next-token"),
    ...     llmscope.Slide("Hotter: less sure.", show="next-token", temperature=2.0),
    ... ])
    >>> lesson.slide = 2
    >>> explorer.temperature
    2.0
    """

    slide = traitlets.Int(0)

    def __init__(
        self,
        view: View,
        slides: Sequence[Slide],
        title: str = "",
        lang: str | None = None,
    ) -> None:
        super().__init__()
        self._slides = tuple(slides)
        if not self._slides:
            raise ValueError("A lesson has one slide at least: slides=[llmscope.Slide('…')]")
        for one in self._slides:
            if not isinstance(one, Slide):
                raise TypeError(f"slides holds llmscope.Slide('…', …), not {one!r}")
        self._view, self.title = view, title
        taught = Taught(view, self._slides)
        if lang is not None:
            view.lang = lang
        view.teach(taught.told(title), taught.states)
        self._link = traitlets.link((view, "slide"), (self, "slide"))

    @classmethod
    def read(
        cls,
        path: str | os.PathLike[str],
        *,
        scope: Scope | None = None,
        lang: str | None = None,
    ) -> Lesson:
        """Read a lesson from a Markdown file.

        Parameters
        ----------
        path
            The file: front matter (``title``, ``model``, ``view``, ``text``, ``lang``), and slides
            between lines ``---``, each with a comment of ``name: value`` lines at its top.
        scope
            The model; without it, the one that the file names, or the default.
        lang
            As in `Lesson`; by default the file's.

        Returns
        -------
        Lesson
            The lesson, on its first slide.

        Raises
        ------
        ValueError
            For what can't be read, with the slide and the line.
        OSError
            When there is no such file.
        """
        where = Path(path)
        file = read(where.read_text(encoding="utf-8"))
        try:
            return cls(file.view(scope), file.slides, file.title, lang or file.lang)
        except ValueError as error:
            raise ValueError(f"{where.name}: {error}") from None

    @property
    def view(self) -> View:
        """The view that it drives."""
        return self._view

    @property
    def slides(self) -> tuple[Slide, ...]:
        """What is shown, in order."""
        return self._slides

    def next(self) -> None:
        """Go to the next slide; the last one stays."""
        self.slide = min(self.slide + 1, len(self._slides) - 1)

    def previous(self) -> None:
        """Go to the slide before; the first one stays."""
        self.slide = max(self.slide - 1, 0)

    def go(self, slide: int) -> None:
        """Go to a slide.

        Parameters
        ----------
        slide
            Its number, from 0.
        """
        self.slide = slide

    def to_html(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        title: str | None = None,
        **choice: Unpack[Choice],
    ) -> Page:
        """Make one file of the lesson that is live without a kernel and without a network.

        Parameters
        ----------
        path, title, **choice
            As in `llmscope.to_html`. The page holds what each slide shows.

        Returns
        -------
        llmscope.export.Page
            Its `html`, `path`, `size` and `notes`.
        """
        return self._view.to_html(path, title=title or self.title or None, **choice)

    def static(self, *, title: str | None = None, **choice: Unpack[Choice]) -> Static:
        """Return the lesson as a cell output that stays alive in a saved notebook.

        Parameters
        ----------
        title, **choice
            As in `llmscope.to_html`.

        Returns
        -------
        llmscope.export.static.Static
            What a cell shows.
        """
        return self._view.static(title=title or self.title or None, **choice)

    def to_slides(self, path: str | os.PathLike[str], **choice: Unpack[Choice]) -> Path:
        """Write a notebook for ``jupyter nbconvert --to slides`` in which the lesson is live.

        Parameters
        ----------
        path
            The notebook, such as "lesson.ipynb".
        **choice
            As in `llmscope.to_html`; `height` is 620 pixels at first.

        Returns
        -------
        pathlib.Path
            The file.
        """
        choice = {"height": _SLIDE_HEIGHT, **choice}
        bundle, metadata = self.static(**choice)._repr_mimebundle_()
        if isinstance(picture := bundle.get("image/png"), bytes):
            bundle["image/png"] = b64encode(picture).decode()
        where = Path(path)
        where.write_text(json.dumps(_notebook(self.title, bundle, metadata)), encoding="utf-8")
        return where

    def close(self) -> None:
        """End the lesson; its view is as any other, as the slide on screen left it."""
        self._link.unlink()
        self._view.teach({}, ())

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        return self._view._repr_mimebundle_(**kwargs)

    def __repr__(self) -> str:
        return f"<Lesson {self.title!r}: slide {self.slide + 1} of {len(self._slides)}>"

    @traitlets.validate("slide")
    def _a_slide(self, proposal: Any) -> Any:
        if not 0 <= proposal["value"] < len(self._slides):
            raise traitlets.TraitError(
                f"slide lies between 0 and {len(self._slides) - 1}, not {proposal['value']}"
            )
        return proposal["value"]


def lesson(name: str, lang: str | None = None, *, scope: Scope | None = None) -> Lesson:
    """Open a lesson that comes with the package.

    Parameters
    ----------
    name
        "sampling", "attention", "gaps", "lens", "chain rule" or "encoder-decoder".
    lang
        "en" or "zh"; by default the language of the interface.
    scope
        Another model than the lesson's own. What its captions say is of that one.

    Returns
    -------
    Lesson
        The lesson, on its first slide.

    Raises
    ------
    ValueError
        For a lesson that there isn't, or not in that language.

    Examples
    --------
    >>> llmscope.lesson("sampling")  # doctest: +SKIP
    """
    language = lang or chosen() or "en"
    path = _TEXTS / f"{name.strip().lower().replace(' ', '-')}.{language}.md"
    if not path.is_file():
        names = sorted({one.name.split(".")[0].replace("-", " ") for one in _TEXTS.glob("*.md")})
        languages = sorted({one.name.split(".")[1] for one in _TEXTS.glob("*.md")})
        raise ValueError(
            f"There is no lesson {name!r} in {language!r}: there are {', '.join(names)}, in "
            f"{', '.join(languages)}."
        )
    return Lesson.read(path, scope=scope, lang=language)


def _notebook(title: str, bundle: dict[str, Any], metadata: dict[str, Any]) -> dict[str, Any]:
    """Return a notebook with one slide that holds a cell output."""
    cell = {
        "cell_type": "code",
        "id": "lesson",
        "execution_count": None,
        "metadata": {
            "slideshow": {"slide_type": "slide"},
            "tags": ["remove-input", "hide-input"],
            "transient": {"remove_source": True},  # which nbconvert reads, also without --no-input
        },
        "source": "",
        "outputs": [{"output_type": "display_data", "data": bundle, "metadata": metadata}],
    }
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {
            "title": title,
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        },
        "cells": [cell],
    }
