"""The view of a training: traits, what it reads, pages of it, and its end."""

from __future__ import annotations

import gc
import re
import weakref
from contextlib import contextmanager

import numpy as np
import pytest
from traitlets import TraitError

import llmscope
from llmscope.export.keep import kept
from llmscope.kernel import requests
from llmscope.training import History
from tests import tiny, trained
from tests.components.fixtures import opened


@pytest.fixture(scope="module")
def watch(tmp_path_factory):
    return trained.of_sounds(40, 2, folder=tmp_path_factory.mktemp("runs") / "sounds")


@pytest.fixture
def view(watch):
    view = llmscope.TrainingView(watch)
    yield view
    view.close()


def begun(**options):
    return llmscope.training.Watch(
        ["the old cow"], model=trained.gpt2(), tokenizer=trained.words(), **options
    )


def test_a_view_follows_the_newest_step_until_another_is_chosen(view, watch):
    assert view.history is watch.history
    assert view.at().step == 40
    view.step = 12
    assert view.at().step == 12
    view.layer, view.head, view.probe = 1, 3, 1
    np.testing.assert_array_equal(view.attention, watch.history.at(12).attention(1, 1, 3))
    view.mode, view.heads = "arcs", [(0, 1), (1, 3)]
    assert view.attention.shape == (2, 10, 10)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("step", 13, "step: step 13 isn't kept; the nearest is 12"),
        ("step", -2, "'step'"),
        ("held", 41, "held: step 41 isn't kept; the nearest is 40"),
        ("run", 1, "run is 0: the view shows one training"),
        ("held_run", 1, "held_run is 0"),
        ("probe", 2, "probe lies between 0 and 1, not 2"),
        ("layer", 2, "layer lies between 0 and 1, not 2"),
        ("heads", [(0, 4)], r"no head \(0, 4\)"),
        ("_path", "step/2/0/0", "_path is the key of an input"),
    ],
)
def test_what_is_not_there_is_refused_in_words(view, name, value, said):
    before = getattr(view, name)
    with pytest.raises(TraitError, match=said):
        setattr(view, name, value)
    assert getattr(view, name) == before


def test_a_step_that_was_dropped_meanwhile_is_the_nearest_that_is_left(view, monkeypatch):
    view.step = 12
    monkeypatch.setattr(History, "steps", property(lambda _: (0, 10, 40)))
    monkeypatch.setattr(History, "at", lambda _, step: step)
    assert view.at() == 10


def test_it_has_no_trace_and_says_what_it_has(view):
    for name in ("trace", "distribution"):
        with pytest.raises(ValueError, match=r"view\.at\(\) has the numbers of the step"):
            getattr(view, name)
    with pytest.raises(ValueError, match=r"view\.at\(\)"):
        _ = view.state().trace


@pytest.mark.parametrize("given", [3, None, [], trained])
def test_what_is_no_training_is_refused(given):
    with pytest.raises(TypeError, match=r"A training is a Watch, its history, or the folder"):
        llmscope.TrainingView(given)


def test_a_folder_is_opened_and_another_refused(watch, tmp_path):
    with shown(str(watch.history.folder)) as view:
        assert view.at().step == 40
    with pytest.raises(ValueError, match="holds no training"):
        llmscope.TrainingView(tmp_path)
    with pytest.raises(ValueError, match="have other tokens"):
        other = llmscope.training.Watch(
            ["a"], model=tiny.MODELS["gpt2"](), tokenizer=tiny.byte_level()
        )
        other.step(0, loss=1.0)
        llmscope.TrainingView(watch, other)


def test_of_two_each_has_its_own_steps(watch):
    other = trained.of_sounds(6, 3, model=trained.gpt2(seed=1), name="another")
    with shown(watch, other, held=3, held_run=1) as view:
        assert (view.at().step, view.history.name) == (40, "tiny GPT-2")
        view.run = 1
        assert (view.at().step, view.history.name) == (6, "another")
        with pytest.raises(TraitError, match="nearest is 6"):
            view.step = 40


def test_nothing_kept_yet_is_said_in_words_and_no_error():
    watch = begun()
    with shown(watch) as view:
        bundle, _ = view._repr_mimebundle_()
        assert bundle["text/plain"] == "A training, waiting: 0 steps kept."
        with pytest.raises(IndexError, match="No step is kept yet"):
            view.at()
        page = view.to_html()
        assert "waiting" in page.html
        watch.step(0, loss=2.0)
        assert view.at().step == 0
        assert "the old cow: " in view._repr_mimebundle_()[0]["text/plain"]


