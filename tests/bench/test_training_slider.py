"""The slider of steps: from a move to the painted frame, over a page with 200 kept steps.

All panels of the view follow it: the curve, the text, all heads, a matrix and the next token. A
page is what a view holds of steps that came ahead; `make bench` prints the table, and nothing here
asserts a time.
"""

from __future__ import annotations

from statistics import median, quantiles

from playwright.sync_api import sync_playwright

from llmscope import TrainingView
from tests.bench.table import show
from tests.page.chromium import launch
from tests.trained import of_sounds

STEPS = 200
# Each move waits until what it led to is painted.
DRAG = """async (host) => {
    const root = host.shadowRoot;
    const slider = root.querySelector(".step-slider input");
    const times = [];
    const painted = () => new Promise((done) => requestAnimationFrame(() => {
        const channel = new MessageChannel();
        channel.port1.onmessage = () => done(performance.now());
        channel.port2.postMessage(0);
    }));
    for (let move = 0; move < 2 * %(steps)d; move++) {
        await painted();
        const at = 1 - Math.abs(1 - move / %(steps)d);
        const before = root.querySelector(".at b").textContent;
        const start = performance.now();
        slider.value = at * Number(slider.max);
        slider.dispatchEvent(new Event("input", { bubbles: true }));
        const end = await painted();
        if (root.querySelector(".at b").textContent === before) continue;
        times.push(end - start);
        await painted();
        await painted();
    }
    return times;
}"""


def test_moving_the_slider_of_steps() -> None:
    watch = of_sounds(STEPS, 1)
    view = TrainingView(watch, step=0)
    html = view.to_html(max_mb=64).html
    view.close()
    with sync_playwright() as playwright:
        browser = launch(playwright)
        page = browser.new_page(viewport={"width": 1300, "height": 1400})
        page.set_content(html)
        page.locator(".step-slider").first.wait_for()
        page.wait_for_timeout(500)
        times = page.locator("main > div").evaluate(DRAG % {"steps": STEPS})
        browser.close()
    rows = [
        [
            "all panels",
            f"{median(times):.1f} ms",
            f"{quantiles(times, n=20)[18]:.1f} ms",
            str(len(times)),
        ]
    ]
    heads = ["", "median", "95th percentile", "moves"]
    show(f"A move of the slider to its painted frame, {STEPS + 1} kept steps", heads, rows)
