"""Where a version stands beside pyproject.toml."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
_STATED = {
    "CHANGELOG.md": r"^## (\d\S*)",
    "CITATION.cff": r"^version: (\S+)",
    ".conda/recipe.yaml": r'^  version: "(\S+)"',
}


def stated() -> dict[str, str]:
    """Return the version by the file that names it; of the changelog, the newest."""
    return {
        name: next(iter(re.findall(pattern, (ROOT / name).read_text("utf-8"), re.MULTILINE)), "")
        for name, pattern in _STATED.items()
    }
