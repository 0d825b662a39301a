"""Publish one notebook with every tool, try what comes out, and write the table: `make hosts`."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import sync_playwright

import llmscope
from tests.hosts.look import Found, look
from tests.hosts.tools import LESSON, TOOLS, Tool, saved
from tests.hosts.untried import UNTRIED
from tests.page.chromium import launch

PAGE = Path(__file__).parents[2] / "docs" / "hosts.md"
BEGIN, END = "<!-- written by `make hosts` -->\n", "<!-- until here -->\n"
CHECKS = {
    "live": "views",
    "typing": "typing",
    "slider": "sliders",
    "head": "heads",
    "generation": "generation",
    "links": "links",
    "theme": "light and dark",
    "height": "height",
}


def main(names: list[str]) -> int:
    """Try the tools `names`, or all, and write their rows of the table."""
    chosen = [tool for name, tool in TOOLS.items() if not names or name in names]
    failed = False
    scope = llmscope.load()
    with sync_playwright() as playwright, TemporaryDirectory() as folder:
        browser = launch(playwright)
        notebooks: dict[Path, Path] = {}
        for number, tool in enumerate(chosen):
            if tool.notebook == LESSON and not notebooks:
                notebooks[tool.notebook] = saved(tool.notebook, Path(folder))
            place = Path(folder) / str(number)
            place.mkdir()
            source = notebooks.get(tool.notebook, tool.notebook)
            with tool.publish(Path(shutil.copy(source, place)), place) as url:
                found = look(browser, tool, url, scope)
            print(_row(tool, found), *found.failed, sep="\n  ", flush=True)
            _write(tool.name, _row(tool, found))
            failed |= bool(found.failed)
        browser.close()
    return int(failed)


def _write(name: str, row: str) -> None:
    """Put a row into the table, in the order of the tools; those that aren't any more go."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    table, _, after = rest.partition(END)
    rows = {line.split("|")[1].strip(): line for line in table.splitlines() if line[:1] == "|"}
    rows |= {name: row, **{name: _untried(name, says) for name, says in UNTRIED.items()}}
    lines = [*_head(), *(rows[name] for name in (*TOOLS, *UNTRIED) if name in rows)]
    written = "\n".join(lines)
    PAGE.write_text(f"{before}{BEGIN}\n{written}\n\n{END}{after}")


def _head() -> list[str]:
    columns = ["", "version", *CHECKS.values(), "its page asks"]
    return [_cells(columns), _cells(["---"] * len(columns))]


def _row(tool: Tool, found: Found) -> str:
    marks = ["–" if name not in found.checks else "no" if found.checks[name] else "yes"
             for name in CHECKS]  # fmt: skip
    marks[0] = tool.yes if marks[0] == "yes" else marks[0]
    asked = ", ".join(sorted(found.asked)) or "nobody"
    return _cells([tool.name, tool.version, *marks, asked])


def _untried(name: str, says: dict[str, str]) -> str:
    return _cells([name, "*not tried*", *(says.get(check, "–") for check in CHECKS), ""])


def _cells(items: list[str]) -> str:
    return f"| {' | '.join(items)} |"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
