"""Every way to look at attention, on real weights, against the model's own."""

from __future__ import annotations

import numpy as np
import pytest

from llmscope.attention import SCORES, trace_matrix
from llmscope.attention.features import softmax
from llmscope.kernel import Handlers
from llmscope.kernel.protocol import parse
from tests import reference
from tests.reference import own_attention

MARY = "When Mary and John went to the store, John gave a drink to"
MATRICES = ["head.3.2", "mean.0.1+5.3+2.0", "max.0.1+5.3", "difference.0.1+5.3", "rollout.5"]
MATRICES += [f"sinkless.{name}" for name in MATRICES]


@pytest.fixture(scope="module", params=["smollm", "minilm"])
def known(request):
    """A trace with the model's own attention, by layer."""
    scope = request.getfixturevalue(request.param)
    trace = scope.trace(MARY)
    return trace, own_attention(scope.model, trace._inputs)["self"]


@pytest.mark.parametrize("matrix", MATRICES)
def test_every_matrix_is_made_of_the_models_own_weights(known, matrix):
    trace, layers = known
    whole = reference.matrix(layers, matrix)
    np.testing.assert_allclose(trace_matrix(trace, "self", matrix), whole, atol=1e-5)
    answers = Handlers(trace.scope, trace)

    def ask(key: str) -> dict:
        (part,) = answers(parse(key), lambda: False)
        return part

    name = ask(f"text/{trace.text}")["trace"]
    tile = ask(f"{name}/self/{matrix}/0.0.0.max")["weights"]
    np.testing.assert_allclose(tile, whole, atol=1e-5)
    row = ask(f"{name}/self/{matrix}/row.7")["weights"]
    np.testing.assert_allclose(row, whole[7], atol=1e-5)
    column = ask(f"{name}/self/{matrix}/column.1")["weights"]
    np.testing.assert_allclose(column, whole[:, 1], atol=1e-5)


@pytest.mark.parametrize("head", range(9))
def test_steps_lead_from_query_and_key_to_the_output_of_the_module(known, head):
    trace, layers = known
    layer = len(layers) - 2
    steps = trace.steps(layer, head, -1)
    weights = layers[layer][head, -1]
    np.testing.assert_allclose(steps.weights, weights, atol=1e-5)
    np.testing.assert_allclose(softmax(steps.logits, steps.sink), weights, atol=1e-5)
    np.testing.assert_allclose(steps.output, weights @ steps.values, atol=1e-5)
    size = len(steps.output)
    part = steps.concat[head * size : (head + 1) * size]
    np.testing.assert_allclose(part, steps.output, atol=1e-5)

    outputs = []
    above = steps.module if steps.projection == "o_proj" else steps.module.rpartition(".")[0]
    linear = trace.scope.model.get_submodule(f"{above}.{steps.projection}")
    handle = linear.register_forward_hook(lambda module, args, output: outputs.append(output[0]))
    trace.scope.trace(MARY)
    handle.remove()
    np.testing.assert_allclose(steps.projected, outputs[0][-1].numpy(), atol=1e-5)
    parts = [trace.steps(layer, n, -1).contribution for n in range(trace.heads(layer)[0])]
    bias = 0 if linear.bias is None else linear.bias.detach().numpy()
    np.testing.assert_allclose(np.sum(parts, axis=0) + bias, steps.projected, atol=1e-4)
    assert not {"unexplained", "gate", "projection"} & {f.name for f in steps.features}


def test_the_sentence_of_the_lecture_comes_apart(smollm):
    steps = smollm.trace(MARY).steps(24, 4, -1)
    assert steps.weights[1] == pytest.approx(0.811, abs=0.01)
    assert steps.logits.argmax() == 1
    said = {feature.name: feature.text for feature in steps.features}
    assert set(said) == {"rotary", "grouped heads"}
    assert said["grouped heads"].startswith("Heads 3 to 5 share their keys and values: 9 query")


def test_an_induction_head_is_found_by_its_score(smollm):
    words = "zebra candle seven orbit lemon granite piano kettle "
    table = smollm.trace(words * 4).head_scores()
    assert len(table) == 270
    assert list(table.columns) == ["layer", "head", *SCORES]
    assert table.induction.max() > 0.5
    best = table.loc[table.induction.idxmax()]
    weights = smollm.trace(words * 4).attention(int(best.layer), int(best["head"]))
    ids = smollm.trace(words * 4).ids
    found = [
        sum(weights[t, s] for s in range(1, t) if ids[s - 1] == ids[t])
        for t in range(1, len(ids))
        if ids[t] in ids[: t - 1]
    ]
    assert best.induction == pytest.approx(np.mean(found), abs=1e-5)
