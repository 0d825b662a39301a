"""Write the notebooks of chapters anew, of their sources: `python -m tests.chapters [04 …]`."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.chapters.notebook import path, text
from tests.chapters.source import LANGUAGES, SOURCES, names, read


def write(name: str, checks: bool = False) -> None:
    for lang in LANGUAGES:
        target = path(name, lang)
        target.parent.mkdir(exist_ok=True)
        target.write_text(text(read(name), lang, checks), "utf-8")


def mended(name: str) -> None:
    """Take over into the source what ruff makes of the code."""
    file = path(name, "en")
    before = _codes(name)
    subprocess.run([sys.executable, "-m", "ruff", "check", "-q", "--fix", file], check=False)
    subprocess.run([sys.executable, "-m", "ruff", "format", "-q", file], check=True)
    source = SOURCES / f"{name}.md"
    said = source.read_text("utf-8")
    for old, new in zip(before, _codes(name), strict=True):
        said = said.replace(f"\n{old}\n```", f"\n{new}\n```")
    source.write_text(said, "utf-8")


def _codes(name: str) -> list[str]:
    cells = json.loads(path(name, "en").read_text("utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def main(wanted: list[str]) -> None:
    for name in names():
        if not wanted or any(name.startswith(one) for one in wanted):
            write(name, checks=True)
            mended(name)
            write(name)


if __name__ == "__main__":
    main(sys.argv[1:])
