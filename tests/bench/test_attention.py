"""Looking at attention: what it costs to record, to send and to draw, beside those who show it.

``make bench`` prints the tables, and nothing here asserts a time. From the environment:
``BENCH_TOKENS`` (lengths, as 16,64), ``BENCH_VIEWERS`` (names, in part) and ``BENCH_MEMORY_GB``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import nbformat
import psutil
import pytest

from tests.bench.chrome import Chrome, Page
from tests.bench.peers import PAGE, ROOT, VIEWERS, Viewer, fetch
from tests.bench.table import kb, ms, show
from tests.bench.watch import Watch
from tests.browser.lab import Lab
from tests.browser.notebook import Notebook

TOKENS = [int(t) for t in os.environ.get("BENCH_TOKENS", "16,64,128,256,512,1024,4096").split(",")]
NAMES = os.environ.get("BENCH_VIEWERS", "").split(",")
CAP = int(
    1e9 * float(os.environ.get("BENCH_MEMORY_GB", min(12, psutil.virtual_memory().total / 2e9)))
)
PATIENCE = 120  # seconds that a view has for its first picture
GESTURES = 40  # of each kind, or as many as fit into
GESTURE_SECONDS = 20

pytestmark = pytest.mark.timeout(0)


def size(count: float) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"


def say(text: str) -> None:
    """Tell how far the run is: it takes long."""
    print(f"  {time.strftime('%H:%M:%S')} {text}", flush=True)


# ── the forward pass ────────────────────────────────────────────────────────────────────────────


def in_a_process(what: str, ways: str, tokens: int) -> Any:
    """Run `passes` in a process of its own; None where it takes more memory than the cap."""
    command = [sys.executable, "-m", "tests.bench.passes", what, ways, str(tokens)]
    with (
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process,
        Watch(CAP, {"process": process.pid}) as watch,
    ):
        printed, _ = process.communicate()
    if watch.exceeded:
        return None
    assert process.returncode == 0
    return json.loads(printed.splitlines()[-1])


# As `passes.work` calls them, and as the table does.
WAYS = {
    "body": "body",
    "capture": "body, recorded",
    "row": "+ row of logits",
    "trace": "trace, cache off",
    "warm": "trace",
    "eager": "eager",
}
RATIOS = [("capture", "body"), ("trace", "row"), ("warm", "body"), ("eager", "trace")]


def test_the_forward_pass():
    times, peaks = [], []
    over = f"over {size(CAP)}"
    for tokens in TOKENS:
        peak = {way: in_a_process("memory", way, tokens) for way in WAYS}
        able = [way for way in WAYS if peak[way] is not None]
        took = dict(zip(able, in_a_process("seconds", ",".join(able), tokens), strict=True))
        ratios = [f"{took[a] / took[b]:.2f} ×" if a in took else "" for a, b in RATIOS]
        times.append([f"{tokens:,}", *(ms(took[w]) if w in able else over for w in WAYS), *ratios])
        peaks.append([f"{tokens:,}", *(size(peak[w]) if w in able else over for w in WAYS)])
        say(f"{' '.join(times[-1])}; {' '.join(peaks[-1][1:])}")
    ratio_heads = [f"{WAYS[a]} : {WAYS[b]}" for a, b in RATIOS]
    title = "One forward pass: the body, the same recorded, ours, output_attentions; in turns"
    show(title, ["tokens", *WAYS.values(), *ratio_heads], times)
    title = "Memory that it takes at its peak, beyond the loaded model; a process each"
    show(title, ["tokens", *WAYS.values()], peaks)


# ── in JupyterLab ───────────────────────────────────────────────────────────────────────────────


@dataclass
class Visit:
    """What came of showing one text in one view."""

    problem: str = ""
    first: dict[str, float] = field(default_factory=dict)  # ms, bytes
    whole: dict[str, float] = field(default_factory=dict)
    grown: dict[str, int] = field(default_factory=lambda: {"kernel": 0, "page": 0})
    latencies: dict[str, list[float]] = field(default_factory=dict)
    lost: dict[str, int] = field(default_factory=dict)


def visit(viewer: Viewer, tokens: int, scripts: dict[str, bytes], home: Path) -> Visit:
    """Show a text in a fresh browser, page and kernel, and do what a person does there."""
    found = Visit()
    with ExitStack() as stack:
        lab = stack.enter_context(Lab(home / "lab"))
        chrome = stack.enter_context(Chrome(home / "chrome"))
        assert lab._process is not None
        watch = stack.enter_context(Watch(CAP, {"kernel": lab._process.pid, "page": chrome.pid}))
        try:
            look(
                viewer, tokens, found, open_notebook(lab, chrome.page, viewer.cell, scripts), watch
            )
        except Exception as error:
            found.problem = f"over {size(CAP)}" if watch.exceeded else words(error)
        found.grown = watch.grown()
        if found.problem:
            watch.kill()  # a kernel that is lost in its work outlives its server
    return found


def look(viewer: Viewer, tokens: int, found: Visit, notebook: Notebook, watch: Watch) -> None:
    page = notebook.page
    notebook.execute(viewer.setup_of(tokens))
    watch.begin()
    start(notebook, viewer.name)
    try:
        found.first = page.evaluate("() => bench.first", timeout=PATIENCE)
    except TimeoutError:
        raise RuntimeError(f"not within {PATIENCE} s") from None
    found.whole = page.evaluate("() => bench.whole", timeout=PATIENCE)
    for gesture in page.evaluate("() => Object.keys(bench.view.gestures)"):
        found.latencies[gesture] = []
        found.lost[gesture] = 0
        repeat(gesture, page, found)


def words(error: Exception) -> str:
    said = str(error).splitlines()[0] if str(error) else ""
    return said[:80] if type(error) is RuntimeError else f"{type(error).__name__}: {said[:60]}"


def open_notebook(lab: Lab, page: Page, cell: str, scripts: dict[str, bytes]) -> Notebook:
    """Open a notebook of one cell, with the benchmark's scripts in its page."""
    lab.configure(
        {
            "@jupyterlab/apputils-extension:notification": {
                "fetchNews": "false",
                "checkForUpdates": False,
            }
        }
    )
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    document = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell)], metadata={"kernelspec": kernel}
    )
    path = lab.notebooks / "bench.ipynb"
    nbformat.write(document, path)
    for script in PAGE:
        page.begin_with(script.read_text())
    page.serve(scripts)
    page.goto(f"{lab.url}/doc/tree/{path.name}?reset&token={lab.token}")
    notebook = Notebook(lab, page, path)  # type: ignore[arg-type]
    notebook.wait_idle()
    page.wait_for_function("() => !document.querySelector('#jupyterlab-splash')")
    return notebook


