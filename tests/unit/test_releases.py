"""The releases of transformers that are tested, in the one place that names them."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import pytest

from llmscope import releases
from llmscope.scope import Scope
from tests.releases import dependencies, requirements

ROOT = Path(__file__).parents[2]


@pytest.fixture
def fresh():
    """As in a process that hasn't warned yet."""
    releases.warn_where_untested.cache_clear()
    yield
    releases.warn_where_untested.cache_clear()


@pytest.mark.parametrize(
    ("version", "word"), [("5.19.2", "older"), ("4.57.6", "older"), ("6.0.0.dev0", "newer")]
)
def test_an_untested_release_is_told_once(version, word, scope, fresh, monkeypatch):
    monkeypatch.setattr("transformers.__version__", version)
    with pytest.warns(UserWarning, match=rf"transformers {version} is {word} than") as told:
        Scope(scope.model, scope.tokenizer)
        Scope(scope.model, scope.tokenizer)
    assert told[0].filename == __file__
    assert len(told) == 1


@pytest.mark.parametrize("release", [releases.LOWEST, releases.NEWEST])
def test_a_tested_release_is_fine(release, scope, fresh, monkeypatch):
    monkeypatch.setattr("transformers.__version__", ".".join(map(str, (*release, 9))))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Scope(scope.model, scope.tokenizer)


def test_the_other_llmscope_of_pypi_is_told(scope, tmp_path, monkeypatch):
    other = tmp_path / "llmscope-0.1.1.dist-info"
    other.mkdir()
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: llmscope\nVersion: 0.1.1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    releases.warn_of_namesake.cache_clear()
    try:
        with pytest.warns(UserWarning, match=r"llmscope 0\.1\.1 .* another project") as told:
            Scope(scope.model, scope.tokenizer)
            Scope(scope.model, scope.tokenizer)
    finally:
        releases.warn_of_namesake.cache_clear()
    assert told[0].filename == __file__
    assert len(told) == 1


def test_what_is_claimed_and_pinned_is_what_is_tested():
    assert dependencies()["transformers"] == ".".join(map(str, releases.LOWEST))
    pinned = (ROOT / "constraints.txt").read_text("utf-8")
    (found,) = re.findall(r"^transformers==(\d+\.\d+)", pinned, re.MULTILINE)
    assert found == ".".join(map(str, releases.NEWEST))


def test_the_lowest_are_those_that_are_claimed_but_for_pytorch():
    lowest = requirements("lowest", "2.13.0")
    assert lowest[0] == "torch==2.13.0"
    assert set(lowest[1:]) == {
        f"{name}=={low}" for name, low in dependencies().items() if name != "torch"
    }
