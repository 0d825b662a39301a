"""Text in an exported page and in a cell output stays text."""

from __future__ import annotations

from html import unescape
from html.parser import HTMLParser

import pytest

from llmscope.export.program import page_program
from llmscope.scope import Scope
from llmscope.text import labels
from tests.in_node import opened
from tests.reference import matrix_of
from tests.tiny import MODELS, TEXT

HOSTILE = (
    "</script><img src=x onerror=alert(1)> \"quoted\" 'too' <!-- <script> &amp; \u2028 \u2029 "
    "{{x}} \\ \x00 </title></main>"
)


@pytest.fixture
def roomy(tokenizer) -> Scope:
    """A model with room for long texts."""
    model = MODELS["llama"]()
    model.config.max_position_embeddings = 512
    return Scope(model, tokenizer)


class Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: dict[str, list[tuple[str, str | None]]] = {}

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes[tag] = attrs


def elements(html: str) -> Elements:
    parser = Elements()
    parser.feed(html)
    return parser


def test_hostile_text_stays_text(roomy):
    roomy.name = f"model{HOSTILE}"
    calm = roomy.explore(TEXT)
    hostile = roomy.explore(HOSTILE)
    html = hostile.to_html(prompts=[f"{HOSTILE} again"]).html
    assert elements(html).tags == elements(calm.to_html(prompts=["x"]).html).tags
    assert "<img" not in html.replace(page_program(hostile._panels).script, "")
    assert opened(html)["views"][0]["traits"]["text"] == HOSTILE


def test_hostile_text_stays_within_its_frame(roomy):
    roomy.name = HOSTILE
    static = roomy.explore(HOSTILE).static()
    found = elements(static._repr_html_())
    assert set(found.tags) <= {"iframe", "br"}
    assert found.tags.count("iframe") == 1
    assert dict(found.attributes["iframe"])["srcdoc"] == static.page.html


def test_half_a_character_can_be_exported(scope):
    view = scope.explore("a \ud83d b")
    assert view.to_html().size > 0


def test_a_static_output_says_in_words_what_it_shows(scope):
    view = scope.explore(TEXT, layer=1, head=2, temperature=0.5)
    words = repr(view.static())
    best = view.distribution.top(1)[0]
    named = labels(scope.tokenizer, [best.id])[0]
    shown = named if best.text is None else repr(best.text)
    assert f"{shown} {100 * best.prob:.1f} %" in words
    row = matrix_of(view.trace, "self", "head.1.2", [len(view.trace) - 1])[0]
    assert f"with weight {row.max():.3f}" in words
    view.close()


def test_a_cell_output_is_the_page_in_every_tool_that_keeps_html(roomy):
    static = roomy.explore(HOSTILE).static()
    output = static._repr_html_()
    assert not set("\t\v\f") & set(output), "docutils puts spaces for them"
    assert output == "\n".join(line.rstrip() for line in output.split("\n")), "and strips lines"
    assert unescape(output.partition('srcdoc="')[2].partition('"')[0]) == static.page.html
