"""Who may ask a server, how much, and what happens to rubbish."""

from __future__ import annotations

import gc
import random
import socket as plain_socket
import threading
import tracemalloc
from contextlib import ExitStack, suppress

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

import llmscope
from llmscope.kernel.beside import beside
from llmscope.remote.connection import Connection
from llmscope.remote.limits import Client, Limits, Tokens
from llmscope.remote.protocol import CLIENT, ERROR, Busy, error_of, read_reply
from llmscope.remote.values import FrameError, packed, unpacked
from llmscope.words import spoken
from tests.closeness import assert_close
from tests.serving import TOKENS, serving, socket, until
from tests.tiny import TEXT


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
    assert refusal.value.response.status_code == 401


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
    client = Client("me", "room")
    client.spend(60, 100)
    with pytest.raises(Busy, match="100 tokens in a minute") as refusal:
        client.spend(60, 100)
    assert 0 < refusal.value.again <= 60
    with pytest.raises(ValueError, match="That is 200 tokens"):  # of which no waiting helps
        client.spend(200, 100)


def test_a_new_number_has_no_more_than_is_left_of_its_token(local):
    with serving({"tiny": local}, Limits(tokens_of_all=60)) as server:
        first, second = (server.connect(token=TOKENS.room) for _ in range(2))
        first.trace(TEXT)
        with pytest.raises(Busy, match="60 tokens in a minute"):
            second.generate(TEXT, max_new_tokens=20)
        owner = server.connect()
        assert len(owner.trace("hi")) == 2
        for scope in (first, second, owner):
            scope.close()


def test_words_are_in_the_language_of_the_view(remote):
    messages = [{"do": "about", "of": [{"text": "x" * 50_000}]}, {"do": "none", "of": [{}]}]
    for message in messages:  # which the server refuses, and the model's own process
        with spoken("zh"), pytest.raises(ValueError, match=r"[\u4e00-\u9fff]"):
            list(beside(remote.elsewhere.parts(message), lambda: False))  # as a view asks


