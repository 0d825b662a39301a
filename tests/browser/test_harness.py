"""The harness itself: widgets render and answer, and the guard sees what it must."""

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.lab import DARK, HOLD, LIGHT
from tests.page.chromium import Guard

SLIDER = """
import ipywidgets
slider = ipywidgets.IntSlider(value=3, min=0, max=10)
slider
"""

ECHO = '''
import anywidget
import traitlets


class Echo(anywidget.AnyWidget):
    """A button that asks the kernel and shows the answer."""

    _esm = """
    export default {
      render({ model, el }) {
        const button = document.createElement("button");
        button.textContent = "ask";
        button.onclick = () => model.send({ question: "who" });
        const onAnswer = (message) => {
          button.textContent = message.answer;
        };
        model.on("msg:custom", onAnswer);
        el.append(button);
        return () => model.off("msg:custom", onAnswer);
      },
    };
    """
    asked = traitlets.Int()

    def __init__(self):
        super().__init__()
        self.on_msg(self._answer)

    def _answer(self, _widget, content, _buffers):
        self.asked += 1
        self.send({"answer": f"answer {self.asked}"})


echo = Echo()
echo
'''

KERNEL = "harness"  # it imports little: the one that has loaded a model is left alone


def test_widgets_render_and_answer(open_notebook):
    notebook = open_notebook([SLIDER, ECHO], kernel=KERNEL)
    notebook.run_all()
    handle = notebook.output(0).locator(".noUi-handle")
    expect(handle).to_be_visible()
    handle.focus()
    handle.press("ArrowRight")
    expect(notebook.output(0).locator(".widget-readout")).to_have_text("4")
    assert notebook.execute("print(slider.value)") == "4\n"
    notebook.execute("slider.value = 8")
    expect(notebook.output(0).locator(".widget-readout")).to_have_text("8")

    button = notebook.output(1).get_by_role("button")
    expect(button).to_have_text("ask")
    button.click()
    expect(button).to_have_text("answer 1")
    assert notebook.execute("print(echo.asked)") == "1\n"


@pytest.mark.whole
@pytest.mark.parametrize("subshells", [True, False])
def test_subshells_answer_while_a_cell_runs(open_notebook, subshells):
    notebook = open_notebook(
        [ECHO, f"print('begun')\n{HOLD}\nprint('done')"], subshells=subshells, kernel=KERNEL
    )
    notebook.run(0)
    button = notebook.output(0).get_by_role("button")
    # ipykernel 7.4 routes a comm's messages to where that comm last sent from: to the main shell
    # after a cell has sent anything, to the subshell once it has answered the page.
    notebook.wait_subshells()
    button.click()
    expect(button).to_have_text("answer 1")
    with notebook.held(1):
        button.click()
        expect(notebook.output(1)).to_contain_text("begun")
        expect(button).to_have_text("answer 2" if subshells else "answer 1")
    expect(button).to_have_text("answer 2")
    assert notebook.output_text(1) == "begun\ndone\n"


@pytest.mark.whole
def test_cells_and_the_kernel(open_notebook):
    notebook = open_notebook(["a = 1", "1 / 0", "print('three')"], kernel=KERNEL)
    assert notebook.cell_count() == 3
    assert notebook.cell_sources() == ["a = 1", "1 / 0", "print('three')"]
    notebook.run(0)
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        notebook.run(1)
    notebook.run(2)
    expect(notebook.output(2)).to_contain_text("three")
    assert notebook.execute("print(a)") == "1\n"
    notebook.restart_kernel()
    with pytest.raises(AssertionError, match="NameError"):
        notebook.execute("print(a)")


@pytest.mark.whole
def test_the_theme_changes_and_pictures_differ(open_notebook):
    notebook = open_notebook([SLIDER], theme=DARK, kernel=KERNEL)
    expect(notebook.page.locator("body")).to_have_attribute("data-jp-theme-light", "false")
    notebook.run_all()
    pictures = []
    for theme in (LIGHT, DARK):
        notebook.theme(theme)
        picture = notebook.screenshot(f"harness-{theme.split()[-1].lower()}")
        pictures.append(picture.read_bytes())
    assert pictures[0] != pictures[1]


def test_the_guard_reports_errors(open_notebook, guard):
    notebook = open_notebook([], kernel=KERNEL)
    with notebook.page.context.expect_event("weberror"):
        notebook.evaluate(
            "console.error('something broke'); setTimeout(() => { throw Error('bad'); });"
        )
    with pytest.raises(AssertionError, match=r"(?s)something broke.*uncaught: Error: bad"):
        guard.check()


def test_the_guard_reports_requests_that_leave(context: BrowserContext, guard: Guard):
    page = context.new_page()
    page.goto("data:text/html,<p>hello")
    with page.expect_console_message(lambda line: line.location["url"].endswith("/x")):
        page.evaluate("fetch('http://llmscope.invalid/x').catch(() => null)")
    with page.expect_websocket(), page.expect_console_message(lambda line: "/y" in line.text):
        page.evaluate("void new WebSocket('ws://llmscope.invalid/y')")
    with pytest.raises(AssertionError, match="left this machine") as failure:
        guard.check()
    assert "llmscope.invalid/x" in str(failure.value)
    assert "llmscope.invalid/y" in str(failure.value)
    guard.problems.clear()


def test_the_guard_lets_known_noise_pass():
    guard = Guard(known_noise=[("harmless", "for this test")])
    guard.console("error", "harmless thing")
    guard.console("warning", "not an error")
    guard.request("http://127.0.0.1:8888/api")
    guard.request("data:text/plain,x")
    guard.request("blob:http://127.0.0.1:8888/x")
    guard.check()
