"""One slider, dragged the same way on our panel and on what a user writes today.

The peer is `ipywidgets.interact` with transformers' warpers and a matplotlib bar chart. Both stand
in one notebook, in one run; `make bench` prints the table, and nothing here asserts a time.
"""

from __future__ import annotations

import time
from statistics import median, quantiles

import pytest
from playwright.sync_api import sync_playwright

from tests.bench.table import kb, show
from tests.browser.lab import Lab
from tests.page.chromium import Guard, launch

SETUP = """
import logging
import matplotlib.pyplot as plt
import torch, transformers, ipywidgets, llmscope
%matplotlib inline
scope = llmscope.load()
if VOCABULARY != scope.facts.vocabulary:
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=VOCABULARY, hidden_size=32, intermediate_size=32, num_hidden_layers=1,
        num_attention_heads=2, max_position_embeddings=64)
    model = transformers.LlamaForCausalLM(config).eval()
    model.lm_head.weight.data.mul_(60)
    scope = llmscope.Scope(model, scope.tokenizer, name="random")
trace = scope.trace("The cat sat on the mat because the cat was very")
"""
OURS = "llmscope.NextTokenView(trace, top_k=50, top_p=0.9)"
PEER = """
logits = torch.from_numpy(trace.logits_at(-1))[None]
def draw(temperature=1.0):
    scores = transformers.TemperatureLogitsWarper(temperature)(None, logits)
    scores = transformers.TopKLogitsWarper(50)(None, scores)
    scores = transformers.TopPLogitsWarper(0.9)(None, scores)
    top = scores.softmax(-1)[0].topk(10)
    plt.figure(figsize=(5, 3))
    plt.barh([scope.tokenizer.decode([i]) for i in top.indices], top.values)
    plt.gca().invert_yaxis()
    plt.show()
    print(f"T={temperature:.2f}")
ipywidgets.interact(draw, temperature=ipywidgets.FloatSlider(value=1, min=0.02, max=2, step=0.01));
"""

# When which value was asked for, and when a picture of which value was painted.
WATCH = """
([readout, panel, pattern]) => {
    const log = { asked: [], painted: [] };
    const value = (text) => (text.match(new RegExp(pattern)) ?? [])[1];
    let moved = 0, last = null, waiting = false;
    // When the page hears of it: browsers hand moves out once a frame, to either side alike.
    addEventListener("pointermove", () => (moved = performance.now()), true);
    new MutationObserver(() => log.asked.push([Number(readout.textContent), moved]))
        .observe(readout, { childList: true, characterData: true, subtree: true });
    new MutationObserver(() => {
        if (waiting) return;
        waiting = true;
        requestAnimationFrame(() => {
            const channel = new MessageChannel();
            const text = value(panel.textContent);
            channel.port1.onmessage = () => {
                waiting = false;
                if (text && text !== last) log.painted.push([Number(text), performance.now()]);
                last = text ?? last;
            };
            channel.port2.postMessage(0);
        });
    }).observe(panel, { childList: true, characterData: true, subtree: true, attributes: true });
    window.benchLog = log;
}
"""
PRINTED_BY_US = r"temperature([\d.]+)"
DRAG_SECONDS = 3.0


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory):
    home = tmp_path_factory.mktemp("lab")
    with Lab(home) as lab, sync_playwright() as playwright:
        browser = launch(playwright)
        context = browser.new_context(viewport={"width": 1100, "height": 1000})
        Guard().watch(context)
        yield lab, context
        browser.close()


def watch(page, readout, panel, printed: str) -> None:
    """Log when the read-out of a slider and the picture beside it change."""
    page.evaluate(WATCH, [readout.element_handle(), panel.element_handle(), printed])


def drag(page, handle) -> float:
    """Move the mouse along a slider there and back, sixty times a second."""
    box = handle.bounding_box()
    y = box["y"] + box["height"] / 2
    left, right = box["x"] + 12, box["x"] + box["width"] - 12
    page.mouse.move((left + right) / 2, y)
    page.mouse.down()
    start = time.perf_counter()
    steps = int(60 * DRAG_SECONDS)
    for step in range(steps):
        share = 1 - abs(2 * step / steps - 1)
        page.mouse.move(left + (right - left) * share, y)
        time.sleep(max(0.0, start + (step + 1) / 60 - time.perf_counter()))
    page.mouse.up()
    return time.perf_counter() - start


