from __future__ import annotations

import base64
import json
import re
import struct
import sys
import zlib
from html.parser import HTMLParser

import numpy as np
import pytest

from llmscope.scope import Scope
from tests.tiny import MODELS, TEXT, word_piece

HOSTILE = "</script><img src=x onerror=alert(1)><!-- ' \" \u2028 &amp; 日"


def params(html: str) -> dict:
    """What the page hands to bertviz, each reference to a buffer replaced by its array."""
    (packed,) = re.findall(r'id="page-data">([A-Za-z0-9+/=]*)</script>', html)
    data = zlib.decompress(base64.b64decode(packed))
    (length,) = struct.unpack_from("<I", data)
    head = json.loads(data[4 : 4 + length])
    starts = np.cumsum([4 + length, *(size for size, _ in head["sizes"])])

    def array(item: dict) -> np.ndarray:
        size, width = head["sizes"][item["buffer"]]
        planes = np.frombuffer(data, np.uint8, size, starts[item["buffer"]]).reshape(width, -1)
        return planes.T.copy().view(item["dtype"]).reshape(item["shape"])

    page = head["page"]
    for shown in page["attention"]:
        shown["layers"] = [layer and array(layer["weights"]) for layer in shown["layers"]]
    return page


def labels(tokens) -> list[str]:
    return [token.label for token in tokens]


@pytest.mark.parametrize("view", ["head", "model"])
@pytest.mark.parametrize("name", [name for name in MODELS if name != "mamba"])
def test_the_page_holds_the_weights_of_the_trace(name, view, tokenizer):
    trace = Scope(MODELS[name](), tokenizer, name=name).trace(TEXT)
    page = params(trace.bertviz(view).page.html)
    layers = page["include_layers"]
    assert layers == sorted({layer for kind in trace.kinds for layer in trace.layers(kind)})
    kinds = {None: "self", "Encoder": "encoder", "Decoder": "self", "Cross": "cross"}
    assert {kinds[shown["name"]] for shown in page["attention"]} == set(trace.kinds)
    for shown in page["attention"]:
        kind = kinds[shown["name"]]
        assert shown["left_text"] == labels(
            trace.source_tokens if kind == "encoder" else trace.tokens
        )
        assert shown["right_text"] == labels(
            trace.tokens if kind == "self" else trace.source_tokens
        )
        assert (shown["queries"], shown["keys"]) == (
            [0, trace.queries(kind)],
            [0, trace.keys(kind)],
        )
        for layer, weights in zip(layers, shown["layers"], strict=True):
            if layer in trace.layers(kind):
                np.testing.assert_array_equal(weights, trace.attention(layer, kind=kind))
            else:
                assert weights is None


def test_layers_and_heads_are_taken_by_their_numbers(scope):
    trace = scope.trace(TEXT)
    page = params(trace.bertviz("model", layers=[2, 0], heads=[3, 1]).page.html)
    assert page["include_layers"] == [0, 2]
    assert page["include_heads"] == [1, 3]
    assert page["total_heads"] == 4
    for layer, weights in zip([0, 2], page["attention"][0]["layers"], strict=True):
        np.testing.assert_array_equal(weights, trace.attention(layer)[[1, 3]])


def test_the_head_view_says_which_heads_its_colours_are(scope):
    shown = scope.trace(TEXT).bertviz(heads=[3, 1])
    assert "Heads 1, 3<" in shown.page.html
    assert repr(shown).endswith("Layers 0 to 2. Heads 1, 3")
    assert "Heads 0" not in scope.trace(TEXT).bertviz().page.html


def test_two_sentences_are_also_shown_apart():
    tokenizer = word_piece()
    tokenizer.model_input_names = ["input_ids", "token_type_ids", "attention_mask"]
    trace = Scope(MODELS["bert"](), tokenizer).trace("the dog", pair="it sleeps")
    page = params(trace.bertviz().page.html)
    second = labels(trace.tokens).index("[SEP]") + 1
    a, b = [0, second], [second, len(trace)]
    every = [0, len(trace)]
    found = {
        shown["name"]: (shown["queries"], shown["keys"], shown["left_text"], shown["right_text"])
        for shown in page["attention"]
    }
    texts = {tuple(part): labels(trace.tokens[slice(*part)]) for part in (a, b, every)}
    assert found == {
        name: (rows, columns, texts[tuple(rows)], texts[tuple(columns)])
        for name, rows, columns in (
            ("All", every, every),
            ("Sentence A -> Sentence A", a, a),
            ("Sentence B -> Sentence B", b, b),
            ("Sentence A -> Sentence B", a, b),
            ("Sentence B -> Sentence A", b, a),
        )
    }


