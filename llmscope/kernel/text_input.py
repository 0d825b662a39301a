"""What a view asks a model to read: a text and what goes with it, or token ids."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmscope.scope import Scope
    from llmscope.trace import Trace

Ids = tuple[int, ...]


@dataclass(frozen=True)
class TextInput:
    """A text with its second sentence, the decoder's text, and its masked tokens.

    Attributes
    ----------
    text
        The text; in encoder-decoder models, the encoder's.
    pair
        The second sentence; empty without one.
    target
        The decoder's text; empty without one.
    masked
        Positions of masked tokens; below 0 from the end.
    """

    text: str
    pair: str = ""
    target: str = ""
    masked: Ids = ()

    @classmethod
    def of(cls, trace: Trace) -> TextInput:
        """Return the input that `trace` was made of."""
        mask = trace.scope.tokenizer.mask_token
        masked = tuple(n for n in trace.gaps if trace.tokens[n].text.strip() != mask)
        target = "".join(t.text for t in trace.tokens) if trace.source_tokens else ""
        pair = trace.pair or ""
        return cls(trace.text[: len(trace.text) - len(pair)], pair, target, masked)

    @property
    def parts(self) -> list[str | list[int]]:
        """The fields in order, as JSON values."""
        return [self.text, self.pair, self.target, [*self.masked]]

    @property
    def unmasked(self) -> TextInput:
        """The same input with no token masked."""
        return replace(self, masked=())

    def trace(self, scope: Scope, cancelled: Callable[[], bool]) -> Trace:
        """Run the model on this input.

        Raises
        ------
        Cancelled
            When `cancelled` returned True before the end.
        """
        made = scope.trace(
            self.text, pair=self.pair or None, target=self.target or None, cancelled=cancelled
        )
        return made.masked(*self.masked) if self.masked else made


@dataclass(frozen=True)
class IdsInput:
    """Token ids, as a model generated them.

    Attributes
    ----------
    source
        The encoder's ids; empty for models without an encoder side.
    ids
        The ids; in encoder-decoder models, the decoder's.
    """

    source: Ids
    ids: Ids

    def trace(self, scope: Scope, cancelled: Callable[[], bool]) -> Trace:
        """Run the model on these ids.

        Raises
        ------
        Cancelled
            When `cancelled` returned True before the end.
        """
        if self.source:
            return scope.trace(self.source, target=self.ids, cancelled=cancelled)
        return scope.trace(self.ids, cancelled=cancelled)
