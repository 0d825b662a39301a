"""Models on two nodes: the same numbers as here, and nothing lost when processes die."""

import asyncio
import os
import subprocess

import numpy as np
import psutil
import pytest
from ray import serve as ray_serve

import llmscope
from llmscope.kernel import requests as ask
from llmscope.kernel.generation import GenerationSession
from llmscope.remote.cluster import Replicas
from llmscope.remote.protocol import PART, Busy
from llmscope.remote.session import RemoteSession
from llmscope.remote.values import packed
from tests.cluster.conftest import BAD, ROOM, TEXT, TOKEN, all_stand, reading, replicas, until

pytestmark = [pytest.mark.timeout(900), pytest.mark.filterwarnings("default")]
SETTINGS = {"seed": 7, "do_sample": True, "temperature": 1.5}


@pytest.fixture(scope="module")
def expected(local):
    """Logits of texts that begin with different tokens: none is computed behind what is cached."""
    texts = [letter + TEXT for letter in "abcdefghijklmnop"]
    return {text: local.trace(text).logits for text in texts}


def test_reads_equal_local_ones_bit_for_bit(scope, local):
    here, there = local.trace(TEXT), scope.trace(TEXT)
    assert np.array_equal(there.logits, here.logits)
    assert np.array_equal(there.attention(3, 1), here.attention(3, 1))
    assert np.array_equal(there.hidden(4), here.hidden(4))
    edited = [llmscope.ablate(head=(2, 1))]
    assert np.array_equal(
        scope.trace(TEXT, edits=edited).logits, local.trace(TEXT, edits=edited).logits
    )


def test_a_shared_model_equals_the_local_one(nodes):
    there, here = nodes.connect("demo:dates"), llmscope.load("demo:dates")
    text = "the third of May 1999"
    made = there.generate(text, do_sample=False, max_new_tokens=12)
    same = here.generate(text, do_sample=False, max_new_tokens=12)
    assert np.array_equal(made.sequences, same.sequences)
    there.elsewhere.connection.close()


def test_reads_while_a_replica_is_killed(scope, expected):
    with reading(scope, expected):
        replicas()[0].kill()


def test_reads_while_all_replicas_are_killed(scope, expected):
    with reading(scope, expected):
        for process in replicas():
            process.kill()


def test_a_generated_text_goes_on_when_its_replica_is_killed(scope, local):
    options = {"seed": 3, "do_sample": True, "max_new_tokens": 300}
    busy = _Busy()
    parts = scope.elsewhere.parts
    seen = []

    def counted(message, *args):
        for part in parts(message, *args):
            if "step" in part:
                seen.append(part)
                if len(seen) == 20:
                    busy.one().kill()
            yield part

    scope.elsewhere.parts = counted
    made = scope.generate(TEXT, **options)
    assert len(seen) > 20
    assert np.array_equal(made.sequences, local.generate(TEXT, **options).sequences)


def test_a_written_text_goes_on_when_its_replica_is_killed(scope, local):
    there = RemoteSession(scope.elsewhere, scope, lambda: dict(SETTINGS), None)
    here = GenerationSession(local, lambda: dict(SETTINGS))
    states = []
    for session, kills in ((here, False), (there, True)):
        session(ask.Begin(TEXT))
        busy = _Busy() if kills else None
        nodes = []
        for number, part in enumerate(session.steps(18, together=False)):
            nodes += [node["token"] for node in part["nodes"]] if part is not ask.PAUSE else []
            if kills and number == 15:
                busy.one().kill()
        states.append(nodes)
    assert len(states[0]) == 18 and states[0] == states[1]


def test_abandoned_work_ends(nodes, scope):
    other = nodes.connect()
    busy = _Busy()
    for count, _ in enumerate(
        other.elsewhere.parts(
            {"do": "generate", "of": [{"text": TEXT}], "seed": 1}
            | {"settings": {"max_new_tokens": 4000, "do_sample": True}}
        )
    ):
        if count == 5:
            break
    process = busy.one()
    other.elsewhere.connection.close()
    until(lambda: _idle(process))
    assert process.is_running()


