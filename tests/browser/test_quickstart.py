"""The notebook that `make lab` opens, and the pictures of it in the README."""

from __future__ import annotations

import json
import re
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.explorer import KERNEL
from tests.browser.lab import DARK, LIGHT

QUICKSTART = Path(__file__).parents[2] / "notebooks" / "quickstart.ipynb"
WORDS, EXPLORER = 2, 3  # cells


def test_run_all_gives_a_live_explorer(open_notebook):
    notebook = open_notebook(QUICKSTART, kernel=KERNEL)
    notebook.page.set_viewport_size({"width": 1560, "height": 1300})
    notebook.run_all()
    expect(notebook.output(EXPLORER)).to_be_in_viewport(ratio=0.5)
    explorer = notebook.output(EXPLORER).locator(".llmscope")
    expect(explorer.get_by_text("Layer 24 · Head 4")).to_be_visible()
    expect(explorer.locator(".readout .weight")).to_have_text("0.810")
    expect(explorer.locator(".bars li").first).to_contain_text("Mary")
    expect(explorer.get_by_text("perplexity")).to_be_visible()
    read, *views = re.findall(r"```python\n(.*?)```", source_of(WORDS), re.DOTALL)
    assert "' Mary'" in notebook.execute(read)
    for view in views:
        notebook.execute(view)
    wait_for_all_heads(notebook)
    notebook.execute("explorer.temperature, explorer.top_k, explorer.top_p = 1.3, 50, 0.88")
    expect(explorer.get_by_text("cut by top-p").first).to_be_visible()
    for theme, name in ((LIGHT, "quickstart-light"), (DARK, "quickstart-dark")):
        notebook.theme(theme)
        notebook.wait_drawn()
        notebook.screenshot(name, explorer)

    notebook.execute("explorer.temperature, explorer.top_k, explorer.top_p = 1, 0, 1")
    explorer.get_by_role("textbox", name="Prompt").fill("The capital of France is")
    expect(explorer.locator(".bars li").first).to_contain_text("Paris")
    expect(explorer.locator(".bars li").first).to_contain_text("77.3 %")
    assert notebook.execute("print(explorer.text)") == "The capital of France is\n"


def source_of(cell: int) -> str:
    """What stands in a cell."""
    return "".join(json.loads(QUICKSTART.read_bytes())["cells"][cell]["source"])


def wait_for_all_heads(notebook) -> None:
    """Until no picture of a head is blank."""
    canvas = notebook.output(EXPLORER).locator(".overview canvas").element_handle()
    notebook.page.wait_for_function(
        """(canvas) => {
            const { data } = canvas.getContext("2d").getImageData(
                0, canvas.height - 12, canvas.width, 8);
            return data.some((value, i) => i % 4 === 3 && value > 60);
        }""",
        arg=canvas,
    )
