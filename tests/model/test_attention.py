"""Every way to look at attention, on real weights, against the model's own."""

from __future__ import annotations

import numpy as np
import pytest

from llmscope.analysis.notes import softmax
from llmscope.kernel import Handlers
from llmscope.kernel.protocol import parse
from llmscope.shared import SCORES
from tests import reference
from tests.closeness import SMOLLM, assert_close, assert_probabilities_close, assert_product_close
from tests.reference import assert_matrix_close, matrix_of, own_attention

MARY = "When Mary and John went to the store, John gave a drink to"
MATRICES = ["head.3.2", "mean.0.1+5.3+2.0", "max.0.1+5.3", "difference.0.1+5.3", "rollout.5"]
MATRICES += [f"sinkless.{name}" for name in MATRICES]


@pytest.fixture(scope="module", params=["smollm", "minilm"])
def known(request):
    """A trace with the model's own attention, by layer."""
    scope = request.getfixturevalue(request.param)
    trace = scope.trace(MARY)
    return trace, own_attention(scope.model, trace.recording.inputs)["self"]


@pytest.mark.parametrize("matrix", MATRICES)
def test_every_matrix_is_made_of_the_models_own_weights(known, matrix):
    trace, layers = known
    whole = reference.matrix(layers, matrix)
    assert_matrix_close(matrix_of(trace, "self", matrix), whole, matrix, terms=SMOLLM)
    answers = Handlers(trace.scope, trace)

    def ask(key: str) -> dict:
        (part,) = answers(parse(key), lambda: False)
        return part

    name = ask(f"text/{trace.text}")["trace"]
    tile = ask(f"{name}/self/{matrix}/0.0.0.max")["weights"]
    assert_matrix_close(tile, whole, matrix, terms=SMOLLM)
    row = ask(f"{name}/self/{matrix}/row.7")["weights"]
    assert_matrix_close(row, whole[7], matrix, terms=SMOLLM)
    column = ask(f"{name}/self/{matrix}/column.1")["weights"]
    assert_matrix_close(column, whole[:, 1], matrix, terms=SMOLLM)


@pytest.mark.parametrize("head", range(9))
def test_steps_lead_from_query_and_key_to_the_output_of_the_module(known, head):
    trace, layers = known
    layer = len(layers) - 2
    steps = trace.steps(layer, head, -1)
    weights = layers[layer][head, -1]
    assert_probabilities_close(steps.weights, weights, terms=SMOLLM)
    assert_probabilities_close(softmax(steps.logits, steps.sink), weights, terms=SMOLLM)
    assert_product_close(steps.output, steps.values.T, steps.weights)
    size = len(steps.output)
    part = steps.concat[head * size : (head + 1) * size]
    assert_close(part, steps.output, terms=SMOLLM)

    outputs = []
    above = steps.module if steps.projection == "o_proj" else steps.module.rpartition(".")[0]
    linear = trace.scope.model.get_submodule(f"{above}.{steps.projection}")
    handle = linear.register_forward_hook(lambda module, args, output: outputs.append(output[0]))
    trace.scope.trace(MARY)
    handle.remove()
    assert_close(steps.projected, outputs[0][-1].numpy(), terms=SMOLLM)
    parts = [trace.steps(layer, n, -1).contribution for n in range(trace.heads(layer)[0])]
    bias = 0 if linear.bias is None else linear.bias.detach().numpy()
    assert_close(np.sum(parts, axis=0) + bias, steps.projected, terms=SMOLLM)
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
    assert_probabilities_close(best.induction, np.mean(found), terms=SMOLLM)
