"""A view that others follow, through a server."""

from __future__ import annotations

import pytest

import llmscope
from tests.serving import TOKENS, Served, until


def test_a_class_follows_its_lecturer_and_lets_go(server):
    lecturer, student, late = (
        server.connect(token=token).explore("hello")
        for token in (TOKENS.owner, TOKENS.room, TOKENS.room)
    )
    student.follow("first row")
    lecturer.broadcast("first row")
    lecturer.text, lecturer.layer, lecturer.heads = "Another text", 2, [(1, 2)]
    lecturer.edits = [llmscope.ablate(head=(1, 1))]
    until(lambda: (student.text, student.layer) == ("Another text", 2) and student.edits)
    assert student.heads == ((1, 2),)
    assert student.edits == lecturer.edits
    late.follow("first row")
    until(lambda: late.text == "Another text" and late.layer == 2)
    student._room = ""  # as the page does by its button
    lecturer.temperature = 0.25
    until(lambda: late.temperature == 0.25)
    assert student.temperature != 0.25
    lecturer.broadcast("")
    lecturer.temperature = 0.5
    with pytest.raises(ValueError, match="owner's token"):
        student.broadcast("mine")
    for view in (lecturer, student, late):
        view.close()


def test_a_class_comes_back_after_the_server_was_away(local):
    server = Served({"tiny": local})
    lecturer, student = (server.connect(token=t).explore("hi") for t in (TOKENS.owner, TOKENS.room))
    student.follow("room")
    lecturer.broadcast("room")
    lecturer.layer = 1
    until(lambda: student.layer == 1)
    server.stop()
    until(lambda: not student._server["stands"])
    lecturer.layer = 2
    server = Served({"tiny": local}, port=server.port)
    until(lambda: student.layer == 2)
    assert student._server["stands"]
    for view in (lecturer, student):
        view.close()
    server.stop()


def test_what_a_room_says_is_checked_as_if_typed(server, remote):
    explorer = remote.explore("hello")
    explorer.follow("rubbish")
    lecturer = server.connect()
    connection = lecturer.elsewhere.connection
    state = {"layer": "x", "head": 10**9, "_esm": "alert(1)", "_lesson": {"x": 1}, "nothing": 1}
    connection.lead("rubbish", {**state, "edits": [{"do": "evil"}], "heads": 3, "text": "fine"})
    until(lambda: explorer.text == "fine")
    connection.lead("rubbish", {"text": "done"})
    until(lambda: explorer.text == "done")
    assert (explorer.layer, explorer.head) == (0, 0)
    assert explorer._esm != "alert(1)"
    assert not explorer.edits
    explorer.close()
    connection.close()


def test_whoever_observes_what_a_room_sets_may_read_and_may_fail(server, remote):
    explorer = remote.explore("hello")
    read = []

    def observe(change):
        read.append(explorer.trace.logits_at(-1))  # from the server that told
        raise KeyError(change["name"])

    explorer.observe(observe, "text")
    explorer.follow("room")
    lecturer = server.connect()
    lecturer.elsewhere.connection.lead("room", {"text": "one"})
    until(lambda: len(read) == 1)
    lecturer.elsewhere.connection.lead("room", {"text": "two"})
    until(lambda: len(read) == 2)
    assert len(remote.trace("hi")) == 2
    lecturer.close()
    explorer.close()


def test_a_room_ends_and_one_connection_follows_a_few(server, remote, caplog):
    lecturer = server.connect()
    explorer = lecturer.explore("last word")
    explorer.broadcast("short")
    until(lambda: "short" in server.service.rooms._states)
    explorer.broadcast("")
    until(lambda: "short" not in server.service.rooms._states)
    hear = [].append
    for number in range(12):
        remote.elsewhere.connection.follow(f"room {number}", hear)
    until(lambda: "follows 8 rooms at most" in caplog.text)
    student = server.connect(token=TOKENS.room)
    student.elsewhere.connection.follow("room 11", hear)
    until(lambda: len(server.service.rooms._followers.get("room 11", ())) == 1)
    for scope in (student, lecturer):
        scope.close()
    explorer.close()


def test_a_view_of_a_model_here_has_no_room(local):
    explorer = local.explore("hello")
    for method in (explorer.broadcast, explorer.follow):
        with pytest.raises(ValueError, match="on a server"):
            method("room")
    explorer.close()
