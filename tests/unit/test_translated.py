"""The README and the tour in Chinese: their code is that of the English ones, their links lead."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAIRS = [("README.md", "README.zh.md"), ("docs/tour.md", "docs/tour.zh.md")]
FENCE = re.compile(r"^ *```([^\n]*)\n(.*?)^ *```", re.M | re.S)


def code(page: str) -> list[tuple[str, str]]:
    """The blocks of code of a page, in its own language: what they say, and of which kind."""
    text = (ROOT / page).read_text("utf-8").replace(', lang="zh"', "")
    return [(kind, block) for kind, block in FENCE.findall(text)]


@pytest.mark.parametrize(("english", "chinese"), PAIRS)
def test_code_and_commands_are_the_same(english, chinese):
    assert len(code(chinese)) > 2
    assert code(chinese) == code(english)


@pytest.mark.parametrize("page", [chinese for _, chinese in PAIRS])
def test_links_lead_to_what_is_there(page):
    path = ROOT / page
    links = re.findall(r"\]\(([^)#]+)", path.read_text("utf-8"))
    assert len(links) > 4
    assert [link for link in links if not (path.parent / link).is_file()] == []


def test_each_readme_leads_to_the_other():
    for english, chinese in [PAIRS[0], PAIRS[0][::-1]]:
        assert f"({chinese})" in (ROOT / english).read_text("utf-8")[:200]


def test_a_word_in_chinese_is_the_one_of_the_list():
    """The list of terms and what the page says agree."""
    text = (ROOT / "docs/howto/translate.md").read_text("utf-8")
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", text, re.M)[2:]
    terms = [(row[at], row[at + 1]) for row in rows for at in (0, 2)]
    folder = ROOT / "llmscope/frontend/src/words/zh"
    said = "".join(path.read_text("utf-8") for path in folder.glob("*.ts"))
    said += (ROOT / "llmscope/words/zh.json").read_text("utf-8")
    said += (ROOT / "README.zh.md").read_text("utf-8")
    assert len(terms) > 50
    unknown = {"交叉熵", "特殊词元", "自注意力", "注意力权重", "位置"}  # of the course
    wanted = {one for _, words in terms for one in re.split("[、；（]", words)}
    assert {one.strip("）") for one in wanted if one.strip("）") not in said} <= unknown
