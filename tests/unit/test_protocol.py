"""The grammar of keys, held by the vectors that the front end's tests read as well."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import get_args

import pytest

from llmscope import shared
from llmscope.analysis.matrix_name import MatrixName
from llmscope.kernel import protocol
from llmscope.kernel.edited_input import EditedInput, OtherInput
from llmscope.kernel.protocol import format_key, parse
from llmscope.kernel.requests import OfOther, Pair, Request, RequestError, Summary
from llmscope.kernel.step_input import StepInput
from llmscope.kernel.text_input import IdsInput, TextInput

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "keys.json").read_bytes())
GOOD = [vector for vector in VECTORS if "request" in vector]
BAD = [vector["key"] for vector in VECTORS if "error" in vector]
BOUNDS = [vector for vector in VECTORS if "most" in vector]  # of what is repeated at "…"


def as_json(request: Request):
    """A request as the vectors have it."""
    if isinstance(request, Summary):
        if isinstance(request.input, EditedInput):
            inner = as_json(Summary(request.input.input))
            return {"type": "under", "edits": json.loads(request.input.edits), "input": inner}
        if isinstance(request.input, OtherInput):
            return {"type": "other", "request": as_json(Summary(request.input.input))}
        kinds = {TextInput: "text", IdsInput: "ids", StepInput: "step_input"}
        kind = kinds[type(request.input)]
        return {"type": kind, **json.loads(json.dumps(asdict(request.input)))}
    if isinstance(request, OfOther):
        return {"type": "other", "request": as_json(request.request)}
    kind = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(request).__name__).lower()
    values = {
        name: value._asdict() if isinstance(value, MatrixName) else _plain(value)
        for name, value in vars(request).items()
    }
    return {"type": kind, **json.loads(json.dumps(values))}


def _plain(value):
    """A pair of traces without anchors is a pair of names."""
    return value[:2] if isinstance(value, Pair) and not value.anchors else value


@pytest.mark.parametrize("vector", GOOD, ids=[one["key"] for one in GOOD])
def test_a_key_is_parsed_and_formatted(vector):
    request = parse(vector["key"])
    assert as_json(request) == vector["request"]
    assert format_key(request) == vector["key"]


@pytest.mark.parametrize("key", BAD, ids=map(repr, BAD))
def test_a_malformed_key_is_refused(key):
    with pytest.raises(RequestError):
        parse(key)


def test_every_kind_of_request_has_a_vector():
    kinds = {kind for kind, _ in protocol.patterns()} | {Summary, OfOther}
    assert {type(parse(vector["key"])) for vector in GOOD} == kinds


@pytest.mark.parametrize("vector", BOUNDS, ids=[one["key"] for one in BOUNDS])
def test_a_key_with_more_than_it_may_hold_is_refused_in_a_few_words(vector):
    key, repeat, most = vector.values()
    longest = key.replace("…", repeat * most)
    assert format_key(parse(longest)) == longest
    with pytest.raises(RequestError) as refused:
        parse(key.replace("…", repeat * (most + 1)))
    assert len(str(refused.value)) < 160


def test_names_of_traces_at_steps_are_their_own_and_within_the_grammar():
    last = StepInput(1, shared.MOST_STEP, shared.MOST_PROBES - 1)
    inputs = [StepInput(run, step, probe) for run in (0, 1) for step in (0, 1) for probe in (0, 63)]
    names = [one.trace_name for one in (*inputs, last)]
    assert len(set(names)) == len(names)
    assert [parse(f"{name}/chain").trace for name in names] == names


def test_a_step_is_not_computed_again():
    with pytest.raises(ValueError, match="the model has gone on since"):
        parse("step/0/50/0").input.trace(None, lambda: False)


@pytest.mark.parametrize("key", [None, 1, [], {}, b"model"])
def test_what_is_no_text_is_no_key(key):
    with pytest.raises(RequestError, match="a key, which is a text"):
        parse(key)


def test_lone_surrogates_in_a_key_are_replaced():
    assert parse("text/a\ud800b").input == TextInput("a\ufffdb")
    escaped = parse('read/["\\ud800","","\\ud83e\\udd16",[]]')
    assert escaped.input == TextInput("\ufffd", target="🤖")
    assert parse("load/\udcff").name == "\ufffd"


def test_types_name_what_the_file_has():
    assert get_args(shared.Kind) == shared.KINDS
    assert get_args(shared.Stream) == shared.STREAMS
    assert get_args(shared.Order) == shared.ORDERS
    assert get_args(shared.Measure) == shared.MEASURES
    assert get_args(shared.ColorScale) == shared.COLOR_SCALES
