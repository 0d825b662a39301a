"""A training: the loss, the next token over steps, all heads at a step, and one head over steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.patches import Polygon, Rectangle

from llmscope.capture import NEVER
from llmscope.export.figures.page import Page, Panel
from llmscope.export.figures.style import (
    ATTENTION,
    BASE,
    BODY,
    FAINT,
    HAIR,
    HEADS,
    INK,
    LESS,
    SMALL,
    SOFT,
    TITLE,
    mix,
    percent,
    ramp,
)
from llmscope.export.figures.titles import plain
from llmscope.kernel import training_requests as ask
from llmscope.kernel.training import Focus, focus_of, known
from llmscope.shared import SCORES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from llmscope.kernel.requests import Part
    from llmscope.state import ViewState

_LEFT, _RIGHT = 30.0, 74.0  # points beside what runs over steps: for ticks, and for names
_LOSS, _STREAM = 74.0, 104.0
_HEAD = 20.0  # of a title
_AXIS = 16.0
_GAP = 14.0
_STACKED = 380.0  # points, below which heads stand one below the other
_CELL = 14.0  # the largest of a head
_PICTURE, _PICTURES = 44.0, 8  # of one head over steps
_NAMED = 8  # tokens with ribbons of their own
_BENDS = 8  # points of a ribbon from one step to the next
_RUNS = (INK, LESS)
# What is named by a head's greatest weight, with its colour and letter, as in the view.
_HABITS = {
    "previous": (HEADS[0], "p", "previous token"),
    "first": (HEADS[4], "f", "first token"),
    "self": (HEADS[2], "s", "same token"),
    "induction": (HEADS[1], "r", "repeats"),
    "local": (HEADS[5], "n", "nearby"),
    "entropy": (FAINT, "o", "spread out"),
}
_LEAST_HABIT = 0.25


def training(page: Page, now: ViewState, room: float, _wide: bool) -> Panel:
    """Draw what a `TrainingView` shows into `room` points."""
    told = known(now.answers)
    focus = focus_of(told, now.traits)
    if focus is None:
        raise ValueError("No step is kept yet: there is nothing to draw.")
    run = told["runs"][focus.run]
    steps = _Steps(told, room)
    parts = [_loss(page, told, focus, steps, room)]
    if focus.position is not None:
        parts.append(_stream(page, now, run, focus, steps, room))
    if focus.kind is not None:
        is_beside = room >= _STACKED
        half = (room - 2 * _GAP) / 2 if is_beside else room
        both = [_heads(page, now, focus, half), _head(page, now, focus, half)]
        if is_beside:
            left, right = both
            height = max(left.height, right.height)

            def draw_both(x: float, y: float) -> None:
                left.draw(x, y)
                right.draw(x + room - half, y)

            both = [Panel(room, height, draw_both)]
        parts += both
    down = sum(part.height for part in parts) + _GAP * (len(parts) - 1)

    def draw(x: float, y: float) -> None:
        for part in parts:
            part.draw(x, y)
            y += part.height + _GAP

    return Panel(room, down, draw)


def habits(scores: NDArray[np.float32]) -> NDArray[np.str_]:
    """Return what each head (layers, heads) does most, of scores (scores, layers, heads).

    Nearby tokens but the one just before count as nearby; a head without a habit that has a
    quarter of its weight is spread out; "" for a head without scores.
    """
    of = dict(zip(SCORES, scores, strict=True))
    names = ["previous", "first", "self", "induction", "local"]
    shares = np.stack([of[name] for name in names])
    shares[-1] -= np.nan_to_num(of["previous"])
    filled = np.nan_to_num(shares, nan=-np.inf)
    found = np.array(names)[filled.argmax(0)]
    most = filled.max(0)
    found = np.where(most >= _LEAST_HABIT, found, "entropy")
    unknown = np.isnan(shares).all(0) & np.isnan(of["entropy"])
    return np.where(unknown, "", found)


# ── over steps ───────────────────────────────────────────────────────────────────────────────────


class _Steps:
    """Where steps are, in points from the left."""

    def __init__(self, told: Part, room: float) -> None:
        every = np.concatenate(
            [one for run in told["runs"] for one in (run["steps"], run["log"]["step"])]
        )
        self.low, self.high = int(every.min()), max(int(every.max()), int(every.min()) + 1)
        self.right = room - _RIGHT

    def at(self, step: Any) -> NDArray[np.float64]:
        """Return the places of steps."""
        share = (np.asarray(step, dtype=float) - self.low) / (self.high - self.low)
        return _LEFT + share * (self.right - _LEFT)

    def write(self, page: Page, sheet: Axes, base: float) -> None:
        """Write round steps below an axis."""
        for tick in _round(self.low, self.high):
            x = float(self.at(tick))
            page.write(sheet, x, base + 8, f"{tick:,.0f}", SMALL, SOFT, align="center")

    def mark(self, page: Page, sheet: Axes, step: int, top: float, base: float) -> None:
        """Mark the step in focus."""
        x = float(self.at(step))
        sheet.plot([x, x], [top, base], color=ATTENTION, lw=0.8, gid="step")


def _loss(page: Page, told: Part, focus: Focus, steps: _Steps, room: float) -> Panel:
    """Draw the loss of all runs, with the step in focus."""
    runs = told["runs"]
    lines = []
    for number, run in enumerate(runs):
        for name, dashes in (("loss", "-"), ("eval_loss", "--")):
            column = run["log"].get(name, np.zeros(0))
            there = np.isfinite(column)
            if there.any():
                lines.append((number, name, dashes, run["log"]["step"][there], column[there]))
    values = np.concatenate([line[4] for line in lines] or [np.zeros(1)])
    low, high = min(0.0, float(values.min())), max(float(values.max()), 1e-9)
    top, base = _HEAD, _HEAD + _LOSS

    def up(value: Any) -> Any:
        return base - (np.asarray(value) - low) / (high - low) * _LOSS

    def draw(x: float, y: float) -> None:
        sheet = page.sheet(x, y, room, base + _AXIS)
        name = page.fit(f"Training of {runs[focus.run]['name']}", 0.6 * room, TITLE, bold=True)
        page.write(sheet, 0, 6, name, TITLE, INK, bold=True)
        page.write(sheet, room, 6, f"step {focus.step:,}", BODY, ATTENTION, align="right")
        for tick in _round(low, high):
            sheet.plot([_LEFT, steps.right], [up(tick)] * 2, color=HAIR, lw=0.4)
            page.write(sheet, _LEFT - 4, float(up(tick)), f"{tick:.4g}", SMALL, SOFT, align="right")
        steps.write(page, sheet, base)
        taken: list[float] = []
        for number, named, dashes, places, column in lines:
            ink = _RUNS[number]
            drawn = sheet.plot(steps.at(places), up(column), dashes, color=ink, lw=1.0)
            drawn[0].set_gid(f"{named} {number}")
            whose = "" if len(runs) == 1 else f" of {runs[number]['name']}"
            said = f"{'loss' if named == 'loss' else 'held-out loss'}{whose} {column[-1]:.3g}"
            at = float(up(column[-1]))
            while any(abs(at - other) < 8 for other in taken):
                at -= 4
            taken.append(at)
            fitted = page.fit(said, _RIGHT - 6, SMALL)
            page.write(sheet, float(steps.at(places[-1])) + 5, at, fitted, SMALL, ink)
        steps.mark(page, sheet, focus.step, top, base)

    return Panel(room, base + _AXIS, draw)


def _stream(
    page: Page, now: ViewState, run: Part, focus: Focus, steps: _Steps, room: float
) -> Panel:
    """Draw the next token as ribbons: as wide as each is likely, the likelier above."""
    request = ask.TrainingAcross(focus.run, focus.probe, focus.position or 0)
    (across,) = now.answers[ask.TrainingAcross](request, NEVER)
    probs = np.nan_to_num(across["probs"].astype(float))  # (steps, tokens)
    order = np.argsort(-probs, axis=1, kind="stable")
    sorted_ = np.take_along_axis(probs, order, 1)
    above = np.empty_like(probs)
    np.put_along_axis(above, order, np.cumsum(sorted_, 1) - sorted_, 1)
    top, base = _HEAD, _HEAD + _STREAM
    row = across["steps"].tolist().index(focus.step)
    token = run["probes"][focus.probe]["tokens"][focus.position or 0]

    def draw(x: float, y: float) -> None:
        sheet = page.sheet(x, y, room, base + _AXIS)
        page.write(sheet, 0, 6, f"Next token after “{plain(token)}”", TITLE, INK, bold=True)
        for share in (0.0, 0.5, 1.0):
            at = top + share * _STREAM
            page.write(sheet, _LEFT - 4, at, f"{share * 100:.0f} %", SMALL, SOFT, align="right")
        sheet.add_patch(Rectangle((_LEFT, top), steps.right - _LEFT, _STREAM, fc=HAIR, alpha=0.25))
        places = steps.at(across["steps"])
        for number in reversed(range(probs.shape[1])):
            ink = HEADS[number] if number < _NAMED else BASE
            edge = _bent(places, above[:, number], probs[:, number])
            shape = Polygon(
                edge * np.array([1, _STREAM]) + np.array([0, top]),
                fc=mix(ink, 0.5),
                ec="white",
                lw=0.3,
                gid=f"ribbon {across['labels'][number]}",
            )
            sheet.add_patch(shape)
        steps.write(page, sheet, base)
        steps.mark(page, sheet, focus.step, top, base)
        # At the right, what is likely at the step in focus.
        at = top + 4
        for number in order[row][:_NAMED]:
            if probs[row, number] < 0.005 or at > base:
                break
            ink = HEADS[number] if number < _NAMED else SOFT
            left = steps.right + 5
            shown = percent(probs[row, number])
            width = page.measure(shown, SMALL)
            name = page.fit(plain(across["labels"][number]), room - left - width - 6, BODY)
            page.write(sheet, left, at, name, BODY, ink)
            page.write(sheet, room, at, shown, SMALL, SOFT, align="right")
            at += 11

    return Panel(room, base + _AXIS, draw)


def _bent(
    places: NDArray[np.float64], above: NDArray[np.float64], probs: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the outline (points, 2) of a ribbon: level at each step, and a bend between two."""
    if len(places) == 1:
        places, above, probs = (np.repeat(one, 2) for one in (places, above, probs))
        places = places + np.array([-2.0, 2.0])
    share = np.linspace(0, 1, _BENDS + 1)
    eased = share * share * (3 - 2 * share)

    def through(values: NDArray[np.float64], ease: NDArray[np.float64]) -> NDArray[np.float64]:
        between = values[:-1, None] + np.diff(values)[:, None] * ease[None, :-1]
        return np.append(between.ravel(), values[-1])

    x = through(places, share)
    upper, lower = through(above, eased), through(above + probs, eased)
    return np.concatenate([np.stack([x, upper], 1), np.stack([x, lower], 1)[::-1]])


