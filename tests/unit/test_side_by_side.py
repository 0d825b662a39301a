"""One text through several tokenizers, and the view of it."""

from __future__ import annotations

import base64
import json
import re
import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import llmscope
from llmscope.capture import NEVER
from llmscope.kernel import Handlers
from llmscope.kernel.protocol import parse
from llmscope.text import tokenize
from llmscope.text.samples import SAMPLES
from llmscope.text.side_by_side import side_by_side
from llmscope.text.tokens import clean
from tests import tokenizers

NAMES = ["byte-level", "t5", "llama", "word-piece", "characters", "byt5", "unigram"]
UGLY = "naïve 你好 🤖👩‍💻\n\t<script>x</script> e\u0301 the dog"


@pytest.fixture
def some():
    return {name: tokenizers.make(name) for name in NAMES}


@pytest.mark.parametrize("text", [*SAMPLES.values(), UGLY, "", " ", "\n\n"])
def test_every_token_is_in_one_column_and_columns_are_the_text(some, text):
    check(some, text)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=24))
def test_any_text_is_cut_into_columns(text):
    check({name: tokenizers.make(name) for name in NAMES}, text)


def check(some, text):
    found = side_by_side(text, some)
    text = clean(text)
    assert not found.refused
    assert "".join(text[start:end] for start, end in found.columns) == text
    for name, tokenizer in some.items():
        tokens = found.tokens[name]
        assert [token.id for token in tokens] == tokenize(
            tokenizer, text, add_special_tokens=False
        )[0]
        if not found.columns:
            continue
        counts = found.counts(name)
        assert sum(counts) == len(tokens)
        at = 0
        for (start, end), count in zip(found.columns, counts, strict=True):
            within = [token for token in tokens[at : at + count] if token.text]
            at += count
            # What a column holds of the text is cut at both of its ends.
            assert all(start <= token.start and token.end <= end for token in within)


def test_columns_are_the_shortest_that_all_cut():
    some = {name: tokenizers.make(name) for name in ("byte-level", "characters")}
    found = side_by_side("the dog", some)
    byte_level = found.tokens["byte-level"]
    assert found.columns == [(token.start, token.end) for token in byte_level]
    assert sum(found.counts("characters")) == 7


def test_what_a_tokenizer_refuses_is_said_and_the_others_go_on(some, monkeypatch):
    def refuse(*_args, **_more):
        raise ValueError("no")

    broken = tokenizers.tiktoken()
    monkeypatch.setattr(type(broken), "__call__", refuse)
    fine = tokenizers.make("byt5")
    found = side_by_side("a", {"broken": broken, "fine": fine})
    assert found.refused == {"broken": "no"}
    assert list(found.tokens) == ["fine"]


def test_a_view_names_and_counts(scope, tmp_path):
    other = tokenizers.make("characters")
    other.save_pretrained(tmp_path / "by-letter")
    view = llmscope.TokenizersView("A tiny dog", [scope, scope.tokenizer, tmp_path / "by-letter"])
    assert list(view.tokens) == ["tiny", type(scope.tokenizer).__name__, "by-letter"]
    assert "by-letter" in repr(view)
    table = view.to_pandas()
    assert table.loc["by-letter", "tokens"] == 10
    assert table.loc["by-letter", "characters_per_token"] == 1
    assert table.loc["tiny", "vocabulary"] == len(scope.tokenizer)
    view.text = "你"
    assert view.to_pandas().loc["tiny", "bytes_per_token"] == 3 / len(view.tokens["tiny"])
    view.close()


def test_two_of_a_name_are_told_apart(scope):
    view = llmscope.TokenizersView("a", [scope, scope])
    assert list(view.tokens) == ["tiny", "tiny (2)"]
    view.close()
    view = llmscope.TokenizersView("a", {"mine": scope, "yours": scope.tokenizer})
    assert list(view.tokens) == ["mine", "yours"]
    view.close()


@pytest.mark.parametrize("given_", [(), [], [1] * 9])
def test_a_number_of_tokenizers_that_no_view_shows_is_refused(given_):
    with pytest.raises(ValueError, match="1 to 8 tokenizers"):
        llmscope.TokenizersView("a", given_)


def test_what_is_no_tokenizer_is_refused():
    with pytest.raises(TypeError, match="a scope or a name"):
        llmscope.TokenizersView("a", [3])
    with pytest.raises(llmscope.LoadError, match="no file or folder"):
        llmscope.TokenizersView("a", ["./nowhere"])


def test_only_the_tokenizer_is_loaded_from_the_hub(served):
    view = llmscope.TokenizersView("a", "me/tiny")
    assert list(view.tokens) == ["tiny"]
    view.close()
    assert not any("safetensors" in path for path in served.asked)


def test_the_page_is_told_what_python_finds(some):
    view = llmscope.TokenizersView(UGLY, some)
    (answer,) = [
        part
        for part in Handlers(None, answers=view.state().answers)(parse(f"tokenizers/{UGLY}"), NEVER)
        if part
    ]
    found = side_by_side(UGLY, some)
    assert [row["tokens"] for row in answer["rows"]] == [len(one) for one in found.tokens.values()]
    assert answer["columns"].shape == (len(found.columns), 2)
    assert answer["columns"][-1][1] == len(UGLY.encode("utf-16-le")) // 2
    word_piece = next(row for row in answer["rows"] if row["name"] == "word-piece")
    assert word_piece["unknown"] == found.unknown("word-piece") != []
    assert [one["name"] for one in answer["samples"]] == list(SAMPLES)
    view.close()


def test_a_page_holds_the_answer_and_nothing_of_its_author(scope, tmp_path):
    view = llmscope.TokenizersView("A tiny dog", [scope])
    page = view.to_html(tmp_path / "page.html")
    assert page.notes == ("A page without its tokenizers: typing is off.",)
    (packed,) = re.findall(r'id="page-data">([A-Za-z0-9+/=]*)</script>', page.html)
    data = zlib.decompress(base64.b64decode(packed))
    (length,) = struct.unpack_from("<I", data)
    (source,) = json.loads(data[4 : 4 + length])["page"]["sources"]
    assert set(source["answers"]) == {"model", "tokenizers/A tiny dog"}
    assert source["answers"]["model"] == {"prompts": []}
    assert view.static()._repr_html_().count("<iframe") == 1
    assert re.search(r"tiny: \d", repr(view.static()))
    bundle, _ = view._repr_mimebundle_()
    assert "tiny: " in bundle["text/plain"]
    view.close()


def test_a_figure_has_each_piece_under_its_own(some):
    view = llmscope.TokenizersView("the dogs sleep", {n: some[n] for n in ("t5", "characters")})
    figure = view.figure()
    (sheet,) = figure.axes
    drawn = [text.get_text() for text in sheet.texts]
    for tokens in view.tokens.values():
        assert {token.label for token in tokens} <= set(drawn)
    unknown = [patch for patch in sheet.patches if patch.get_linestyle() == "--"]
    assert not unknown
    view.text = ""
    with pytest.raises(ValueError, match="no text to draw"):
        view.figure()
    view.text = "the " * 400
    with pytest.raises(ValueError, match="too long to print"):
        view.figure()
    view.close()
