"""What holds for every test: a quiet OpenMP, no network, and the user's own cache of weights."""

import os
from pathlib import Path

import pytest

# Read when torch is first imported; without it a forward on a busy machine is 20 times slower.
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
# Read when huggingface_hub is first imported; kernels inherit it.
os.environ["HF_HUB_OFFLINE"] = "1"

TIERS = ("unit", "model", "browser")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with the folder that it lies in, and run quick tiers first."""
    here = Path(__file__).parent

    def tier(item: pytest.Item) -> str:
        return item.path.relative_to(here).parts[0] if item.path.is_relative_to(here) else "unit"

    for item in items:
        if tier(item) in ("model", "browser", "chaos"):
            item.add_marker(tier(item))
    items.sort(key=lambda item: TIERS.index(tier(item)) if tier(item) in TIERS else 0)