# ── heads ────────────────────────────────────────────────────────────────────────────────────────


def _heads(page: Page, now: ViewState, focus: Focus, room: float) -> Panel:
    """Draw all heads at the step: coloured by what they became, as strong as that is now."""
    assert focus.kind is not None
    request = ask.TrainingHeads(focus.run, focus.probe, focus.kind)
    (told,) = now.answers[ask.TrainingHeads](request, NEVER)
    became = habits(told["scores"][-1])
    scores = told["scores"][told["steps"].tolist().index(focus.step)]
    layers, heads = became.shape
    cell = min(_CELL, (room - 22) / heads)
    names = [name for name in _HABITS if (became == name).any()]
    lines = page.wrap(
        "Colour and letter: what a head does at the last step. Strength: that score now.",
        room,
        SMALL,
    )
    grid = _HEAD + 10
    down = grid + cell * layers + 8 + 11 * len(names) + 10 * len(lines)

    def draw(x: float, y: float) -> None:
        sheet = page.sheet(x, y, room, down)
        page.write(sheet, 0, 6, f"Heads at step {focus.step:,}", TITLE, INK, bold=True)
        for layer in range(layers):
            middle = grid + cell * (layer + 0.5)
            if layer % max(1, int(9 / cell)) == 0:
                page.write(sheet, 16, middle, str(layer), SMALL, SOFT, align="right")
            for head in range(heads):
                name = str(became[layer, head])
                if not name:
                    continue
                ink, letter, _ = _HABITS[name]
                score = float(np.nan_to_num(scores[SCORES.index(name), layer, head]))
                left = 22 + cell * head
                size = 0.94 * cell
                where = (left, grid + cell * layer)
                ground = mix(ink, min(1.0, max(0.0, score)))
                sheet.add_patch(Rectangle(where, size, size, fc=ground, ec=HAIR, lw=0.3, gid=name))
                if cell >= 9:
                    said = "white" if score > 0.55 else ink
                    middle_of = left + size / 2
                    page.write(sheet, middle_of, middle, letter, SMALL, said, True, "center")
        if now.layer < layers and now.head < heads:
            where = (22 + cell * now.head, grid + cell * now.layer)
            size = 0.94 * cell
            sheet.add_patch(Rectangle(where, size, size, fc="none", ec=INK, lw=1.0))
        for head in range(heads):
            if head % max(1, int(12 / cell)) == 0:
                middle = 22 + cell * (head + 0.47)
                page.write(sheet, middle, grid - 6, str(head), SMALL, SOFT, align="center")
        at = grid + cell * layers + 10
        for name in names:
            ink, letter, said = _HABITS[name]
            page.write(sheet, 22, at, letter, SMALL, ink, bold=True)
            count = int((became == name).sum())
            page.write(sheet, 32, at, f"{said}: {count:,}", SMALL, INK)
            at += 11
        for line in lines:
            page.write(sheet, 0, at, line, SMALL, SOFT)
            at += 10

    return Panel(room, down, draw)


