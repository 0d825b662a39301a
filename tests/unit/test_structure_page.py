"""A page of the whole model: what it holds, and how large it will be."""

from __future__ import annotations

import json
from typing import Any

import pytest

import llmscope
from llmscope import words
from llmscope.export.size import estimate
from llmscope.kernel import structure_requests as ask
from llmscope.kernel.structure import of_model
from llmscope.panels import MOST_PATHS
from llmscope.scope import Scope
from tests import tiny


def page_of(view: Any) -> dict[str, Any]:
    from llmscope.export.choice import wanted
    from llmscope.export.page_data import page_data
    from llmscope.export.selection import grouped, plan, states_of
    from llmscope.kernel.arrays import PageBuffers

    want = wanted()
    (group,) = grouped(states_of([view]))
    plans = [plan(group, what, want) for what in group.inputs(want)]
    content, _ = page_data(group, plans, want, PageBuffers())
    return content


@pytest.mark.parametrize("name", ["llama", "t5", "mamba"])
def test_a_page_holds_the_block_on_screen_and_its_boxes(name: str) -> None:
    model: Any = tiny.MODELS[name]()
    scope = Scope(model, tiny.byte_level())
    target = "The dog" if model.config.is_encoder_decoder else None
    view = llmscope.ModelView(scope.trace("The dog", target=target), block=1)
    content = page_of(view)
    keys = [key for key in content["answers"] if "/model" in key]
    tower = "encoder" if name == "t5" else "self"
    count = len(view.trace.source_tokens or view.trace.tokens)
    assert count <= MOST_PATHS
    assert f"t1/model/block/{tower}/1/{count - 1}" in keys
    assert f"t1/model/stream/{tower}/0" in keys
    squares = [one for one in content["answers"] if "/thumbnails/" in one]
    of_block = {"llama": ["self"], "t5": ["cross", "encoder", "self"], "mamba": []}[name]
    assert sorted(squares) == [f"t1/thumbnails/{one}/1" for one in of_block]
    prefix = "encoder." if name == "t5" else ""
    opened = {"llama": "rotary", "t5": "relative", "mamba": "mixer"}[name]
    assert f"t1/model/box/{prefix}block.1.{opened}/0/{count - 1}" in keys
    assert f"t1/model/box/{prefix}embedding/0/{count - 1}" in keys
    assert not any("/model/" in key for key in content["words"])
    json.dumps(content)


def test_of_a_long_text_a_page_holds_the_token_in_focus() -> None:
    scope = Scope(tiny.MODELS["llama"](), tiny.byte_level())
    view = llmscope.ModelView(scope.trace(tiny.TEXT), block=0, position=3)
    keys = [key for key in page_of(view)["answers"] if "/model/block/" in key]
    assert keys == ["t1/model/block/self/0/3"]


def test_of_a_closed_picture_a_page_holds_the_token_in_focus():
    scope = Scope(tiny.MODELS["llama"](), tiny.byte_level())
    count = len(scope.trace("The dog"))
    for is_open, places in ((False, [count - 1]), (True, range(count))):
        view = scope.explore("The dog", model=is_open, layer=1)
        keys = [key for key in page_of(view)["answers"] if "/model/block/" in key]
        assert keys == [f"t1/model/block/self/1/{place}" for place in places]


def test_the_size_of_a_page_is_known_before() -> None:
    scope = Scope(tiny.MODELS["llama"](), tiny.byte_level())
    view = llmscope.ModelView(scope.trace("The quick dog"), block=0)
    expected = estimate(view)
    assert expected.total == pytest.approx(view.to_html().size, rel=1 / 3)


def test_reasons_are_in_the_language_of_the_view() -> None:
    """Also those of a model that was read before, in another language."""
    scope = Scope(tiny.MODELS["mamba"](), tiny.byte_level())
    trace = scope.trace("The dog")

    def why() -> str:
        answer = of_model(trace, ask.Structure("t1"), lambda: False)
        json.dumps(answer)
        return str(answer["towers"][0]["positions"][0]["why"])

    assert why() == "Its layers take the tokens in their order."
    with words.spoken("zh"):
        assert why() == "它的各层按顺序读取词元。"
        with pytest.raises(IndexError, match="没有块 9：共有 3 块"):
            of_model(trace, ask.ModelBlock("t1", "self", 9, 0), lambda: False)
    bert = Scope(tiny.MODELS["bert"](), tiny.byte_level()).trace("The dog")
    with words.spoken("zh"):
        box = of_model(bert, ask.ModelBox("t1", "block.0.mlp", 0, 0), lambda: False)
    assert box["treatment"].startswith("语言模型头对残差流的计算")
