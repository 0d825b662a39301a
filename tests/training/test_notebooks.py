"""The notebooks that watch a model learn, run by a kernel: each checks its own result."""

from __future__ import annotations

import resource
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parents[2] / "notebooks" / "training"
pytestmark = pytest.mark.filterwarnings("ignore")  # of nbclient and what it imports


def run(name: str, folder: Path, shorten: tuple[str, str] | None = None) -> None:
    """Run all cells, where the notebook is, and write what a trainer leaves into `folder`."""
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", 4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = cell.source.replace('output_dir="out"', f"output_dir={str(folder)!r}")
    if shorten:
        cells = [cell for cell in notebook.cells if shorten[0] in cell.source]
        assert len(cells) == 1
        cells[0].source = cells[0].source.replace(*shorten)
    NotebookClient(
        notebook,
        timeout=600,
        kernel_name="python3",
        resources={"metadata": {"path": str(NOTEBOOKS)}},
    ).execute()


def cpu_seconds() -> float:
    """Return what processes that have ended, such as kernels, took."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_an_induction_head_is_born(tmp_path):
    run("induction", tmp_path, ("STEPS = 500", "STEPS = 320"))


@pytest.mark.whole
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb")))
def test_a_notebook_reaches_its_result(name, tmp_path):
    if name == "dates" and not find_spec("rouge_score"):
        pytest.skip("make training has it")
    start = perf_counter(), cpu_seconds()
    run(name, tmp_path)
    wall, cpu = perf_counter() - start[0], cpu_seconds() - start[1]
    print(f"{name}: {wall:.0f} s, of the processor {cpu:.0f} s")
