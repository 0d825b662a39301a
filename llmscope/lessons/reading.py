"""Lessons in Markdown: front matter, and slides between lines of three dashes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import yaml

from llmscope import edits, views
from llmscope.lessons.captions import MarkdownError
from llmscope.lessons.sight import nearest
from llmscope.lessons.slides import Slide
from llmscope.views.lens import LensTraits
from llmscope.views.model import ModelTraits
from llmscope.views.single import TraceView
from llmscope.views.traits import ViewTraits

if TYPE_CHECKING:
    from llmscope.scope import Scope
    from llmscope.views import View

_VIEWS = (
    "Explorer", "NextTokenView", "AttentionView", "TokensView", "LensView", "PatchingView",
    "GenerationView", "ModelView",
)  # fmt: skip
_FRONT = ("title", "model", "view", "panels", "text", "pair", "target", "lang", "traits")
_MORE = {"tokens": ViewTraits, "model": ModelTraits, "lens": LensTraits}
_COMMENT = re.compile(r"<!--(.*?)-->", re.DOTALL)
_ANSWER = re.compile(r"^>\s*(?:answer|答案|答)\s*[:：]\s*", re.IGNORECASE)
_EDITS = ("ablate", "scale_head", "steer")
_OF_SLIDE = {
    "show", "zoom", "hide", "point", "note", "guess", "ask", "answer", "key", "story",
}  # fmt: skip


@dataclass(frozen=True)
class File:
    """A lesson as it is written.

    Attributes
    ----------
    slides
        Its slides.
    title, lang, front
        What its front matter says.
    """

    slides: list[Slide]
    title: str = ""
    lang: str | None = None
    front: Mapping[str, Any] = field(default_factory=dict)

    def view(self, scope: Scope | None) -> View:
        """Return the view that the lesson is of.

        Raises
        ------
        ValueError
            For a view that there isn't.
        """
        name = str(self.front.get("view", "Explorer"))
        if name not in _VIEWS or not hasattr(views, name):
            raise ValueError(f"view: {name} is no view of lessons. {nearest(name, _VIEWS)}")
        from llmscope.scope import load

        if scope is None:
            scope = load(self.front["model"]) if "model" in self.front else load()
        text = str(self.front.get("text", ""))
        more: dict[str, Any] = {
            key: str(self.front[key]) for key in ("pair", "target") if key in self.front
        }
        traits = dict(self.front.get("traits") or {})
        kind = _with(getattr(views, name), self.front.get("panels") or ())
        if name in ("Explorer", "GenerationView"):
            view: View = kind(scope, text, **more, **traits)
        else:
            view = kind(scope.trace(text, **more), **traits)
        return view


def _with(kind: type[Any], panels: Sequence[str]) -> type[Any]:
    """Return a kind of view that has further panels above its own."""
    if not panels:
        return kind
    if not issubclass(kind, TraceView):
        raise ValueError(f"panels: {kind.__name__} has its own; views of one trace take more.")
    for name in panels:
        if name not in _MORE:
            raise ValueError(f"panels: {name!r} is none. {nearest(str(name), list(_MORE))}")
    return kind.below(panels, [_MORE[name] for name in panels])


def read(text: str) -> File:
    """Read a lesson.

    Parameters
    ----------
    text
        The file's text.

    Returns
    -------
    File
        Its slides, and what its front matter says.

    Raises
    ------
    ValueError
        For what can't be read, with the slide and the line.
    """
    lines = text.lstrip("\ufeff").splitlines()
    front, start = _front(lines)
    slides = []
    for number, (line, part) in enumerate(_parts(lines, start), 1):
        slides.append(_slide(part, line, number))
    if not slides:
        raise ValueError("The lesson has no slide: below the front matter, a caption begins one.")
    lang = front.get("lang")
    return File(slides, str(front.get("title", "")), lang and str(lang), front)


def _front(lines: list[str]) -> tuple[dict[str, Any], int]:
    """Return what the front matter says, and where the slides begin."""
    first = next((n for n, line in enumerate(lines) if line.strip()), len(lines))
    if first == len(lines) or lines[first].strip() != "---":
        return {}, first
    end = next((n for n in range(first + 1, len(lines)) if lines[n].strip() == "---"), None)
    if end is None:
        raise ValueError(f"Line {first + 1}: the front matter has no end: a line of ---.")
    found = _yaml(lines[first + 1 : end], first + 1, "Front matter")
    for name in found:
        if name not in _FRONT:
            raise ValueError(f"Front matter: {name!r} is nothing. {nearest(name, _FRONT)}")
    return found, end + 1


def _parts(lines: list[str], start: int) -> list[tuple[int, list[str]]]:
    """Return the lines of each slide, with the line that it begins at."""
    found: list[tuple[int, list[str]]] = [(start, [])]
    is_code = is_comment = False
    for at in range(start, len(lines)):
        line = lines[at]
        if line.startswith("```"):
            is_code = not is_code
        if "<!--" in line and not is_code:
            is_comment = True
        if line.strip() == "---" and not is_code and not is_comment:
            found.append((at + 1, []))
        else:
            found[-1][1].append(line)
        if "-->" in line:
            is_comment = False
    return [(line, part) for line, part in found if any(one.strip() for one in part)]


def _slide(lines: list[str], start: int, number: int) -> Slide:
    """Read one slide, which begins behind line `start`."""
    begin = next(n for n, line in enumerate(lines) if line.strip())
    title = lines[begin] if lines[begin].startswith("#") else ""
    where = f"Slide {number}" + (f" “{title.lstrip('# ')}”" if title else "")
    text = "\n".join(lines)
    said: dict[str, Any] = {}
    if (comment := _COMMENT.search(text)) is not None:
        line = text.count("\n", 0, comment.start())
        first, *more = comment[1].split("\n")
        said = _yaml([first.strip(), *dedent("\n".join(more)).split("\n")], start + line, where)
    elif "<!--" in text:
        raise ValueError(f"{where}, line {start + begin + 1}: a comment <!-- has no end: -->.")
    # As many lines as before, so that errors are at theirs.
    text = _COMMENT.sub(lambda found: "\n" * found[0].count("\n"), text)
    body, answer = _answer(text.split("\n"))
    if answer:
        said.setdefault("answer", answer)
    try:
        for name in sorted(_OF_SLIDE & said.keys() - {"hide", "point", "zoom"}):
            said[name] = str(said[name])
        said |= _edits(said)
        slide = Slide("\n".join(body), **said)
    except MarkdownError as error:
        line = start + 1 + (error.line if str(error).startswith("caption") else begin)
        raise ValueError(f"{where}, line {line}: {error}") from None
    except (ValueError, TypeError) as error:
        raise ValueError(f"{where}, line {start + begin + 1}: {error}") from None
    slide.line = start + begin + 1
    return slide


def _answer(lines: list[str]) -> tuple[list[str], str]:
    """Return what isn't held back, and what is: a quotation that begins with "answer:"."""
    begin = next((n for n, line in enumerate(lines) if _ANSWER.match(line)), None)
    if begin is None:
        return lines, ""
    end = begin
    while end < len(lines) and lines[end].startswith(">"):
        end += 1
    held = [
        _ANSWER.sub("", lines[begin]),
        *(re.sub("^> ?", "", one) for one in lines[begin + 1 : end]),
    ]
    return [*lines[:begin], *[""] * (end - begin), *lines[end:]], "\n".join(held)


