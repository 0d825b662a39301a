"""The chapters of the course: both languages are one source, say all terms, and run."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from pathlib import Path
from time import perf_counter

import pytest

import llmscope
from tests.chapters.notebook import path, text
from tests.chapters.run import run, run_here
from tests.chapters.source import LANGUAGES, NOTEBOOKS, names, parsed, read

ROOT = Path(__file__).parents[2]
WORDS = ROOT / "llmscope" / "frontend" / "src" / "words"
TERMS = tomllib.loads((Path(__file__).parent / "terms.toml").read_text("utf-8"))
SHORTENED = ("04-attention", "09-encoder-decoder", "11-transfer")
CHAPTERS = names()
each = pytest.mark.parametrize("name", CHAPTERS)


@each
@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_notebook_is_what_its_source_says(name, lang):
    assert path(name, lang).read_text("utf-8") == text(read(name), lang), (
        "python -m tests.chapters writes it anew"
    )


def test_no_notebook_has_no_source():
    for lang in LANGUAGES:
        assert sorted(one.stem for one in (NOTEBOOKS / lang).glob("*.ipynb")) == CHAPTERS


@each
def test_both_languages_run_the_same_code_and_store_no_output(name):
    codes = {}
    for lang in LANGUAGES:
        cells = json.loads(path(name, lang).read_text("utf-8"))["cells"]
        run = [cell for cell in cells if cell["cell_type"] == "code" and cell["id"] != "language"]
        codes[lang] = [(cell["id"], cell["source"], cell["metadata"]) for cell in run]
        assert not any(cell["outputs"] or cell["execution_count"] for cell in run)
    assert codes["en"] == codes["zh"]


@each
def test_a_chapter_says_its_terms(name):
    chapter = read(name)
    assert set(chapter.terms) <= TERMS.keys()
    said = {lang: chapter.said(lang).casefold() for lang in LANGUAGES}
    assert [one for one in chapter.terms if one.casefold() not in said["en"]] == []
    assert [TERMS[one] for one in chapter.terms if TERMS[one].casefold() not in said["zh"]] == []


def test_each_term_is_held_to_a_chapter():
    if len(CHAPTERS) == 12:
        held = {term for name in CHAPTERS for term in read(name).terms}
        assert sorted(TERMS.keys() - held) == []


@each
@pytest.mark.parametrize("lang", LANGUAGES)
def test_words_of_the_interface_are_its_own(name, lang):
    files = [one.read_text("utf-8") for one in (WORDS / lang).glob("*.ts")]
    literals = re.findall(r'"((?:[^"\\\n]|\\.)*)"', "\n".join(files))
    catalogue = [re.sub(r"\\{\w+\\}", ".+", re.escape(one)) for one in literals]
    said = read(name).words(lang) if files else ()
    assert [word for word in said if not any(re.fullmatch(one, word) for one in catalogue)] == []


@each
def test_the_course_lists_it(name):
    course = (ROOT / "docs" / "course.md").read_text("utf-8")
    for lang in LANGUAGES:
        assert f"[{read(name).title[lang]}](../notebooks/{lang}/{name}.ipynb)" in course


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("text", "begins with ---"),
        ("---\ntitle: {en: A}\nterms: []\n---\n", "its head"),
        ("HEAD::: zh\n甲\n:::\n", "line 5: ::: en comes here"),
        ("HEAD::: en\nA\n:::\n```python\n1\n```\n", "has no ::: zh"),
        ("HEAD::: en\nA\n", "never ends"),
        ("HEADa line\n", "what is said is within"),
        ("HEAD```python fast\n1\n```\n", "tags are"),
    ],
)
def test_what_is_no_chapter_is_refused(source, why):
    head = "---\ntitle: {en: A, zh: 甲}\nterms: []\n---\n"
    with pytest.raises(ValueError, match=why):
        parsed("01-a", source.replace("HEAD", head))


@each
def test_readers_can_change_what_they_like(name):
    cells = json.loads(path(name, "en").read_text("utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    found = [node for node in ast.walk(ast.parse("\n".join(code))) if isinstance(node, ast.Assert)]
    assert found == [], "what is asserted of its own text is in a cell ```python check"


@pytest.mark.filterwarnings("ignore")  # of what chapters import
@pytest.mark.parametrize("name", SHORTENED)
def test_a_sample_of_chapters_runs_shortened(name, monkeypatch):
    monkeypatch.setattr(llmscope, "language", llmscope.language)
    run_here(read(name), "zh")


@pytest.mark.whole
@pytest.mark.timeout(900)
@pytest.mark.filterwarnings("ignore")  # of nbclient and what it imports
@each
def test_a_chapter_runs(name):
    start = perf_counter()
    run(read(name))
    print(f"{name}: {perf_counter() - start:.0f} s")
