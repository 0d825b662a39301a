from __future__ import annotations

import pytest
import torch
from traitlets import TraitError

import llmscope
from llmscope.kernel import IdsInput
from llmscope.kernel.protocol import format_key, parse
from llmscope.scope import Scope
from tests.closeness import assert_close, assert_probabilities_close
from tests.tiny import MODELS, TEXT


@pytest.fixture
def view(scope):
    view = llmscope.GenerationView(scope, TEXT, seed=3, max_new_tokens=6, top_k=20)
    yield view
    view.close()


def ask(view, key):
    *_, part = view._handlers(parse(key), lambda: False)
    return part


def play(view):
    ask(view, f"write/begin/{view.text}")
    while not (state := ask(view, "write/step/1"))["ended"]:
        pass
    return state


def test_it_writes_what_generate_writes(view, scope):
    state = play(view)
    run = scope.generate(TEXT, seed=3, max_new_tokens=6, do_sample=True, top_k=20)
    assert view.stepper.ids() == run.ids(0)
    assert state["current"] == state["count"] == 6
    assert view.trace.ids == run.ids(0)


def test_sliders_act_on_the_next_step(view, scope):
    ask(view, f"write/begin/{TEXT}")
    ask(view, "write/step/1")
    view.temperature = 0
    second = ask(view, "write/step/1")["nodes"][0]
    assert second["rank"] == 0
    view.temperature, view.seed = 1.0, 11
    assert ask(view, "write/step/1")["seed"] == 11
    view.max_new_tokens = 3
    assert ask(view, f"write/begin/{TEXT}")["ended"]
    view.max_new_tokens = 4
    assert not ask(view, f"write/begin/{TEXT}")["ended"]


def test_a_token_can_be_forced_and_taken_back(view):
    play(view)
    forced = ask(view, "write/force/2/7")
    (node,) = forced["nodes"]
    assert (node["parent"], node["token"], node["forced"]) == (2, 7, True)
    assert forced["current"] == node["number"] == 7
    copied = ask(view, "write/copy/7")
    assert copied["ids"] == view.stepper.ids(7)
    back = ask(view, "write/undo")
    assert (back["count"], back["current"], back["nodes"]) == (6, 6, [])
    assert ask(view, "write/select/0")["current"] == 0


def test_one_undo_takes_back_what_was_played_at_once(view):
    ask(view, f"write/begin/{TEXT}")
    ask(view, "write/step/1")
    ask(view, "write/step/1")
    while not ask(view, "write/on/1")["ended"]:
        pass
    ask(view, "write/force/1/7")
    counts = []
    while (state := ask(view, "write/undo"))["can_undo"]:
        counts.append((state["count"], state["current"]))
    assert counts == [(6, 6), (1, 1)]
    assert (state["count"], state["current"]) == (0, 0)


def test_a_prompt_that_comes_back_finds_what_was_written_behind_it(view):
    written = play(view)["nodes"]
    ids = view.stepper.ids()
    for typed in (TEXT + " a", TEXT + " a slip"):
        view.text = typed
        assert ask(view, f"write/begin/{typed}")["count"] == 0
    view.text = TEXT
    again = ask(view, f"write/begin/{TEXT}")
    assert (again["count"], again["nodes"][-1]) == (6, written[-1])
    assert view.stepper.ids() == ids
    view._handlers.session.forget()
    assert ask(view, f"write/begin/{TEXT}")["count"] == 0


def test_only_the_last_few_texts_are_kept_for_their_prompts(view):
    for typed in "abcdef":
        ask(view, f"write/begin/{typed}")
        ask(view, "write/step/1")
    assert view._handlers.session.prompts_left == ["b", "c", "d", "e"]


def test_in_python_the_stepper_is_that_of_the_prompt(view):
    play(view)
    view.text = "Another"
    assert (view.stepper.text(), len(view.stepper.tree)) == ("Another", 0)
    view.text = ""
    with pytest.raises(ValueError):
        view.stepper  # noqa: B018


@pytest.mark.local
def test_many_steps_are_told_as_they_come_and_others_may_go_between(view, monkeypatch):
    monkeypatch.setattr("llmscope.kernel.generation._APART", 0)
    ask(view, f"write/begin/{TEXT}")
    first, *rest = view._handlers(parse("write/step/4"), lambda: False)
    assert [first["count"], *(part and part["count"] for part in rest)] == [1, {}, 2, {}, 3, {}, 4]
    monkeypatch.setattr("llmscope.kernel.generation._APART", 60)
    told = [part for part in view._handlers(parse("write/on/100"), lambda: False) if part]
    assert [(part["count"], len(part["nodes"]), part["ended"]) for part in told] == [
        (5, 1, False), (6, 1, True)
    ]  # fmt: skip
    assert ask(view, "write/undo")["count"] == 0


