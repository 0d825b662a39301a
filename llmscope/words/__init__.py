"""The language that a reader reads: which it is, and sentences in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path

ENGLISH = "en"
# By name, how a page calls it.
TAGS = {ENGLISH: "en", "zh": "zh-CN"}
LANGUAGES = tuple(TAGS)

_spoken: ContextVar[str | None] = ContextVar("spoken", default=None)
_chosen: str | None = None


def known(tag: str | None) -> str | None:
    """Return the language that a tag such as "zh-CN" means; `None` for `None`.

    Raises
    ------
    ValueError
        When there is no such language.
    """
    if tag is None:
        return None
    base = tag.replace("_", "-").partition("-")[0].lower() if isinstance(tag, str) else ""
    if base not in LANGUAGES:
        names = ", ".join(map(repr, LANGUAGES))
        raise ValueError(
            f"There is no {tag!r} here: a language is one of {names}, or None for that of the page."
        )
    return base


def chosen() -> str | None:
    """Return the language that was chosen for all views; `None` for that of the page."""
    return _chosen


def choose(tag: str | None) -> None:
    """Choose the language of views that are made from now on; `None` for that of the page."""
    global _chosen
    _chosen = known(tag)


def language() -> str:
    """Return the language of the view that is answered; else the chosen one, or English."""
    return _spoken.get() or _chosen or ENGLISH


@contextmanager
def spoken(name: str) -> Iterator[None]:
    """Speak a language for as long as the block runs, in its context."""
    token = _spoken.set(name)
    try:
        yield
    finally:
        _spoken.reset(token)


class Sentence(str):
    """A sentence in English that `say` says in any language: it knows what goes into its places."""

    template: str
    places: dict[str, object]


def say(sentence: str, **places: object) -> str:
    """Return a sentence in the language that is spoken here, with what goes into its places.

    Parameters
    ----------
    sentence
        In English, as `str.format` takes it: it names its translation in the catalogue. Or one of
        `later`.
    **places
        What goes into its places, by name; sentences of `later` are said as well.
    """
    if isinstance(sentence, Sentence):
        places = {**sentence.places, **places}
        sentence = sentence.template
    found = _catalogue(language()).get(sentence, sentence)
    said = {n: say(one) if isinstance(one, Sentence) else one for n, one in places.items()}
    return found.format(**said)


def later(sentence: str, **places: object) -> Sentence:
    """Return a sentence in English, to be said by `say` where it is used; as `say` takes it."""
    found = Sentence(sentence.format(**places) if places else sentence)
    found.template, found.places = sentence, places
    return found


@cache
def _catalogue(name: str) -> dict[str, str]:
    if name == ENGLISH:
        return {}
    found: dict[str, str] = json.loads(Path(__file__).with_name(f"{name}.json").read_bytes())
    return found


def refused(sentence: str, **places: object) -> ValueError:
    """Return the error that says a sentence; the arguments are those of `say`."""
    return ValueError(say(sentence, **places))
