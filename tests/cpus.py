"""Run the tests as other processors would compute: ``python -m tests.cpus``, `make test-cpus`.

PyTorch's own loops follow ``ATEN_CPU_CAPABILITY``; matrix products are oneDNN's and MKL's, which
follow ``ONEDNN_MAX_CPU_ISA`` and ``MKL_CBWR``. All are read when torch is first imported, so each
combination has a process of its own. What the processor at hand doesn't have is left out.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

ROOT = Path(__file__).parent.parent
TIERS = ("tests/unit", "tests/sweep", "tests/model")
# What compares most numbers in least time; `make test` runs these once more with the lowest.
NUMERIC = (
    "tests/unit/test_attention.py",
    "tests/unit/test_capture.py",
    "tests/unit/test_closeness.py",
    "tests/unit/test_families.py",
    "tests/unit/test_lens.py",
    "tests/unit/test_masked.py",
    "tests/unit/test_steps.py",
    "tests/unit/test_trace.py",
    "tests/unit/test_prefix_cache.py",
    "tests/model/test_lens.py",
)
SPREAD = ("-n", "logical", "--maxprocesses=4", "--dist=loadfile", "--no-loadscope-reorder")
PRODUCTS = {
    "low": {"ONEDNN_MAX_CPU_ISA": "SSE41", "MKL_CBWR": "COMPATIBLE"},
    "high": {"ONEDNN_MAX_CPU_ISA": "ALL", "MKL_CBWR": "AUTO"},
}


class Processor(NamedTuple):
    """A way to compute."""

    loops: str
    products: str
    threads: int

    def __str__(self) -> str:
        return f"{self.loops}/{self.products}/{self.threads}"

    @property
    def environment(self) -> dict[str, str]:
        loops = {"ATEN_CPU_CAPABILITY": self.loops, "OMP_NUM_THREADS": str(self.threads)}
        return {**os.environ, **PRODUCTS[self.products], **loops}


class Outcome(NamedTuple):
    """What came of one run."""

    passed: int
    skipped: int
    failed: list[str]
    code: int
    seconds: float


def processors() -> list[Processor]:
    """List all that this machine can stand for, the lowest first."""
    about = Path("/proc/cpuinfo")
    flags = about.read_text().split() if about.exists() else []
    loops = ["default", *(name for name in ("avx2", "avx512") if {name, f"{name}f"} & {*flags})]
    return [Processor(*one) for one in product(loops, PRODUCTS, (1, 2))]


def run(processor: Processor, paths: tuple[str, ...], spread: Sequence[str] = SPREAD) -> Outcome:
    """Run the tests in `paths` as `processor` would."""
    print(f"\n{processor}: loops, matrix products, threads", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        # The lowest takes several times as long: a model that is trained in a test, minutes.
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--timeout=1800"]
        done = subprocess.run(
            [*command, *spread, f"--junit-xml={report}", *paths],
            cwd=ROOT,
            env=processor.environment,
        )
        if not report.exists():
            return Outcome(0, 0, ["no test ran"], done.returncode, 0.0)
        suite = next(ElementTree.parse(report).iter("testsuite"))
    cases = list(suite.iter("testcase"))
    failed = [
        f"{case.get('classname')}::{case.get('name')}"
        for case in cases
        if case.find("failure") is not None or case.find("error") is not None
    ]
    skipped = sum(case.find("skipped") is not None for case in cases)
    passed = len(cases) - skipped - len(failed)
    return Outcome(passed, skipped, failed, done.returncode, float(suite.get("time", 0)))


def table(outcomes: dict[Processor, Outcome]) -> str:
    """Return a row for each processor, and the names of what failed."""
    lines = [f"{'loops':<9}{'products':<10}{'threads':>7}{'passed':>8}{'failed':>8}{'seconds':>9}"]
    for (loops, products, threads), one in outcomes.items():
        row = f"{loops:<9}{products:<10}{threads:>7}{one.passed:>8}{len(one.failed):>8}"
        lines.append(f"{row}{one.seconds:>9.0f}")
    failed = [f"{one}: {name}" for one, outcome in outcomes.items() for name in outcome.failed]
    return "\n".join([*lines, *failed])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.cpus", description=__doc__)
    parser.add_argument("paths", nargs="*", help="tests to run; by default unit, sweep and model")
    parser.add_argument("--numeric", action="store_true", help="only what compares most numbers")
    parser.add_argument("--lowest", action="store_true", help="only the lowest processor")
    parser.add_argument("--alone", action="store_true", help="in one process, beside others")
    parser.add_argument("--only", metavar="avx2/high/1", help="only this one")
    asked = parser.parse_args()
    chosen = [one for one in processors() if asked.only in (None, str(one))]
    if not chosen:
        parser.error(f"--only is one of {', '.join(map(str, processors()))}")
    paths = tuple(asked.paths) or (NUMERIC if asked.numeric else TIERS)
    spread = () if asked.alone else SPREAD
    outcomes = {one: run(one, paths, spread) for one in (chosen[:1] if asked.lowest else chosen)}
    print(f"\n{table(outcomes)}")
    return int(any(one.code for one in outcomes.values()))


if __name__ == "__main__":
    sys.exit(main())
