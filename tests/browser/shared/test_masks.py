"""What a person does to what is read: gaps, a second sentence, what a decoder has written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.notebook import Notebook
from tests.page.drawn import expect_weight
from tests.page.panels import Panels, click, exact

ROOT = Path(__file__).parents[3]
CELLS = [
    f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n"
    "import torch, transformers as tf, llmscope\nfrom tests import tiny\n"
    "words = tiny.word_piece()\n"
    "words.model_input_names = ['input_ids', 'token_type_ids', 'attention_mask']\n"
    "torch.manual_seed(0)\n"
    "sizes = {'vocab_size': len(words), 'hidden_size': 32, 'num_attention_heads': 4}\n"
    "bert = tf.BertForPreTraining(tf.BertConfig(**sizes, num_hidden_layers=2))\n"
    "xlnet = tf.XLNetLMHeadModel(tf.XLNetConfig(vocab_size=len(words), d_model=32, n_layer=2,"
    " n_head=4, d_inner=48))\n"
    "views = {}",
    "views['bert'] = llmscope.Scope(bert.eval(), words, name='tiny BERT').explore("
    "'the dog sleeps, the dogs sleep')\nviews['bert']",
    "views['xlnet'] = llmscope.Scope(xlnet.eval(), words, name='tiny XLNet').explore("
    "'the dog sleeps')\nviews['xlnet']",
    "views['t5'] = llmscope.Scope(tiny.MODELS['t5'](), tiny.sentence_piece(), name='tiny T5')"
    ".explore('The lazy dog')\nviews['t5']",
    "bloom = llmscope.Scope(tiny.MODELS['bloom'](), tiny.byte_level(), name='tiny BLOOM')\n"
    "views['bloom'] = llmscope.AttentionView(bloom.trace('The quick brown fox'))\nviews['bloom']",
]
RUN, SIZE = len(CELLS), {"width": 1360, "height": 1000}
VIEWS = {
    "views['bert']": {"text": "the dog sleeps, the dogs sleep"},
    "views['xlnet']": {"text": "the dog sleeps"},
    "views['t5']": {"text": "The lazy dog"},
    "views['bloom']": {"text": "The quick brown fox"},
}
CELL = {"bert": 1, "xlnet": 2, "t5": 3, "bloom": 4}


@pytest.fixture
def opened(notebook: Notebook):
    def give(name: str) -> Panels:
        found = Panels(notebook.output(CELL[name]))
        found.root.scroll_into_view_if_needed()
        text = found.root.get_by_role("region", name="Text")
        found.prompt = text.get_by_role("textbox", name="Prompt")
        found.copy = text.locator(".copy").first
        found.next = found.root.get_by_role("region", name="oken")  # next, or at the gap
        return found

    return give


def gap_name(panels: Panels) -> Locator:
    return panels.next.get_by_role("heading")


def bar_as_in_python(notebook: Notebook, panels: Panels, distribution: str) -> None:
    first = panels.next.locator(".bars > li").first
    label, prob = notebook.ask(f"(lambda top: [top.text, top.prob])({distribution}.top(1)[0])")
    expect(first.locator(".name")).to_contain_text(label.strip())
    assert exact(first.locator(".value")) == pytest.approx(prob, rel=6e-3)


@pytest.mark.parametrize("name", ["bert", "xlnet"])
def test_a_click_masks_a_token_and_another_shows_it(notebook, opened, name):
    panels = opened(name)
    view = f"views[{name!r}]"
    dog = notebook.ask(f"[t.text.strip() for t in {view}.trace.tokens].index('dog')")
    expect(panels.token(dog)).to_have_text("dog")
    click(panels.token(dog))
    notebook.wait_value(f"list({view}.masked)", [dog])
    expect(gap_name(panels)).to_contain_text("at the gap")
    expect(panels.token(dog)).to_have_class("token here masked")
    plain = f"{view}.scope.trace({view}.text)"
    bar_as_in_python(notebook, panels, f"{plain}.masked({dog}).distribution({dog})")
    assert notebook.ask(f"list({view}.trace.gaps)") == [dog]
    expect(panels.next.locator(".actual")).to_contain_text("hidden: dog rank ")
    weights = notebook.ask(f"{view}.attention[{dog}].tolist()")
    expect(panels.weight).to_have_text(f"{max(weights):.3f}")
    click(panels.token(dog))
    notebook.wait_value(f"list({view}.masked)", [])
    expect(gap_name(panels)).to_contain_text("at “dog”, seen")
    bar_as_in_python(notebook, panels, f"{plain}.distribution({dog})")


def test_several_gaps_are_chosen_filled_and_taken_back(notebook, opened):
    panels = opened("bert")
    expect(panels.token(2)).to_have_text("dog")
    click(panels.token(2))
    notebook.wait_value("list(views['bert'].masked)", [2])
    panels.prompt.press("Alt+ArrowRight")
    expect(gap_name(panels)).to_contain_text(", seen")
    panels.prompt.press("Alt+m")
    notebook.wait_value("list(views['bert'].masked)", [2, 3])
    expect(gap_name(panels)).to_contain_text("gap 2 of 2")
    click(panels.token(2))  # chooses it, and shows nothing
    expect(gap_name(panels)).to_contain_text("gap 1 of 2")
    bar_as_in_python(notebook, panels, "views['bert'].trace.distribution(2)")
    notebook.wait_value("list(views['bert'].masked)", [2, 3])

    name = panels.next.locator(".bars button.name").first
    word = (name.text_content() or "").removeprefix("·")
    name.click()
    notebook.wait_value("'dog sleeps' in views['bert'].text", False)
    assert word in notebook.ask("views['bert'].text")
    expect(gap_name(panels)).to_contain_text("at the gap")
    gap = notebook.ask("list(views['bert'].masked)")
    assert notebook.ask("list(views['bert'].trace.gaps)") == gap and len(gap) == 1
    panels.prompt.press("Control+z")
    notebook.wait_value("views['bert'].text", "the dog sleeps, the dogs sleep")
    notebook.wait_value("list(views['bert'].masked)", [2, 3])
    panels.root.get_by_role("button", name="Undo").click()
    notebook.wait_value("list(views['bert'].masked)", [2])
    panels.root.get_by_role("button", name="Undo").click()
    notebook.wait_value("list(views['bert'].masked)", [])
    expect(panels.error).to_have_count(0)


def test_masks_stay_with_their_words_while_one_types(notebook, opened):
    panels = opened("bert")
    hidden = "[t.text.strip() for t in views['bert'].trace.tokens if t.label == '[MASK]']"
    expect(panels.token(2)).to_have_text("dog")
    click(panels.token(2))
    expect(gap_name(panels)).to_contain_text("at the gap")
    panels.prompt.press("Control+Home")
    panels.prompt.press_sequentially("all of ", delay=20)
    notebook.wait_value("views['bert'].text", "all of the dog sleeps, the dogs sleep")
    expect(panels.copy.locator(".masked")).to_have_text("dog")
    notebook.wait_value(hidden, ["dog"])
    panels.prompt.press("Control+End")
    panels.prompt.press_sequentially(" in", delay=20)
    notebook.wait_value("views['bert'].text", "all of the dog sleeps, the dogs sleep in")
    notebook.wait_value(hidden, ["dog"])
    panels.prompt.fill("the [MASK] sleeps")
    expect(gap_name(panels)).to_contain_text("at the gap")
    notebook.wait_value("list(views['bert'].masked)", [])
    bar_as_in_python(notebook, panels, "views['bert'].trace.distribution(2)")
    notebook.execute("views['bert'].masked = (-2,)")
    notebook.wait_value("list(views['bert'].masked)", [4])
    notebook.execute("views['bert'].text = 'the dog'")
    notebook.wait_value("list(views['bert'].masked)", [])
    expect(panels.copy.locator(".masked")).to_have_count(0)


def test_a_second_sentence_is_typed_judged_and_left_out(notebook, opened):
    panels = opened("bert")
    other = panels.root.get_by_role("textbox", name="Sentence B")
    panels.root.get_by_role("button", name="+ sentence B").press("Enter")
    expect(other).to_be_visible()
    other.fill("sleeping dogs")
    notebook.wait_value("views['bert'].pair", "sleeping dogs")
    count = notebook.ask("len(views['bert'].trace)")
    expect(panels.root.get_by_text(f"{count} tokens")).to_be_visible()
    follows = notebook.ask(
        "views['bert'].scope.trace(views['bert'].text, pair='sleeping dogs').next_sentence"
    )
    said = panels.root.get_by_text("follows A:")
    expect(said).to_be_visible()
    printed = (said.text_content() or "").removeprefix("follows A: ").removesuffix(" %")
    assert float(printed) / 100 == pytest.approx(follows, rel=6e-3)
    # A token of the second sentence is masked where it stands.
    last = count - 2
    click(panels.root.locator(f'.copy [data-token="{last}"]'))
    notebook.wait_value("list(views['bert'].masked)", [last])
    expect(gap_name(panels)).to_contain_text("at the gap")
    panels.root.get_by_role("button", name="− sentence B").click()
    notebook.wait_value("[views['bert'].pair, list(views['bert'].masked)]", ["", []])
    expect(other).to_have_count(0)
    expect(panels.error).to_have_count(0)


def test_a_decoder_is_stepped_typed_and_taken_back(notebook, opened):
    panels = opened("t5")
    decoder = panels.root.get_by_role("textbox", name="Decoder")
    step = panels.root.get_by_role("button", name="Step")
    written = []
    # Its suggestion is where the placeholder would be.
    expect(panels.root.locator(".copy").nth(1).locator(".suggestion")).not_to_be_empty()
    expect(decoder).to_have_attribute("placeholder", "")
    for _ in range(3):
        best = notebook.ask("views['t5'].trace.distribution(-1).top(1)[0].text")
        expect(step).to_be_enabled()
        step.click()
        written.append(best)
        text = "".join(written)
        notebook.wait_value("views['t5'].target", text.lstrip())
        expect(decoder).to_have_value(text.lstrip())
    logprob = notebook.ask("float(views['t5'].trace.logprobs[-1])")
    assert notebook.ask("len(views['t5'].trace)") > 1 and logprob < 0
    panels.root.get_by_role("button", name="Undo").click()
    notebook.wait_value("views['t5'].target", "".join(written[:-1]).lstrip())
    # One of one's own choice, by its bar.
    name = panels.next.locator(".bars button.name").nth(1)
    expect(name).to_be_visible()
    name.click()
    expect(decoder).not_to_have_value("".join(written[:-1]).lstrip())
    decoder.fill("the dog")
    notebook.wait_value("views['t5'].target", "the dog")
    bar_as_in_python(notebook, panels, "views['t5'].trace.distribution(-1)")
    # A token of either side is pinned where it has attention.
    click(panels.root.locator(".copy").nth(1).locator("[data-token]").last)
    notebook.wait_value("views['t5'].kind", "cross")
    position = notebook.ask("views['t5'].position")
    assert position == notebook.ask("len(views['t5'].trace)") - 1
    weights = notebook.ask(f"views['t5'].attention[{position}].tolist()")
    expect(panels.weight).to_have_text(f"{max(weights):.3f}")
    click(panels.token(1))
    notebook.wait_value("[views['t5'].direction, views['t5'].position]", ["to", 1])
    expect(panels.error).to_have_count(0)


def test_steps_that_cannot_be_told_say_why_and_the_problem_goes_with_them(notebook, opened):
    panels = opened("bloom")
    expect(panels.readout).to_contain_text("→")
    panels.show("Steps")
    expect(panels.error).to_contain_text("there are no steps to show")
    expect(panels.error).not_to_contain_text(re.compile("Error:|Traceback"))
    panels.show("Matrix")
    expect(panels.error).to_have_count(0)
    largest = notebook.ask("float(views['bloom'].attention[-1].max())")
    expect_weight(panels.weight, largest)
