"""From the picker to the end of the kernel: nothing hangs, nothing stays behind."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.explorer import KERNEL
from tests.browser.lab import HOLD
from tests.browser.notebook import Notebook
from tests.page.panels import Panels, click

# The thread of a view ends after it has been idle, here for a second.
IMPORT = "import llmscope\nfrom llmscope.kernel import worker\nworker._IDLE_SECONDS = 1"
LOAD = f"{IMPORT}\nscope = llmscope.load()"
EXPLORE = "explorer = scope.explore('The capital of France is', layer=24, head=4)\nexplorer"
THREADS = "[t.name for t in __import__('threading').enumerate() if t.name.startswith('llmscope')]"
CLEAR = "await window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs');"
GONE = "Disconnected from the kernel. Run the cell again; sliders still work."
TRACES = "len(explorer._handlers.traces)"
RUNS = 6


def shown(notebook: Notebook, cell: int) -> Panels:
    """The Explorer of a cell, once everything has come."""
    panels = Panels(notebook.output(cell))
    expect(panels.rows.first).to_contain_text("·Paris", timeout=100_000)
    expect(panels.readout.locator(".weight")).to_have_text(re.compile(r"^0\.\d{3}$"))
    return panels


def test_the_picker_survives_a_bad_name_and_loads_the_default(open_notebook):
    notebook = open_notebook(
        [f"{IMPORT}\nexplorer = llmscope.explore()\nexplorer", "6 * 7"],
        kernel=KERNEL,
        hints=True,
    )
    notebook.run(0)
    picker = notebook.output(0).get_by_role("region", name="Choose a model")
    default = picker.get_by_role("button", name=re.compile("SmolLM2.*the default"))
    name = picker.get_by_role("textbox", name="Hub id")
    load = picker.get_by_role("button", name="Load", exact=True)
    expect(default).to_be_enabled()
    expect(load).to_be_disabled()

    name.fill("nobody/no-such-model")
    load.click()
    problem = picker.get_by_role("alert")
    expect(problem).to_contain_text("nobody/no-such-model", timeout=100_000)
    expect(problem).to_contain_text(re.compile(r"Check|give the path"))
    expect(problem).not_to_contain_text(re.compile("Traceback|Error:"))
    assert not [o for o in notebook.outputs(0) if o["output_type"] in ("error", "stream")]
    notebook.run(1)
    expect(notebook.output(1)).to_contain_text("42")

    expect(default).to_be_enabled()
    default.click()
    expect(picker.get_by_role("progressbar")).to_be_visible()
    expect(picker.get_by_role("status")).not_to_have_text("")
    panels = Panels(notebook.output(0))
    expect(panels.prompt).to_have_value("The capital of France is", timeout=60_000)
    expect(panels.rows.first).to_contain_text(re.compile(r"^·Paris7\d\.\d %"))
    expect(panels.error).to_have_count(0)
    assert notebook.ask("explorer.scope.name") == "SmolLM2-135M-Instruct"
    expect(panels.root.get_by_role("note")).to_contain_text("Type here")
    # Nobody chose a head: a telling one is shown, and Python knows which.
    notebook.wait_value("explorer._telling", False, seconds=30)
    layer, head = notebook.ask("[explorer.layer, explorer.head]")
    assert (layer, head) != (0, 0)
    expect(panels.title).to_contain_text(f"Layer {layer} · Head {head}")
    notebook.wait_value(THREADS, [], seconds=15)


def test_a_text_that_writes_itself_begins_at_a_telling_head(open_notebook):
    begin = "view = llmscope.GenerationView(scope, 'The capital of France is')\nview"
    notebook = open_notebook([LOAD, begin], kernel=KERNEL)
    notebook.run(0)
    notebook.run(1)
    panels = Panels(notebook.output(1))
    notebook.wait_value("view._telling", False, seconds=60)
    layer, head = notebook.ask("[view.layer, view.head]")
    assert (layer, head) != (0, 0)
    expect(panels.title).to_contain_text(f"Layer {layer} · Head {head}")


def test_many_runs_and_a_close_leave_nothing_behind(open_notebook):
    notebook = open_notebook([LOAD, f"{EXPLORE}\nmade.append(explorer)\nexplorer"], kernel=KERNEL)
    notebook.run(0)
    notebook.execute("made = []")
    for _ in range(RUNS):
        notebook.run(1)
    shown(notebook, 1)
    expect(notebook.page.locator(".llmscope")).to_have_count(1)
    traces = "[len(one._handlers.traces) for one in made]"
    notebook.wait_value(traces, [0] * (RUNS - 1) + [1])
    notebook.execute("explorer.close()")
    expect(notebook.page.locator(".llmscope")).to_have_count(0)
    notebook.wait_value(THREADS, [], seconds=10)
    assert notebook.ask(traces) == [0] * RUNS
    assert notebook.ask("[one._handlers.cached_bytes for one in made]") == [0] * RUNS


def test_a_hidden_widget_holds_nothing_and_can_be_shown_again(open_notebook):
    notebook = open_notebook([LOAD, EXPLORE, "explorer"], kernel=KERNEL)
    notebook.run(0)
    notebook.run(1)
    shown(notebook, 1)
    notebook.wait_value(TRACES, 1)
    notebook.evaluate(CLEAR)
    expect(notebook.page.locator(".llmscope")).to_have_count(0)
    notebook.wait_value(TRACES, 0)

    notebook.run(2)
    panels = shown(notebook, 2)
    panels.walk(layers=-1)
    expect(panels.title).to_contain_text("Layer 23 · Head 4")
    largest = notebook.ask("float(explorer.attention[-1].max())")
    expect(panels.readout.locator(".weight")).to_have_text(f"{largest:.3f}")
    notebook.wait_value(TRACES, 1)

    # What nobody looks at is not traced, whoever sets its text.
    notebook.evaluate(CLEAR)
    notebook.wait_value(TRACES, 0)
    notebook.execute("explorer.text = 'Nobody looks'; quiet = scope.explore('Nor at this')")
    notebook.wait_value(THREADS, [], seconds=15)
    assert notebook.ask(f"[{TRACES}, len(quiet._handlers.traces)]") == [0, 0]


def test_a_widget_hidden_in_the_middle_of_its_work_goes_on_when_shown_again(open_notebook):
    notebook = open_notebook([LOAD, EXPLORE, "explorer"], kernel=KERNEL)
    notebook.run(0)
    notebook.run(1)
    panels = shown(notebook, 1)
    panels.prompt.fill("When Mary and John went to the store, " * 30)
    notebook.wait_value("len(explorer.text) > 1000", True)
    notebook.evaluate(CLEAR)
    notebook.run(2)
    panels = Panels(notebook.output(2))
    count = notebook.ask("len(explorer.trace)")
    expect(panels.root.get_by_text(f"{count:,} tokens")).to_be_visible(timeout=100_000)
    largest = notebook.ask("float(explorer.attention[-1].max())")
    expect(panels.readout.locator(".weight")).to_have_text(f"{largest:.3f}", timeout=100_000)
    expect(panels.root.get_by_role("img", name="ready")).to_be_visible()
    expect(panels.root.get_by_text("perplexity")).to_be_visible(timeout=100_000)


@pytest.mark.parametrize("subshells", [True, pytest.param(False, marks=pytest.mark.whole)])
def test_typing_while_a_cell_runs(open_notebook, subshells):
    notebook = open_notebook([LOAD, EXPLORE, HOLD], subshells=subshells, kernel=KERNEL)
    notebook.run(0)
    notebook.run(1)
    panels = shown(notebook, 1)
    panels.prompt.fill("The capital of Spain is")
    expect(panels.rows.first).to_contain_text("·Madrid")
    with notebook.held(2):
        panels.prompt.fill("The capital of Germany is")
        if subshells:
            expect(panels.rows.first).to_contain_text("·Berlin")
            panels.walk(layers=-1)
            expect(panels.title).to_contain_text("Layer 23")
        else:
            expect(panels.caption).to_contain_text("Still reading")
            expect(panels.rows.first).to_contain_text("·Madrid")
        panels.prompt.fill("The capital of Italy is")
        if subshells:
            expect(panels.rows.first).to_contain_text("·Rome")
    expect(panels.rows.first).to_contain_text("·Rome")
    expect(panels.error).to_have_count(0)
    notebook.wait_value("explorer.text", "The capital of Italy is")


def test_a_lost_kernel_leaves_the_page_alive(open_notebook):
    notebook = open_notebook([LOAD, EXPLORE], kernel=KERNEL)
    notebook.run_all()
    panels = shown(notebook, 1)
    notebook.restart_kernel()
    expect(panels.error).to_contain_text(GONE)
    expect(panels.root.get_by_role("img", name="disconnected")).to_be_visible()
    expect(panels.error.get_by_role("button", name="Run up to here")).to_be_visible()
    panels.slider("temperature").press("End")
    expect(panels.shown("temperature")).to_have_text("2.00")
    expect(panels.rows.first).not_to_contain_text("77.")
    click(panels.overview, 0.5, 0.1)  # a head that wasn't read
    expect(panels.title).not_to_contain_text("Layer 24 · Head 4")
    expect(panels.attention).to_contain_text("This needs the kernel")
    panels.prompt.press("Control+End")
    notebook.page.keyboard.type(" a", delay=20)
    expect(panels.copy.locator(".unread")).to_have_text(" a")
    expect(panels.root.locator(".columns")).to_have_css("opacity", "0.45")
    expect(panels.error).to_have_text(re.compile(f"^{GONE}"))
    notebook.screenshot("disconnected", panels.root)


@pytest.mark.whole
def test_a_cell_that_is_run_again_brings_the_view_back(open_notebook):
    notebook = open_notebook([LOAD, EXPLORE], kernel=KERNEL)
    notebook.run_all()
    shown(notebook, 1)
    notebook.restart_kernel()
    notebook.run_all()
    panels = shown(notebook, 1)
    panels.prompt.fill("The capital of Italy is")
    expect(panels.rows.first).to_contain_text("·Rome")
    expect(panels.error).to_have_count(0)


def test_a_kernel_that_was_shut_down_leaves_the_page_alive(open_notebook, guard):
    notebook = open_notebook([LOAD, EXPLORE], kernel=KERNEL)
    notebook.run_all()
    panels = shown(notebook, 1)
    notebook.keep_kernel = False
    notebook.evaluate("await context.shutdown();")
    before = panels.rows.first.text_content() or ""
    panels.slider("temperature").press("End")
    expect(panels.shown("temperature")).to_have_text("2.00")
    expect(panels.rows.first).not_to_have_text(before)
    panels.slider("top-p").press("Home")
    expect(panels.rows.first).to_contain_text("100 %")
    expect(panels.error).to_contain_text(GONE)
    # ipywidgets itself logs this for any widget whose kernel was shut down.
    noise = "Could not send widget sync message Error: Cannot send"
    guard.problems = [problem for problem in guard.problems if noise not in problem]
