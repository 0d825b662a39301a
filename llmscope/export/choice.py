"""What an author chooses of a page: its panels, heads, positions, texts, and how exact it is."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from llmscope.export.encoding import Precision, checked_precision
from llmscope.panels import PANELS

if TYPE_CHECKING:
    from llmscope.edits import Edit
    from llmscope.state import ViewState

LEAST_HEIGHT, MOST_HEIGHT = 200, 10_000  # pixels that a page may be given


class Choice(TypedDict, total=False):
    """The keyword arguments that choose what a page contains; see `to_html`."""

    layers: Iterable[int] | None
    heads: Iterable[tuple[int, int]] | None
    positions: Iterable[int] | None
    prompts: Sequence[str]
    edits: Sequence[Edit | Sequence[Edit]]
    precision: Precision
    panels: Iterable[str] | None
    height: float | None
    max_mb: float


@dataclass(frozen=True)
class Wanted:
    """Validated export options."""

    layers: frozenset[int] | None
    heads: frozenset[tuple[int, int]] | None
    positions: tuple[int, ...] | None
    prompts: tuple[str, ...]
    edits: tuple[tuple[Edit, ...], ...]
    precision: Precision
    panels: tuple[str, ...] | None
    height: int | None
    max_mb: float | None


def wanted(
    layers: Iterable[int] | None = None,
    heads: Iterable[tuple[int, int]] | None = None,
    positions: Iterable[int] | None = None,
    prompts: Sequence[str] = (),
    edits: Sequence[Edit | Sequence[Edit]] = (),
    precision: Precision = "float16",
    panels: Iterable[str] | None = None,
    height: float | None = None,
    max_mb: float | None = None,
) -> Wanted:
    """Return validated export options; see `to_html` for the parameters.

    Raises
    ------
    TypeError, ValueError
        For options that no view can have.
    """
    if isinstance(prompts, str):
        raise TypeError("prompts is a list of texts, not one text: prompts=[…]")
    try:
        chosen_heads = None if heads is None else frozenset((int(a), int(b)) for a, b in heads)
    except (TypeError, ValueError):
        raise TypeError("heads is a list of pairs (layer, head)") from None
    return Wanted(
        None if layers is None else frozenset(map(operator.index, layers)),
        chosen_heads,
        None if positions is None else tuple(map(operator.index, positions)),
        tuple(prompts),
        tuple(tuple(one) if isinstance(one, Sequence) else (one,) for one in edits),
        checked_precision(precision),
        _checked_panels(panels),
        _checked_height(height),
        None if max_mb is None else float(max_mb),
    )


def _checked_panels(panels: Iterable[str] | None) -> tuple[str, ...] | None:
    if panels is None:
        return None
    if isinstance(panels, str):
        raise TypeError(f"panels is a list of names, not one: panels=[{panels!r}]")
    names = tuple(panels)
    for name in names:
        if name not in PANELS:
            raise ValueError(f"There is no panel {name!r}: there are {', '.join(PANELS)}.")
    return names


def _checked_height(height: float | None) -> int | None:
    if height is not None and not LEAST_HEIGHT <= height <= MOST_HEIGHT:
        raise ValueError(
            f"height is in pixels, between {LEAST_HEIGHT} and {MOST_HEIGHT:,}, not {height}"
        )
    return None if height is None else int(height)


def with_panels(states: Sequence[ViewState], want: Wanted) -> list[ViewState]:
    """Return what views show with some of their panels, those that are wanted.

    Raises
    ------
    ValueError
        When a view has none of them.
    """
    if want.panels is None:
        return list(states)
    found = []
    for state in states:
        names = [name for name in state.panels if name in want.panels]
        if not names:
            raise ValueError(
                f"{state.view} has none of these panels: it has {', '.join(state.panels)}."
            )
        traits = {**state.traits, "_panels": names}
        slides = tuple(replace(slide, panels=tuple(names)) for slide in state.slides)
        found.append(replace(state, panels=tuple(names), traits=traits, slides=slides))
    return found


def height_of(state: ViewState) -> int:
    """Return about how many pixels a view is high."""
    panels = [PANELS[name] for name in state.panels]
    panels = [one for one in panels if not one.opened_by or state.traits[one.opened_by]]
    height = sum(panel.above for panel in panels)
    return height + max(panel.block for panel in panels) + max(panel.column for panel in panels)


def checked_headings(headings: Sequence[str] | None, count: int) -> Sequence[str]:
    """Return what stands above each of so many views; raise for what can't."""
    if headings is None:
        return [""] * count
    if isinstance(headings, str):
        raise TypeError("headings is a list of texts, one for each view: headings=[…]")
    if not all(isinstance(one, str) for one in headings):
        raise TypeError("headings are texts, one for each view.")
    if len(headings) != count:
        raise ValueError(
            f"headings= has {len(headings)} of {count} views: one for each, '' for none."
        )
    return headings


def check_folder(where: Path) -> None:
    """Raise OSError where no file can be saved, in words."""
    if where.is_dir():
        raise IsADirectoryError(f"{where} is a folder: name a file in it, such as page.html.")
    if not where.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {where.parent} to save {where.name} in.")
