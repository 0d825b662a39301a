"""A text that writes itself on SmolLM2, by mouse and by key."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.notebook import Notebook
from tests.page.drawn import eventually
from tests.page.panels import Panels, box, click

PROMPT = "The three largest cities of Japan are"
CELLS = [
    "import llmscope\nscope = llmscope.load()",
    f"view = llmscope.GenerationView(scope, {PROMPT!r}, seed=4, max_new_tokens=12,"
    " layer=24, head=4)\nview",
    f"other = scope.explore({PROMPT!r}, layer=24, head=4)\nother",
    f"run = scope.generate({PROMPT!r}, do_sample=True, top_k=50, max_new_tokens=10, seed=2,"
    " num_return_sequences=3)\nthree = llmscope.GenerationView(run)\nthree",
]
RUN = 4
SIZE = {"width": 1360, "height": 1000}
VIEWS = {
    "view": {"text": PROMPT, "layer": 24, "head": 4, "seed": 4, "max_new_tokens": 12, "top_k": 50},
    "other": {"text": PROMPT, "layer": 24, "head": 4},
}
# What was generated belongs to the text: it is forgotten with it.
FORGET = f"view._handlers.session.forget(); view.text = '…'; view.text = {PROMPT!r}"
IDS = "view.stepper.ids()"


@pytest.fixture
def panels(notebook: Notebook) -> Panels:
    notebook.execute(FORGET)
    return Panels(notebook.output(1))


@pytest.fixture
def panel(panels: Panels) -> Locator:
    found = panels.root.get_by_role("region", name="Generation")
    expect(found.locator(".wrote")).to_have_count(0)
    return found


def button(panel: Locator, name: str) -> Locator:
    return panel.get_by_role("button", name=name, exact=True)


def written(panel: Locator) -> Locator:
    return panel.locator(".written .wrote")


def generated(notebook: Notebook, **settings: object) -> list[int]:
    given = ", ".join(f"{name}={value!r}" for name, value in settings.items())
    return list(notebook.ask(f"scope.generate({PROMPT!r}, do_sample=True, {given}).ids(0)"))


def test_played_to_its_end_it_is_what_generate_gives(notebook, panel):
    panel.get_by_role("button", name="Play").click()
    expect(panel.get_by_text("Reached the maximum of")).to_be_visible(timeout=30_000)
    expect(written(panel)).to_have_count(12)
    assert notebook.ask(IDS) == generated(notebook, seed=4, max_new_tokens=12, top_k=50)
    text = "".join(written(panel).all_text_contents())
    assert notebook.ask("view.stepper.text()") == PROMPT + text
    notebook.wait_value("view.playing", False)


def test_steps_pause_undo_and_the_sliders_act_on_the_next_step(notebook, panel, panels):
    button(panel, "Step").click()
    expect(written(panel)).to_have_count(1)
    panels.slider("temperature").press("Home")
    button(panel, "Step").click()
    expect(written(panel)).to_have_count(2)
    assert notebook.ask("view.stepper.tree[2].rank") == 0
    notebook.execute("view.speed = 0.5")
    panel.get_by_role("button", name="Play").click()
    expect(written(panel)).to_have_count(3)
    # What waits for the end of it says what it shows, and moves nowhere.
    says = re.compile(r"at rest: the \d+ tokens")
    resting = panels.root.get_by_role("heading").filter(has_text=says)
    place = box(panels.attention)
    expect(resting).to_have_count(2)
    assert box(panels.attention) == place
    panel.get_by_role("button", name="Pause").click()
    notebook.wait_value("view.playing", False)
    panels.settle()
    expect(resting).to_have_count(0)
    count = written(panel).count()
    assert count < 6
    assert notebook.ask("len(view.stepper.tree)") == count
    # One undo takes back all that was played, the next one a step.
    for left in (2, 1, 0):
        button(panel, "Undo").click()
        expect(written(panel)).to_have_count(left)
    expect(button(panel, "Undo")).to_be_disabled()


def test_another_token_is_forced_and_becomes_a_branch(notebook, panel, panels):
    for count in range(1, 5):
        button(panel, "Step").click()
        expect(written(panel)).to_have_count(count)
    written(panel).nth(2).click()
    second = (written(panel).nth(1).text_content() or "").strip()
    expect(panels.next.get_by_role("heading")).to_contain_text(f"after “{second}”")
    taken = notebook.ask("[view.stepper.tree[3].token, view.stepper.tree[2].number]")
    other = panels.rows.nth(5).locator("button.name")
    label = (other.text_content() or "").lstrip("·")
    other.click()
    expect(written(panel)).to_have_count(3)
    expect(written(panel).nth(2)).to_have_class(re.compile("forced"))
    expect(written(panel).nth(2)).to_contain_text(label)
    assert notebook.ask("view.stepper.tree[5].forced") is True
    assert notebook.ask("view.stepper.tree[5].token") != taken[0]
    branches = panel.get_by_role("treeitem")
    expect(branches).to_have_count(3)
    branches.nth(1).locator(".way").click()
    expect(written(panel)).to_have_count(4)
    branches.nth(2).get_by_role("button", name="compare").click()
    expect(panel.get_by_text("Split after 2 tokens")).to_be_visible()
    pressed, plain = (
        branches.nth(n)
        .get_by_role("button", name="compare")
        .evaluate("button => getComputedStyle(button).borderColor")
        for n in (2, 1)
    )
    assert pressed != plain
    notebook.wait_drawn()
    notebook.screenshot("generation", panel)
    panel.get_by_role("button", name="Fold").first.click()
    expect(branches).to_have_count(1)


def test_the_token_that_stands_there_is_no_choice_and_the_rest_of_a_line_is_told(
    notebook, panel, panels
):
    for count in range(1, 4):
        button(panel, "Step").click()
        expect(written(panel)).to_have_count(count)
    written(panel).nth(1).click()
    first = (written(panel).nth(0).text_content() or "").strip()
    expect(panels.next.get_by_role("heading")).to_contain_text(f"after “{first}”")
    stands = notebook.ask("view.stepper.tree[2].rank")
    panels.rows.nth(stands).locator("button.name").click()
    panels.settle()
    expect(written(panel)).to_have_count(3)
    # Where one has gone back within a line, the rest of it can be gone to.
    notebook.execute("view.stepper.select(1); view.max_new_tokens = 13")
    expect(written(panel)).to_have_count(1)
    panel.get_by_role("treeitem").locator(".way").click()
    expect(written(panel)).to_have_count(3)


def test_an_emptied_prompt_leaves_nothing_and_comes_back_with_its_text(notebook, panel, panels):
    for count in (1, 2):
        button(panel, "Step").click()
        expect(written(panel)).to_have_count(count)
    text = written(panel).all_text_contents()
    prompt = panel.get_by_role("textbox", name="Prompt")
    prompt.fill("")
    expect(written(panel)).to_have_count(0)
    for name in ("▶ Play", "Step", "Undo"):
        expect(button(panel, name)).to_be_disabled()
    expect(panels.next).to_contain_text("Type something")
    expect(panels.attention).to_contain_text("Type something")
    prompt.fill(PROMPT)
    expect(written(panel)).to_have_count(2)
    assert written(panel).all_text_contents() == text


def test_an_error_of_the_model_is_told_and_the_next_attempt_works(notebook, panel, panels):
    button(panel, "Step").click()
    expect(written(panel)).to_have_count(1)
    expect(panels.weight).to_be_visible()
    notebook.execute(
        "def broken(*_, **__):\n    raise RuntimeError('the model is broken')\n"
        "scope.forget(); scope.model.forward = broken"
    )
    try:
        panel.get_by_role("button", name="Play").click()
        expect(panels.error).to_contain_text("the model is broken")
        notebook.wait_value("view.playing", False)
        panel.get_by_role("textbox", name="Prompt").fill("Deep in the woods")
        expect(panels.error).to_contain_text("the model is broken")
        # Nothing on screen is of another text.
        expect(panels.rows).to_have_count(0)
        expect(panels.matrix).to_have_count(0)
    finally:
        notebook.execute("del scope.model.forward")
    button(panel, "Step").click()
    expect(written(panel)).to_have_count(1)
    expect(panels.error).to_have_count(0)
    expect(panels.weight).to_be_visible()
    expect(panels.rows.first).to_be_visible()


def test_the_keyboard_alone_writes_looks_and_takes_back(notebook, panel):
    area = panel.locator(".written")
    area.focus()
    for count in (1, 2, 3):
        area.press("Enter")
        expect(written(panel)).to_have_count(count)
    area.press("ArrowLeft")
    expect(written(panel).nth(2)).to_have_class(re.compile("here"))
    expect(panel.get_by_role("status")).to_contain_text("probability")
    area.press("Escape")
    area.press("Backspace")
    expect(written(panel)).to_have_count(2)
    area.press(" ")
    expect(panel.get_by_text("Reached the maximum of")).to_be_visible(timeout=30_000)
    assert len(notebook.ask(IDS)) == notebook.ask("len(view.stepper.tree.prompt)") + 12


def test_python_stops_it_and_a_longer_text_goes_on(notebook, panel):
    notebook.execute("view.speed = 4.0; view.playing = True")
    expect(written(panel)).not_to_have_count(0)
    notebook.execute("view.stop()")
    expect(panel.get_by_role("button", name="Play")).to_be_visible()
    notebook.execute("view.speed = 0.0; view.playing = True")
    expect(panel.get_by_text("Reached the maximum of")).to_be_visible(timeout=30_000)
    notebook.execute("view.max_new_tokens = 14")
    button(panel, "Step").click()
    expect(written(panel)).to_have_count(13)


def test_linked_views_show_the_token_and_the_branch_that_is_looked_at(notebook, panel, panels):
    explorer = Panels(notebook.output(2))
    notebook.execute("links = llmscope.link(view, other)")
    for count in range(1, 5):
        button(panel, "Step").click()
        expect(written(panel)).to_have_count(count)
    text = notebook.ask("view.stepper.text()")
    expect(explorer.prompt).to_have_value(text)
    expect_same_next(panels, explorer)

    written(panel).nth(2).click()
    second = (written(panel).nth(1).text_content() or "").strip()
    expect(explorer.next.get_by_role("heading")).to_contain_text(f"after “{second}”")
    expect_same_next(panels, explorer)
    assert notebook.ask("other.trace.ids == view.stepper.ids()") is True
    weights = notebook.ask("other.trace.attention(24, 4)[other.position].max().item()")
    expect(explorer.readout).to_contain_text(f"{weights:.3f}")

    panels.rows.nth(5).locator("button.name").click()
    expect(panel.get_by_role("treeitem")).to_have_count(3)
    expect(written(panel)).to_have_count(3)
    expect(explorer.prompt).to_have_value(notebook.ask("view.stepper.text()"))
    expect_same_next(panels, explorer)
    assert notebook.ask("other.trace.ids == view.stepper.ids()") is True

    # The other way round: a token of the Explorer is looked at in the text.
    click(explorer.token(notebook.ask("len(view.stepper.tree.prompt)")))
    expect(written(panel).nth(1)).to_have_class(re.compile("here"))
    expect_same_next(panels, explorer)

    # Its own text may be edited; it comes back with the next step.
    explorer.prompt.fill("Something else")
    expect(explorer.root.get_by_text("2 tokens")).to_be_visible()
    button(panel, "Step").click()
    expect(written(panel)).to_have_count(4)
    expect(explorer.prompt).to_have_value(notebook.ask("view.stepper.text()"))
    notebook.execute("links.unlink()")


def expect_same_next(one: Panels, other: Panels) -> None:
    def shown(panels: Panels) -> list[str]:
        heading = panels.next.get_by_role("heading").locator("small").inner_text()
        return [heading, *(panels.rows.nth(row).text_content() or "" for row in range(3))]

    eventually(lambda: shown(one) == shown(other))  # each is there once its logits are


def test_sequences_of_a_run_stand_side_by_side_and_one_is_picked(notebook, panel):
    three = Panels(notebook.output(3))
    panel = three.root.get_by_role("region", name="Generation")
    panel.scroll_into_view_if_needed()
    ids = notebook.ask("[run.ids(i) for i in range(3)]")
    start = notebook.ask("run.prompt_length")
    assert len({tuple(one) for one in ids}) == 3
    columns = panel.locator(".written > p")
    expect(columns).to_have_count(3)
    notebook.screenshot("generation-run", panel)
    first = notebook.ask("three.stepper.ids()")
    assert first in ids
    others = [one for one in ids if one != first]
    for column, other in enumerate(others, start=1):
        shared = parting(first, other) - start
        after = f"after {shared} {'token' if shared == 1 else 'tokens'}" if shared else "at once"
        expect(columns.nth(column)).to_contain_text(f"Split {after}.")
        # What is looked at in it is shown as it stands there.
        columns.nth(column).locator(".wrote").last.click()
        expect(three.next.get_by_role("heading")).to_contain_text("after")
        notebook.wait_value("three._path.split('/')[2].split(',')[-1]", str(other[-1]))
        panel.locator(".written").press("Escape")
    # Another one is picked: it goes on from there, and the first stands beside it.
    label = columns.nth(1).locator(".wrote").last.text_content() or ""
    panel.get_by_role("treeitem").filter(has_text=label).locator(".way").last.click()
    notebook.wait_value(
        "three.stepper.ids() != run.ids(0) and three.stepper.ids() in "
        "[run.ids(i) for i in range(3)]",
        True,
    )
    expect(columns).to_have_count(3)
    picked = notebook.ask("three.stepper.ids()")
    assert picked in others
    button(panel, "Step").click()
    notebook.wait_value("len(three.stepper.ids())", len(picked) + 1)
    assert notebook.ask("three.stepper.ids()")[:-1] == picked


def parting(one: list[int], other: list[int]) -> int:
    return next(i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
