"""A survey: its texts, that it is ended and goes on, and that nothing of a text is kept."""

from __future__ import annotations

import _thread
import gc
import os
import threading
import time
import weakref
from itertools import islice

import pandas as pd
import pytest

import llmscope
from llmscope.capture import Cancelled
from llmscope.corpus import CHINESE, ENGLISH, SENTENCES, Survey, measure
from llmscope.scope import Scope
from tests import tiny
from tests.closeness import assert_close

TEXTS = [
    "The dog, the dog, the dog sleeps.",
    "A quick brown fox jumps!",
    "def f(x): return x",
    "日本語 你好，世界。",
]


def run(scope: Scope, texts=TEXTS, **options) -> Survey:
    return Survey(scope, texts, **options).run(progress=False)


@pytest.fixture
def make(tokenizer):
    return lambda name: Scope(tiny.MODELS[name](), tokenizer, name=name)


# ── the texts ────────────────────────────────────────────────────────────────────────────────────


def test_two_hundred_sentences_ship():
    assert len(ENGLISH) == len(CHINESE) == 100
    assert len(set(SENTENCES)) == 200
    assert all(any("一" <= char <= "龥" for char in text) for text in CHINESE)
    assert all(max(text) < "一" for text in ENGLISH)


def test_texts_come_from_lists_files_and_columns(scope, tmp_path):
    file = tmp_path / "texts.txt"
    file.write_text("\n".join(TEXTS) + "\n", encoding="utf-8")
    column = pd.DataFrame({"text": TEXTS}, index=[7, 8, 9, 10])["text"]

    class Column:  # as that of `datasets`: no list, but of strings
        def __iter__(self):
            return iter(TEXTS)

    for given in (TEXTS, tuple(TEXTS), file, str(file), column, Column(), iter(TEXTS)):
        assert Survey(scope, given).texts == TEXTS


@pytest.mark.parametrize(
    ("texts", "error", "said"),
    [
        ([], ValueError, "There is no text to survey: the list is empty. Give a list of texts"),
        (["", " \n"], ValueError, "all of them are empty"),
        ([None, 3], ValueError, "all of them are empty, or no texts"),
        ("A sentence.", ValueError, r"There is no file 'A sentence.'.*Of one text: \[text\]"),
        (pd.DataFrame({"text": ["a"]}), TypeError, "reads one column, not a whole DataFrame"),
        ({"text": ["a"]}, TypeError, "one column, not a whole dict"),
        (3, TypeError, "A survey reads texts, not int"),
    ],
)
def test_what_is_no_texts_is_refused(scope, texts, error, said):
    with pytest.raises(error, match=said):
        Survey(scope, texts)


def test_a_file_that_is_no_text_is_refused(scope, tmp_path):
    file = tmp_path / "picture.png"
    file.write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(ValueError, match="is no text file in UTF-8"):
        Survey(scope, file)


def test_texts_that_cannot_be_read_are_skipped_and_listed(scope):
    texts = ["", TEXTS[0], None, "dog " * 60, float("nan"), TEXTS[1]]
    survey = run(scope, texts)
    assert survey.read == 2 and survey.is_whole
    why = {one.index: one.why for one in survey.skipped}
    assert sorted(why) == [0, 2, 3, 4]
    assert why[0] == "It is empty." and why[2] == "It is no text but NoneType."
    assert "more than the 64 that tiny can read" in why[3]
    assert list(survey.of_texts().index) == [1, 5]


def test_where_none_can_be_read_it_says_the_first_reason(scope):
    with pytest.raises(
        ValueError, match=r"None of the 1 texts could be read; the first: .* more than the 64"
    ):
        run(scope, ["dog " * 60])


def test_a_model_without_attention_says_so(make):
    with pytest.raises(RuntimeError, match=r"mamba .*attention"):
        run(make("mamba"))


# ── ending and going on ──────────────────────────────────────────────────────────────────────────


def test_what_was_done_is_kept_when_it_is_cancelled(scope):
    survey = Survey(scope, TEXTS)
    asked = iter([False] * 10)
    with pytest.raises(Cancelled):
        for _ in survey.steps(lambda: next(asked, True)):
            pass
    assert 0 < survey.read < 4 and survey.progress.seconds_left > 0
    some = survey.scores
    assert some.notna().any(axis=None)
    survey.run(progress=False)
    assert_close(survey.of_texts(), run(scope).of_texts())
    assert survey.progress == (4, 4, 0.0)