def test_linked_views_show_the_path_as_it_was_written(view, scope):
    play(view)
    explorer = scope.explore("another text")
    links = llmscope.link(explorer, view)
    ids = (*view.stepper.ids(3), 299)  # no tokenizer gives these for their text
    explorer._path = format_key(IdsInput((), ids))
    assert explorer.trace.ids == list(ids)
    explorer.text = explorer.trace.text  # as the page does
    assert explorer.trace.ids == list(ids)
    explorer.text = "something else"
    assert explorer.trace.ids == scope.trace("something else").ids
    assert explorer._path == ""
    links.unlink()
    explorer.close()


@pytest.mark.local
def test_a_view_of_another_model_follows_no_path(view, tokenizer):
    other = Scope(MODELS["gpt2"](), tokenizer).explore(TEXT)
    view._path = format_key(IdsInput((), (1, 2, 3)))
    llmscope.link(view, other).unlink()
    assert other._path == ""
    third = view.scope.explore(TEXT)
    llmscope.link(view, third).unlink()
    assert third.trace.ids == [1, 2, 3]
    other.close()
    third.close()


def test_logits_and_trace_are_those_of_the_node(view, scope):
    play(view)
    ids = view.stepper.ids(3)
    expected = scope.trace(ids).logits_at(-1)
    assert_close(ask(view, "write/logits/3")["logits"], expected)
    summary = ask(view, format_key(IdsInput((), tuple(ids))))
    assert [row[0] for row in summary["tokens"]] == ids
    head = ask(view, f"{summary['trace']}/self/head.1.2/0.0.0.max")["weights"]
    assert_probabilities_close(head, scope.trace(ids).attention(1, 2))


def test_what_it_says_of_the_text_adds_up(view):
    state = ask(view, f"write/begin/{TEXT}")
    state = play(view)
    rows = ask(view, f"write/begin/{TEXT}")["nodes"]
    assert [row["number"] for row in rows] == list(range(1, state["count"] + 1))
    tail = "".join(row["text"] for row in rows)
    assert view.stepper.text().endswith(tail)


def test_a_run_comes_with_its_branches(scope):
    run = scope.generate(TEXT, seed=0, max_new_tokens=4, do_sample=True, num_return_sequences=3)
    view = llmscope.GenerationView(run)
    state = ask(view, f"write/begin/{view.text}")
    leaves = view.stepper.tree.leaves()
    assert {tuple(view.stepper.ids(leaf)) for leaf in leaves} == {
        tuple(run.ids(i)) for i in range(3)
    }
    assert state["current"] in leaves
    view.close()


def test_with_an_encoder_the_decoder_writes(tokenizer):
    scope = Scope(MODELS["t5"](), tokenizer)
    view = llmscope.GenerationView(scope, TEXT, do_sample=False, max_new_tokens=3)
    play(view)
    expected = scope.generate(TEXT, do_sample=False, max_new_tokens=3)
    assert view.stepper.ids() == expected.ids(0)
    ids = tuple(view.stepper.ids(2))
    summary = ask(
        view, format_key(IdsInput(tuple(ask(view, "write/begin/" + TEXT)["source"]), ids))
    )
    assert tuple(row[0] for row in summary["target"]) == ids
    assert set(summary["kinds"]) == {"self", "encoder", "cross"}
    view.close()


def test_the_users_random_state_is_left_alone(view):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    play(view)
    assert torch.equal(torch.get_rng_state(), before)


def test_stop_and_bad_values(view):
    view.playing = True
    view.stop()
    assert view.playing is False
    for name, value in (("seed", -1), ("max_new_tokens", 0), ("shade", "loudness")):
        with pytest.raises(TraitError):
            setattr(view, name, value)
    with pytest.raises(TypeError, match="no trait loudness"):
        llmscope.GenerationView(view.scope, TEXT, loudness=3)


@pytest.mark.local
def test_its_sliders_begin_as_generate_would(scope):
    view = llmscope.GenerationView(scope, TEXT)
    assert (view.top_k, view.top_p, view.temperature) == (50, 1.0, 1.0)
    view.close()
    scope.model.generation_config.top_p = 0.8
    try:
        view = llmscope.GenerationView(scope, TEXT)
        assert view.top_p == 0.8
        view.close()
    finally:
        scope.model.generation_config.top_p = None