def test_words_say_how_far_it_is_and_what_is_likely(view, watch):
    view.step = 20
    words = view._repr_mimebundle_()[0]["text/plain"].splitlines()
    losses = watch.history.log["loss"]
    assert words[0] == "tiny GPT-2, ended: 21 steps kept."
    assert words[1] == f"Loss: {losses[0]:.4g} at step 0, {losses[40]:.4g} at step 40."
    told = watch.history.at(20).next_token(0)
    probs = np.exp(told.logits[0].astype(np.float64))
    probs /= probs.sum()
    best = watch.history.labels(told.ids[0, :1].tolist())[0]
    assert words[2].startswith(
        f"At step 20, after the old cow often: {best} {100 * probs[0]:.1f} %, "
    )


# ── pages ────────────────────────────────────────────────────────────────────────────────────


def test_a_page_holds_all_steps_and_is_the_same_each_time(view):
    page = view.to_html()
    assert page.html == view.to_html().html
    (source,) = content_of(page)["sources"]
    kept_steps = {key for key in source["answers"] if key.startswith("training/step/")}
    assert kept_steps == {f"training/step/0/{step}" for step in range(0, 41, 2)}
    for key in (
        "training/across/0/0/3",
        "training/heads/0/1/self",
        "training/head/0/0/self/1/2",
        "training/lens/0/1/9",
    ):
        assert key in source["answers"]
    assert "labels" not in source["answers"]["training/step/0/0"]
    assert "moos" in source["labels"]["labels"]
    assert page.notes[0].startswith("A page without its model holds 21 steps of tiny GPT-2")


def test_a_page_is_thinned_to_its_size_and_keeps_what_is_in_focus(view):
    view.step, view.held = 22, 4
    whole = view.to_html()
    program = view.to_html(max_mb=0.0).size
    most = (program + 0.4 * (whole.size - program)) / 1e6
    page = view.to_html(max_mb=most)
    assert 0.5 * most < page.size / 1e6 <= most * 1.01
    (source,) = content_of(page)["sources"]
    steps = {int(key.split("/")[3]) for key in source["answers"] if "training/step/" in key}
    assert {0, 4, 22, 40} <= steps and 5 <= len(steps) < 15
    (run,) = source["answers"]["training"]["runs"]
    assert run["steps"]["shape"] == [len(steps)]
    assert run["notes"] == [f"Held here are {len(steps)} of 21 steps that were kept."]
    assert f"holds {len(steps)} steps" in page.notes[0]
    assert llmscope.export.estimate(view, max_mb=most).total == pytest.approx(page.size, rel=0.15)


def test_other_choices_are_refused(view, watch):
    with pytest.raises(ValueError, match="it takes max_mb=, panels="):
        view.to_html(layers=[0])
    trace = llmscope.Scope(trained.gpt2(), trained.words()).trace("the old cow")
    with pytest.raises(ValueError, match="max_mb= is for views of a training"):
        llmscope.NextTokenView(trace).to_html(max_mb=1.0)


def test_a_saved_notebook_holds_a_small_page_once_it_is_over(view):
    found = kept(view.state(), 1e6)
    assert "ended" in found["words"]
    assert len(found["page"]) <= 1e6
    assert "page" not in kept(view.state(), 1e5)

    watch = begun()
    with shown(watch) as going:
        watch.step(0, loss=1.0)
        assert list(going._keep(requests.Kept(), lambda: False)) == [{}]
        watch.end()
        (found,) = going._keep(requests.Kept(), lambda: False)
        assert "ended" in found["words"]


def test_the_python_of_a_view_makes_it_again(view, watch):
    view.step, view.layer = 12, 1
    (part,) = view._call(requests.Call(), lambda: False)
    assert part["call"] == "llmscope.TrainingView(watch, layer=1, step=12)"
    with shown(watch.history.folder, watch.history) as other:
        (part,) = other._call(requests.Call(), lambda: False)
        folder = str(watch.history.folder)
        assert part["call"] == f"llmscope.TrainingView({folder!r}, {folder!r})"


def test_stopping_asks_what_trains():
    watch = begun()
    with shown(watch) as view:
        watch.step(0, loss=1.0)
        assert not watch.should_stop
        view.stop()
        assert watch.should_stop


def test_a_closed_view_lets_go_of_what_was_kept(tmp_path):
    watch = begun(folder=tmp_path / "run")
    watch.step(0, loss=1.0)
    watch.end()
    history = History(tmp_path / "run")
    view = llmscope.TrainingView(history)
    view.state()
    view.at()
    gone = weakref.ref(history)
    del history
    view.close()
    gc.collect()
    assert gone() is None
    with pytest.raises(RuntimeError, match="The view was closed"):
        _ = view.history
    assert repr(view) == "<TrainingView of nothing any more>"


@contextmanager
def shown(*given, **traits):
    """A view that is closed at the end."""
    view = llmscope.TrainingView(*given, **traits)
    yield view
    view.close()


def content_of(page):
    """What a page holds, but for its arrays."""
    (found,) = re.findall(r'id="page-data">([A-Za-z0-9+/=]*)</script>', page.html)
    return opened(found)
