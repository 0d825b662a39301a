"""The built site, and how its pages are opened: from the disk, without a network."""

from __future__ import annotations

from pathlib import Path

SITE = Path(__file__).parents[2] / "docs" / "_build" / "html"
PAGES = sorted(str(page.relative_to(SITE)) for page in SITE.rglob("*.html"))
