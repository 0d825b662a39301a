"""A model on a server: what crosses the wire, who may ask, and what happens when it breaks."""

from __future__ import annotations

import random
import signal
import threading

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect as dial

import llmscope
from llmscope import GenerationView, Scope
from llmscope.capture import Cancelled
from llmscope.kernel import Worker
from llmscope.kernel.requests import PAUSE
from llmscope.remote.connection import Connection
from llmscope.remote.limits import Client, Limits, Tokens
from llmscope.remote.protocol import CLIENT, ERROR, Busy, error_of, read_reply
from llmscope.remote.values import FrameError, packed, unpacked
from tests import tiny
from tests.serving import TOKENS, Served, serving, until
from tests.tiny import TEXT

HEADERS = {"Authorization": f"Bearer {TOKENS.owner}", CLIENT: "0" * 32}


def socket(server, **headers):
    """A WebSocket of one's own, which may send what our client wouldn't."""
    url = server.address.replace("http", "ws") + "/v1/socket"
    headers = {**HEADERS, **headers}
    return dial(url, additional_headers=headers, compression=None, proxy=None, max_queue=None)


# ── who may ask ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer wrong"},
        {"Authorization": TOKENS.owner},
        {"Authorization": ""},
        {CLIENT: "me"},
        {"Origin": "http://evil.example"},
    ],
)
def test_nobody_else_is_let_in(server, headers):
    with pytest.raises(InvalidStatus) as refusal, socket(server, **headers):
        pass
    assert refusal.value.response.status_code == 403


def test_a_wrong_token_is_said_in_words(server):
    with pytest.raises(ConnectionError, match="doesn't take this token"):
        server.connect(token="wrong")
    with pytest.raises(ValueError, match="of ASCII characters"):
        server.connect(token="…")
    with pytest.raises(ValueError, match="asked with a token"):
        llmscope.connect(server.address)


def test_a_server_that_isnt_there_or_isnt_ours_is_said_in_words(server):
    with pytest.raises(ConnectionError, match="no server at"):
        llmscope.connect("http://127.0.0.1:9", token="x")
    with pytest.raises(ValueError, match="no address such as"):
        llmscope.connect("ftp://x", token="x")
    with pytest.raises(ValueError, match="has 'tiny': say which"):
        server.connect("gpt2")


def test_tokens_tell_owner_and_class_apart():
    tokens = Tokens("one", "two")
    assert [tokens.role(f"Bearer {token}") for token in ("one", "two", "on", "")] == [
        "owner",
        "room",
        None,
        None,
    ]
    assert tokens.role(None) is None


def test_a_clients_minute_is_counted():
    client, limits = Client("me", "room"), Limits(tokens_a_minute=100)
    client.spend(60, limits)
    with pytest.raises(Busy, match="100 tokens in a minute") as refusal:
        client.spend(60, limits)
    assert 0 < refusal.value.again <= 60


def test_a_text_that_is_too_long_and_too_many_tokens_are_refused(local):
    with serving({"tiny": local}, Limits(text=200, tokens_a_minute=50)) as server:
        scope = server.connect()
        with pytest.raises(ValueError, match="up to 200 characters"):
            scope.trace("a" * 300)
        scope.trace(TEXT)
        with pytest.raises(Busy, match="in a minute"):
            scope.generate(TEXT, max_new_tokens=60)


# ── what is asked ────────────────────────────────────────────────────────────────────────────────


def test_no_object_and_no_code_comes_from_a_client(remote):
    token = remote.trace("hi").tokens[0]
    assert unpacked(packed(token)) == token
    with pytest.raises(FrameError):
        unpacked(packed(token), classes=False)
    with pytest.raises(TypeError, match="can't be sent"):
        packed(print)
    with pytest.raises(TypeError, match="logits_processor is code"):
        remote.generate("hi", logits_processor=[print])


def test_rubbish_gets_an_error_or_nothing(server, remote):
    chance = random.Random(0)
    things = [None, 0, -1, 2**70, "x", [], {}, True, 1.5, ["a"], {"text": "hi"}, [{"text": "hi"}]]
    words = ["view", "read", "about", "path", "compare", "generate", "run", "write", "model", "x"]
    names = ["of", "what", "args", "options", "key", "seed", "settings", "entries", "first", "id"]
    with socket(server) as wire:
        for number in range(1, 2001):
            message = {"ask": number, "model": "tiny", "do": chance.choice(words)}
            for name in chance.sample(names, chance.randint(0, 6)):
                message[name] = chance.choice(things)
            if chance.random() < 0.2:
                message[chance.choice(["ask", "model", "do", "cancel"])] = chance.choice(things)
            wire.send(packed(message))
        wire.send(packed({"ask": 10**6, "model": "tiny", "do": "model"}))
        while read_reply(wire.recv(timeout=60))[1] != 10**6:
            pass
    assert len(remote.trace("hi")) == 2
    assert server.host.waiting == 0


