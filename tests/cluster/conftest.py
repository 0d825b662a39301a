"""A real Ray on this machine: two nodes, whose CPUs are counted, not held."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
import warnings
from contextlib import closing, contextmanager
from pathlib import Path

import psutil
import pytest
import torch
import transformers as tf

pytest.importorskip("ray", reason="make cluster installs Ray")

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Ray's own
    import ray
    from ray import serve as ray_serve
    from ray.cluster_utils import Cluster

import llmscope
from llmscope.remote.limits import Limits
from llmscope.remote.served import Served, serve
from tests import tiny

TEXT = "The quick brown fox jumps over the lazy dog"
TOKEN, ROOM = "owner-of-the-tests", "room-of-the-tests"
BAD = "broken"
STORE = 100 * 2**20


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """As many as replicas have that take one CPU or less."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    """A model that takes a while for a text, and never reaches the end of what it can read."""
    torch.manual_seed(0)
    config = tf.LlamaConfig(
        **tiny._GROUPED
        | {"hidden_size": 128, "num_hidden_layers": 6, "max_position_embeddings": 1_000_000}
        | {"eos_token_id": None, "intermediate_size": 256}
    )
    model = tf.LlamaForCausalLM(config).eval()
    path = tmp_path_factory.mktemp("models") / "slow"
    model.save_pretrained(path)
    tiny.byte_level().save_pretrained(path)
    broken = path.with_name(BAD)
    broken.mkdir()
    (broken / "config.json").write_text((path / "config.json").read_text())
    return path


@pytest.fixture(scope="session")
def local(folder):
    """The same model here."""
    return llmscope.load(folder)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with closing(socket.socket()) as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture(scope="module")
def redis(tmp_path_factory):
    """Where the head keeps what it knows, so that it can be started anew."""
    if shutil.which("redis-server") is None:
        yield None
        return
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    where = tmp_path_factory.mktemp("redis")
    with subprocess.Popen(command, cwd=where, stdout=subprocess.DEVNULL) as process:
        os.environ["RAY_REDIS_ADDRESS"] = f"127.0.0.1:{port}"
        yield port
        del os.environ["RAY_REDIS_ADDRESS"]
        process.kill()


class Nodes:
    """Two nodes with one CPU each, and what is served on them.

    A model of its own has a replica on each, and what is shared takes no CPU.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.begin()

    def begin(self) -> None:
        """Start the head, the other node, and the server."""
        head = {"num_cpus": 1, "object_store_memory": STORE, "include_dashboard": False}
        self.cluster = Cluster(initialize_head=True, head_node_args=head)
        self.node = self.cluster.add_node(num_cpus=1, object_store_memory=STORE)
        self.server = self.serve()

    def serve(self):
        """Serve the models, or do so anew."""
        return serve(
            [Served(self.folder, num_cpus=1, replicas=2), "demo:dates", self.folder.with_name(BAD)],
            address=self.cluster.address,
            port=self.port,
            token=TOKEN,
            room_token=ROOM,
            num_cpus=0,
            limits=Limits(tokens_a_minute=1_000_000),
        )

    def lose_node(self) -> None:
        """Have the node that isn't the head's vanish."""
        self.cluster.remove_node(self.node, allow_graceful=False)

    def lose_head(self) -> None:
        """Have what the head's node knows of the cluster begin anew, with what Redis keeps."""
        self.cluster.head_node.kill_gcs_server()
        time.sleep(2)
        self.cluster.head_node.start_gcs_server()

    def add_node(self) -> None:
        """Have another node in its place."""
        self.node = self.cluster.add_node(num_cpus=1, object_store_memory=STORE)

    def end(self) -> None:
        """Stop everything."""
        self.server.stop()
        ray.shutdown()
        self.cluster.shutdown()

    def connect(self, model: str = "slow", token: str = TOKEN):
        """Return a scope of a model."""
        return llmscope.connect(self.server.address, model, token=token)


@pytest.fixture(scope="module")
def nodes(folder, redis):
    found = Nodes(folder)
    yield found
    found.end()


@pytest.fixture
def scope(nodes):
    """The model on the cluster, once all of its replicas are there."""
    until(lambda: all_stand())
    found = nodes.connect()
    yield found
    found.elsewhere.connection.close()


def all_stand() -> bool:
    """Return whether all replicas that should be there are."""
    models = ray_serve.status().applications["llmscope"].deployments["model-slow"]
    return models.replica_states.get("RUNNING", 0) == 2 and models.status == "HEALTHY"


def until(is_so) -> None:
    """Wait for something, as long as the test may take."""
    while not is_so():
        time.sleep(0.1)


def replicas() -> list[psutil.Process]:
    """Return the processes that hold the model."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        title = " ".join(process.info["cmdline"] or [])
        if "ServeReplica:llmscope:model-slow" in title:
            found.append(process)
    return found


@contextmanager
def reading(scope, expected):
    """Read traces of the texts of `expected` all the time, and hold each to its numbers."""
    over, wrong, counts = threading.Event(), [], [0, 0]

    def read(which: int) -> None:
        texts = [*expected]
        while not over.is_set():
            text = texts[(counts[which] * 7 + which) % len(texts)]
            try:
                if (scope.trace(text).logits != expected[text]).any():
                    wrong.append(text)
            except Exception as error:
                wrong.append(error)
            counts[which] += 1

    threads = [threading.Thread(target=read, args=(n,)) for n in range(2)]
    for thread in threads:
        thread.start()
    try:
        until(lambda: min(counts) > 5)
        yield
        before = [*counts]
        until(lambda: all(now > then + 5 for now, then in zip(counts, before, strict=True)))
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert not wrong, wrong[:3]
