"""Lessons: slides held to their view, captions, files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import traitlets

import llmscope
from llmscope import Lesson, Slide
from llmscope.lessons.captions import MarkdownError, caption, words
from llmscope.lessons.points import point
from llmscope.lessons.reading import read
from llmscope.views import Explorer, LensView, NextTokenView

TEXT = "The lazy dog"


@pytest.fixture
def explorer(show):
    return show(Explorer, TEXT)


def test_slides_set_traits_one_after_the_other(explorer):
    lesson = Lesson(
        explorer,
        [Slide("One"), Slide("Two", temperature=2.0, layer=1), Slide("Three", top_k=5)],
    )
    lesson.next()
    assert (explorer.temperature, explorer.layer, explorer.top_k) == (2.0, 1, 0)
    lesson.go(2)
    assert (explorer.temperature, explorer.layer, explorer.top_k) == (2.0, 1, 5)
    explorer.min_p = 0.5
    lesson.previous()
    assert (explorer.temperature, explorer.top_k, explorer.min_p) == (2.0, 0, 0.0)
    lesson.go(0)
    assert explorer.temperature == 1.0


def test_the_slide_is_a_trait_that_is_observed_and_linked(explorer):
    class Other(traitlets.HasTraits):
        value = traitlets.Int(0)

    lesson, other, heard = Lesson(explorer, [Slide("1"), Slide("2", layer=1)]), Other(), []
    traitlets.link((lesson, "slide"), (other, "value"))
    lesson.observe(lambda change: heard.append(change["new"]), "slide")
    other.value = 1
    explorer.slide = 0
    assert (heard, other.value) == ([1, 0], 0)
    for of in (lesson, explorer):
        with pytest.raises(traitlets.TraitError, match="slide lies between 0 and 1, not 2"):
            of.slide = 2


def test_what_the_page_turns_to_the_page_sets(explorer):
    lesson = Lesson(explorer, [Slide("1"), Slide("2", temperature=0.5)])
    explorer.set_state({"slide": 1})
    assert (lesson.slide, explorer.temperature) == (1, 1.0)


def test_a_new_text_begins_at_its_end(explorer):
    lesson = Lesson(
        explorer, [Slide("1", position=1), Slide("2", text="A dog"), Slide("3", position=0)]
    )
    lesson.next()
    assert (explorer.text, explorer.position) == ("A dog", -1)
    lesson.next()
    assert (explorer.text, explorer.position) == ("A dog", 0)


def test_a_head_that_is_chosen_later_is_there_from_the_first_slide(show):
    lesson = Lesson(show(Explorer, TEXT), [Slide("1"), Slide("2", layer=2, head=1)])
    assert (lesson.view.layer, lesson.view.head) == (2, 1)
    assert not lesson.view.is_telling
    assert Lesson(show(Explorer, TEXT), [Slide("1")]).view.is_telling


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"temperatur": 1}, "Explorer has no trait 'temperatur'. Did you mean 'temperature'?"),
        ({"_panels": []}, "Explorer has no trait '_panels'. There are: "),
        ({"layer": 99}, "layer=99: layer lies between 0 and 2, not 99"),
        ({"mode": "matirx"}, "mode='matirx': "),
        ({"show": "lens"}, "show='lens' isn't shown by Explorer. There are: text, heads,"),
        ({"show": "head"}, "show='head' isn't shown by Explorer. Did you mean 'heads'?"),
        ({"hide": ["foo"]}, "hide='foo' isn't shown by Explorer."),
        (
            {"show": "model", "point": "box block.99.mlp"},
            "point='box block.99.mlp': block lies between 0 and 2, not 99.",
        ),
        ({"point": "head 99.0"}, "point='head 99.0': layer lies between 0 and 2, not 99."),
        (
            {"point": "token 30"},
            "point='token 30': the text of this slide has 7 tokens. Point at one from 0 to 6, or "
            "from -7 to -1, from its end.",
        ),
        ({"point": "token -9", "text": "A lazy dog"}, "the text of this slide has "),
        ({"point": "token 0 target"}, "this model has no decoder side. Leave out 'target'."),
        ({"point": "token 1", "hide": "tokens"}, "Leave 'tokens' out of its hide."),
        ({"point": "token 1", "show": "heads", "zoom": True}, "Leave out its zoom."),
        ({"point": "box block.1.mlp", "show": "heads"}, "Give it show: model."),
        ({"point": "cell 1 0", "show": "chain"}, "Give it show: matrix."),
        (
            {"point": "box block.1.mlp", "show": "model", "layer": 2},
            "block 1 isn't open on this slide. Give it layer: 1.",
        ),
        ({"point": "box block.1.mlp", "show": "model"}, "Give it layer: 1."),
        (
            {"point": "box block.1.mpl", "show": "model", "layer": 1},
            "the model has no such box. Did you mean 'block.1.mlp'?",
        ),
        (
            {"guess": "temperature", "temperature": 0.5, "show": "heads"},
            "guess='temperature': this slide doesn't show that slider. Give it show: next-token.",
        ),
        ({"point": "slider threshold", "show": "chain"}, "Give it show: arcs."),
    ],
)
def test_what_the_view_does_not_have_is_refused_by_name(explorer, given, said):
    with pytest.raises(ValueError, match=r"^Slide 2 “B”: ") as error:
        Lesson(explorer, [Slide("## A"), Slide("## B", **given)])
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"point": "head"}, "lacks what it points at: write head 24.4"),
        ({"point": "hed 2.3"}, "points at nothing that there is. It may be: token 3"),
        ({"point": "slider heat"}, "write slider temperature: one of temperature, top_k"),
        ({"point": ["token 1", "token 2"], "note": "x"}, "note= is said of one point="),
        ({"guess": "nexttoken"}, "guess='nexttoken' is none. Did you mean 'next-token'?"),
        ({"guess": "temperature"}, "give the slide its value, temperature="),
        ({"ask": "Why?"}, "ask= has no answer="),
        ({"key": "b"}, "key='b' is no key of its own"),
        ({"key": "ab"}, "key='ab' is no key of its own"),
        ({"story": "block"}, "story='block' is none."),
        ({"answer": "**no end"}, "answer: bold text begins with ** and has no end."),
    ],
)
def test_what_a_slide_cannot_be_is_refused(given, said):
    with pytest.raises(ValueError) as error:
        Slide("A", **given)
    assert said in str(error.value)


def test_two_slides_have_no_key_in_common(explorer):
    with pytest.raises(ValueError, match=r"Slide 2: key='a' is slide 1's\."):
        Lesson(explorer, [Slide("A", key="a"), Slide("B", key="A")])


def test_a_lesson_has_slides(explorer):
    with pytest.raises(ValueError, match="one slide at least"):
        Lesson(explorer, [])
    with pytest.raises(TypeError, match="not 'a'"):
        Lesson(explorer, ["a"])


def test_a_true_place_is_held_back_until_the_page_reveals_it(explorer):
    asked = Slide("2", show="next-token", guess="temperature", temperature=0.5)
    lesson = Lesson(explorer, [Slide("1"), asked, Slide("3")])
    lesson.next()
    assert explorer.temperature == 1.0
    lesson.next()
    assert explorer.temperature == 0.5


def test_a_view_is_as_any_other_once_the_lesson_is_closed(explorer):
    lesson = Lesson(explorer, [Slide("1"), Slide("2", layer=1)])
    assert explorer.lecture
    lesson.next()
    lesson.close()
    assert (explorer.slides, explorer.slide, explorer.layer, explorer.lecture) == ([], 0, 1, False)


def test_what_the_page_is_told_is_json(explorer):
    edits = [llmscope.ablate(head=(1, 2))]
    Lesson(explorer, [Slide("*a*", edits=edits, point="next Paris | here", show="arcs")], "Title")
    told = json.loads(json.dumps(explorer.get_state()["_lesson"]))
    (slide,) = told["slides"]
    assert told["title"] == "Title"
    assert slide["caption"] == [["p", ["em", "a"]]]
    assert slide["points"] == [{"kind": "next", "at": ["Paris"], "note": "here"}]
    assert slide["set"]["edits"][0]["do"] == "ablate"
    assert (slide["show"], slide["set"]["mode"], slide["story"]) == (
        "attention", "arcs", "attention",
    )  # fmt: skip


def test_points_are_read():
    found = [point(one) for one in ("token -1", "token 2 target | a", 'next "a b"', "cell 5 2")]
    assert [one["at"] for one in found] == [[-1], [2, "target"], ["a b"], [5, 2]]
    assert found[1]["note"] == "a"


def test_other_views_are_taught(show):
    lens = Lesson(show(LensView), [Slide("1"), Slide("2", lens="entropy", show="lens")])
    lens.next()
    assert lens.view.lens == "entropy"
    assert Lesson(show(NextTokenView), [Slide("1", show="next-token")]).slide == 0


class TestCaptions:
    def test_blocks_and_what_is_in_them(self):
        made = caption(
            "## The *head*\n\nOne **bold `x`**\nline.\n\n- a\n- b\n\n  c\n\n1. d\n\n2. e\n\n"
            "> said\n\n```\n<b>\n```\n[site](https://x.org/a)"
        )
        assert made.title == ["The ", ["em", "head"]]
        assert made.body == [
            ["p", "One ", ["strong", "bold ", ["code", "x"]], " line."],
            ["ul", ["li", "a"], ["li", "b"]],
            ["p", "c"],
            ["ol", ["li", "d"], ["li", "e"]],
            ["blockquote", ["p", "said"]],
            ["pre", "<b>"],
            ["p", ["a", "https://x.org/a", "site"]],
        ]

    def test_html_is_text(self):
        assert caption("<script>alert(1)</script>").body == [["p", "<script>alert(1)</script>"]]

    def test_chinese_lines_are_joined_without_a_space(self):
        assert caption("注意力\n是什么\nIt is").body == [["p", "注意力是什么 It is"]]

    def test_one_sign_between_stars_is_an_emphasis_of_its_own(self):
        (block,) = caption("*5*看 *May*，**4**比 **3**，*a **b** c* of *3* and *三*").body
        assert block[1:] == [
            *(["em", "5"], "看 ", ["em", "May"], "，"),
            *(["strong", "4"], "比 ", ["strong", "3"], "，"),
            *(["em", "a ", ["strong", "b"], " c"], " of ", ["em", "3"], " and ", ["em", "三"]),
        ]

    def test_a_formula_is_mathml(self):
        (block,) = caption(r"$\frac{q \cdot k}{\sqrt{d_k}}$ of $5 and $6").body
        top, below = block[1][1][1:]
        assert (block[1][0], top) == ("math", ["mrow", ["mi", "q"], ["mo", "⋅"], ["mi", "k"]])
        assert below == ["mrow", ["msqrt", ["mrow", ["msub", ["mi", "d"], ["mi", "k"]]]]]
        assert block[2] == " of $5 and $6"

    @pytest.mark.parametrize(
        ("text", "said", "line"),
        [
            ("a\n\n**b", "bold text begins with ** and has no end", 2),
            ("a `b", "code begins with ` and has no end", 0),
            ("a\n```\nb", "code begins with ``` and has no end", 1),
            ("![a](https://b.org)", "captions take no pictures", 0),
            ("[a](javascript:b)", "captions take http:// and https:// alone", 0),
            ("a\n| b |", "captions take no tables", 1),
            (r"$\foo$", r"a formula has \foo, which isn't one of the TeX", 0),
            ("$x_{a$", "a formula lacks a closing }", 0),
        ],
    )
    def test_what_is_no_markdown_is_named_with_its_line(self, text, said, line):
        with pytest.raises(MarkdownError) as error:
            caption(text)
        assert said in str(error.value)
        assert error.value.line == line

    def test_its_words_are_text(self):
        assert words(caption("a **b** [c](https://x.org)\n\n- d").body) == "a b c\nd\n"


FILE = """---
title: Sampling
text: The lazy dog
traits: {top_k: 7}
lang: en
---

