"""A trace whose pass is recorded on a server: what is read is asked there."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from llmscope.capture import NEVER, Cancel
from llmscope.kernel.edited_input import edit_of
from llmscope.remote.names import Name
from llmscope.remote.recording import RemoteRecording
from llmscope.trace import Trace
from llmscope.trace_structure import TokenPath
from llmscope.words import refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from llmscope.analysis.effects import Effects
    from llmscope.analysis.effects.question import Question
    from llmscope.analysis.matrix_name import MatrixName
    from llmscope.analysis.structure import Structure
    from llmscope.edits import Edit
    from llmscope.remote.asked import Asked
    from llmscope.scope import Scope
    from llmscope.shared import Kind, Tower
    from llmscope.text import Token
    from llmscope.trace_effects import TraceEffects


def _asked(name: str) -> Any:
    """Return a method that asks the server for the read of its own name."""

    def read(self: Any, *args: Any, **options: Any) -> Any:
        return self.asked(name, *args, **options)

    read.__name__, read.__doc__ = name, getattr(Trace, name).__doc__
    return read


def _kept(name: str) -> Any:
    """Return a property that is asked for once."""
    found: Any = cached_property(lambda self: self.asked(name))
    found.__doc__ = getattr(Trace, name).__doc__
    return found


class RemoteTrace(Trace):
    """One forward pass on a server: read as a `Trace` is.

    Parameters
    ----------
    scope
        The model's face here.
    asked
        The model.
    name
        What remakes it.
    cancelled
        As for `Scope.trace`.
    edits
        What it is under.

    Attributes
    ----------
    wire_name
        What remakes it, for any replica of the server.
    """

    def __init__(
        self,
        scope: Scope,
        asked: Asked,
        name: Name,
        cancelled: Cancel = NEVER,
        edits: tuple[Edit, ...] = (),
    ) -> None:
        self.wire_name = name
        self._model = asked
        about = asked.read({"do": "about", "of": [name]}, cancelled)
        self.scope = scope
        self.text = about["text"]
        self.pair = about["pair"]
        self.tokens = tuple(about["tokens"])
        self.source_tokens = tuple(about["source_tokens"])
        self.recording: Any = RemoteRecording(scope.name, about)
        self._about = about
        self._edits = edits

    def asked(self, what: str, *args: Any, **options: Any) -> Any:
        """Return what the server reads by a name."""
        return self._model.read(self._message(what, args, options))

    def _message(self, what: str, args: Any = (), options: Any = None) -> dict[str, Any]:
        call = {"what": what, "args": list(args), "options": options or {}}
        return {"do": "read", "of": [self.wire_name], **call}

    @property
    def version(self) -> int:
        """A number for the state of the model that the trace was made with."""
        found: int = self.recording.version
        return found

    @property
    def is_current(self) -> bool:
        """Whether the model is as it was: that of a server is."""
        return True

    @property
    def edits(self) -> tuple[Edit, ...]:
        """The edits that the pass was under, their positions counted from the beginning."""
        placed = self._about["edits"]
        return tuple(
            given if "source" in value else edit_of(value, self.scope)
            for given, value in zip(self._edits, placed, strict=True)
        )

    @cached_property
    def untouched(self) -> Trace:
        """The trace of the same text without edits; of a trace without edits, itself."""
        if not self._edits:
            return self
        plain = {key: value for key, value in self.wire_name.items() if key != "edits"}
        return RemoteTrace(self.scope, self._model, plain)

    @property
    def roles(self) -> tuple[str | None, ...]:
        """Whose turn each token of the text is in, where chat messages were traced; else empty."""
        return tuple(self._about["roles"])

    @property
    def why_no_roles(self) -> str | None:
        """Why the turns of chat messages are unknown, in words; `None` where they are known."""
        why: str | None = self._about["why_no_roles"]
        return why

    @property
    def unmasked_tokens(self) -> tuple[Token, ...]:
        """The tokens as they were before `masked` hid some of them."""
        return tuple(self._about["unmasked"])

    def masked(self, *positions: int) -> Trace:
        """Trace the same text with the tokens at `positions` replaced by the mask token."""
        if self.scope.facts.family != "masked" or self.scope.tokenizer.mask_token_id is None:
            raise ValueError(f"{self.scope.name} has no mask token: it fills no gaps.")
        hidden = {*self.wire_name.get("masked", []), *map(self._position, positions)}
        name = {**self.wire_name, "masked": sorted(hidden)}
        return RemoteTrace(self.scope, self._model, name, edits=self._edits)

    logits = _kept("logits")
    next_sentence = _kept("next_sentence")
    structure: Structure = _kept("structure")
    logits_at = _asked("logits_at")
    attention = _asked("attention")
    combined = _asked("combined")
    rollout = _asked("rollout")
    head_scores = _asked("head_scores")
    qkv = _asked("qkv")
    steps = _asked("steps")
    hidden = _asked("hidden")
    lens = _asked("lens")
    question: Callable[..., Question] = _asked("question")

    def matrix(
        self, name: MatrixName, rows: Any = None, kind: Kind = "self"
    ) -> NDArray[np.float32]:
        """Compute the matrix that a name stands for, as views have them."""
        chosen = rows if rows is None or isinstance(rows, slice) else [int(row) for row in rows]
        found: NDArray[np.float32] = self.asked("matrix", name.text, chosen, kind)
        return found

    def read_chain(self) -> Iterator[None]:
        """Compute `logprobs` and `ranks`, on the server."""
        if self._chain is None:
            self._chain = self.asked("chain")
        yield from ()

    def read_effects(
        self,
        question: Question,
        source: TraceEffects | None = None,
        baseline: str | int | None = None,
        cancelled: Cancel = NEVER,
    ) -> Iterator[Effects]:
        """Yield effects as they are found; the last ones are whole."""
        named = None
        if source is not None:
            if getattr(source, "scope", None) is None or not isinstance(source, RemoteTrace):
                raise refused("The source of a patch is a trace of the same model.")
            named = source.wire_name
        of = {
            name: getattr(question, name)
            for name in ("token", "foil", "position", "of", "method", "measure", "by", "kind")
        }
        message = self._message("effects", [of, named, baseline])
        yield from self._model.parts(message, cancelled)

    def token_path(self, position: int = -1, tower: Tower = "self") -> TokenPath:
        """Return the numbers of one token, box by box."""
        return RemotePath(self, position, tower)

    def check_current(self) -> None:
        """Do nothing: the server's model doesn't change."""


class RemotePath(TokenPath):
    """The numbers of one token on its way through a model on a server.

    Parameters
    ----------
    trace
        Of the text.
    position, tower
        As for `Trace.token_path`.
    """

    def __init__(self, trace: RemoteTrace, position: int, tower: Tower) -> None:
        self.tower: Tower = tower
        self._trace = trace
        self._place = {"do": "path", "of": [trace.wire_name], "tower": tower, "position": position}
        self.position, self._blocks = self._asked("blocks")

    def _asked(self, what: str, *args: Any) -> Any:
        return self._trace.scope.elsewhere.read({**self._place, "what": what, "args": list(args)})

    def __repr__(self) -> str:
        return f"<TokenPath of position {self.position} through {self._blocks} blocks>"

    def before(self) -> Iterator[tuple[str, NDArray[np.float32]]]:
        """Go through the boxes below the blocks: ids, and what they give (width,)."""
        yield from self._asked("before")

    def after(self) -> Iterator[tuple[str, NDArray[np.float32]]]:
        """Go through the boxes above the blocks: ids, and what they give (width,)."""
        yield from self._asked("after")

    def block(self, block: int) -> dict[str, NDArray[np.float32]]:
        """Return the vectors (width,) of one block, by the names of its points."""
        found: dict[str, NDArray[np.float32]] = self._asked("block", block)
        return found

    def lengths(self) -> list[list[float]]:
        """Return the length of the stream at each point, by block."""
        found: list[list[float]] = self._asked("lengths")
        return found

    def added(self) -> list[list[list[float]]]:
        """Return the length of what is added to the stream, by block, stage and branch."""
        found: list[list[list[float]]] = self._asked("added")
        return found

    def component(self, index: int) -> list[list[float]]:
        """Return one number of the stream at each point, by block."""
        found: list[list[float]] = self._asked("component", index)
        return found

    def error(self, block: int) -> float:
        """Return how far the stream is from the sum of its parts in a block, of its length."""
        return float(self._asked("error", block))

    def given(self, box: str) -> dict[str, Any] | None:
        """Return what is given to a box above the blocks, as `box` has vectors."""
        found: dict[str, Any] | None = self._asked("given", box)
        return found

    def box(self, box: str, head: int = 0) -> dict[str, Any]:
        """Return what a box does to the token."""
        found: dict[str, Any] = self._asked("box", box, head)
        return found
