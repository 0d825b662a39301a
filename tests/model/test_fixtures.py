"""The workshop's fixtures of real models are what the code makes."""

from __future__ import annotations

import pytest

from tests.components.fixtures import FIXTURES
from tests.components.stale import expect_current


@pytest.mark.parametrize("name", [one.name for one in FIXTURES.values() if not one.is_tiny])
def test_a_fixture_is_what_the_code_makes(name):
    expect_current(name)
