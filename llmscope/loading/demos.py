"""The demo models that come with the package: small, and trained for what they show."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from llmscope.loading.checkpoint import Checkpoint
from llmscope.loading.errors import LoadError
from llmscope.words import later, say

PREFIX = "demo:"
FOLDER = Path(__file__).parents[1] / "demos"


@dataclass(frozen=True)
class Demo:
    """A model of the folder ``demos``, which has a card of it, ``README.md``.

    Attributes
    ----------
    detail
        What it does, in a line.
    text, target
        An input that shows it, of an encoder-decoder model both sides.
    """

    detail: str
    text: str
    target: str | None = None


DEMOS = {
    "dates": Demo(
        later("an encoder-decoder that writes dates in numbers"),
        "the third of May 1998",
        "1998-05-03",
    ),
    "gaps": Demo(later("a small BERT that fills gaps"), "The dog [MASK] because it was hungry."),
    "zh": Demo(later("a small GPT that writes Chinese, character by character"), "小猫坐在窗边看"),
}


def demo_checkpoint(name: object) -> Checkpoint | None:
    """Return where a demo is stored; `None` for a name that doesn't begin with ``demo:``.

    Parameters
    ----------
    name
        Argument of `llmscope.load`.

    Returns
    -------
    Checkpoint or None
        The folder in the package.

    Raises
    ------
    LoadError
        When there is no such demo.
    """
    if not isinstance(name, str) or not name.startswith(PREFIX):
        return None
    short = name.removeprefix(PREFIX)
    if short not in DEMOS:
        known = ", ".join(f"{PREFIX}{one}" for one in DEMOS)
        raise LoadError(
            say("There is no demo {name!r}. There are: {known}.", name=short, known=known),
            "unknown",
        )
    return Checkpoint(FOLDER / short, name)
