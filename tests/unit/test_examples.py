"""The examples in the docstrings of public names run, and show what they say."""

from __future__ import annotations

import doctest

import pytest

import llmscope
from tests.public import found, public_names


def examples(name: str) -> list[doctest.DocTest]:
    """The docstrings with examples of a public name and of what is defined in it."""
    finder = doctest.DocTestFinder(exclude_empty=True)
    return [test for test in finder.find(found(name), name, module=False) if test.examples]


WITH_EXAMPLES = {name: tests for name in public_names() if (tests := examples(name))}


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_run(name, scope, folder):
    failures: list[str] = []
    for test in WITH_EXAMPLES[name]:
        test.globs = {"llmscope": llmscope, "scope": scope, "folder": folder}
        runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
        runner.run(test, out=failures.append, clear_globs=False)
    assert not failures, "".join(failures)


def test_there_are_examples():
    """So that a finder that finds nothing is noticed."""
    expected = {"llmscope.load", "llmscope.Scope", "llmscope.Distribution", "llmscope.Token"}
    expected |= {"llmscope.LoadError"} | {f"llmscope.generation.{n}" for n in ("Run", "Stepper")}
    assert expected <= set(WITH_EXAMPLES)
