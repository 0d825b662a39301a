"""Fixtures of the whole model as one picture: one of each kind of block."""

from __future__ import annotations

from typing import Any

from llmscope import AttentionView, ModelView, NextTokenView, Trace
from tests.components import texts
from tests.components.fixtures import Made, fixture, small
from tests.components.numbers import Collector

LAYER = 1
STREAM = 3  # the number of the stream that is followed


def of(trace: Trace, boxes: tuple[str, ...], **traits: Any) -> Made:
    """Views with each of some boxes open, beside attention and the next token where there are."""
    views: list[Any] = [ModelView(trace, layer=LAYER, box=box, **traits) for box in ("", *boxes)]
    # A page holds the block that a view shows.
    blocks = trace.structure.towers[-1].blocks
    views += [ModelView(trace, layer=layer, **traits) for layer in range(blocks)]
    views += [AttentionView(trace, layer=LAYER, **traits)] if trace.kinds else []
    views += [NextTokenView(trace)] if trace.scope.facts.family != "encoder" else []
    return Made(views, _numbers(trace))


def _numbers(trace: Trace) -> Any:
    numbers = Collector(trace)
    numbers.fact("parameters", trace.structure.parameters)
    for tower in trace.structure.towers:
        path = trace.token_path(-1, tower.tower)
        numbers.fact(f"lengths/{tower.tower}", path.lengths())
        for at, vector in path.block(LAYER).items():
            numbers.array(f"{tower.tower}/{at}", vector)
    return numbers.numbers


@fixture("model")
def model() -> Made:
    trace = small("llama").trace(texts.FOX)
    boxes = ("block.1.mlp", "block.1.rotary", "block.1.norm1", "embedding", "unembedding")
    made = of(trace, boxes)
    opened = trace.token_path().box("block.1.mlp")
    made.numbers.facts["neurons"] = opened["neurons"]["index"].tolist()
    made.numbers.facts["activations"] = opened["neurons"]["activation"].tolist()
    near = trace.token_path().box("embedding")
    made.numbers.facts["nearest"] = list(near["labels"])
    return made


@fixture("model-experts")
def experts() -> Made:
    made = of(small("gpt_oss").trace(texts.FOX), ("block.1.moe",))
    opened = made.views[0].trace.token_path().box("block.1.moe")
    made.numbers.facts["chosen"] = opened["chosen"].tolist()
    return made


@fixture("model-masked")
def masked() -> Made:
    return of(small("bert").trace(texts.FOX), ("positions",))


@fixture("model-encoder-decoder")
def encoder_decoder() -> Made:
    trace = small("t5").trace(texts.FOX, target=texts.SLEEPS)
    made = of(trace, ("block.1.relative",))
    made.views.append(ModelView(trace, layer=LAYER, kind="encoder"))
    return made


@fixture("model-state-space")
def state_space() -> Made:
    return of(small("mamba").trace(texts.FOX), ("block.1.mixer",))
