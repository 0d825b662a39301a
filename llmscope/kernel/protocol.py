"""The grammar of keys: what a view can request, and how each request is spelled.

A key is parsed and formatted here and nowhere else in Python; ``frontend/src/protocol/keys.ts`` is
its counterpart, and ``tests/vectors/keys.json`` holds the two equal.

Each class of `llmscope.kernel.requests` has the form of its key, and says what is answered. The
input of a trace has a key of three kinds, answered with a summary of the trace: ``text/{text}``;
``read/[text, pair, target, masked]``, JSON, where it is more than a text; ``ids/{source}/{ids}``,
numbers with commas, where ``source`` is the input of an encoder. ``under/[edits, key]``, JSON too,
is one of these under edits, as `llmscope.kernel.edited_input` writes them. Where two models are
compared, ``other/{key}`` asks the same of the second. ``step/{run}/{step}/{probe}`` is what a model
made of a text at a step of its training.

Numbers are decimal, from 0 to 999,999,999, without sign or leading zeros. A trace is named
``t{number}``, one less another ``t{number}-t{number}``, with tokens that are aligned by hand
``t{number}-t{number}~{a}.{b}+{a}.{b}``; matrices as in `llmscope.analysis.matrix_name`. Keys have a
greatest length, and so have names and lists of numbers in them.
"""

from __future__ import annotations

import json
import re
from dataclasses import fields
from functools import cache
from typing import TYPE_CHECKING, Any

import llmscope.kernel.structure_requests
import llmscope.kernel.training_requests  # noqa: F401  whose kinds `patterns` finds
from llmscope.analysis.matrix_name import MatrixName
from llmscope.analysis.matrix_name import parse as parse_matrix
from llmscope.kernel.edited_input import MOST_EDITS, EditedInput, OtherInput, dense
from llmscope.kernel.inputs import Input
from llmscope.kernel.requests import (
    Model,
    OfMatrix,
    OfOther,
    Pair,
    Request,
    RequestError,
    Search,
    Summary,
    Token,
)
from llmscope.kernel.step_input import StepInput
from llmscope.kernel.text_input import IdsInput, TextInput
from llmscope.shared import (
    KINDS,
    LONGEST_KEY,
    LONGEST_NAME,
    MOST_ANCHORS,
    MOST_HEADS,
    MOST_IDS,
    MOST_PROBES,
    MOST_STEP,
    STREAMS,
    TOWERS,
    WAYS,
)
from llmscope.text import clean
from llmscope.words import say

if TYPE_CHECKING:
    from collections.abc import Callable

_OTHER = "other"
_NUMBER = "0|[1-9][0-9]{0,8}"
_NUMBERS = re.compile(f"(?:{_NUMBER})(?:,(?:{_NUMBER}))*")
_LARGEST = 10**9 - 1
_SHOWN = 80  # characters of a key in an error


def parse(key: object) -> Request:
    """Return what a key requests; lone surrogates in it, which no answer can carry, are replaced.

    Raises
    ------
    RequestError
        For a key that is too long, or that none of the forms fits.
    """
    if not isinstance(key, str):
        raise RequestError(say("A request has a key, which is a text."))
    if len(key) > LONGEST_KEY:
        raise RequestError(
            say(
                "A view reads up to {LONGEST_KEY:,} characters at once; {count:,} are too many.",
                LONGEST_KEY=LONGEST_KEY,
                count=len(key),
            )
        )
    key = clean(key)
    try:
        head, slash, rest = key.partition("/")
        if head in _INPUTS and slash:
            return Summary(_INPUTS[head](rest))
        if head == _OTHER and slash:
            return _of_other(parse(rest))
        for kind, pattern in patterns():
            if found := pattern.fullmatch(key):
                values = found.groupdict()
                return kind(**{name: _read(name, text) for name, text in values.items()})
    except (ValueError, TypeError, AttributeError, RecursionError):
        pass
    raise RequestError(
        say("There is nothing to request by the key {shortened!r}.", shortened=shortened(key))
    )