def test_an_interrupt_ends_it_with_what_is_there(scope, monkeypatch):
    survey = Survey(scope, TEXTS)
    step = Survey._step

    def interrupted(self, index, cancelled):
        if index == 2:
            _thread.interrupt_main()
            while not cancelled():
                time.sleep(0.01)
        step(self, index, cancelled)

    monkeypatch.setattr(Survey, "_step", interrupted)
    assert survey.run(progress=False) is survey and survey.read == 2
    monkeypatch.setattr(Survey, "_step", step)
    assert survey.run(progress=False).read == 4
    assert_close(survey.of_texts(), run(scope).of_texts())


def test_an_interrupt_before_the_first_text_is_one(scope, monkeypatch):
    def interrupted(self, index, cancelled):
        _thread.interrupt_main()
        while not cancelled():
            time.sleep(0.01)
        raise Cancelled

    monkeypatch.setattr(Survey, "_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Survey(scope, TEXTS).run(progress=False)


def test_it_is_read_while_it_grows(scope):
    survey = Survey(scope, [f"The {n} dog and the dog" for n in range(12)])
    run = threading.Thread(target=survey.run, kwargs={"progress": False})
    run.start()
    seen = []
    while run.is_alive():
        if survey.read:
            seen.append(len(survey.pairs(1, 1, most=1000)))
            assert survey.scores["previous", "mean"].between(0, 1).all()
    run.join()
    assert seen == sorted(seen)
    once = Survey(scope, survey.texts).run(progress=False)
    pd.testing.assert_frame_equal(survey.pairs(1, 1), once.pairs(1, 1))


def test_what_is_read_first_runs_it(scope, capsys):
    assert len(Survey(scope, TEXTS).scores) == 12
    assert "0/4" in capsys.readouterr().err, "with progress"


def test_a_folder_goes_on_where_it_was_ended(scope, tmp_path, monkeypatch):
    whole = run(scope)
    first = Survey(scope, TEXTS, folder=tmp_path / "run")
    for _ in islice(first.steps(), 2):
        pass
    (tmp_path / "run" / "000002.new").write_bytes(b"half")  # as a killed run leaves it
    passes = []
    monkeypatch.setattr(
        "llmscope.corpus.reading.measure",
        lambda *given: (passes.append(given), measure.measure(*given))[1],
    )
    second = run(scope, folder=tmp_path / "run")
    assert len(passes) == 2
    pd.testing.assert_frame_equal(second.scores, whole.scores)
    pd.testing.assert_frame_equal(second.pairs(1, 1), whole.pairs(1, 1))
    third = run(scope, folder=tmp_path / "run")
    assert len(passes) == 2 and third.heads == whole.heads
    pd.testing.assert_frame_equal(third.headvis, whole.headvis)


def test_a_broken_file_is_written_anew(scope, tmp_path):
    run(scope, folder=tmp_path / "run")
    file = tmp_path / "run" / "000001.npz"
    file.write_bytes(file.read_bytes()[:1000])
    again = run(scope, folder=tmp_path / "run")
    assert again.read == 4 and os.path.getsize(file) > 1000


def test_a_folder_of_something_else_is_refused(scope, make, tmp_path):
    run(scope, folder=tmp_path / "run")
    with pytest.raises(
        ValueError, match=r"another model, tiny, .* than this gpt2. Name another folder"
    ):
        Survey(make("gpt2"), TEXTS, folder=tmp_path / "run")
    with pytest.raises(ValueError, match="holds the survey of 4 other texts"):
        Survey(scope, TEXTS[:3], folder=tmp_path / "run")
    with pytest.raises(ValueError, match="under other edits"):
        Survey(scope.under([llmscope.ablate(head=(0, 1))]), TEXTS, folder=tmp_path / "run")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("chapter one")
    with pytest.raises(ValueError, match="holds something that is no survey"):
        Survey(scope, TEXTS, folder=tmp_path / "mine")


def test_a_changed_model_ends_it(scope):
    survey = Survey(scope, TEXTS)
    for _ in islice(survey.steps(), 2):
        pass
    next(scope.model.parameters()).data.mul_(1)
    with scope.runner.lock:
        import torch

        with torch.no_grad():
            next(scope.model.parameters()).mul_(1.5)
    with pytest.raises(RuntimeError, match="tiny was changed since this survey was begun"):
        survey.run(progress=False)
    assert survey.read == 2


def test_nothing_of_a_text_is_kept_but_its_scores(scope, monkeypatch):
    recordings = []
    once = measure.measure

    def watched(recording, *given):
        recordings.append(weakref.ref(recording))
        return once(recording, *given)

    monkeypatch.setattr("llmscope.corpus.reading.measure", watched)
    before = scope.cache_bytes
    survey = run(scope)
    gc.collect()
    assert len(recordings) == 4 and not any(one() for one in recordings)
    assert scope.cache_bytes == before, "nor in the cache of texts that begin alike"
    assert survey.read == 4