def summary(log) -> list[str]:
    """Latency of each picture from when its value was asked for; values that got none."""
    asked = [(round(value, 2), at) for value, at in log["asked"]]
    latencies, cursor, seen = [], 0, set()
    for value, at in ((round(v, 2), at) for v, at in log["painted"]):
        for index in range(cursor, len(asked)):
            if asked[index][0] == value and asked[index][1] <= at:
                latencies.append(at - asked[index][1])
                cursor = index + 1
                seen.add(index)
                break
    lost = len(asked) - len(seen)
    return [
        f"{median(latencies):.1f} ms",
        f"{quantiles(latencies, n=20)[18]:.1f} ms",
        f"{len(latencies)}",
        f"{lost} of {len(asked)}",
        "yes" if asked[-1][0] == round(log["painted"][-1][0], 2) else "no",
    ]


@pytest.mark.parametrize("vocabulary", [49_152, 151_936])
def test_dragging_a_slider(context, vocabulary):
    lab, browser = context
    cells = [SETUP.replace("VOCABULARY", str(vocabulary)), OURS, PEER]
    notebook = lab.open(browser, cells)
    page = notebook.page
    received = [0]
    page.on("websocket", lambda ws: None)
    notebook.run(0)
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.on(
        "Network.webSocketFrameReceived",
        lambda event: received.__setitem__(0, received[0] + len(event["response"]["payloadData"])),
    )
    notebook.run(1)
    page.locator(".llmscope .bars li").first.wait_for()
    page.wait_for_timeout(1000)
    wire = received[0]
    rows = []
    watch(page, page.locator(".slider output").first, page.locator(".llmscope"), PRINTED_BY_US)
    handle = page.get_by_label("temperature")
    handle.scroll_into_view_if_needed()
    drag(page, handle)
    page.wait_for_timeout(1500)
    rows.append(["llmscope", *summary(page.evaluate("window.benchLog"))])
    notebook.run(2)
    page.locator(".widget-interact img, .widget-interact .jp-OutputArea img").first.wait_for()
    peer = page.locator(".widget-interact").first
    watch(page, peer.locator(".widget-readout"), peer, r"T=([\d.]+)")
    handle = page.locator(".widget-interact .noUi-target, .widget-interact .slider").first
    handle.scroll_into_view_if_needed()
    drag(page, handle)
    page.wait_for_timeout(6000)
    rows.append(["interact, warpers, matplotlib", *summary(page.evaluate("window.benchLog"))])
    notebook.close()
    ratio = float(rows[1][1].split()[0]) / float(rows[0][1].split()[0])
    title = (
        f"Dragging temperature for {DRAG_SECONDS:.0f} s at V = {vocabulary:,}: "
        f"{ratio:.1f} × at the median; {kb(wire)} over the wire (base64) for the prompt"
    )
    heads = ["", "median", "95th percentile", "pictures", "values without one", "last value shown"]
    show(title, heads, rows)


BESIDE = """
other = "The cat sat on the mat because the dog was very"
llmscope.compare(scope, scope, trace.text, other_text=other, top_k=50, top_p=0.9)
"""


def test_dragging_a_slider_of_two(context):
    """One slider over one text, and over two of them side by side, in one run."""
    lab, browser = context
    setup = SETUP.replace("VOCABULARY", "scope.facts.vocabulary")
    notebook = lab.open(browser, [setup, OURS, BESIDE])
    page = notebook.page
    notebook.run(0)
    rows = []
    for cell, name in ((1, "one text"), (2, "two texts: bars of both, KL both ways")):
        notebook.run(cell)
        root = notebook.output(cell)
        root.locator(".bars li").nth(9).wait_for()
        page.wait_for_timeout(4000)
        panel = root.get_by_role("region", name="Next token")
        watch(page, panel.locator(".slider output").first, panel, PRINTED_BY_US)
        handle = panel.get_by_label("temperature")
        handle.scroll_into_view_if_needed()
        drag(page, handle)
        page.wait_for_timeout(1500)
        rows.append([name, *summary(page.evaluate("window.benchLog"))])
    notebook.close()
    title = f"Dragging temperature for {DRAG_SECONDS:.0f} s at V = 49,152, and 49,152 × 2"
    heads = ["", "median", "95th percentile", "pictures", "values without one", "last value shown"]
    show(title, heads, rows)
