"""What may be asked of effects, and what comes back."""

from __future__ import annotations

import numpy as np
import pytest

from llmscope.scope import Scope
from llmscope.trace import Trace
from tests import tiny
from tests.closeness import TINY, assert_close, relative_tolerance
from tests.unit.test_effects import TEXT, traced


@pytest.fixture
def trace_of(tokenizer):
    def make(name: str) -> Trace:
        return traced(Scope(tiny.MODELS[name](), tokenizer, name=name), TEXT)

    return make


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"of": "neurons"}, "of is one of"),
        ({"method": "occlusion"}, "The method for heads is one of"),
        ({"of": "tokens", "method": "direct"}, "The method for tokens is one of"),
        ({"measure": "entropy"}, "measure is one of"),
        ({"measure": "prob"}, "Direct effects add up to a logit"),
        ({"measure": "logit_difference"}, "name both or none"),
        ({"by": "median"}, 'by is "zero"'),
        ({"method": "patch"}, "takes a source="),
    ],
)
def test_what_cannot_be_asked(trace_of, options, says):
    with pytest.raises(ValueError, match=says):
        trace_of("llama").effects(7, **options)


def test_a_token_is_one(trace_of):
    trace = trace_of("llama")
    with pytest.raises(ValueError, match="tokens"):
        trace.effects("brown fox jumps")
    with pytest.raises(ValueError, match="outside the vocabulary"):
        trace.effects(10**6)
    with pytest.raises(IndexError, match="no position"):
        trace.effects(7, position=99)


def test_a_model_without_a_head_makes_no_token_likely(trace_of):
    with pytest.raises(ValueError, match="no language-model head"):
        trace_of("bert_encoder").effects(7)


def test_a_source_has_as_many_tokens(trace_of):
    trace = trace_of("llama")
    other = trace.scope.trace("The fox")
    with pytest.raises(ValueError, match="as many tokens"):
        trace.effects(7, method="patch", source=other)


def test_a_table_has_a_row_for_each_part(trace_of):
    trace = trace_of("llama")
    found = trace.effects(7, 9)
    table = found.to_pandas()
    assert set(table["what"]) >= {"head", "MLP", "embedding"}
    assert_close(table["effect"].sum(), found.measured, size=np.abs(table["effect"]).max())
    assert "estimated" in repr(trace.effects(7, method="gradient"))
    tokens = trace.effects(7, of="tokens").to_pandas()
    assert list(tokens["token"]) == [token.label for token in trace.tokens]


def test_an_answer_that_nobody_waits_for_ends(trace_of):
    from llmscope.capture import Cancelled

    asked = iter([False] * 5)
    with pytest.raises(Cancelled):
        trace_of("llama").effects(7, method="ablate", cancelled=lambda: next(asked, True))


def test_the_greatest_estimates_come_first(trace_of):
    from llmscope.analysis.effects import read_effects

    trace = trace_of("llama")
    question = trace.question(7, 9, method="ablate")
    parts = list(read_effects(trace.scope.editor, trace.recording, question))
    assert parts[0].is_estimate
    assert not any(part.is_whole for part in parts[:-1])
    assert parts[-1].is_whole
    filled = [int(np.isfinite(part.values).sum()) for part in parts[1:]]
    assert filled == sorted(filled)
    first = np.isfinite(parts[1].values).any(1).nonzero()[0][0]
    assert first == np.unravel_index(np.abs(parts[0].values).argmax(), (3, 4))[0]
    assert relative_tolerance(TINY) < 1e-3
