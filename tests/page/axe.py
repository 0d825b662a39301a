"""axe-core over a page: what keeps people from using it who see, hear or move otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Frame, Page

AXE = Path(__file__).parents[2] / "llmscope" / "frontend" / "node_modules" / "axe-core"
# WCAG 2.2, level AA and below, and what axe's makers recommend beside it.
_TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
# Where views show the same panel beside each other, both are called as the panel is.
SEVERAL = "landmark-unique"
_RUN = """async ([within, runOnly, without]) => {
    const rules = Object.fromEntries(without.map((rule) => [rule, { enabled: false }]));
    const options = { runOnly, rules, resultTypes: ["violations"], preload: false };
    const { violations } = await axe.run(within ?? document, options);
    return violations.map(({ id, impact, help, nodes }) => ({ id, impact, help, nodes:
        nodes.map(({ target, failureSummary, html }) => ({ target, failureSummary, html })) }));
}"""


def violations(
    page: Page | Frame,
    within: str | None = None,
    *,
    only: str | None = None,
    without: Sequence[str] = (),
) -> list[str]:
    """What axe finds, in shadow roots and frames too: a line in words for each element.

    Parameters
    ----------
    page
        What is looked at.
    within
        A selector of what alone is looked at.
    only
        The one rule that is tried, such as "color-contrast".
    without
        Rules that aren't tried.
    """
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate((AXE / "axe.min.js").read_text("utf-8"))
    asked = {"type": "rule", "values": [only]} if only else {"type": "tag", "values": _TAGS}
    return [
        f"{one['id']} [{one['impact']}]: {one['help']}: {_place(node)}"
        for one in page.evaluate(_RUN, [within, asked, without])
        for node in one["nodes"]
    ]


def _place(node: dict[str, Any]) -> str:
    """Where it is, what is there, and what is wrong."""
    steps = [" ".join(step) if isinstance(step, list) else step for step in node["target"]]
    wrong = " ".join(node["failureSummary"].split())
    return f"{' > '.join(steps)} {node['html'][:160]} ({wrong})"
