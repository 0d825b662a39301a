"""The language of views, pages and errors."""

from __future__ import annotations

import ast
import json
import re
import string
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from traitlets import TraitError

import llmscope
from llmscope import words
from llmscope.export.page import beginning
from llmscope.export.plain_text import summary
from llmscope.export.program import BUILT, bertviz_program, page_program
from llmscope.loading.default import not_installed
from llmscope.panels import PANELS
from llmscope.scope import Scope
from tests import tiny

ROOMS = Path(llmscope.__file__).parent / "frontend" / "src" / "words"


@pytest.fixture(scope="module")
def scope() -> Scope:
    return Scope(tiny.MODELS["llama"](), tiny.byte_level(), name="tiny")


@pytest.mark.parametrize("tag", ["zh", "zh-CN", "zh_TW", "ZH"])
def test_a_language_is_chosen_by_any_of_its_tags(monkeypatch, tag):
    monkeypatch.setattr(llmscope, "language", tag)
    assert llmscope.language == "zh"


@pytest.mark.parametrize("tag", ["fr", "", "chinese", 3])
def test_a_language_that_is_not_there_is_refused_in_words(monkeypatch, tag):
    before = llmscope.language
    with pytest.raises(ValueError, match="a language is one of 'en', 'zh', or None"):
        monkeypatch.setattr(llmscope, "language", tag)
    assert llmscope.language is before
    with pytest.raises(TraitError, match="a language is one of"):
        llmscope.explore(lang=tag)


def test_views_that_are_made_later_take_the_chosen_language(monkeypatch):
    old = llmscope.explore()
    monkeypatch.setattr(llmscope, "language", "zh-CN")
    new, own = llmscope.explore(), llmscope.explore(lang="en")
    assert (old.lang, new.lang, own.lang) == (None, "zh", "en")
    assert (old.language, new.language, own.language) == ("en", "zh", "en")


def test_a_view_without_one_has_that_of_its_page():
    shown = llmscope.explore()
    shown.set_state({"_spoken": "zh"})
    assert shown.language == "zh"
    shown.lang = "en"
    assert shown.language == "en"


def test_the_languages_are_those_of_the_front_end():
    folders = {path.name for path in ROOMS.iterdir() if path.is_dir()}
    assert folders == set(words.LANGUAGES) == set(json.loads((BUILT / "words.json").read_bytes()))


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_a_page_holds_the_words_of_its_panels_in_its_language(language):
    script = page_program(["tokens", "next-token"], language).script
    rooms = json.loads((BUILT / "words.json").read_bytes())[language]
    packed = {name: json.dumps(room, separators=(",", ":")) for name, room in rooms.items()}
    assert packed["nextToken"] in script
    assert packed["survey"] not in script
    used = set(re.findall(r"\b__words\.(\w+)", page_program(PANELS, language).script))
    assert used <= rooms.keys()
    assert packed["problems"] in bertviz_program(language).script


PACKAGE = Path(llmscope.__file__).parent
SAYING = {"say", "later", "refused", "_refused", "Unexplained", "NoVocabulary"}


def sources() -> Iterator[tuple[str, ast.Call, str]]:
    """All calls in the package, each with its file and the name of what is called."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and "frontend" not in path.parts:
                called = getattr(node.func, "attr", getattr(node.func, "id", ""))
                yield str(path.relative_to(PACKAGE)), node, called


def places(sentence: str) -> set[tuple[str, str | None, str | None]]:
    """The places of a sentence, each with how it is written there."""
    found = string.Formatter().parse(sentence)
    return {(name, form, kind) for _, name, form, kind in found if name is not None}


@pytest.mark.parametrize("language", [name for name in words.LANGUAGES if name != words.ENGLISH])
def test_each_language_has_all_sentences_with_their_places(language):
    said = {
        str(call.args[0].value)
        for _, call, name in sources()
        if name in SAYING and call.args and isinstance(call.args[0], ast.Constant)
    }
    found = json.loads((PACKAGE / "words" / f"{language}.json").read_bytes())
    assert len(said) > 200
    assert found.keys() == said
    assert [one for one, other in found.items() if places(one) != places(other)] == []


def test_what_a_page_shows_of_an_error_is_in_the_catalogue():
    """Errors of loading, and those of a request, are said in the language of the view."""
    plain = [
        f"{file}:{call.lineno}"
        for file, call, name in sources()
        if name in ("LoadError", "RequestError") and call.args
        for literal in [call.args[0]]
        if isinstance(literal, ast.Constant)
        or (isinstance(literal, ast.JoinedStr) and any(map(is_wordy, literal.values)))
    ]
    assert plain == []


def test_what_a_page_shows_of_the_whole_model_is_in_the_catalogue():
    """Errors and reasons of the structure: none is plain English."""
    errors = {"ValueError", "IndexError", "RuntimeError", "Position", "Unexplained", "NoVocabulary"}
    plain = [
        f"{file}:{call.lineno}"
        for file, call, name in sources()
        if "structure" in file and name in errors
        for text in [*call.args[:1], *(one.value for one in call.keywords if one.arg == "why")]
        if isinstance(text, ast.JoinedStr)
        or (isinstance(text, ast.Constant) and name not in SAYING and " " in str(text.value))
    ]
    assert plain == []


def test_a_sentence_for_later_is_said_in_any_language_with_those_within_it():
    reason = words.later("it is too deep")
    why = words.later("What {name} does can't be followed: {reason}.", name="Block", reason=reason)
    assert why == "What Block does can't be followed: it is too deep." == words.say(why)
    with words.spoken("zh"):
        assert words.say(why) == "无法追溯 Block 做了什么：层次太深。"
        assert why.startswith("What Block")


def is_wordy(part: ast.expr) -> bool:
    """Whether a part of a text holds letters of its own."""
    return isinstance(part, ast.Constant) and bool(re.search(r"[A-Za-z]{2}", str(part.value)))


def test_errors_of_loading_are_in_the_chosen_language(monkeypatch, tmp_path):
    monkeypatch.setattr(llmscope, "language", "zh")
    with pytest.raises(llmscope.LoadError, match="没有文件或文件夹") as caught:
        llmscope.load(tmp_path / "none")
    assert caught.value.kind == "unknown"
    assert not_installed().args[0].startswith("默认模型")


def test_a_view_is_answered_in_its_language(scope, monkeypatch):
    sent = []
    monkeypatch.setattr(llmscope.Explorer, "_post", lambda _, content, __: sent.append(content))
    view = scope.explore("one", lang="zh")
    view._receive(view, {"request": 1, "key": "t9/logits/0"}, [])
    deadline = threading.Event()
    while not sent:
        deadline.wait(0.01)
    assert "已不在" in sent[0]["error"]
    assert words.language() == "en"


def test_a_page_and_its_words_are_in_the_language_of_its_view(scope):
    view = llmscope.NextTokenView(scope.trace("你好"), lang="zh")
    page = view.to_html()
    assert '<html lang="zh-CN">' in page.html
    assert page.notes[0].startswith("此网页不带模型 tiny")
    assert "最可能的词元：" in summary(view.state())
    assert view.static()._words == summary(view.state())


def test_a_long_text_without_spaces_has_a_title():
    assert beginning("苹果" * 60) == "苹果" * 40 + "…"
    assert beginning("one  two") == "one two"
    assert beginning("word " * 60) == "word " * 15 + "word…"
