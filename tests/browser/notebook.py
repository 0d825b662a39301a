"""A notebook in a page of JupyterLab, driven from tests."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.sync_api import Locator, Page

from tests.page.chromium import SCREENSHOTS

if TYPE_CHECKING:
    from tests.browser.lab import Lab

# `session` and `notebook` in every script below are those of the notebook that is open.
_PANEL = """
const panel = window.jupyterapp.shell.currentWidget;
const notebook = panel.content;
const context = panel.sessionContext;
const session = context.session;
"""


class Notebook:
    """A notebook in a page of JupyterLab, with its kernel."""

    def __init__(self, lab: Lab, page: Page, path: Path, *, keep_kernel: bool = False) -> None:
        self.lab = lab
        self.page = page
        self.path = path
        self.keep_kernel = keep_kernel
        self.closed = False

    def evaluate(self, script: str, argument: object = None) -> Any:
        """Run the body of an async function in the page.

        It sees ``panel``, ``notebook``, ``context`` (the session's) and ``session`` of this
        notebook, and ``argument``.
        """
        return self.page.evaluate(f"async (argument) => {{ {_PANEL} {script} }}", argument)

    def wait_idle(self, seconds: float = 60) -> None:
        """Wait until the kernel is connected and has nothing to do."""
        self.page.wait_for_function(
            """() => {
                const panel = window.jupyterapp?.shell.currentWidget;
                const context = panel?.sessionContext;
                const kernel = context?.session?.kernel;
                return context?.isReady && panel.context.isReady
                    && kernel?.connectionStatus === "connected" && kernel.status === "idle"
                    // A subshell that has answered says "idle" too, while a cell still runs.
                    && panel.content.widgets.every(c => c.model.executionState !== "running");
            }""",
            timeout=seconds * 1000,
        )

    def wait_drawn(self) -> None:
        """Wait until JupyterLab's splash screen, which a change of theme shows too, is gone."""
        self.page.locator("#jupyterlab-splash").wait_for(state="detached")

    def wait_busy(self, seconds: float = 10) -> None:
        """Wait until the kernel runs something."""
        self.page.wait_for_function(
            """() => window.jupyterapp.shell.currentWidget
                .sessionContext.session.kernel.status === "busy" """,
            timeout=seconds * 1000,
        )

    def run(self, cell: int, *, wait: bool = True, errors: bool = False) -> None:
        """Run one cell; wait until the kernel is idle again; a cell that raised fails the test."""
        self._run("notebook:run-cell", [cell], wait, errors)

    def run_all(self, *, wait: bool = True, errors: bool = False) -> None:
        """Run all cells, as ``run`` does one."""
        self._run("notebook:run-all-cells", range(self.cell_count()), wait, errors)

    def run_below(self, cell: int) -> None:
        """Run a cell and all that follow, without waiting."""
        self._run("notebook:run-all-below", [cell], wait=False, errors=True)

    def _run(self, command: str, cells: Sequence[int], wait: bool, errors: bool) -> None:
        self.evaluate(
            """
            notebook.deselectAll();
            notebook.activeCellIndex = argument.cell;
            const done = window.jupyterapp.commands.execute(argument.command);
            if (argument.wait) await done;
            """,
            {"cell": cells[0], "command": command, "wait": wait},
        )
        if not wait:
            return
        self.wait_idle()
        for cell in () if errors else cells:
            for output in self.outputs(cell):
                if output["output_type"] == "error":
                    raise AssertionError(f"cell {cell} raised:\n{_plain(output['traceback'])}")

    def execute(self, code: str) -> str:
        """Run code in the notebook's kernel, outside any cell, and return what it printed."""
        answer = self.evaluate(
            """
            // The page saves its traits a moment behind a gesture: no person is as quick as a test.
            await new Promise(done => setTimeout(done, 30));
            const answer = { printed: "", error: null };
            const future = session.kernel.requestExecute({ code: argument, store_history: false });
            future.onIOPub = ({ header, content }) => {
                if (header.msg_type === "stream" && content.name === "stdout") {
                    answer.printed += content.text;
                } else if (header.msg_type === "error") {
                    answer.error = content.traceback;
                }
            };
            await future.done;
            return answer;
            """,
            code,
        )
        if answer["error"]:
            raise AssertionError(f"the kernel raised:\n{_plain(answer['error'])}")
        return str(answer["printed"])

    def ask(self, expression: str) -> Any:
        """Give the value of an expression in the notebook's kernel; it travels as JSON."""
        return json.loads(self.execute(f"import json; print(json.dumps({expression}))"))

    def wait_value(self, expression: str, value: object, seconds: float = 20) -> None:
        """Wait until an expression has this value in the kernel: traits travel on their own."""
        end = time.monotonic() + seconds
        while (found := self.ask(expression)) != value:
            assert time.monotonic() < end, f"{expression} is {found!r}, not {value!r}"
            self.page.wait_for_timeout(50)

    @contextmanager
    def held(self, cell: int) -> Iterator[None]:
        """Keep a cell of `HOLD` running for as long as the block does."""
        go_on = self.path.with_name("go-on")
        go_on.unlink(missing_ok=True)
        self.run(cell, wait=False)
        self.wait_busy()
        try:
            yield
            assert self.is_running(cell)
        finally:
            go_on.touch()
        self.wait_idle()

    def cell_count(self) -> int:
        """How many cells the notebook has now."""
        return int(self.evaluate("return notebook.model.cells.length;"))

    def cell_sources(self) -> list[str]:
        """The text of every cell."""
        return list(self.evaluate("return notebook.widgets.map(c => c.model.sharedModel.source);"))

    def is_running(self, cell: int) -> bool:
        """Whether a cell has not ended; the kernel's own status is also that of its subshells."""
        script = "return notebook.widgets[argument].model.executionState === 'running';"
        return bool(self.evaluate(script, cell))

    def outputs(self, cell: int) -> list[dict[str, Any]]:
        """The outputs of a cell as the notebook's file would hold them."""
        return list(
            self.evaluate(
                "return notebook.widgets[argument].model.toJSON().outputs ?? [];",
                cell,
            )
        )

    def output_text(self, cell: int) -> str:
        """What a cell printed."""
        return "".join(
            output["text"]
            for output in self.outputs(cell)
            if output["output_type"] == "stream" and output["name"] == "stdout"
        )

    def output(self, cell: int) -> Locator:
        """Where a cell's outputs are drawn."""
        return self.page.locator(
            f'.jp-Notebook .jp-Cell[data-windowed-list-index="{cell}"] .jp-OutputArea'
        ).first

    def theme(self, name: str) -> None:
        """Change the theme, ``LIGHT`` or ``DARK``, while the page is open."""
        self.evaluate(
            'await window.jupyterapp.commands.execute("apputils:change-theme", argument);',
            {"theme": name},
        )
        self.page.wait_for_function("name => document.body.dataset.jpThemeName === name", arg=name)
        self.wait_drawn()

    def screenshot(self, name: str, target: Locator | None = None) -> Path:
        """Take a picture of the page, or of a part of it, into ``tests/browser/screenshots``."""
        SCREENSHOTS.mkdir(exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        (target or self.page).screenshot(path=path)
        return path

    def wait_subshells(self) -> None:
        """Wait until each comm has its subshell: before, it goes by the kernel's main shell."""
        self.evaluate(
            """await Promise.all([...session.kernel._comms.values()].map(comm =>
                comm.commsOverSubshells === "disabled" || comm.subshellStarted));"""
        )

    def restart_kernel(self) -> None:
        """Restart the kernel without asking."""
        self.evaluate("await session.kernel.restart();")
        self.wait_idle()

    def close(self, *, keep_page: bool = False) -> bool:
        """Close the page, and shut its kernel down or leave it without widgets.

        ``keep_page`` closes the notebook alone, if its kernel goes on. Returns whether it did.
        """
        if self.closed or self.page.is_closed():
            return False
        self.closed = True
        kept = self.keep_kernel and self.evaluate("return Boolean(session?.kernel);")
        if kept:
            self.wait_idle()
            self.execute("import ipywidgets; ipywidgets.Widget.close_all()")
        keep_page = keep_page and kept
        if keep_page:
            self.evaluate("panel.dispose();")
        else:
            self.page.close()
        for session in () if kept else self.lab.api("GET", "sessions"):
            if session["path"] == self.path.name:
                self.lab.api("DELETE", f"sessions/{session['id']}")
        return keep_page


def _plain(traceback: Sequence[str]) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(traceback))