def format_key(request: Request | Input) -> str:
    """Return the key of a request; `parse` takes it back."""
    if isinstance(request, Summary):
        request = request.input
    if isinstance(request, IdsInput):
        return "ids/" + "/".join(",".join(map(str, ids)) for ids in (request.source, request.ids))
    if isinstance(request, TextInput):
        if not (request.pair or request.target or request.masked):
            return f"text/{request.text}"
        return "read/" + json.dumps(request.parts, ensure_ascii=False, separators=(",", ":"))
    if isinstance(request, OtherInput):
        return f"{_OTHER}/{format_key(request.input)}"
    if isinstance(request, OfOther):
        return f"{_OTHER}/{format_key(request.request)}"
    if isinstance(request, StepInput):
        return f"step/{request.run}/{request.step}/{request.probe}"
    if isinstance(request, EditedInput):
        return f"under/[{request.edits},{dense(format_key(request.input))}]"
    values = {one.name: getattr(request, one.name) for one in fields(request)}
    values = {name: "-" if item is None else item for name, item in values.items()}
    if isinstance(request, OfMatrix):
        values["matrix"] = request.matrix.text
    return request.form.format(**values)


def parse_input(key: str) -> Input:
    """Return the input that a key names.

    Raises
    ------
    RequestError
        For any other key.
    """
    request = parse(key)
    if not isinstance(request, Summary):
        raise RequestError(say("The key {shortened!r} names no input.", shortened=shortened(key)))
    return request.input


def shortened(key: str) -> str:
    """Return the beginning of a key, for an error."""
    return key if len(key) <= _SHOWN else f"{key[:_SHOWN]}…"


# ── the parts of a key ──────────────────────────────────────────────────────────────────────────


def _parsed_ids(rest: str) -> IdsInput:
    if rest.count(",") >= MOST_IDS:
        raise ValueError(rest)
    source, between, ids = rest.partition("/")
    if not between or not ids:
        raise ValueError(rest)
    return IdsInput(_ids(source), _ids(ids))


def _ids(listed: str) -> tuple[int, ...]:
    if listed and not _NUMBERS.fullmatch(listed):
        raise ValueError(listed)
    return tuple(map(int, listed.split(","))) if listed else ()


def _parsed_json(rest: str) -> TextInput:
    text, pair, target, masked = json.loads(rest)
    if not all(isinstance(one, str) for one in (text, pair, target)):
        raise ValueError(rest)
    if type(masked) is not list or len(masked) > MOST_IDS:
        raise ValueError(rest)
    if not all(type(one) is int and abs(one) <= _LARGEST for one in masked):
        raise ValueError(rest)
    return TextInput(clean(text), clean(pair), clean(target), tuple(masked))  # as escapes say


def _parsed_edits(rest: str) -> EditedInput:
    edits, key = json.loads(rest)
    if type(edits) is not list or not 0 < len(edits) <= MOST_EDITS:
        raise ValueError(rest)
    head, slash, inner = key.partition("/")
    if head in ("under", "step") or head not in _INPUTS or not slash:
        raise ValueError(rest)
    read: Any = _INPUTS[head](clean(inner))
    return EditedInput(clean(dense(edits)), read)


def _of_other(request: Request) -> Request:
    if isinstance(request, Model | Search | Token):
        return OfOther(request)
    if isinstance(request, Summary) and not isinstance(request.input, OtherInput | StepInput):
        return Summary(OtherInput(request.input))
    raise ValueError(request)


def _parsed_step(rest: str) -> StepInput:
    numbers = rest.split("/")
    if not all(_NUMBERS.fullmatch(one) for one in numbers):
        raise ValueError(rest)
    return StepInput(*(_read(name, text) for name, text in zip(_MOST, numbers, strict=True)))