def _head(page: Page, now: ViewState, focus: Focus, room: float) -> Panel:
    """Draw the head in focus at some of the steps."""
    assert focus.kind is not None
    request = ask.TrainingHead(focus.run, focus.probe, focus.kind, now.layer, now.head)
    (told,) = now.answers[ask.TrainingHead](request, NEVER)
    count = len(told["steps"])
    chosen = np.unique(np.linspace(0, count - 1, min(_PICTURES, count)).round().astype(int))
    rows, keys = told["shades"].shape[1:]
    columns = max(1, min(len(chosen), int((room + 6) // (_PICTURE + 6))))
    high = _PICTURE * rows / keys
    each = high + 16
    side = {"self": "", "encoder": " · encoder", "cross": " · decoder → encoder"}[focus.kind]
    down = _HEAD + each * -(-len(chosen) // columns) + 10

    def draw(x: float, y: float) -> None:
        sheet = page.sheet(x, y, room, down)
        name = f"Layer {now.layer} · Head {now.head}{side}, over steps"
        page.write(sheet, 0, 6, page.fit(name, room, TITLE, bold=True), TITLE, INK, bold=True)
        for place, at in enumerate(chosen):
            left = (_PICTURE + 6) * (place % columns)
            top = _HEAD + each * (place // columns)
            axes = page.axes(x + left, y + top, _PICTURE, high)
            shades = told["shades"][at] / 255  # the root of each weight
            image = axes.imshow(
                shades, cmap=ramp(), vmin=0, vmax=1, aspect="auto", interpolation="none"
            )
            image.set_gid(f"head {told['steps'][at]}")
            said = f"{told['steps'][at]:,}"
            middle = left + _PICTURE / 2
            page.write(sheet, middle, top + high + 7, said, SMALL, SOFT, align="center")
        page.write(sheet, 0, down - 4, "√ scale", SMALL, SOFT)

    return Panel(room, down, draw)


def _round(low: float, high: float) -> list[float]:
    """Return a few round numbers between two, and these where they are round."""
    power = 10.0 ** np.floor(np.log10((high - low) / 4))
    step = next(power * one for one in (1, 2, 2.5, 5, 10) if (high - low) / (power * one) <= 5.01)
    if high - low > 4:
        step = max(1.0, float(round(step)))
    first = int(np.ceil(low / step - 1e-9))
    return [number * step for number in range(first, int(np.floor(high / step + 1e-9)) + 1)]