def start(notebook: Notebook, name: str) -> None:
    """Run the cell, and start the clock."""
    notebook.evaluate(
        """
        notebook.deselectAll();
        notebook.activeCellIndex = 0;
        bench.start(argument);
        void window.jupyterapp.commands.execute("notebook:run-cell");
        """,
        name,
    )


def repeat(gesture: str, page: Page, found: Visit) -> None:
    """Make a gesture again and again, each time from where the mouse points at nothing."""
    end = time.monotonic() + GESTURE_SECONDS
    for count in range(GESTURES):
        if found.lost[gesture] == 3 or (time.monotonic() > end and count >= 3):
            return
        asked = [gesture, count]
        page.mouse(3, 3)
        aim = page.evaluate("asked => bench.aim(...asked)", asked)
        page.wait_for_timeout(100)
        page.evaluate("asked => bench.arm(...asked)", asked)
        if "x" in aim:
            page.mouse(aim["x"], aim["y"], click=aim["click"])
        elif "key" in aim:
            page.press(aim["key"])
        try:
            found.latencies[gesture].append(page.evaluate("() => bench.result", timeout=30))
        except TimeoutError:
            found.lost[gesture] += 1


def test_in_jupyterlab(tmp_path: Path):
    viewers = [viewer for viewer in VIEWERS if any(name in viewer.name for name in NAMES)]
    scripts = fetch()
    gone: dict[str, str] = {}
    pictures, latencies = [], []
    for tokens in TOKENS:
        for viewer in viewers:
            if viewer.name in gone:
                pictures.append([f"{tokens:,}", viewer.name, "", gone[viewer.name], "", "", ""])
                continue
            try:
                found = visit(viewer, tokens, scripts, tmp_path / f"{viewer.name}-{tokens}")
            except Exception as error:  # no server, no browser: the others may have more luck
                found = Visit(problem=words(error))
            if found.problem:
                gone[viewer.name] = "not tried"
            pictures.append(picture_row(tokens, viewer, found))
            latencies += latency_rows(tokens, viewer, found)
            say(" | ".join(pictures[-1]))
            for row in latency_rows(tokens, viewer, found):
                say(" | ".join(row))
    heads = [
        "tokens",
        "view",
        "to the page",
        "first picture",
        "all heads",
        "kernel and server",
        "browser",
    ]
    title = "Attention in JupyterLab, from running the cell; the forward pass is done before"
    show(f"{title}; at most {size(CAP)} and {PATIENCE} s", heads, pictures)
    heads = ["tokens", "view", "gesture", "median", "95th percentile", "times"]
    show("From the event to the painted answer", heads, latencies)
    assert "llmscope" not in gone


def picture_row(tokens: int, viewer: Viewer, found: Visit) -> list[str]:
    sent = found.whole or found.first
    first = ms(found.first["ms"] / 1000) if found.first else ""
    return [
        f"{tokens:,}",
        viewer.name,
        kb(int(sent["bytes"])) if sent else "",
        ", then ".join(filter(None, [first, found.problem])),
        ms(found.whole["ms"] / 1000) if found.whole and viewer.all_heads else "",
        *(f"+{size(grown)}" for grown in found.grown.values()),
    ]


def latency_rows(tokens: int, viewer: Viewer, found: Visit) -> list[list[str]]:
    rows = []
    for gesture, times in found.latencies.items():
        middle = high = "–"
        if len(times) > 1:
            middle = f"{median(times):.1f} ms"
            high = f"{quantiles(times, n=20, method='inclusive')[18]:.1f} ms"
        lost = f", {found.lost[gesture]} lost" if found.lost[gesture] else ""
        rows.append([f"{tokens:,}", viewer.name, gesture, middle, high, f"{len(times)}{lost}"])
    return rows
