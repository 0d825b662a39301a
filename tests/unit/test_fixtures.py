"""The workshop's fixtures of tiny models are what the code makes; tests/model has the others."""

from __future__ import annotations

import pytest

from tests.components.fixtures import FIXTURES
from tests.components.numbers import FOLDER
from tests.components.stale import expect_current, structure


@pytest.mark.parametrize("name", [one.name for one in FIXTURES.values() if one.is_tiny])
def test_a_fixture_is_what_the_code_makes(name):
    expect_current(name)


def test_every_fixture_is_stored_with_its_numbers_and_no_other():
    stored = {path.name for path in FOLDER.iterdir()}
    assert stored == {f"{name}.{kind}" for name in FIXTURES for kind in ("page", "npz")}


def test_another_key_shape_or_type_is_another_structure():
    array = {"buffer": 3, "dtype": "float32", "shape": [2, 3]}
    here = {"answers": {"a": array, "b": [[1, "x"]]}}
    assert structure(here) == structure({"answers": {"b": [[2, "y"]], "a": array | {"buffer": 0}}})
    for other in (
        {"answers": {"a": array}},
        {"answers": {"a": array | {"shape": [3, 2]}, "b": [[1, "x"]]}},
        {"answers": {"a": array, "b": [[1, 2]]}},
    ):
        assert structure(here) != structure(other)
