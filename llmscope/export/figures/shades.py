"""What the text of a figure is shaded by: attention, or effects on a token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from llmscope.export.figures.style import ATTENTION, EFFECT, LESS, MORE, SHADE, mix, opacity
from llmscope.export.figures.titles import plain, whose
from llmscope.text import labels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from llmscope.state import ViewState


@dataclass(frozen=True)
class Shades:
    """A number for each token of the text, as a colour.

    Attributes
    ----------
    values
        (tokens,); `None` where there is none.
    said
        What they are, or why there is none; empty where nothing is to be said.
    most
        Of effects, the greatest; `None` of attention.
    """

    values: NDArray[np.float32] | None
    said: str = ""
    most: float | None = None

    def ink(self, tokens: Sequence[int], now: ViewState) -> tuple[float, float, float]:
        """Return the colour of a character that is made of these tokens."""
        assert self.values is not None
        if self.most is None:
            share = abs(float(self.values[[*tokens]].sum()))
            shade = float(opacity(share, now.color_scale)) if share >= now.threshold else 0
            return mix(ATTENTION, SHADE * shade)
        effect = max((float(self.values[token]) for token in tokens), key=abs)
        share = abs(effect) / self.most if self.most else 0
        return mix(LESS if effect < 0 else MORE, EFFECT * share**0.5)


def shades_of(now: ViewState) -> Shades:
    """Return what the text on screen is shaded by."""
    if now.effect_of and now.traits["shade"] == "effect":
        return _effects(now)
    side, others = (now.queries, now.keys) if now.is_from else (now.keys, now.queries)
    if not now.has_attention or others is not now.text_tokens:
        return Shades(None)
    own = plain(side[now.end].label)
    what = "change of attention" if now.compares_matrices else "attention"
    said = f"Shade: {what} {now.direction} “{own}” {whose(now)}."
    return Shades(now.line(now.shading), said)


def _effects(now: ViewState) -> Shades:
    """Return the true effect of each token of the text."""
    trace = now.trace
    place = -1 if trace.source_tokens else now.focus
    token, foil = (*now.effect_of, None)[:2]
    assert token is not None
    try:
        found = trace.effects(token, foil, position=place, of="tokens", method="occlusion")
    except ValueError as error:
        return Shades(None, str(error))
    names = [f"“{plain(label)}”" for label in labels(trace.scope.tokenizer, [*now.effect_of])]
    of = f"the logit of {' less that of '.join(names)}"
    said = f"Shade: true effect on {of}; blue speaks for it, orange against."
    return Shades(found.values, said, float(np.abs(found.values).max()))
