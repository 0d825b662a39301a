"""Titles and notes of what a figure shows, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmscope.export.figures.style import weight

if TYPE_CHECKING:
    from llmscope.state import ViewState


def plain(label: str) -> str:
    """Return a token's label as in a sentence: without the mark of the space before it."""
    return label[1:] if len(label) > 1 and label.startswith("·") else label


def title(now: ViewState) -> tuple[str, str]:
    """Return what attention is shown, and more about it."""
    name, more = _title(now)
    less = "A − B" if now.compared else "edited − untouched"
    return name, " · ".join(filter(None, (less * now.compares_matrices, more)))


def _title(now: ViewState) -> tuple[str, str]:
    how, where, _ = now.matrices[0]
    if how == "rollout":
        return "Rollout", f"through layers 0 to {now.layer}"
    if how in ("mean", "max"):
        return {"mean": "Mean", "max": "Maximum"}[how], f"of {len(where)} heads"
    if how == "difference":
        first, second = (f"{layer}·{head}" for layer, head in where)
        return f"{first} − {second}", "weights of the first head less those of the second"
    side = {"self": "", "encoder": "encoder", "cross": "decoder → encoder"}[now.kind]
    count, groups = now.trace.heads(now.layer, now.kind)
    group = f"KV group {now.head // (count // groups)}" if 1 < groups < count else ""
    return f"Layer {now.layer} · Head {now.head}", " · ".join(filter(None, (side, group)))


def whose(now: ViewState) -> str:
    """Return whose attention shades the text."""
    how, where, _ = now.shading
    if how == "head":
        layer, head = where[0]
        return f"in layer {layer}, head {head}"
    if how == "rollout":
        return f"by rollout to layer {where[0][0]}"
    return (
        "as the difference of two heads"
        if how == "difference"
        else f"as the {'maximum' if how == 'max' else how} of the pinned heads"
    )


def notes_of(now: ViewState) -> list[str]:
    """Return what isn't plain from the picture."""
    notes = []
    if now.compares_matrices:
        where = "in A" if now.compared else "under the edits"
        notes.append(f"Blue: more weight {where}; orange: less.")
    elif now.is_difference:
        of = "A" if now.compared else "the edited text"
        notes.append(f"{now.mode.capitalize()} are of {of}.")
    if now.hide_sink:
        notes.append("First token left out; the other weights of each row are renormalised.")
    elif now.mode == "arcs" and now.end > 0:
        notes.append("Arcs to the first token are paler than their weights.")
    if now.threshold > 0:
        notes.append(f"Weights below {weight(now.threshold)} are not drawn.")
    return notes
