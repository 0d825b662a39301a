"""What a view asks a model to read: a text, and what goes with it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmscope.scope import Scope
    from llmscope.trace import Trace


@dataclass(frozen=True)
class Reading:
    """A text with its second sentence, the decoder's text, and the tokens behind the mask.

    Attributes
    ----------
    masked
        Positions of tokens; below 0 from the end.
    """

    text: str
    pair: str = ""
    target: str = ""
    masked: tuple[int, ...] = ()

    @classmethod
    def of(cls, trace: Trace) -> Reading:
        """Tell what `trace` was made of."""
        mask = trace.scope.tokenizer.mask_token
        masked = tuple(n for n in trace.gaps if trace.tokens[n].text.strip() != mask)
        target = "".join(t.text for t in trace.tokens) if trace.source_tokens else ""
        pair = trace.pair or ""
        return cls(trace.text[: len(trace.text) - len(pair)], pair, target, masked)

    @classmethod
    def parsed(cls, key: str) -> Reading:
        """Read the key of a source."""
        what, _, rest = key.partition("/")
        if what == "text":
            return cls(rest)
        text, pair, target, masked = json.loads(rest)
        return cls(text, pair, target, tuple(masked))

    @property
    def parts(self) -> list[str | list[int]]:
        """As JSON has it."""
        return [self.text, self.pair, self.target, [*self.masked]]

    @property
    def key(self) -> str:
        """The key of a source, letter for letter as the page writes it."""
        if not (self.pair or self.target or self.masked):
            return f"text/{self.text}"
        return "read/" + json.dumps(self.parts, ensure_ascii=False, separators=(",", ":"))

    def trace(self, scope: Scope, cancelled: Callable[[], bool]) -> Trace:
        """Run the model over it."""
        made = scope.trace(
            self.text, pair=self.pair or None, target=self.target or None, cancelled=cancelled
        )
        return made.masked(*self.masked) if self.masked else made
