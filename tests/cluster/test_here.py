"""`llmscope.serve` on this machine's own Ray: what there is room for, and as many as are asked."""

import threading
import warnings

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Ray's own
    from ray import serve as ray_serve

import llmscope
from tests.cluster.conftest import TEXT, free_port, until

pytestmark = [pytest.mark.timeout(600), pytest.mark.filterwarnings("default")]


def test_what_has_no_room_is_refused(folder):
    with pytest.raises(ValueError, match="takes 64 GPUs and 1 CPUs, each replica on one machine"):
        llmscope.serve(folder, num_gpus=64, num_cpus=1, port=free_port())


def test_what_is_no_option_is_refused(folder):
    with pytest.raises(TypeError, match="tp_plan=… is no option of"):
        llmscope.serve(folder, tp_plan="auto", port=free_port())


def test_replicas_come_when_they_are_asked_for(folder, local):
    options = {"device_map": "auto"}  # here, all on one
    scaled = llmscope.Served(folder, num_cpus=0.5, replicas=(1, 2), options=options)
    with llmscope.serve(scaled, port=free_port()) as server:
        assert count() == 1
        over, counts = threading.Event(), [0] * 24
        scopes = [llmscope.connect(server.address, token=server.token) for _ in range(4)]

        def write(which):
            while not over.is_set():
                made = scopes[which % 4].generate(TEXT, max_new_tokens=60, seed=which)
                counts[which] += len(made.steps[0])

        threads = [threading.Thread(target=write, args=(which,)) for which in range(len(counts))]
        for thread in threads:
            thread.start()
        until(lambda: count() == 2)
        over.set()
        for thread in threads:
            thread.join()
        made = scopes[0].generate(TEXT, max_new_tokens=20, seed=1)
        assert made.ids() == local.generate(TEXT, max_new_tokens=20, seed=1).ids()
        for scope in scopes:
            scope.close()


def count() -> int:
    """Return how many replicas run."""
    models = ray_serve.status().applications["llmscope"].deployments["model-slow"]
    return models.replica_states.get("RUNNING", 0)
