"""A model on a server: the same numbers, and the same words, as of one that is here."""

from __future__ import annotations

import gc

import numpy as np
import pytest

import llmscope
from llmscope import GenerationView, Scope
from llmscope.remote.protocol import Busy
from tests import tiny
from tests.serving import serving, until
from tests.tiny import TEXT


def test_what_fails_behind_the_server_is_an_error_of_one_question(server, remote, monkeypatch):
    whole = server.service._models.ask

    async def ask(person, frame):
        if b"fails" in frame:
            raise Busy("Nothing is ready.", 10.0)
        async for said in whole(person, frame):
            yield said

    monkeypatch.setattr(server.service._models, "ask", ask)
    with pytest.raises(Busy, match="Nothing is ready"):
        remote.trace("this fails")
    assert remote.elsewhere.connection.stands
    assert len(remote.trace("hi")) == 2


def test_a_connection_ends_with_what_used_it(server):
    scope = server.connect()
    trace = scope.trace("hi")
    connection = scope.elsewhere.connection
    del scope
    gc.collect()
    assert trace.logits.shape[0] == 2
    del trace
    gc.collect()
    until(lambda: connection._closed.is_set())


def test_what_takes_the_model_is_refused_in_words(remote, local):
    with pytest.raises(RuntimeError, match=r"on the server at .*: the model itself"):
        _ = remote.model
    with pytest.raises(ValueError, match="isn't on the server"):
        _ = llmscope.Comparison(remote.trace(TEXT), local.trace(TEXT)).head_distances
    with pytest.raises(AttributeError, match="only what a trace reads"):
        _ = remote.trace(TEXT).recording.residual_stream


def test_chat_messages_and_their_roles_come_through(tokenizer):
    talking = tiny.byte_level()
    talking.chat_template = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
    own = Scope(tiny.MODELS["llama"](), talking, name="talking")
    messages = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yes"}]
    with serving({"talking": own}) as server:
        there, here = server.connect().trace(messages), own.trace(messages)
        assert there.roles == here.roles
        assert there.tokens == here.tokens
        assert np.array_equal(there.logits, here.logits)


@pytest.mark.parametrize("family", ["t5", "bert"])
def test_other_families_come_through(tokenizer, family):
    tokenizer = tiny.word_piece() if family == "bert" else tokenizer
    own = Scope(tiny.MODELS[family](), tokenizer, name=family)
    with serving({family: own}) as server:
        remote = server.connect()
        there, here = remote.trace(TEXT), own.trace(TEXT)
        assert there.kinds == here.kinds
        for kind in here.kinds:
            assert np.array_equal(there.attention(1, kind=kind), here.attention(1, kind=kind))
        if family == "bert":
            there, here = there.masked(2), here.masked(2)
        assert np.array_equal(there.logits_at(2 % len(here)), here.logits_at(2 % len(here)))
        assert there.tokens == here.tokens


def test_two_models_of_one_server_are_compared_there(local, tokenizer):
    other = Scope(tiny.MODELS["gpt2"](), tokenizer, name="other")
    with serving({"tiny": local, "other": other}) as server:
        there = llmscope.Comparison(*(server.connect(n).trace(TEXT) for n in ("tiny", "other")))
        here = llmscope.Comparison(local.trace(TEXT), other.trace(TEXT))
        assert np.array_equal(there.head_distances, here.head_distances)
        assert np.array_equal(there.attention(1), here.attention(1))
        assert np.array_equal(there.lens().divergence, here.lens().divergence)
        assert there.next_token.kl_ab == here.next_token.kl_ab


def test_every_view_opens_on_a_server(remote):
    edited = remote.under([llmscope.ablate(head=(1, 2))])
    trace = remote.trace(TEXT)
    views = [
        remote.explore(TEXT),
        llmscope.AttentionView(trace),
        llmscope.NextTokenView(trace),
        llmscope.TokensView(trace),
        llmscope.LensView(trace),
        llmscope.ModelView(trace),
        llmscope.GenerationView(remote, TEXT),
        llmscope.compare(trace, trace.untouched),
        llmscope.compare(remote, edited, text=TEXT),
    ]
    for view in views:
        assert view._server["stands"]
        assert len(view.trace.tokens) == len(trace)
        view.close()


def test_effects_and_patches_equal_those_of_a_model_here(remote, local):
    other = TEXT[::-1]
    there, here = remote.trace(TEXT), local.trace(TEXT)
    one, two = there.effects(5, 7), here.effects(5, 7)
    assert np.array_equal(one.values, two.values)
    assert one.to_pandas().equals(two.to_pandas())
    edits = [
        [llmscope.patch(source=scope.trace(other), mlp=1, positions=[2, 3])]
        for scope in (remote, local)
    ]
    patched = [scope.trace(TEXT, edits=e) for scope, e in zip((remote, local), edits, strict=True)]
    assert np.array_equal(patched[0].logits, patched[1].logits)
    assert np.array_equal(patched[0].untouched.logits, here.logits)
    # Of a trace here, only what is patched goes there.
    for part in ({"head": (1, 2)}, {"mlp": 1}, {"layer": 0}, {"attention": 2}):
        edit = llmscope.patch(source=local.trace(other), **part, positions={-1: 0})
        sides = [scope.trace(TEXT, edits=[edit]) for scope in (remote, local)]
        assert np.array_equal(sides[0].logits, sides[1].logits)
        assert sides[0].edits[0].part == sides[1].edits[0].part


def test_a_survey_counts_what_it_would_count_here(remote, local, tmp_path):
    texts = ["The capital of France is", TEXT, "", "A tiny model"]
    edits = [llmscope.ablate(head=(1, 2), positions=[-1])]
    for there, here in ((remote, local), (remote.under(edits), local.under(edits))):
        one, two = (llmscope.corpus.Survey(s, texts).run(progress=False) for s in (there, here))
        assert one.scores.equals(two.scores)
        assert one.skipped == two.skipped
    kept = llmscope.corpus.Survey(remote, texts, folder=tmp_path / "survey").run(progress=False)
    again = llmscope.corpus.Survey(local, texts, folder=tmp_path / "survey").run(progress=False)
    assert again.scores.equals(kept.scores)


def test_a_text_is_written_under_edits(remote, local):
    edits = [llmscope.ablate(head=(1, 2)), llmscope.ablate(mlp=0)]
    views = [
        GenerationView(s.under(edits), TEXT, seed=4, max_new_tokens=6) for s in (remote, local)
    ]
    for view in views:
        session = view._handlers.session
        session(llmscope.kernel.requests.Begin(TEXT))
        assert len([*session.steps(6, together=False)]) > 0
    assert views[0].stepper.ids() == views[1].stepper.ids()
    assert np.array_equal(views[0].trace.logits, views[1].trace.logits)
    for view in views:
        view.close()
