"""Views of a model on a server, in JupyterLab: a class, and a server that goes and comes back."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect

from tests.browser.explorer import KERNEL, SENTENCE, SIZE, expect_bars_as_in_python, type_text
from tests.page.panels import Panels

ROOT = Path(__file__).parents[2]
CELLS = [
    f"""import sys
sys.path.insert(0, {str(ROOT)!r})
import llmscope
from tests.serving import TOKENS, Served
here = llmscope.load()
server = Served({{"smollm2": here}})
scope = server.connect("smollm2")""",
    f"explorer = scope.explore({SENTENCE!r}, layer=24, head=4)\nexplorer",
    """student = server.connect("smollm2", TOKENS.room).explore("Mine", lecture=False)
student.follow("first row")
explorer.broadcast("first row")
student""",
]
AGAIN = 'server = Served({"smollm2": here}, port=server.port)'


def test_a_model_on_a_server_is_looked_into_followed_lost_and_found(open_notebook):
    notebook = open_notebook(CELLS, kernel=KERNEL)
    page = notebook.page
    page.set_viewport_size(SIZE)
    notebook.run(0)
    notebook.run(1)
    panels = Panels(notebook.output(1))
    server = panels.root.locator(".server")
    expect(server).to_have_text(notebook.ask("explorer._server['address']"), timeout=60_000)

    # What is drawn is what the model here says.
    text = "The capital of France is"
    type_text(notebook, panels, text)
    expect_bars_as_in_python(notebook, panels)
    assert notebook.ask(
        f"bool((explorer.trace.logits_at(-1) == here.trace({text!r}).logits_at(-1)).all())"
    )

    # A student's view follows, until one click lets go.
    notebook.run(2)
    theirs = Panels(notebook.output(2))
    expect(theirs.prompt).to_have_value(text, timeout=60_000)
    notebook.execute("explorer.layer, explorer.head = 3, 5")
    notebook.wait_value("[student.layer, student.head]", [3, 5])
    notebook.screenshot("remote-follows", theirs.root.locator(".header"))
    theirs.root.get_by_role("button", name="Following first row").click()
    notebook.wait_value("student._room", "")
    notebook.execute("explorer.layer = 7")
    assert notebook.ask("student.layer") == 3

    # The server goes: it is said, and what is typed waits until it is back.
    notebook.execute("server.stop()")
    expect(server).to_contain_text("can't be reached: trying again")
    notebook.screenshot("remote-lost", panels.root.locator(".header"))
    panels.prompt.fill("Typed while it was away")
    notebook.execute(AGAIN)
    expect(server).to_have_text(notebook.ask("explorer._server['address']"))
    expect(panels.root.get_by_text("6 tokens").first).to_be_visible(timeout=60_000)
    notebook.wait_value("explorer.text", "Typed while it was away")
    expect_bars_as_in_python(notebook, panels)
    expect(panels.error).to_have_count(0)
    notebook.screenshot("remote-found")
    notebook.execute("for one in (scope, student.scope): one.close()")
    notebook.execute("explorer.close(); student.close(); server.stop()")
