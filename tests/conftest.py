"""What holds for every test: a quiet OpenMP, no network, and the user's own cache of weights."""

import os
from pathlib import Path

import pytest

from tests.page.plugin import (  # noqa: F401
    browser,
    context,
    guard,
    pytest_runtest_makereport,
)

# Read when torch is first imported; without it a forward on a busy machine is 20 times slower.
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
# Read when huggingface_hub is first imported; kernels inherit it.
os.environ["HF_HUB_OFFLINE"] = "1"

# The slowest first: what is spread over processes then ends with what is short.
TIERS = (
    "browser",
    "hosts",
    "model",
    "components",
    "chaos",
    "sweep",
    "training",
    "chapters",
    "unit",
)
MARKED = ("model", "components", "browser", "chaos")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--whole", action="store_true", help="also what takes long, of which there is a sample"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what takes long, mark each test with its folder, and run slow tiers first."""
    if not config.getoption("--whole"):
        items[:] = [item for item in items if item.get_closest_marker("whole") is None]
    here = Path(__file__).parent

    def tier(item: pytest.Item) -> str:
        return item.path.relative_to(here).parts[0] if item.path.is_relative_to(here) else "unit"

    for item in items:
        if tier(item) in MARKED:
            item.add_marker(tier(item))
    items.sort(key=lambda item: TIERS.index(tier(item)) if tier(item) in TIERS else len(TIERS))