def _edits(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return edits, which are written as names of functions with their arguments."""
    if "edits" not in said:
        return {}
    found = []
    for one in said["edits"] or []:
        if not isinstance(one, Mapping) or len(one) != 1:
            raise ValueError("edits: is a list such as [{ablate: {head: [24, 4]}}]")
        ((name, given),) = one.items()
        if name not in _EDITS:
            raise ValueError(f"edits: {name!r} is none. {nearest(str(name), _EDITS)}")
        given = {
            key: tuple(value) if isinstance(value, list) else value for key, value in given.items()
        }
        found.append(getattr(edits, name)(**given))
    return {"edits": found}


def _yaml(lines: list[str], start: int, where: str) -> dict[str, Any]:
    """Read lines of ``name: value``, which begin behind line `start`."""
    try:
        found = yaml.safe_load("\n".join(lines))
    except yaml.MarkedYAMLError as error:
        at = error.problem_mark.line if error.problem_mark else 0
        line = (
            start + 1 + min(at, max((n for n, one in enumerate(lines) if one.strip()), default=0))
        )
        raise ValueError(
            f"{where}, line {line}: lines there are `name: value`, and one of them can't be read: "
            f"{error.problem}. A value with a colon in it stands in quotes."
        ) from None
    if found is None:
        return {}
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found):
        raise ValueError(f"{where}, line {start + 1}: lines there are `name: value`.")
    return found
