"""Hosts that nobody could open here: what should work, by their own code and documentation."""

from __future__ import annotations

# By name: what each column of the table says, as far as there is something to say.
UNTRIED: dict[str, dict[str, str]] = {
    "VS Code": {
        "live": "should",
        "typing": "once no cell runs",
        "slider": "should",
        "head": "should",
        "generation": "once no cell runs",
        "links": "should",
        "theme": "`static()`; live views are light",
    },
    "Colab": {
        "live": "should",
        "typing": "once no cell runs",
        "slider": "should",
        "head": "should",
        "generation": "once no cell runs",
        "links": "within a cell",
    },
    "Quarto, HTML": {"live": "should", "slider": "should", "head": "should"},
    "Quarto, PDF": {"live": "pictures"},
    "GitHub's preview": {"live": "pictures"},
    "JupyterLite": {"live": "saved `static()`", "slider": "should", "head": "should"},
}