## Which word?
<!-- show: next-token
temperature: 0.5
edits: [{ablate: {head: [1, 2]}}]
point: token 1 | looks back -->

A *caption*.

> answer: **dog**,
> of course

---

Two

```
---
```
<!-- a note
---
for oneself -->
"""


class TestFiles:
    def test_slides_and_front_matter(self, scope):
        file = read(FILE.replace("<!-- a note\n---\nfor oneself -->", ""))
        one, two = file.slides
        assert (file.title, file.lang, one.title, one.line) == ("Sampling", "en", "Which word?", 8)
        assert one.answer == [["p", ["strong", "dog"], ", of course"]]
        assert one.points[0]["note"] == "looks back"
        assert one.settings["edits"] == [llmscope.ablate(head=(1, 2))]
        assert two.caption.body == [["p", "Two"], ["pre", "---"]]
        view = file.view(scope)
        assert (view.text, view.top_k) == (TEXT, 7)
        view.close()

    def test_read_opens_it(self, scope, tmp_path):
        path = tmp_path / "mine.md"
        path.write_text("# One\n---\nTwo\n<!-- layer: 1 -->", encoding="utf-8")
        lesson = Lesson.read(path, scope=scope)
        lesson.next()
        assert (lesson.slides[0].title, lesson.view.layer) == ("One", 1)
        lesson.view.close()

    def test_a_view_of_one_trace_takes_further_panels(self, scope):
        front = "---\nview: LensView\ntext: a dog\npanels: [tokens, model]\n---\n"
        file = read(f"{front}# A\n<!-- show: text -->\n---\n# B\n<!-- show: model -->")
        lesson = Lesson(file.view(scope), file.slides)
        assert (lesson.view.panels, lesson.view.model) == (("tokens", "model", "lens"), False)
        lesson.next()
        assert lesson.view.model is True
        lesson.view.close()
        for more, said in (("panels: [len]", "Did you mean 'lens'?"), ("", "has its own")):
            kind = "LensView" if more else "Explorer"
            given = f"---\nview: {kind}\n{more or 'panels: [lens]'}\ntext: a dog\n---\n# A"
            with pytest.raises(ValueError, match=said.replace("?", r"\?")):
                read(given).view(scope)

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("---\ntitle: a", "Line 1: the front matter has no end: a line of ---."),
            ("---\ntitel: a\n---\nb", "Front matter: 'titel' is nothing. Did you mean 'title'?"),
            ("---\na: b: c\n---\nb", "Front matter, line 2: lines there are `name: value`"),
            ("---\ntitle: a\n---\n", "The lesson has no slide"),
            ("a\n---\n## B\n<!-- layer: [ -->", "Slide 2 “B”, line 4: lines there are"),
            ("a\n---\n## B\n<!-- only words -->", "Slide 2 “B”, line 4: lines there are"),
            ("## A\n<!-- layer: 1", "Slide 1 “A”, line 1: a comment <!-- has no end"),
            ("## A\n<!--\nlayer: 1\n-->\n\nb\n\n**c", "Slide 1 “A”, line 8: caption: bold text"),
            ("## A\n<!-- point: head -->", "Slide 1 “A”, line 1: point='head' lacks what"),
            ("## A\n<!-- edits: [{cut: {}}] -->", "Slide 1 “A”, line 1: edits: 'cut' is none."),
        ],
    )
    def test_what_cannot_be_read_is_named_with_slide_and_line(self, text, said):
        with pytest.raises(ValueError) as error:
            read(text)
        assert said in str(error.value)

    def test_what_the_view_lacks_is_named_with_the_file(self, scope, tmp_path):
        path = tmp_path / "mine.md"
        path.write_text("---\ntext: a dog\n---\n## A\n<!-- layer: 77 -->", encoding="utf-8")
        with pytest.raises(ValueError, match=r"mine\.md: Slide 1 “A”, line 4: layer=77: layer"):
            Lesson.read(path, scope=scope)

    def test_the_lesson_of_the_documentation_is_one(self, scope):
        page = (Path(llmscope.__file__).parents[1] / "docs/howto/lesson.md").read_text("utf-8")
        file = read(page.split("```markdown\n")[1].split("```")[0])
        lesson = Lesson(file.view(scope), file.slides)
        assert [bool(one.answer) for one in lesson.slides] == [False, False, True]
        lesson.view.close()

    def test_a_lesson_that_there_is_not_says_which_there_are(self):
        with pytest.raises(ValueError, match="There is no lesson 'nothing' in 'en'"):
            llmscope.lesson("nothing")
