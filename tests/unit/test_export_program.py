"""The script of a page: its panels and no others, and whose work is in it."""

from __future__ import annotations

import re
import zlib
from base64 import b64decode
from hashlib import sha256

import pytest

from llmscope import AttentionView, LensView, NextTokenView, to_html
from llmscope.export.program import notices, packed_script, page_program
from llmscope.panels import PANELS
from tests.tiny import TEXT


def program_of(html: str) -> str:
    (packed,) = re.findall(r'id="page-program">([A-Za-z0-9+/=]+)</script>', html)
    return zlib.decompress(b64decode(packed)).decode("ascii")


def registered(script: str) -> set[str]:
    return set(re.findall(r'name:"([\w-]+)",component:', script))


@pytest.mark.parametrize("name", PANELS)
def test_each_panel_comes_alone(name):
    assert registered(page_program([name]).script) == {name}


def test_all_panels_come_together_whatever_their_order():
    program = page_program(PANELS)
    assert registered(program.script) == set(PANELS)
    assert page_program(reversed(PANELS)) == program


def test_a_page_carries_the_panels_of_its_views(scope):
    trace = scope.trace(TEXT)
    lens, other = LensView(trace), NextTokenView(trace)
    assert registered(program_of(lens.to_html().html)) == {"lens"}
    assert registered(program_of(to_html([lens, other]).html)) == {"lens", "next-token"}
    # It is there once, whatever there is of views.
    one, many = lens.to_html(), to_html([LensView(trace) for _ in range(5)])
    assert many.html.count('id="page-program"') == 1
    assert program_of(many.html) == program_of(one.html)
    assert len(packed_script(program_of(one.html))) < 0.5 * len(program_of(one.html))
    assert many.size < 1.1 * one.size


def test_a_page_allows_its_own_scripts_by_hash(scope):
    for page in (scope.explore(TEXT).to_html(), scope.trace(TEXT).bertviz().page):
        (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page.html)
        allowed = re.search(r"script-src ([^;]*);", policy)[1].split()
        scripts = re.findall(r"<script>(.*?)</script>", page.html, re.DOTALL)
        if 'id="page-program"' in page.html:  # one script that puts the other into the page
            scripts.append(program_of(page.html))
        digests = [sha256(script.encode()).digest() for script in scripts]
        assert [b64decode(one[len("'sha256-") : -1]) for one in allowed] == digests
        assert "form-action 'none'; base-uri 'none'" in policy


def test_a_page_names_whose_work_is_in_it(scope):
    trace = scope.trace(TEXT)
    following, heads = (view(trace).to_html().html for view in (NextTokenView, AttentionView))
    for html in (following, heads):
        assert "llmscope: Copyright" in html and "preact: Copyright" in html
        assert "Permission is hereby granted, free of charge" in html
    assert "d3-zoom: Copyright" in heads and "d3-zoom" not in following
    page = trace.bertviz().page.html
    assert "jquery: Copyright" in page and "Apache License 2.0" in page


def test_notices_are_one_comment():
    text = notices(page_program(PANELS).packages)
    assert text.startswith("<!--") and text.endswith("-->")
    assert "--" not in text[4:-3]