def test_what_is_too_large_is_refused_with_what_to_do(scope):
    trace = scope.trace(TEXT)
    lines = len(trace) ** 2 * 4
    with pytest.raises(ValueError, match=rf"{lines:,} at once.*heads=.*limit=.*AttentionView"):
        trace.bertviz(limit=lines - 1)
    with pytest.raises(ValueError, match=rf"{3 * lines:,} at once.*layers=.*heads="):
        trace.bertviz("model", limit=lines)
    trace.bertviz("head", limit=lines)
    trace.bertviz("model", layers=[1], limit=lines)
    trace.bertviz("model", heads=[0], limit=3 * lines // 4)


def test_a_long_text_is_refused_before_its_weights_are_read(tokenizer, monkeypatch):
    model = MODELS["llama"]()
    model.config.max_position_embeddings = 512
    trace = Scope(model, tokenizer, name="roomy").trace(TEXT * 8)

    def read(*_args, **_options):
        raise AssertionError("read")

    monkeypatch.setattr(type(trace), "attention", read)
    with pytest.raises(ValueError, match=r"in a page of up to \d+ MB\. Above 150,000"):
        trace.bertviz("model")


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"view": "neuron"}, ValueError, '"head" or the "model"'),
        ({"layers": [3]}, IndexError, "layers= takes 0 to 2"),
        ({"layers": []}, ValueError, "layers= names none"),
        ({"heads": [-1]}, IndexError, "There is no head -1: heads= takes 0 to 3"),
        ({"heads": []}, ValueError, "heads= names none"),
        ({"heads": [(0, 1)]}, TypeError, "heads= is a list of numbers"),
        ({"layers": 2}, TypeError, "layers= is a list of numbers"),
    ],
)
def test_what_is_wrong_is_said(scope, options, error, words):
    with pytest.raises(error, match=words):
        scope.trace(TEXT).bertviz(**options)


def test_a_model_without_attention_says_so(tokenizer):
    trace = Scope(MODELS["mamba"](), tokenizer, name="mamba").trace(TEXT)
    with pytest.raises(ValueError, match="mamba has no attention"):
        trace.bertviz()


def test_changed_weights_are_not_shown(scope):
    trace = scope.trace(TEXT)
    scope.model.lm_head.weight.detach().add_(1)
    with pytest.raises(RuntimeError, match="The model was changed"):
        trace.bertviz()


class Elements(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.outside: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.outside += [str(value) for name, value in attrs if name in ("src", "href")]


@pytest.mark.parametrize("view", ["head", "model"])
def test_text_is_never_markup_and_nothing_is_asked_of_any_place(scope, view):
    html = scope.trace(HOSTILE).bertviz(view).page.html
    assert html.isascii()
    found, harmless = Elements(html), Elements(scope.trace("x").bertviz(view).page.html)
    assert found.tags == harmless.tags
    assert found.outside == []
    assert params(html)["attention"][0]["left_text"] == labels(scope.trace(HOSTILE).tokens)


def test_it_is_a_cell_output_and_a_file_and_the_same_each_time(scope, tmp_path):
    shown = scope.trace(TEXT).bertviz()
    assert shown._repr_html_().startswith("<iframe")
    assert repr(shown) == f"tiny: {TEXT}\nbertviz's head view. Layers 0 to 2."
    page = shown.to_html(tmp_path / "page.html")
    assert page.path is not None
    assert page.path.read_text() == shown.page.html
    assert scope.trace(TEXT).bertviz()._repr_html_() == shown._repr_html_()


def test_bertviz_itself_is_not_imported(scope, monkeypatch):
    monkeypatch.delitem(sys.modules, "bertviz", raising=False)  # of another test
    scope.trace(TEXT).bertviz()
    assert "bertviz" not in sys.modules
