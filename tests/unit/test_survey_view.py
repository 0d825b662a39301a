"""The view of a survey: what it is asked, what it leaves the notebook with, and that it ends."""

from __future__ import annotations

import base64
import gc
import json
import re
import struct
import weakref
import zlib
from itertools import islice

import numpy as np
import pytest

import llmscope
from llmscope.capture import NEVER, Cancelled
from llmscope.corpus import Survey
from llmscope.kernel import Handlers
from llmscope.kernel.protocol import parse
from llmscope.kernel.requests import PAUSE
from tests.closeness import assert_close

WORDS = ("one", "two", "red", "old", "tiny", "fox")
TEXTS = ["", *(f"The {word} dog sleeps, it sleeps." for word in WORDS)]


@pytest.fixture
def view(scope):
    made = llmscope.survey(scope, TEXTS, layer=1, head=2)
    yield made
    made.close()


def asked(view, key, cancelled=NEVER):
    """All parts of an answer."""
    handlers = Handlers(view.scope, answers=view.state().answers)
    return [part for part in handlers(parse(key), cancelled) if part is not PAUSE]


def test_a_view_begins_with_the_first_text_that_can_be_read(view):
    assert view.text == TEXTS[1]
    assert view._panels == ["survey", "tokens", "attention"]
    assert view.survey.read == 0, "nothing is read before anybody looks"
    assert repr(view) == "<SurveyView of <Survey of 0 of 7 texts: tiny>>"


def test_the_page_is_told_what_python_finds(view):
    first, *_, last = asked(view, "survey/run")
    assert first["done"] == 0 and "heads" not in first
    assert (last["done"], last["total"], last["read"], last["left"]) == (7, 7, 6, 0.0)
    assert last["skipped"] == [[0, "", "It is empty."]]
    survey = view.survey
    index = survey.heads.index((1, 2))
    assert [list(one) for one in last["heads"]] == [list(one) for one in survey.heads]
    for number, score in enumerate(llmscope.shared.SURVEY_SCORES):
        mean, std, sem = last["statistics"][:, number]
        assert_close(mean, survey.scores[score, "mean"], size=10.0)
        assert_close(std, survey.scores[score, "std"], size=10.0)
        assert_close(sem, survey.scores[score, "sem"], size=10.0)
    shares = survey.distances(1, 2)["share"]
    assert_close(last["distances"][index], shares, size=1.0)
    pairs = survey.pairs(1, 2, most=8)
    names = dict(zip(last["ids"].tolist(), last["labels"], strict=True))
    known = last["queries"][index] >= 0
    assert [names[one] for one in last["queries"][index][known].tolist()] == [*pairs["query"]]
    assert [names[one] for one in last["keys"][index][known].tolist()] == [*pairs["key"]]
    assert_close(last["weights"][index][known], pairs["weight"], size=10.0)
    strongest = survey.strongest(1, 2)
    assert last["strongest"][index].tolist() == [*strongest.index]
    assert_close(last["strongest_activity"][index], strongest["activity"])
    assert last["deciles"].shape == (12, 6)
    (texts,) = asked(view, "survey/texts/0")
    assert texts["texts"] == TEXTS
    assert asked(view, "survey/texts/1")[0]["texts"] == []


def test_deciles_are_from_the_middle_of_each_tenth(scope):
    texts = [f"The {n} dog and the {n * 7} foxes" for n in range(40)]
    view = llmscope.survey(scope, texts)
    *_, last = asked(view, "survey/run")
    activity = np.sort(view.survey.of_texts()[0, 1].to_numpy())[::-1]
    assert_close(last["deciles_activity"][1], activity[2::4])
    assert_close(last["strongest_activity"][1], activity[:10])
    view.close()


def test_stop_ends_it_and_going_on_reads_the_rest(view):
    answers = iter([False] * 15)
    with pytest.raises(Cancelled):
        asked(view, "survey/run", lambda: next(answers, True))
    done = view.survey.read
    assert 0 < done < 6
    (known,) = asked(view, "survey")
    assert known["read"] == done, "to show what is known reads no more"
    first, *_, last = asked(view, "survey/run")
    assert first["read"] == done and last["read"] == 6


def test_what_goes_wrong_is_said_and_what_was_read_stays(view):
    for _ in islice(view.survey.steps(), 3):
        pass
    import torch

    with torch.no_grad():
        next(view.scope.model.parameters()).mul_(1.5)
    with pytest.raises(RuntimeError, match="was changed since this survey was begun"):
        asked(view, "survey/run")
    assert view.survey.read == 2


def held(page):
    (packed,) = re.findall(r'id="page-data">([A-Za-z0-9+/=]*)</script>', page.html)
    data = zlib.decompress(base64.b64decode(packed))
    (length,) = struct.unpack_from("<I", data)
    (source,) = json.loads(data[4 : 4 + length])["page"]["sources"]
    return source["answers"]


def test_a_page_holds_the_survey_and_the_text_in_focus(view, tmp_path):
    page = view.to_html(tmp_path / "page.html")
    assert view.survey.is_whole, "a page in a script reads all"
    answers = held(page)
    assert {"survey", "survey/texts/0", f"text/{TEXTS[1]}"} <= set(answers)
    assert "survey/run" not in answers and f"text/{TEXTS[2]}" not in answers
    assert any("survey is of the texts that were read" in note for note in page.notes)
    more = view.to_html(prompts=view.survey.strongest(1, 2)["text"][:2].tolist())
    assert sum(key.startswith("text/") for key in held(more)) in (2, 3)
    assert view.static()._repr_html_().count("<iframe") == 1


def test_words_and_picture_of_a_saved_notebook(view):
    bundle, _ = view._repr_mimebundle_()
    assert "which is not read yet" in bundle["text/plain"]
    assert view.survey.read == 0, "words don't begin a survey"
    view.survey.run(progress=False)
    bundle, _ = view._repr_mimebundle_()
    assert "Heads of tiny over 6 texts: most induction\n" in bundle["text/plain"]
    assert re.search(r"\d·\d: 0\.\d{3} ± 0\.\d{3}", bundle["text/plain"])


def test_the_figure_is_the_scatter(view):
    view.survey.run(progress=False)
    view.x, view.y, view.heads = "distance", "activity", ((0, 1),)
    figure = view.figure()
    (sheet,) = figure.axes
    drawn = [one for one in sheet.patches if one.get_gid() == "head"]
    assert len(drawn) == 12
    texts = [one.get_text() for one in sheet.texts]
    assert "distance, in tokens →" in texts and "↑ activity" in texts and "1·2" in texts
    means = view.survey.scores["distance", "mean"].to_numpy()
    centres = np.array([one.center[0] for one in drawn])
    assert np.corrcoef(centres, means)[0, 1] > 0.9999


def test_an_explorer_follows(view):
    explorer = view.explore(mode="arcs")
    assert (explorer.text, explorer.layer, explorer.head) == (TEXTS[1], 1, 2)
    explorer.close()


def test_a_closed_view_lets_the_survey_go(scope):
    view = llmscope.survey(scope, TEXTS)
    asked(view, "survey/run")
    held = weakref.ref(view.survey)
    view.close()
    with pytest.raises(RuntimeError, match="was closed"):
        _ = view.survey
    gc.collect()
    assert held() is None


def test_a_scope_under_edits_is_surveyed_and_shown_under_them(scope):
    edited = scope.under([llmscope.ablate(head=(0, 1))])
    view = llmscope.SurveyView(Survey(edited, TEXTS))
    assert view.edits == edited.edits
    assert view.trace.edits == edited.edits
    view.close()