@pytest.mark.parametrize("data", [b"", b"rubbish", b"\xff" * 100, "text", packed([1, 2])])
def test_what_is_no_message_ends_the_connection(server, data):
    with socket(server) as wire, pytest.raises(ConnectionClosed):
        wire.send(data)
        wire.recv(timeout=10)


def test_only_what_is_listed_is_read(server):
    with socket(server) as wire:
        for number, what in enumerate(["recording", "scope", "__class__", "bertviz", "_given"], 1):
            call = {"do": "read", "of": [{"text": "hi"}], "what": what}
            wire.send(packed({"ask": number, "model": "tiny", **call}))
            kind, _, frame = read_reply(wire.recv(timeout=30))
            assert kind == ERROR
            assert "nothing to read by the name" in str(error_of(frame))


def test_what_is_too_much_is_refused_before_it_is_computed(remote, monkeypatch):
    for settings in (
        {"num_return_sequences": 1000},
        {"num_beams": 20, "num_return_sequences": 20},
        {"max_new_tokens": 10_000},
        {"generation_config": remote.generation_config.__class__(num_beams=1000)},
    ):
        with pytest.raises(ValueError, match="at once, and no more"):
            remote.generate("hi", **settings)
    monkeypatch.setattr("llmscope.remote.bounds.LARGEST", 10_000)
    trace = remote.trace(TEXT)
    assert trace.attention(1, 2, rows=[1]).shape == (1, len(trace))
    for read in (lambda: trace.logits, lambda: trace.attention(1)):
        with pytest.raises(ValueError, match="read a part of it"):
            read()


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


# ── taking turns, going away, and breaking ───────────────────────────────────────────────────────


def test_an_interrupt_leaves_the_tokens_so_far(remote, local):
    threading.Timer(0.4, signal.raise_signal, [signal.SIGINT]).start()
    run = remote.generate(TEXT, max_new_tokens=2000, do_sample=True, seed=3, max_length=None)
    assert run.interrupted
    count = len(run.steps[0])
    again = local.generate(TEXT, max_new_tokens=count, do_sample=True, seed=3)
    assert run.ids() == again.ids()


def test_what_nobody_waits_for_is_dropped(server, remote):
    with pytest.raises(Cancelled):
        remote.trace(TEXT, cancelled=lambda: True)
    assert len(remote.trace("hi")) == 2
    until(lambda: server.host.waiting == 0)


def test_a_lost_connection_heals_and_nothing_is_lost(local):
    server = Served({"tiny": local})
    scope = server.connect()
    states = []
    scope.elsewhere.connection.on_state.append(states.append)
    view = GenerationView(scope, TEXT, seed=1, max_new_tokens=12)
    session = view._handlers.session
    session(llmscope.kernel.requests.Begin(TEXT))
    for _ in session.steps(4, together=False):
        pass
    before = view.stepper.ids()
    server.stop()
    server = Served({"tiny": local}, port=server.port)  # a server that knows nothing of it
    for _ in session.steps(4, together=True):
        pass
    expected = local.generate(TEXT, seed=1, max_new_tokens=12, do_sample=True, top_k=50).ids()
    after = view.stepper.ids()
    assert after[: len(before)] == before
    assert after == expected[: len(after)]
    assert len(after) == len(before) + 4
    assert np.array_equal(scope.trace(TEXT).logits, local.trace(TEXT).logits)
    assert states[:2] == [False, True]
    view.close()
    scope.close()
    server.stop()


def test_a_view_is_told_the_last_part_again_where_its_end_comes_late():
    sent = []
    worker = Worker(
        lambda *_: iter([PAUSE, {"a": 1}, PAUSE, {"a": 2}, PAUSE]),
        lambda content, _: sent.append((content["part"], content["done"])),
    )
    worker.receive({"request": 1, "key": "model"})
    until(lambda: len(sent) == 3)
    assert sent == [({"a": 1}, False), ({"a": 2}, False), ({"a": 2}, True)]
    worker.close()


def test_a_closed_connection_says_so(server):
    scope = server.connect()
    scope.close()
    with pytest.raises(ConnectionError, match="is closed"):
        scope.trace("hi")


def test_a_token_goes_nowhere_else(server):
    connection = Connection(server.address, TOKENS.owner)
    assert TOKENS.owner not in repr(vars(connection)["address"])
    with pytest.raises(ConnectionError):
        connection.get("/elsewhere")
