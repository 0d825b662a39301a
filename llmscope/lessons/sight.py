"""What of a view is in sight on a slide: that a ring has something to go around."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from llmscope.text.prepare import encode

if TYPE_CHECKING:
    from llmscope.capture.facts import Facts
    from llmscope.views import View

_BESIDE = ("tokens", "next-token")  # panels that stand beside the subject
_AT_BLOCK = ("rotary", "alibi", "relative")  # positions that act in a block, and are no box of it
# By what is pointed at, the panels that have it, and what shows them.
_PANELS = {
    "token": (("tokens",), "text"),
    "head": (("overview", "attention"), "heads"),
    "cell": (("attention",), "matrix"),
    "box": (("model",), "model"),
    "next": (("next-token",), "next-token"),
}


def nearest(name: str, names: Sequence[str]) -> str:
    """Return which of some names was meant, in a sentence."""
    close = get_close_matches(name, names, 1, 0.6)
    return f"Did you mean {close[0]!r}?" if close else f"There are: {', '.join(names)}."


@dataclass(frozen=True)
class Sight:
    """A slide, as its view shows it.

    Attributes
    ----------
    view
        The view.
    values
        Values of its traits on the slide; without `layer` where the page chooses one.
    shown
        The subject; empty where it is the view's first.
    zoom, hide
        As the slide has them.
    """

    view: View
    values: Mapping[str, Any]
    shown: str
    zoom: bool
    hide: Sequence[str]

    @property
    def _facts(self) -> Facts | None:
        return None if self.view.scope is None else self.view.scope.facts

    def check_guess(self, guess: str) -> None:
        """Raise ValueError for a slider that the slide doesn't show."""
        if not guess or guess == "next-token":
            return
        self._check_slider(f"guess={guess!r}", guess)

    def check(self, one: Mapping[str, Any]) -> None:
        """Raise ValueError for a point at what isn't there, or isn't in sight."""
        kind, at = one["kind"], one["at"]
        said = (
            f"point={' '.join([kind, '.'.join(map(str, at)) if kind == 'head' else _line(at)])!r}"
        )
        if kind == "slider":
            return self._check_slider(said, at[0])
        panels, show = _PANELS[kind]
        if not any(map(self._may_show, panels)):
            raise ValueError(f"{said}: this slide doesn't show that. {self._way(panels, show)}")
        if kind == "token":
            self._check_token(said, *at)
        elif kind == "head":
            self._check_head(said, at)
        elif kind == "box":
            self._check_box(said, at[0])
        return None

    def _may_show(self, panel: str) -> bool:
        """Whether a panel may be in sight; the first subject of a view is known on screen alone."""
        if panel not in self.view.panels or panel in self.hide:
            return False
        return panel == self.shown or not self.shown or (panel in _BESIDE and not self.zoom)

    def _way(self, panels: Sequence[str], show: str) -> str:
        hidden = [one for one in panels if one in self.view.panels]
        if not hidden:
            return f"{type(self.view).__name__} has no such panel."
        if hidden[0] in self.hide:
            return f"Leave {hidden[0]!r} out of its hide."
        if self.zoom and hidden[0] == "tokens":
            return "Leave out its zoom."
        return f"Give it show: {show}."

    def _check_slider(self, said: str, name: str) -> None:
        panel, show = ("attention", "arcs") if name == "threshold" else ("next-token",) * 2
        others = set(self.view.panels) - {"header", "tokens", panel}
        is_subject = self.shown == panel or (not self.shown and not others)
        if not (is_subject and self._may_show(panel)):
            way = self._way((panel,), show)
            raise ValueError(f"{said}: this slide doesn't show that slider. {way}")
        if panel == "next-token" and self._facts and self._facts.family == "masked":
            raise ValueError(f"{said}: a masked model has no such slider.")

    def _check_token(self, said: str, number: int, side: str = "") -> None:
        scope = self.view.scope
        if scope is None or "generation" in self.view.panels:
            return
        text, pair = self.values["text"], self.values["pair"] or None
        if side:
            if scope.facts.family != "encoder-decoder":
                raise ValueError(f"{said}: this model has no decoder side. Leave out 'target'.")
            return  # a decoder begins with a token of its own, and may write as it goes
        count = len(encode(scope.tokenizer, text, pair).ids)
        if not -count <= number < count:
            raise ValueError(
                f"{said}: the text of this slide has {count} tokens. Point at one from 0 to "
                f"{count - 1}, or from -{count} to -1, from its end."
            )

    def _check_head(self, said: str, at: Sequence[int]) -> None:
        facts = self._facts
        counts = (facts.layers, facts.heads) if facts else (0, 0)
        for name, count, value in zip(("layer", "head"), counts, at, strict=True):
            if count and value >= count:
                raise ValueError(f"{said}: {name} lies between 0 and {count - 1}, not {value}.")

    def _check_box(self, said: str, box: str) -> None:
        facts = self._facts
        found = re.fullmatch(r"(encoder\.)?block\.(\d+)\.(\w+)", box)
        block = int(found[2]) if found else 0
        if facts and facts.family != "encoder-decoder" and found and block >= facts.layers > 0:
            raise ValueError(f"{said}: block lies between 0 and {facts.layers - 1}, not {block}.")
        if facts:
            names = [name for name, _ in self.view.trace.structure.boxes()]
            if box not in names and not (found and found[3] in _AT_BLOCK):
                raise ValueError(f"{said}: the model has no such box. {nearest(box, names)}")
            if any(name.startswith("encoder.") for name in names):
                self._check_tower(said, box)
        opened = self.values.get("block", -1)
        opened = opened if opened >= 0 else self.values.get("layer", -1)
        if found and opened != block:
            raise ValueError(
                f"{said}: block {block} isn't open on this slide. Give it layer: {block}."
            )

    def _check_tower(self, said: str, box: str) -> None:
        is_of_encoder, kind = box.startswith("encoder."), self.values["kind"]
        if kind and is_of_encoder != (kind == "encoder"):
            raise ValueError(
                f"{said}: the {'encoder' if is_of_encoder else 'decoder'} is folded on this slide. "
                f"Give it kind: {'encoder' if is_of_encoder else 'self'}."
            )


def _line(at: Sequence[Any]) -> str:
    return " ".join(map(str, at))
