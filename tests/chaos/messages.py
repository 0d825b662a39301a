"""Random messages to a view, sound and hostile, and hostile texts."""

from __future__ import annotations

import random
from typing import Any

WORDS = [
    "the", " dog", "x", "", "日本", "👩\u200d👧", "\ud800", "\x00", "</script>", "\u202e", "<s>",
    "\n", "[MASK]", "e\u0301", "   ", "\ue000", "{{ 7*7 }}", "%s", "Ġ", "▁", "<0xE4>", "\ufeff",
    "/", "t1",
]  # fmt: skip
NUMBERS = [*range(12), 63, 64, 511, 512, 65_535, 2**31, 999_999_999, 10**9, 10**30]
ODD = [
    None, True, 1.5, float("nan"), float("inf"), "", "1", [], {}, [[]], {"a": 1}, b"x", 10**400,
]  # fmt: skip
MATRICES = [
    "head.{n}.{n}", "mean.{n}.{n}+{n}.{n}", "max.0.0+0.1", "rollout.{n}", "difference.0.0+1.1",
]  # fmt: skip
FORMS = [
    "text/{t}", "text/{t}", 'read/["{t}","{t}","{t}",[{n},-{n}]]', "ids//{n}", "ids//{n},{n},{n}",
    "ids/{n}/{n}", "model", "release", "vocabulary/{t}", "token/{n}", "load/{t}", "install",
    "write/begin/{t}", "write/step/{n}", "write/on/{n}", "write/force/{n}/{n}", "write/select/{n}",
    "write/undo", "write/copy/{n}", "write/logits/{n}", "t{n}/logits/{n}", "t{n}/chain",
    "t{n}/follows", "t{n}/lens/{s}/{n}", "t{n}/thumbnails/{k}/{n}", "t{n}/steps/{k}/{n}/{n}/{n}",
    "t{n}/{k}/{m}/row.{n}", "t{n}/{k}/{m}/column.{n}", "t{n}/{k}/{m}/{n}.{n}.{n}.max",
    "t{n}/{k}/sinkless.{m}/0.0.0.mean", "{t}/{t}/{n}", "{t}",
]  # fmt: skip


class Dice(random.Random):
    """Draws texts, keys and messages."""

    def text(self, longest: int = 6) -> str:
        return "".join(self.choices(WORDS, k=self.randrange(longest)))

    def long_text(self) -> str:
        """A text, at times one of tens of thousands of characters."""
        if self.random() < 0.002:
            return self.text(12) * 2_000
        return self.text(40)

    def number(self) -> int:
        return self.choice(NUMBERS) if self.random() < 0.3 else self.randrange(8)

    def key(self) -> Any:
        if self.random() < 0.03:
            return self.choice(ODD)
        form = self.choice(FORMS).replace("{m}", self.choice(MATRICES))
        key = ""
        for piece in form.replace("}", "{").split("{"):
            key += {
                "n": lambda: str(self.number()),
                "t": self.text,
                "k": lambda: self.choice(["self", "self", "encoder", "cross", "other"]),
                "s": lambda: self.choice(["block", "attention", "mlp", "other"]),
            }.get(piece, lambda piece=piece: piece)()
        if self.random() < 0.05:  # something is broken
            place = self.randrange(len(key) + 1)
            key = key[:place] + self.choice([*WORDS, "/", "-", "9" * 40, '"']) + key[place + 1 :]
        return key * 40_000 if self.random() < 0.001 else key

    def message(self, number: int) -> Any:
        """A message that requests `number`, or one that requests nothing."""
        chance = self.random()
        if chance < 0.03:
            return self.choice([*ODD, {"key": self.key()}, {"request": self.choice(ODD[:3])}])
        if chance < 0.08:
            return {"cancel": self.choice([number - self.randrange(5), -number, *ODD])}
        content = {"request": number, "key": self.key()}
        if chance < 0.10:
            del content["key"]
        elif chance < 0.12:
            content |= {"cancel": self.choice(ODD), "more": self.choice(ODD)}
        return content
