"""Python's own numbers of what a fixture shows, stored beside it for the component tests."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from llmscope import Trace

FOLDER = Path(__file__).parents[2] / "llmscope" / "frontend" / "workshop" / "fixtures"
STEPS = ("query", "keys", "product", "bias", "weights", "output", "concat")
LARGEST = ("output", "concat", "contribution", "projected")  # told by their size alone
LENS = ("probs", "entropy", "ranks", "true_probs", "divergence")
CANDIDATES = 10  # that the next-token panel lists

Array = NDArray[Any]


class Numbers:
    """Arrays and facts by name, as the public interface of a trace returns them."""

    def __init__(self, arrays: dict[str, Array], facts: dict[str, Any]) -> None:
        self.arrays = arrays
        self.facts = facts

    @classmethod
    def load(cls, name: str) -> Numbers:
        """Read those of a fixture."""
        with np.load(FOLDER / f"{name}.npz") as stored:
            arrays = {key: stored[key] for key in stored.files}
        return cls(arrays, json.loads(str(arrays.pop("facts"))))

    def save(self, name: str) -> None:
        """Write them beside the fixture."""
        facts = np.array(json.dumps(self.facts, ensure_ascii=False))
        np.savez_compressed(FOLDER / f"{name}.npz", facts=facts, **self.arrays)

    # ── what is read in tests ────────────────────────────────────────────────────────────────

    @property
    def names(self) -> list[str]:
        """Labels of tokens as the panels print them: without the mark of a leading space."""
        return [printed(label) for label in self.facts["labels"]]

    @property
    def labels(self) -> list[str]:
        """Labels of the tokens of the text, or of the decoder's."""
        return list(self.facts["labels"])

    def attention(self, layer: int, head: int, kind: str = "self") -> Array:
        """Weights (queries, keys) of a head."""
        return self.arrays[f"attention/{kind}/{layer}"][head].astype(np.float64)

    def combined(self, how: str, heads: Sequence[tuple[int, int]]) -> Array:
        """What is made of heads (layer, head): the matrix (queries, keys)."""
        if how == "rollout":
            return self.arrays["rollout"]
        each = np.stack([self.attention(*head) for head in heads])
        made = {
            "none": lambda: each[0],
            "mean": lambda: each.mean(0),
            "max": lambda: each.max(0),
            "difference": lambda: each[0] - each[1],
        }
        return made[how]()

    def logits(self, position: int = -1) -> Array:
        """Logits (vocabulary,) after a token."""
        return self.arrays[f"logits/{position}"]

    def top(self, position: int) -> list[tuple[str, float]]:
        """The likeliest tokens after one, with their probabilities."""
        return [(text, prob) for text, prob in self.facts["top"][position]]

    def scores(self) -> dict[tuple[int, int], dict[str, float]]:
        """Head scores by (layer, head)."""
        return {(row["layer"], row["head"]): row for row in self.facts["scores"]}

    def steps(self, layer: int, head: int, query: int, kind: str = "self") -> SimpleNamespace:
        """The arithmetic of one query and head: arrays of `STEPS`, and its facts."""
        key = f"{kind}/{layer}/{head}/{query}"
        arrays = {name: self.arrays[f"steps/{key}/{name}"] for name in STEPS}
        largest = {name: self.facts["steps"][key][name] for name in LARGEST}
        facts = {name: self.facts["steps"][key][name] for name in ("scale", "projection")}
        features = [tuple(one) for one in self.facts["steps"][key]["features"]]
        return SimpleNamespace(**arrays, **facts, largest=largest, features=features)

    def lens(self, name: str, stream: str = "block") -> Array:
        """What a logit lens tells (layers, positions), the last layer first, as it is drawn."""
        return self.arrays[f"lens/{stream}/{name}"][::-1]

    def lens_words(self, stream: str = "block") -> list[list[str]]:
        """The likeliest token of each layer and position, the last layer first."""
        return list(self.facts["lens"][stream][::-1])


