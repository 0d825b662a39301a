"""Effects on a token in JupyterLab, by mouse and by key, over SmolLM2 in a real kernel."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.explorer import SENTENCE, SIZE
from tests.page.panels import Panels, box

CELLS = [
    "import llmscope\nscope = llmscope.load(progress=lambda *_: None)",
    f"explorer = scope.explore({SENTENCE!r}, layer=24, head=4)\nexplorer",
    f"trace = scope.trace({SENTENCE!r})\nmary = scope.token_id(' Mary')",
]
OF = "trace.effects(mary, of={of!r}, method={method!r}).values.tolist()"


def signed(value: float) -> str:
    """A number as it is printed."""
    return f"{value:+.2f}".replace("-", "−") if round(value, 2) else "0.00"


def test_mlps_and_tokens_have_effects(open_notebook):
    notebook = open_notebook(CELLS)
    notebook.page.set_viewport_size(SIZE)
    for cell in range(3):
        notebook.run(cell)
    panels = Panels(notebook.output(1))
    expect(panels.rows.first).to_contain_text("Mary", timeout=60_000)
    before = box(panels.overview)
    panels.mark.select_option("effect")
    notebook.wait_value("list(explorer.effect_of) == [mary]", True)
    mlp = panels.root.locator(".habit span.mlp")
    values = notebook.ask(OF.format(of="mlps", method="direct"))
    expect(mlp).to_have_text(f"MLP 24 {signed(values[24])}", timeout=60_000)
    assert box(panels.overview) == before
    panels.walk(layers=1)
    expect(mlp).to_have_text(f"MLP 25 {signed(values[25])}")

    # By mouse: the number of a layer is its MLP's, too.
    frame, grid = box(panels.overview.locator(".focus")), box(panels.overview)
    lies = "lying" in (panels.overview.get_attribute("class") or "")
    middle = frame["x"] + frame["width"] / 2, frame["y"] + frame["height"] / 2
    x, y = (middle[0], grid["y"] + 8) if lies else (grid["x"] + 8, middle[1])
    step = frame["width"] + 1
    notebook.page.mouse.move(*((x + step, y) if lies else (x, y + step)))
    expect(mlp).to_have_text(f"MLP 26 {signed(values[26])}")
    notebook.screenshot("effects-direct")

    panels.root.get_by_text("true", exact=True).click()
    values = notebook.ask(OF.format(of="mlps", method="ablate"))
    expect(mlp).to_have_text(f"MLP 25 {signed(values[25])}", timeout=120_000)

    # The text: by mouse, and back by a key.
    choice = panels.root.get_by_role("radiogroup", name="What the text is shaded by")
    choice.get_by_text("effect").click()
    notebook.wait_value("explorer.shade", "effect")
    expect(panels.caption).to_contain_text("True effect on the logit of “Mary”", timeout=120_000)
    values = notebook.ask(OF.format(of="tokens", method="occlusion"))
    token = box(panels.token(1))
    notebook.page.mouse.move(token["x"] + token["width"] / 2, token["y"] + token["height"] / 2)
    expect(panels.caption).to_contain_text(f"effect {signed(values[1])}")
    notebook.screenshot("effects-of-tokens")
    choice.get_by_role("radio", name="effect").focus()
    notebook.page.keyboard.press("ArrowLeft")
    notebook.wait_value("explorer.shade", "attention")
    notebook.ask("setattr(explorer, 'shade', 'effect')")
    expect(choice.get_by_role("radio", name="effect")).to_be_checked()
    notebook.ask("setattr(explorer, 'effect_of', ())")
    expect(choice).to_have_count(0)
    expect(panels.caption).to_contain_text("attention from “to”")
    expect(panels.error).to_have_count(0)
