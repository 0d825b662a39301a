"""The fixture of an evaluation: two models that read texts, one that masks, and one that fails."""

from __future__ import annotations

from typing import Any

from llmscope.evaluation import Run
from llmscope.evaluation.evaluation import Value
from llmscope.evaluation.scoring import score
from llmscope.evaluation.tasks import Item, TaskScore
from llmscope.scope import Scope
from llmscope.views import EvaluationView
from tests import tiny
from tests.components.fixtures import Made, fixture, small
from tests.components.numbers import Numbers

TEXTS = {
    "en": [tiny.TEXT, "A tiny model reads this.", "<script>alert(1)</script> & <b>bold</b>\tnow"],
    "zh": ["日本語 你好世界", "👩‍👩‍👧 naïve café"],
}
ITEMS = [
    ("The capital of France is", " Paris", [" Paris", " Rome"]),
    ("Bees make", " honey", [" honey", " honey"]),
    ("A week has seven", " days", [" years", " hours"]),
]


class Still(Run):
    """Measures what is the same each time; speeds, which aren't, are made up."""

    def _measure(self, model: Any, given: Any) -> None:
        if not isinstance(given, Scope):
            model.state, model.error = "failed", "There is no file or folder ./gone."
            return
        number = list(self._models).index(model.name)
        model.family, model.state = given.facts.family, "done"
        model.scores = [score(given, text.text) for text in self.evaluation.texts]
        speed = 1000.0 * (number + 1)
        model.measured = {
            "parameters": Value(40_000 + 1_000 * number),
            "memory_bytes": Value(160_000 + 4_000 * number),
            "read_tokens_per_second": Value(speed, 0.9 * speed, 1.2 * speed),
        }
        if model.family == "masked":
            model.measured |= {
                name: Value(why="It predicts masked tokens, not the next one.")
                for name in ("bits_per_byte", "perplexity", "accuracy")
            }
            model.tasks_why = "It generates no text."
            return
        model.measured["pseudo_perplexity"] = Value(why="It predicts the next token.")
        items = [
            Item(asked, right, said[number], float(said[number] == right))
            for asked, right, said in ITEMS
        ]
        share = sum(item.score for item in items) / len(items)
        model.tasks = [TaskScore("everyday", "acc", "none", share, 0.3, True, items)]
        model.notes = ["1 text is longer than 64 tokens, and read in windows of as many."]


@fixture("evaluation")
def evaluation() -> Made:
    models = {
        "tiny llama": small("llama"),
        "gpt2 with a long name, fine-tuned": small("gpt2"),
        "tiny bert": Scope(tiny.MODELS["bert"](), tiny.word_piece()),
        "gone": "./gone",
    }
    run = Still(models, TEXTS)
    found = run.wait(bar=False)
    table = {
        one.name: [[*vars(found.value(model, one.name)).values()] for model in found.models]
        for one in found.measures
    }
    of_texts = {
        name: [[found.of_text(model, n, name) for n in range(5)] for model in found.models]
        for name in ("bits_per_byte", "perplexity", "pseudo_perplexity", "tokens_per_character")
    }
    labels = [[] if score is None else score.labels for score in found.models[0].scores]
    facts = {"table": table, "of_texts": of_texts, "labels": labels}
    return Made([EvaluationView(run)], Numbers({}, facts))