def test_who_asks_too_much_at_once_asks_again_by_itself(local):
    with serving({"tiny": local}, Limits(streams=1)) as server:
        scope = server.connect()
        found = {}

        def read(text):
            found[text] = scope.trace(text).logits

        texts = [f"{TEXT} {number}" for number in range(3)]
        threads = [threading.Thread(target=read, args=(text,)) for text in texts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for text in texts:
            assert_close(found[text], local.trace(text).logits)
        scope.close()


def test_one_client_too_many_is_told_when_to_try_again(local):
    with serving({"tiny": local}, Limits(clients=1)) as server:
        first, second = server.connect(), server.connect
        assert len(first.trace("hi")) == 2
        with pytest.raises(Busy, match=r"as many connections .* Try again in 30 s"):
            second()
        first.close()
        until(lambda: not any(one.sockets for one in server.service._clients.values()))
        last = second()
        assert len(last.trace("hi")) == 2
        last.close()


def test_one_client_has_a_few_connections(server):
    me = {CLIENT: "1" * 32}
    with ExitStack() as stack:
        for _ in range(8):
            stack.enter_context(socket(server, **me))
        with pytest.raises(InvalidStatus, match="429"), socket(server, **me):
            pass
    until(lambda: not server.service._clients[f"owner-{'1' * 32}"].sockets)


def test_a_text_that_is_too_long_and_too_many_tokens_are_refused(local):
    with serving({"tiny": local}, Limits(text=200, tokens_a_minute=50)) as server:
        scope = server.connect()
        with pytest.raises(ValueError, match="up to 200 characters"):
            scope.trace("a" * 300)
        scope.trace(TEXT)
        with pytest.raises(Busy, match="in a minute"):
            scope.generate(TEXT, max_new_tokens=20)


def test_a_token_goes_nowhere_else(server):
    connection = Connection(server.address, TOKENS.owner)
    assert TOKENS.owner not in repr(vars(connection)["address"])
    with pytest.raises(ConnectionError):
        connection.get("/elsewhere")


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


def test_what_looks_small_and_is_large_is_refused(server, remote, monkeypatch):
    with pytest.raises(ValueError, match="message is too large"):
        remote.trace("x" * 5_000_000)
    assert len(remote.trace("hi")) == 2  # on the same connection
    trace = remote.trace(TEXT)
    for read in (
        lambda: trace.asked("attention", 1, 2, np.zeros(4_000_000, np.int8)),
        lambda: trace.asked("attention", 1, 2, tuple(range(1000))),
        lambda: trace.lens(top=100_000),
        lambda: remote.generate("hi", max_new_tokens=1e9),
        lambda: remote.trace(np.arange(300_000)),
        lambda: remote.trace([{"role": "user", "content": [{"text": "x" * 100_000}]}]),
    ):
        with pytest.raises((ValueError, TypeError)):
            read()
    monkeypatch.setattr("llmscope.remote.bounds.LARGEST", 10_000)
    with pytest.raises(ValueError, match="read a part of it"):
        llmscope.Comparison(trace, remote.trace(TEXT + " So")).attention(1)
    monkeypatch.setattr("llmscope.remote.bounds.MOST_LOGITS", 10_000)
    with pytest.raises(ValueError, match="ask for less"):
        remote.generate("hi", max_new_tokens=100)
    until(lambda: server.host.waiting == 0)


def test_a_large_answer_comes_in_pieces_with_others_between(server, remote, local, monkeypatch):
    monkeypatch.setattr("llmscope.remote.protocol._PIECE", 1000)
    monkeypatch.setattr("llmscope.remote.connection._HEARD", 5000)
    monkeypatch.setattr("llmscope.remote.service._UNHEARD", 20_000)
    assert np.array_equal(remote.trace(TEXT).logits, local.trace(TEXT).logits)
    assert len(remote.trace("hi")) == 2


def test_who_does_not_read_is_sent_no_more_and_then_nothing(server, monkeypatch):
    monkeypatch.setattr("llmscope.remote.service._SLOW", 1.0)
    monkeypatch.setattr("llmscope.remote.service._UNHEARD", 100_000)
    read = {"do": "read", "of": [{"text": TEXT}], "what": "logits", "model": "tiny"}
    with socket(server) as wire:
        got = 0
        with suppress(ConnectionClosed):
            for number in range(1, 50):
                wire.send(packed({"ask": number, **read}))
            for data in wire:  # it never says that it read these
                got += len(data)
    largest = 4 * len(TEXT) * server.scopes["tiny"].facts.vocabulary
    assert 100_000 < got < 100_000 + 2 * largest
    until(lambda: server.host.waiting == 0)


def test_half_open_connections_hold_up_nobody(server, remote):
    port = server.port
    opening = f"GET /v1/socket HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
    half = [plain_socket.create_connection(("127.0.0.1", port)) for _ in range(100)]
    for one in half:
        one.sendall(opening.encode())  # and no more
    with socket(server, close_timeout=0.1) as wire:
        wire.socket.sendall(b"\x82\xfe\xff\xff")  # the head of a message that doesn't come
        assert len(remote.trace("hi")) == 2
    for one in half:
        one.close()


def test_memory_stays_level_whatever_comes(server, remote):
    def flood():
        with socket(server) as wire:
            for number in range(1, 9):
                text = "x" * 1_500_000
                wire.send(packed({"ask": number, "model": text, "do": text[:9], "of": [text]}))
            wire.send(packed({"ask": 9, "model": "tiny", "do": "model"}))
            while read_reply(wire.recv(timeout=60))[1] != 9:
                pass

    flood()
    gc.collect()
    tracemalloc.start()
    try:
        flood()
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(5):
            flood()
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] - before < 1_000_000
    finally:
        tracemalloc.stop()
