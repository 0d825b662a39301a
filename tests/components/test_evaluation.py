"""Models that were measured, against Python's numbers: the table, its order, texts and tokens."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, expect

from llmscope.__main__ import main
from llmscope.evaluation import run
from llmscope.evaluation.one import measure_named
from tests import tiny
from tests.components.boxes import recorded
from tests.components.conftest import Show
from tests.components.workshop import Shown

NAMES = ["tiny llama", "gpt2 with a long name, fine-tuned", "tiny bert", "gone"]


@pytest.fixture
def shown(show: Show) -> Shown:
    return show("evaluation", panel="evaluation")


@pytest.fixture
def panel(shown: Shown) -> Locator:
    return shown.panels.root.get_by_role("region", name="Models, measured")


def column(panel: Locator, name: str) -> Locator:
    return panel.get_by_role("columnheader", name=name).get_by_role("button")


def models(panel: Locator) -> list[str]:
    return panel.locator("tbody th .ellipsis").all_inner_texts()


def texts(panel: Locator) -> Locator:
    return panel.locator("button.row")


def test_numbers_are_pythons_with_their_intervals(shown: Shown, panel: Locator) -> None:
    value, low, high, _ = shown.numbers.facts["table"]["bits_per_byte"][0]
    cell = panel.locator("tbody tr").first.locator("td.chosen")
    expect(cell).to_have_text(f"{value:.4g}{low:.4g} – {high:.4g}")
    expect(panel.locator("tbody tr").nth(3)).to_contain_text("There is no file or folder")
    why = panel.locator("tbody tr").nth(2).locator(".none").first
    expect(why).to_have_attribute("title", "It predicts masked tokens, not the next one.")
    expect(panel.locator(".plot circle")).to_have_count(2)


def test_columns_are_sorted_by_mouse_and_by_key(shown: Shown, panel: Locator) -> None:
    expect(panel).to_be_visible()
    assert models(panel) == NAMES
    speeds = panel.get_by_role("columnheader", name="reading")
    column(panel, "reading").click()
    expect(speeds).to_have_attribute("aria-sort", "descending")
    assert models(panel) == ["tiny bert", NAMES[1], NAMES[0], "gone"]
    shown.wait(measure="read_tokens_per_second", ordering="descending")
    column(panel, "reading").press("Enter")
    expect(speeds).to_have_attribute("aria-sort", "ascending")
    assert models(panel) == [*NAMES[:3], "gone"]
    column(panel, "reading").press("ArrowLeft")
    focused = panel.locator("th button:focus")
    expect(focused).to_have_text("in memory")
    expect(panel.locator(".about")).to_contain_text("Weights and buffers as they are in memory.")
    focused.press("Enter")
    shown.wait(measure="memory_bytes", ordering="ascending")
    panel.get_by_role("columnheader", name="model").get_by_role("button").click()
    shown.wait(ordering="given")


def test_python_chooses_measure_and_order(shown: Shown, panel: Locator) -> None:
    shown.set(measure="perplexity", ordering="descending")
    expect(panel.locator("h4").first).to_contain_text("perplexity")
    shown.settle()
    table = shown.numbers.facts["table"]["perplexity"]
    assert models(panel)[0] == NAMES[0 if table[0][0] > table[1][0] else 1]


def test_a_number_leads_to_its_texts_and_a_text_to_its_tokens(shown: Shown, panel: Locator) -> None:
    with recorded(shown) as places:
        panel.locator("tbody tr").first.locator("td button").nth(1).click()
        shown.wait(measure="perplexity")
        of_texts = shown.numbers.facts["of_texts"]["perplexity"]
        apart = [abs(a - b) for a, b in zip(of_texts[0], of_texts[1], strict=True)]
        first = apart.index(max(apart))
        expect(texts(panel)).to_have_count(5)
        expect(texts(panel).first.locator(".figures").first).to_have_text(
            f"{of_texts[0][first]:.4g}"
        )
        expect(texts(panel).first).to_be_focused()
        texts(panel).first.press("Enter")
        tokens = panel.locator(".voice").first.locator(".token")
        expect(tokens).to_have_count(len(shown.numbers.facts["labels"][first]))
        expect(panel.locator(".python code")).to_contain_text("llmscope.compare(models['tiny ll")
        texts(panel).first.press("ArrowDown")
        expect(texts(panel).nth(1)).to_have_attribute("aria-pressed", "true")
        panel.get_by_role("combobox", name="Model of row 2").select_option("gone")
        expect(panel.locator(".voice").nth(1)).to_contain_text("didn't read it")
    assert {name: len(boxes) for name, boxes in places.items()} == {"Models, measured": 1}


def test_a_task_leads_to_its_items(panel: Locator) -> None:
    column(panel, "everyday: acc").click()
    items = panel.locator(".item")
    expect(items).to_have_count(3)
    expect(items.first).to_contain_text("The capital of France is right: Paris")
    expect(items.first.locator(".good")).to_contain_text("tiny llama")
    expect(items.first.locator(".bad")).to_contain_text("Rome")


def test_a_number_of_the_model_has_no_texts(panel: Locator) -> None:
    column(panel, "parameters").click()
    expect(panel).to_contain_text("no text is behind it")
    expect(texts(panel)).to_have_count(0)


def test_texts_are_text(shown: Shown, panel: Locator) -> None:
    expect(texts(panel).filter(has_text="<script>alert(1)</script>")).to_have_count(1)
    assert shown.page.evaluate("window.alert.toString()").count("native code")


def test_the_page_that_the_command_line_writes_is_live(
    context: BrowserContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny.MODELS["gpt2"]().save_pretrained(tmp_path / "tiny")
    tiny.byte_level().save_pretrained(tmp_path / "tiny")
    (tmp_path / "texts.txt").write_text("A tiny model\nThe lazy dog\n")
    monkeypatch.setattr(run, "measure_in_process", measure_named)
    page, model = tmp_path / "report.html", str(tmp_path / "tiny")
    texts_of = ["--texts", str(tmp_path / "texts.txt")]
    assert main(["evaluate", model, model, *texts_of, "--html", str(page)]) == 0
    opened = context.new_page()
    opened.goto(page.as_uri())
    panel = opened.get_by_role("region", name="Models, measured")
    expect(panel.locator("h3")).to_contain_text("2 models on 2 texts")
    column(panel, "perplexity").first.click()
    texts(panel).first.click()
    expect(panel.locator(".voice .tokens")).to_have_count(2)
    expect(panel.locator(".python code")).to_contain_text("llmscope.load(")
    expect(panel.get_by_role("button", name="Stop")).to_have_count(0)


def test_it_fits_on_a_stage_and_in_a_narrow_cell(shown: Shown, panel: Locator) -> None:
    shown.widen(390)
    assert panel.evaluate("one => one.scrollWidth <= one.clientWidth")
    shown.widen(1280, 720)
    shown.set(lecture=True)
    expect(panel).to_be_visible()
