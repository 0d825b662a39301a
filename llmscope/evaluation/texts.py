"""The texts that models are evaluated on: lists, languages, files and columns."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmscope.text import clean

if TYPE_CHECKING:
    Texts = (
        str | os.PathLike[str] | Iterable[str] | Mapping[str, Iterable[str]]
    )  # a path, a list or a column, or lists by language


@dataclass(frozen=True)
class EvaluatedText:
    """One text.

    Attributes
    ----------
    text
        The text.
    language
        Its language, as the user calls it; empty where none was given.
    """

    text: str
    language: str = ""

    @property
    def bytes(self) -> int:
        """Its length in UTF-8."""
        return len(self.text.encode())


def read_texts(texts: Texts) -> list[EvaluatedText]:
    """Return the texts that are given as a list, by language, as a column or in a file.

    Raises
    ------
    ValueError
        When there are none, when one is empty, and for a file that holds something else.
    TypeError
        For what isn't text.
    FileNotFoundError
        When there is no such file.
    """
    found = _of_file(Path(texts)) if isinstance(texts, str | os.PathLike) else _listed(texts)
    if not found:
        raise ValueError("There are no texts to evaluate on: give a list of texts, or a file.")
    for number, one in enumerate(found):
        if not one.text.strip():
            raise ValueError(f"Text {number} is empty: leave it out.")
    return found


def _listed(texts: Any) -> list[EvaluatedText]:
    if isinstance(texts, Mapping):
        by_language = {str(language): _strings(some) for language, some in texts.items()}
        return [
            EvaluatedText(text, language) for language, some in by_language.items() for text in some
        ]
    return [EvaluatedText(text) for text in _strings(texts)]


def _strings(texts: Any) -> list[str]:
    if isinstance(texts, str) or not isinstance(texts, Iterable):
        raise TypeError(f"Texts are a list of texts or the path of a file, not {texts!r:.60}.")
    found = list(texts)
    for number, text in enumerate(found):
        if not isinstance(text, str):
            raise TypeError(f"Text {number} is {type(text).__name__}, not a text.")
    return [clean(text) for text in found]


def _of_file(path: Path) -> list[EvaluatedText]:
    """Return the lines of a file; of JSON lines, their "text" and perhaps "language"."""
    path = path.expanduser()
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no file {path} (looked in {Path.cwd()}). Texts are given as a list, or as "
            "the path of a file with a text on each line."
        )
    try:
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} isn't a text in UTF-8: save it as that.") from error
    if path.suffix.lower() != ".jsonl":
        return [EvaluatedText(line) for line in lines]
    return [_of_line(line, number, path) for number, line in enumerate(lines, 1)]


def _of_line(line: str, number: int, path: Path) -> EvaluatedText:
    try:
        read = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"Line {number} of {path} is no JSON: {error}.") from error
    read = {"text": read} if isinstance(read, str) else read
    if not isinstance(read, dict) or not isinstance(read.get("text"), str):
        raise ValueError(f'Line {number} of {path} has no "text", such as {{"text": "…"}}.')
    return EvaluatedText(clean(read["text"]), str(read.get("language") or ""))