def test_reads_while_a_node_is_lost(nodes, scope, expected):
    with reading(scope, expected):
        nodes.lose_node()
    with reading(scope, expected):
        nodes.add_node()
        until(all_stand)


def test_a_new_version_is_rolled_out_without_a_lost_read(nodes, scope, expected):
    before = {process.pid for process in replicas()}
    with reading(scope, expected):
        nodes.server = nodes.serve()
        until(all_stand)
    assert not before & {process.pid for process in replicas()}


def test_reads_while_the_head_is_started_anew(nodes, scope, expected, redis):
    if redis is None:
        pytest.skip("without redis-server, a lost head loses the cluster")
    with reading(scope, expected):
        nodes.lose_head()
    with reading(scope, expected):
        replicas()[0].kill()  # who replaces it asks the new head
    until(all_stand)


def test_the_client_goes_on_after_all_of_ray_was_started_anew(nodes, scope, expected, monkeypatch):
    monkeypatch.setattr("llmscope.remote.connection._PATIENCE", 600)
    with reading(scope, expected):
        nodes.end()
        nodes.begin()


def test_tokens_open_the_door_and_are_nowhere_to_be_read(nodes):
    nodes.connect(token=ROOM).elsewhere.connection.close()
    with pytest.raises(ConnectionError, match="doesn't take this token"):
        nodes.connect(token="someone-elses-token")
    logs = os.path.realpath("/tmp/ray/session_latest")
    for token in (TOKEN, ROOM):
        found = subprocess.run(["grep", "-rlF", token, logs], capture_output=True, text=True)
        assert found.stdout == ""
    for process in psutil.process_iter(["cmdline", "environ"]):
        if "ray" in " ".join(process.info["cmdline"] or []):
            assert TOKEN not in str(process.info)


def test_a_model_that_does_not_load_is_a_sentence(nodes):
    (why,) = nodes.server.problems.values()
    assert why.endswith(".") and "Traceback" not in why
    with pytest.raises(RuntimeError) as caught:
        nodes.connect(BAD)
    assert str(caught.value) == why


def test_what_is_held_by_nothing_yet_is_refused_with_a_time(nodes, scope, monkeypatch):
    handle = ray_serve.get_deployment_handle("model-slow", "llmscope")
    models = Replicas({"slow": handle}, [])
    frame = packed({"do": "about", "model": "slow", "of": [{"text": TEXT}]})

    async def first():
        async for said in models.ask("owner", frame):
            return said

    assert asyncio.run(first())[0] == PART
    monkeypatch.setattr("llmscope.remote.cluster._WAIT", 0.0)
    with pytest.raises(Busy, match="Nothing that holds 'slow' is ready") as refusal:
        asyncio.run(first())
    assert refusal.value.again == 10


def test_two_models_of_two_processes_are_not_compared(nodes, scope):
    other = nodes.connect("demo:dates")
    message = {"do": "compare", "what": "lens", "of": [{"text": "a"}, {"text": "b"}]}
    message["of"][1]["model"] = "demo:dates"
    with pytest.raises(ValueError, match="aren't held by one process"):
        scope.elsewhere.read(message)
    other.elsewhere.connection.close()


class _Busy:
    """Which replica has worked most since this was made."""

    def __init__(self) -> None:
        self._before = {process: _seconds(process) for process in replicas()}

    def one(self) -> psutil.Process:
        return max(self._before, key=lambda process: _seconds(process) - self._before[process])


def _seconds(process: psutil.Process) -> float:
    spent = process.cpu_times()
    return spent.user + spent.system


def _idle(process: psutil.Process) -> bool:
    return process.cpu_percent(interval=2) < 20
