"""On how many CPUs a text is written: on as many as are quickest."""

from __future__ import annotations

import time

import pytest
import torch

from llmscope.kernel.cpu_threads import Pace, cpus


@pytest.fixture(autouse=True)
def two_cpus():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


class Machine:
    """A clock that a step moves on, by as much as its number of CPUs takes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(time, "perf_counter", lambda: self.now)

    def counts(self, pace: Pace, steps: int, seconds: dict[int, float]) -> list[int]:
        counts = []
        for _ in range(steps):
            with pace.step():
                counts.append(torch.get_num_threads())
                self.now += seconds[counts[-1]]
        return counts


def test_computing_on_fewer_cpus_ends_with_the_block():
    with pytest.raises(RuntimeError), cpus(1):
        assert torch.get_num_threads() == 1
        raise RuntimeError
    assert torch.get_num_threads() == 2
    with cpus(8):
        assert torch.get_num_threads() == 2


def test_steps_are_made_on_as_many_cpus_as_are_quickest(monkeypatch):
    machine, pace = Machine(monkeypatch), Pace()
    counts = machine.counts(pace, 100, {1: 0.06, 2: 0.07})
    assert counts[:4] == [2, 1, 2, 1]
    assert counts[20:].count(2) <= 3
    assert torch.get_num_threads() == 2
    # The page is gone: that two are quicker now is noticed by trying.
    counts = machine.counts(pace, 400, {1: 0.06, 2: 0.04})
    assert counts[-60:].count(1) <= 2


def test_one_cpu_is_all_there_is(monkeypatch):
    torch.set_num_threads(1)
    assert Machine(monkeypatch).counts(Pace(), 10, {1: 1.0}) == [1] * 10