class Collector:
    """Reads a trace, and keeps what tests compare a page with."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.numbers = Numbers({}, {"labels": [token.label for token in trace.tokens]})

    def attention(self, kinds: tuple[str, ...] = ("self",)) -> Collector:
        """All heads of all layers."""
        for kind in kinds:
            for layer in self.trace.layers(kind):
                self.numbers.arrays[f"attention/{kind}/{layer}"] = self.trace.attention(
                    layer, kind=kind
                )
        return self

    def array(self, name: str, value: Any) -> Collector:
        """One array under a name of one's own."""
        self.numbers.arrays[name] = np.asarray(value)
        return self

    def fact(self, name: str, value: Any) -> Collector:
        """A JSON value under a name of one's own."""
        self.numbers.facts[name] = value
        return self

    def compared(self) -> Collector:
        """The difference that edits make."""
        from llmscope import Comparison
        from llmscope.text import labels

        trace, scope = self.trace, self.trace.scope
        comparison = Comparison(trace, trace.untouched)
        lens = comparison.lens()
        self.array("difference", comparison.attention(2, 1))
        self.array("divergence", lens.divergence)
        self.array("ids_a", lens.ids_a).array("ids_b", lens.ids_b)
        self.fact("words", labels(scope.tokenizer, range(scope.facts.vocabulary)))
        self.array("surprisal", comparison.surprisal[1:])
        self.fact("likeliest", float(trace.untouched.next_token().probs.max()))
        self.fact("moved", comparison.next_token.total_variation)
        return self.fact("perplexities", [trace.perplexity, trace.untouched.perplexity])

    def scores(self) -> Collector:
        """What each head does."""
        rows = self.trace.head_scores().to_dict("records")
        return self.fact("scores", json.loads(json.dumps(rows, default=float)))

    def logits(self, *positions: int) -> Collector:
        """Logits of the whole vocabulary after some tokens."""
        for position in positions:
            self.array(f"logits/{position}", self.trace.distribution(position).logits)
        return self

    def top(self) -> Collector:
        """The likeliest tokens after each token, and what each token of the text was given."""
        each = [self.trace.distribution(at).top(CANDIDATES) for at in range(len(self.trace))]
        self.fact("top", [[(one.text, float(one.prob)) for one in top] for top in each])
        self.fact("ids", [token.id for token in self.trace.tokens])
        return self.array("logprobs", self.trace.logprobs)

    def steps(self, *places: tuple[int, int, int], kind: str = "self") -> Collector:
        """How the weights of (layer, head, query) come about."""
        for layer, head, query in places:
            steps = self.trace.steps(layer, head, query, kind=kind)
            key = f"{kind}/{layer}/{head}/{query}"
            for name in STEPS:
                self.numbers.arrays[f"steps/{key}/{name}"] = getattr(steps, name)
            self.numbers.facts.setdefault("steps", {})[key] = {
                "scale": steps.scale,
                "projection": steps.projection,
                "features": [tuple(feature) for feature in steps.features],
                **{name: _size_and_largest(getattr(steps, name)) for name in LARGEST},
            }
        return self

    def lens(self, *streams: str) -> Collector:
        """What the model would say after each layer."""
        for stream in streams:
            read = self.trace.lens(stream=stream)
            for name in LENS:
                self.numbers.arrays[f"lens/{stream}/{name}"] = getattr(read, name)
            table = read.to_pandas().pivot(index="layer", columns="position", values="token")
            self.numbers.facts.setdefault("lens", {})[stream] = table.to_numpy().tolist()
        return self


def printed(label: str) -> str:
    """A label without the mark of a leading space."""
    return label[1:] if len(label) > 1 and label.startswith("·") else label


def _size_and_largest(vector: Array | None) -> tuple[int, float] | None:
    return None if vector is None else (len(vector), float(np.abs(vector).max()))
