"""The glossary explains what is on screen, and the page of troubles has messages that there are."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
WORDS = ROOT / "llmscope" / "frontend" / "src" / "words" / "en"

# What who knows Python and no transformers has to look up; as the glossary spells it.
TERMS = {
    "ablation", "attention", "bits", "cached", "chain rule", "cross-attention", "decoder",
    "direct effect", "embedding", "encoder", "entropy", "greedy", "head", "induction", "key",
    "KL divergence", "KV group", "layer", "log-probability", "logit lens", "logits", "mask",
    "min-p", "MLP", "nats", "next token", "nucleus", "patching", "perplexity", "probe", "prompt",
    "pseudo-perplexity", "query", "rank", "residual stream", "rollout", "sampling", "seed", "sink",
    "soft cap", "softmax", "special token", "steering", "subword", "surprisal",
    "teacher forcing", "temperature", "token", "tokenizer", "top-k", "top-p", "true effect",
    "typical-p", "unembedding", "vocabulary", "W_O",
}  # fmt: skip
# Those that no word on screen has.
IN_PAGES = {"ablation", "cached", "probe", "special token", "subword", "teacher forcing"}
# Messages of others: Python's, PyTorch's, ipywidgets'.
OTHERS = {
    "module 'llmscope' has no attribute 'load'",
    "No module named 'mirascope'",
    "Error displaying widget: model not found",
    "CUDA out of memory",
}


def glossary() -> set[str]:
    return set(re.findall(r"^(\S.*)$", (DOCS / "glossary.md").read_text("utf-8"), re.M))


def on_screen() -> list[str]:
    """What the page may say, with … for what differs."""
    found: list[str] = []
    for file in WORDS.glob("*.ts"):
        found += re.findall(r'"((?:[^"\\\n]|\\.)*)"', file.read_text("utf-8"))
    return [re.sub(r"{\w+}", "…", one) for one in found]


def in_python() -> list[str]:
    """What Python may say, likewise."""
    found: list[str] = []
    for file in (ROOT / "hatch_build.py", *(ROOT / "llmscope").rglob("*.py")):
        if "node_modules" in file.parts:
            continue
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.JoinedStr | ast.Constant):
                found.append(_text(node))
    return found


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(map(_text, node.values))
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else "…"


def test_every_term_is_in_the_glossary():
    assert glossary() >= TERMS


def test_the_list_of_terms_is_of_what_is_on_screen():
    words = " ".join(on_screen()).lower()
    unseen = {term for term in TERMS if not re.search(rf"\b{re.escape(term.lower())}", words)}
    assert unseen == IN_PAGES


MESSAGES = re.findall(
    r"“([^”]+)”",
    " ".join(re.findall(r"^### (.+)$", (DOCS / "troubleshooting.md").read_text("utf-8"), re.M)),
)


@pytest.fixture(scope="module")
def said() -> list[str]:
    return on_screen() + in_python()


@pytest.mark.parametrize("message", [one for one in MESSAGES if one not in OTHERS])
def test_a_message_of_the_page_of_troubles_is_one_that_there_is(message, said):
    pattern = re.compile(".*".join(map(re.escape, message.split("…"))))
    assert any(map(pattern.search, said))


def test_there_are_messages():
    assert len(set(MESSAGES) - OTHERS) > 20
