"""What is on screen, in the terms of its trace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmscope.analysis.by_name import named_matrix
from llmscope.analysis.matrix_name import SINKLESS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from llmscope.capture import Kind
    from llmscope.text import Token
    from llmscope.trace import Trace
    from llmscope.views.base import View


@dataclass(frozen=True)
class Shown:
    """A view with the trace that it shows, read once.

    Attributes
    ----------
    kind
        Which attention.
    text_tokens
        The tokens of the text; in encoder-decoder models, of the encoder's.
    queries, keys
        The tokens on both sides of attention.
    focus
        The token in focus, on whichever side.
    end
        Of the token in focus: which query, or which key with ``direction="to"``.
    """

    view: View
    trace: Trace
    kind: Kind
    text_tokens: tuple[Token, ...]
    queries: tuple[Token, ...]
    keys: tuple[Token, ...]
    focus: int
    end: int

    @property
    def has_attention(self) -> bool:
        """Whether the model has attention of this kind."""
        return bool(self.trace.layers(self.kind))

    @property
    def is_pinned(self) -> bool:
        """Whether a token was chosen, instead of the last one by default."""
        return self.view.position >= 0 or self.view.direction == "to"

    @property
    def is_from(self) -> bool:
        """Whether attention is looked at from the token in focus."""
        return self.view.direction == "from"

    @property
    def framed(self) -> int:
        """Of the token in focus: which of the text, -1 where it is on the other side."""
        side = self.queries if self.is_from else self.keys
        return self.end if side is self.text_tokens else -1

    @property
    def name(self) -> str:
        """The name of the matrix that the text is shaded by."""
        view = self.view
        if view.mode == "matrix":
            return view._matrices()[0]
        return f"{SINKLESS if view.hide_sink else ''}head.{view.layer}.{view.head}"

    def line(self, name: str) -> NDArray[np.float32]:
        """Weights from the token in focus to all keys, or to it from all queries."""
        if self.is_from:
            row: NDArray[np.float32] = named_matrix(
                self.trace.recording, self.kind, name, [self.end]
            )[0]
            return row
        column: NDArray[np.float32] = named_matrix(self.trace.recording, self.kind, name)[
            :, self.end
        ]
        return column


def shown(view: View) -> Shown:
    """Read what `view` shows."""
    trace = view.trace
    kind = view._kind(trace)
    text = trace.source_tokens or trace.tokens
    sides = {
        "self": (trace.tokens, trace.tokens),
        "encoder": (trace.source_tokens, trace.source_tokens),
        "cross": (trace.tokens, trace.source_tokens),
    }
    queries, keys = sides[kind]
    last = max(len(text), len(trace)) - 1
    focus = view.position if 0 <= view.position <= last else last
    side = queries if view.direction == "from" else keys
    end = max(0, min(focus, len(side) - 1))
    return Shown(view, trace, kind, text, queries, keys, focus, end)


def plain(label: str) -> str:
    """Call a token in a sentence: without the mark of the space before it."""
    return label[1:] if len(label) > 1 and label.startswith("·") else label


def title(now: Shown) -> tuple[str, str]:
    """Say what attention is shown, and more about it."""
    view, trace = now.view, now.trace
    what, _, heads = view._matrices()[0].removeprefix(SINKLESS).partition(".")
    if what == "rollout":
        return "Rollout", f"through layers 0 to {view.layer}"
    if what in ("mean", "max"):
        return {"mean": "Mean", "max": "Greatest"}[what], f"of {len(view.heads)} heads"
    if what == "difference":
        first, second = heads.replace(".", "·").split("+")
        return f"{first} − {second}", "weights of the first head less those of the second"
    side = {"self": "", "encoder": "encoder", "cross": "decoder → encoder"}[now.kind]
    count, groups = trace.heads(view.layer, now.kind)
    group = f"KV group {view.head // (count // groups)}" if 1 < groups < count else ""
    return f"Layer {view.layer} · Head {view.head}", " · ".join(filter(None, (side, group)))
