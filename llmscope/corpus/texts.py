"""The texts of a survey, from whatever holds them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llmscope.text import clean
from llmscope.words import say

HOW = (
    "Give a list of texts, the path of a text file with a text a line, or a column of them, such "
    "as table['text']."
)


@dataclass(frozen=True, order=True)
class Skipped:
    """A text that wasn't read.

    Attributes
    ----------
    index
        Which of the texts, from 0.
    text
        The text.
    why
        Why not, in words.
    """

    index: int
    text: str
    why: str


def texts_of(given: str | os.PathLike[str] | Iterable[Any]) -> tuple[list[str], list[Skipped]]:
    """Return texts, and those that can't be read.

    Parameters
    ----------
    given
        A list or another iterable of texts, such as a column of a table of pandas or `datasets`;
        or the path of a text file, a text a line.

    Returns
    -------
    texts
        All of them, in order; what is no text is empty.
    skipped
        What is no text, or an empty one.

    Raises
    ------
    ValueError
        When there is no text.
    TypeError
        For what is no texts, such as a whole table.
    """
    if isinstance(given, str | os.PathLike):
        given = _lines(given)
    elif isinstance(given, Mapping) or hasattr(given, "columns") or hasattr(given, "column_names"):
        raise TypeError(f"A survey reads one column, not a whole {type(given).__name__}. {HOW}")
    elif not isinstance(given, Iterable):
        raise TypeError(f"A survey reads texts, not {type(given).__name__}. {HOW}")
    texts: list[str] = []
    skipped: list[Skipped] = []
    for index, one in enumerate(given):
        text = clean(one) if isinstance(one, str) else ""
        texts.append(text)
        if not isinstance(one, str):
            skipped.append(
                Skipped(index, str(one), say("It is no text but {name}.", name=type(one).__name__))
            )
        elif not text.strip():
            skipped.append(Skipped(index, text, say("It is empty.")))
    if len(skipped) == len(texts):
        why = "all of them are empty, or no texts" if texts else "the list is empty"
        raise ValueError(f"There is no text to survey: {why}. {HOW}")
    return texts, skipped


def _lines(path: str | os.PathLike[str]) -> list[str]:
    file = Path(path)
    try:
        # As editors count lines: a text may hold other characters that end one.
        found = file.read_text(encoding="utf-8-sig").replace("\r\n", "\n").split("\n")
    except UnicodeDecodeError:
        raise ValueError(f"{file} is no text file in UTF-8. {HOW}") from None
    except (OSError, ValueError) as error:
        why = (
            "There is no file"
            if isinstance(error, FileNotFoundError | ValueError)
            else "Can't read"
        )
        raise ValueError(f"{why} {str(path)[:80]!r}. {HOW} Of one text: [text].") from None
    return found[:-1] if found[-1] == "" else found