_INPUTS: dict[str, Callable[[str], Input]] = {
    "text": TextInput,
    "read": _parsed_json,
    "ids": _parsed_ids,
    "under": _parsed_edits,
    "step": _parsed_step,
}


def _matrix(text: str) -> MatrixName:
    if text.count("+") >= MOST_HEADS:
        raise ValueError(text)
    try:
        name = parse_matrix(text)
    except KeyError as error:
        raise ValueError(text) from error
    is_plain = name.text == text and all(0 <= n <= _LARGEST for one in name.where for n in one)
    if not is_plain or (name.how == "difference" and len(name.where) != 2):
        raise ValueError(text)
    return name


def _trace(text: str) -> str | Pair:
    names, _, by_hand = text.partition("~")
    one, between, other = names.partition("-")
    if not between:
        return one
    return Pair(one, other, tuple(_anchor(anchor) for anchor in by_hand.split("+") if anchor))


def _anchor(text: str) -> tuple[int, int]:
    a, _, b = text.partition(".")
    return int(a), int(b)


def _source(text: str) -> str:
    head, _, rest = text.partition("/")
    _INPUTS[head](rest)
    return text


def _or_none(text: str) -> int | None:
    return None if text == "-" else int(text)


def _at_most(name: str) -> Callable[[str], int]:
    def number(text: str) -> int:
        if int(text) > _MOST[name]:
            raise ValueError(text)
        return int(text)

    return number


_MOST = {"run": 1, "step": MOST_STEP, "probe": MOST_PROBES - 1}  # of a training
_NAME = "t[1-9][0-9]{0,8}"
_ANCHOR = rf"(?:{_NUMBER})\.(?:{_NUMBER})"

# By the name of a field: what it matches, and what the matched text means. All others are numbers.
_FIELDS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "trace": (
        rf"{_NAME}(?:-{_NAME}(?:~{_ANCHOR}(?:\+{_ANCHOR}){{0,{MOST_ANCHORS - 1}}})?)?",
        _trace,
    ),
    "kind": ("|".join(KINDS), str),
    "stream": ("|".join(STREAMS), str),
    "pool": ("max|mean", str),
    "matrix": ("[^/]+", _matrix),
    "name": (f"(?s:.{{0,{LONGEST_NAME}}})", str),
    "text": (f"(?s:.{{0,{LONGEST_NAME}}})", str),
    "prompt": ("(?s:.*)", str),
    "input": ("(?s:.*)", str),
    "count": ("[1-9][0-9]{0,8}", int),
    "of": ("|".join(WAYS), str),
    "way": ("|".join(sorted({way for ways in WAYS.values() for way in ways})), str),
    "on": (f"-|{_NUMBER}", _or_none),
    "foil": (f"-|{_NUMBER}", _or_none),
    "tower": ("|".join(TOWERS), str),
    "box": (rf"(?:encoder\.)?(?:block\.(?:{_NUMBER})\.)?[a-z][a-z0-9_]{{0,31}}", str),
    "source": ("(?:text|read)/(?s:.*)", _source),
    **{name: (_NUMBER, _at_most(name)) for name in _MOST},
}


def _read(name: str, text: str) -> Any:
    return _FIELDS[name][1](text) if name in _FIELDS else int(text)


@cache
def patterns() -> list[tuple[type[Request], re.Pattern[str]]]:
    """Return each kind of request that has a form, with the pattern of its keys."""

    def pattern(form: str) -> re.Pattern[str]:
        def field(found: re.Match[str]) -> str:
            name = found[1]
            return f"(?P<{name}>{_FIELDS[name][0] if name in _FIELDS else _NUMBER})"

        return re.compile(re.sub(r"\\{(\w+)\\}", field, re.escape(form)))

    found: list[tuple[type[Request], re.Pattern[str]]] = []
    kinds = [Request]
    while kinds:
        kind = kinds.pop(0)
        kinds += kind.__subclasses__()
        if "form" in vars(kind):
            found.append((kind, pattern(kind.form)))
    return found
