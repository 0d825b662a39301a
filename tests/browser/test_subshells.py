"""What is sent to a subshell of the kernel that is gone arrives all the same."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.explorer import KERNEL
from tests.browser.lab import HOLD
from tests.page.panels import Panels

LOAD = "import llmscope\nscope = llmscope.load()"
EXPLORE = "explorer = scope.explore('The capital of France is', layer=24, head=4)\nexplorer"
COMMS = "const comms = [...session.kernel._comms.values()];"
# As JupyterLab does itself, when it counts widgets that are closed twice.
ENDED = """await session.kernel.requestDeleteSubshell(
    { subshell_id: comms.find(comm => comm.subshellId).subshellId }).done;"""
# As it does after a kernel was restarted before it had told of its subshell.
STALE = "comms.forEach(comm => { comm._subshellId = 'gone'; });"


def test_a_lost_question_is_asked_again(open_notebook):
    notebook = open_notebook([f"{LOAD}\n{EXPLORE}", HOLD], kernel=KERNEL)
    notebook.run(0)
    panels = Panels(notebook.output(0))
    expect(panels.rows.first).to_contain_text("·Paris", timeout=100_000)
    for lose in (ENDED, STALE):
        panels.settle()
        notebook.wait_subshells()
        panels.prompt.fill("The capital of Spain is")  # answered by the subshell
        expect(panels.rows.first).to_contain_text("·Madrid")
        panels.settle()

        notebook.evaluate(COMMS + lose)
        panels.prompt.fill("The capital of Italy is")
        expect(panels.rows.first).to_contain_text("·Rome")
        notebook.wait_value("explorer.text", "The capital of Italy is")
        panels.walk(layers=-1)
        expect(panels.title).to_contain_text("Layer 23 · Head 4")
        notebook.wait_value("explorer.layer", 23)
        notebook.execute("explorer.layer = 24")  # what was expected to come back did
        expect(panels.title).to_contain_text("Layer 24 · Head 4")
        assert notebook.evaluate("return session.kernel.commsOverSubshells;") == "perCommTarget"
    expect(panels.error).to_have_count(0)

    # JupyterLab has a subshell again, which answers while a cell runs.
    panels.prompt.fill("The capital of Spain is")
    expect(panels.rows.first).to_contain_text("·Madrid")
    panels.settle()
    with notebook.held(1):
        panels.prompt.fill("The capital of Germany is")
        expect(panels.rows.first).to_contain_text("·Berlin")
