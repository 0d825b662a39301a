"""The language of views, pages and errors."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from traitlets import TraitError

import llmscope
from llmscope import words
from llmscope.export.program import BUILT, bertviz_program, page_program
from llmscope.panels import PANELS

ROOMS = Path(llmscope.__file__).parent / "frontend" / "src" / "words"


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
