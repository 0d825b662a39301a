"""The grammar of keys, held by the vectors that the front end's tests read as well."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import get_args

import pytest

from llmscope import shared
from llmscope.attention.matrices import Name
from llmscope.kernel import protocol
from llmscope.kernel.protocol import MOST_IDS, format_key, parse
from llmscope.kernel.requests import Request, Summary
from llmscope.kernel.text_input import TextInput

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "keys.json").read_bytes())
GOOD = [vector for vector in VECTORS if "request" in vector]
BAD = [vector["key"] for vector in VECTORS if "error" in vector]


def as_json(request: Request):
    """A request as the vectors have it."""
    if isinstance(request, Summary):
        kind = "text" if isinstance(request.input, TextInput) else "ids"
        return {"type": kind, **json.loads(json.dumps(asdict(request.input)))}
    kind = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(request).__name__).lower()
    values = {
        name: value._asdict() if isinstance(value, Name) else value
        for name, value in vars(request).items()
    }
    return {"type": kind, **json.loads(json.dumps(values))}


@pytest.mark.parametrize("vector", GOOD, ids=[one["key"] for one in GOOD])
def test_a_key_is_parsed_and_formatted(vector):
    request = parse(vector["key"])
    assert as_json(request) == vector["request"]
    assert format_key(request) == vector["key"]


@pytest.mark.parametrize("key", BAD, ids=map(repr, BAD))
def test_a_malformed_key_is_refused(key):
    with pytest.raises(KeyError):
        parse(key)


def test_every_kind_of_request_has_a_vector():
    kinds = {kind for kind, _ in protocol.patterns()} | {Summary}
    assert {type(parse(vector["key"])) for vector in GOOD} == kinds


def test_a_long_key_is_refused_before_it_is_read():
    ids = ",".join(["1"] * (MOST_IDS + 1))
    with pytest.raises(KeyError) as refused:
        parse(f"ids//{ids}")
    assert len(str(refused.value)) < 100
    assert len(parse(f"ids//{ids[2:]}").input.ids) == MOST_IDS


def test_types_name_what_the_file_has():
    assert get_args(shared.Kind) == shared.KINDS
    assert get_args(shared.Stream) == shared.STREAMS
    assert get_args(shared.Order) == shared.ORDERS
    assert get_args(shared.Measure) == shared.MEASURES
    assert get_args(shared.ColorScale) == shared.COLOR_SCALES
