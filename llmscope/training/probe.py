"""Texts that a model is asked while it learns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from operator import index
from textwrap import shorten
from typing import TYPE_CHECKING, Any

from llmscope.kernel import TextInput
from llmscope.kernel.summary import summary
from llmscope.shared import Kind
from llmscope.text.prepare import context_length, encode, prepare

if TYPE_CHECKING:
    from llmscope.scope import Scope
    from llmscope.text.prepare import ModelInput
    from llmscope.trace import Trace

MOST = 64  # probes
_LABEL = 60  # characters
HOW = (
    "A probe is a text; a pair of texts, such as what an encoder and a decoder read; or chat "
    "messages."
)


@dataclass(frozen=True)
class Probe:
    """A text that is traced while a model learns.

    Attributes
    ----------
    label
        What to call it: the text, cut where it is long.
    input
        Its parts: ``text``, ``pair`` (of a second sentence), ``target`` (of a decoder) and
        ``masked``, positions.
    positions
        Where the next token is kept.
    summary
        Tokens and all that lays out its trace, as a page is told.
    kinds
        By kind of attention: numbers of its layers, heads of a layer at most, queries and keys.
    """

    label: str
    input: dict[str, Any]
    positions: tuple[int, ...]
    summary: dict[str, Any]
    kinds: dict[Kind, tuple[tuple[int, ...], int, int, int]]

    def as_json(self) -> dict[str, Any]:
        """Return it for a file.

        Returns
        -------
        dict
            All fields.
        """
        return asdict(self)

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> Probe:
        """Return the probe that `as_json` was called on.

        Parameters
        ----------
        given
            What it returned, read from a file.

        Returns
        -------
        Probe
            An equal one.
        """
        kinds = {
            kind: (tuple(layers), *map(int, rest))
            for kind, (layers, *rest) in given["kinds"].items()
        }
        return cls(**{**given, "positions": tuple(given["positions"]), "kinds": kinds})


def checked(probes: Any) -> list[Any]:
    """Return probes as they were given, one by one.

    Raises
    ------
    TypeError, ValueError
        For what is no list of probes.
    """
    if isinstance(probes, str) or not isinstance(probes, Iterable):
        raise TypeError(f"probes is a list of texts, not one text: probes=[…]. {HOW}")
    found = list(probes)
    if not found:
        raise ValueError(f"There is no probe to watch. {HOW}")
    if all(isinstance(one, dict) for one in found):
        raise TypeError(f"These are the messages of one probe: probes=[[…]]. {HOW}")
    if len(found) > MOST:
        raise ValueError(f"There are {len(found)} probes: {MOST} can be watched at most.")
    for one in found:
        if not isinstance(one, str) and not isinstance(one, Sequence):
            raise TypeError(f"{type(one).__name__} is no probe. {HOW}")
    return found


def label_of(given: Any) -> str:
    """Return what to call a probe."""
    if _is_pair(given):
        text = " · ".join(given)
    elif isinstance(given, str):
        text = given
    elif given and isinstance(given[-1], dict):
        text = str(given[-1].get("content", ""))
    else:
        text = " ".join(map(str, given))
    return shorten(text, _LABEL, placeholder="…") or "…"


def prepared(scope: Scope, given: Any) -> tuple[ModelInput, str]:
    """Return the model's input for a probe, and what has to be said of it: nothing, mostly.

    Raises
    ------
    TypeError, ValueError
        For what the model can't read.
    """
    text, pair, target = given, None, None
    if _is_pair(given):
        text, second = given
        if scope.facts.family == "encoder-decoder":
            target = second
        elif scope.facts.family == "causal":
            raise ValueError(
                f"{scope.name} reads one text, from left to right: {label_of(given)!r} is a pair."
            )
        else:
            pair = second
    context, note = context_length(scope.model), ""
    if context and pair is None:
        ids = encode(scope.tokenizer, text).ids
        if len(ids) > context:
            note = (
                f"{label_of(given)!r} has {len(ids):,} tokens, and {scope.name} reads {context:,}: "
                "the rest was cut off."
            )
            text = ids[:context]
    made = prepare(
        scope.model, scope.tokenizer, text, pair, target, name=scope.name, context=context
    )
    return made, note


def described(trace: Trace, given: Any, positions: Iterable[int] | None) -> Probe:
    """Return what is known of a probe once it was traced.

    Raises
    ------
    IndexError
        When the text has no such position.
    """
    made = TextInput.of(trace)
    told = summary(trace)
    del told["cache"]
    return Probe(
        label_of(given),
        {"text": made.text, "pair": made.pair, "target": made.target, "masked": [*made.masked]},
        _positions(trace, positions),
        told,
        {
            kind: (
                layers := trace.layers(kind),
                max(trace.heads(layer, kind)[0] for layer in layers),
                trace.queries(kind),
                trace.keys(kind),
            )
            for kind in trace.kinds
        },
    )


def _positions(trace: Trace, wanted: Iterable[int] | None) -> tuple[int, ...]:
    family, count = trace.scope.facts.family, len(trace)
    if family == "encoder":
        return ()
    if wanted is None:
        own = [n for n, token in enumerate(trace.tokens) if not token.special] or [count - 1]
        return (trace.gaps or (own[-1],)) if family == "masked" else (count - 1,)
    found = []
    for position in map(index, wanted):
        if not -count <= position < count:
            raise IndexError(f"There is no position {position}: {trace.text!r} has {count} tokens.")
        found.append(position % count)
    return tuple(sorted(set(found)))


def _is_pair(given: Any) -> bool:
    return (
        isinstance(given, tuple) and len(given) == 2 and all(isinstance(one, str) for one in given)
    )
