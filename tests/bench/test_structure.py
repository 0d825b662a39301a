"""The whole model as a picture: what its parts take, beside one forward pass of the same text."""

from __future__ import annotations

import pytest
import torch

from llmscope.analysis.structure import numbers, reading
from llmscope.kernel import structure_requests as ask
from llmscope.kernel.structure import of_model
from tests.bench.passes import load, text_of
from tests.bench.table import interleaved, ms, show

BOXES = ("block.20.norm1", "block.20.mlp", "block.20.rotary", "embedding", "unembedding")


@pytest.mark.parametrize("tokens", [16, 128, 512])
def test_the_whole_model_beside_one_pass(tokens):
    scope = load()
    text = text_of(scope, tokens)
    trace = scope.trace(text)
    ids = torch.tensor([trace.ids])

    def forward():
        with torch.no_grad():
            scope.model(ids, use_cache=False, logits_to_keep=1)

    def structure():
        reading._known.pop(scope.model, None)
        return trace.structure

    def path():
        numbers._kept.pop(trace.recording, None)
        return trace.token_path()

    def request(wanted):
        return lambda: of_model(trace, wanted, lambda: False)

    last = len(trace.tokens) - 1
    works = {
        "one forward pass": forward,
        "first structure": structure,
        "first read of a token": path,
        "request of the stream": request(ask.ModelStream("t1", "self", last)),
        "request of a block": request(ask.ModelBlock("t1", "self", 20, last)),
        **{f"request of {box}": request(ask.ModelBox("t1", box, 0, last)) for box in BOXES},
    }
    seconds = dict(zip(works, interleaved([*works.values()]), strict=True))
    bare = seconds["one forward pass"]
    rows = [[name, ms(one), f"{one / bare:.2f}"] for name, one in seconds.items()]
    show(f"The whole model, {tokens} tokens", ["", "time", "in forward passes"], rows)
