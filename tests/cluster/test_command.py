"""`python -m llmscope serve`, on this machine's own Ray."""

import signal
import socket
import subprocess
import sys

import numpy as np
import psutil
import pytest

import llmscope
from tests.cluster.conftest import ROOM, TOKEN, free_port

pytestmark = [pytest.mark.timeout(600), pytest.mark.filterwarnings("default")]
TEXT = "The capital of France is"


@pytest.fixture(scope="module")
def served():
    """The process, the address, and what it printed."""
    port = free_port()
    command = [sys.executable, "-m", "llmscope", "serve", "--port", str(port), "--num-cpus", "1"]
    command += ["--token", TOKEN, f"--room-token={ROOM}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        printed = []
        for line in process.stdout:
            printed.append(line)
            if "llmscope.connect(" in line:
                break
        yield process, f"http://127.0.0.1:{port}", "".join(printed)
        process.kill()


def test_the_default_model_equals_the_local_one_bit_for_bit(served):
    _, address, printed = served
    assert f'llmscope.connect("{address}", "smollm2", token=…)' in printed
    there, here = llmscope.connect(address, token=TOKEN), llmscope.load()
    assert np.array_equal(there.trace(TEXT).logits, here.trace(TEXT).logits)
    assert np.array_equal(there.trace(TEXT).attention(24, 4), here.trace(TEXT).attention(24, 4))
    options = {"max_new_tokens": 8, "do_sample": True, "seed": 5}
    made, same = there.generate(TEXT, **options), here.generate(TEXT, **options)
    assert np.array_equal(made.sequences, same.sequences)
    there.elsewhere.connection.close()


def test_tokens_are_in_no_command_line_and_no_environment_of_ray(served):
    process, _, printed = served
    assert TOKEN not in printed and ROOM not in printed  # they were given, so they are known
    found = psutil.Process(process.pid)
    assert TOKEN not in " ".join(found.cmdline())
    children = found.children(recursive=True)
    assert len(children) > 3
    for child in children:
        assert TOKEN not in str(child.environ()) and ROOM not in str(child.cmdline())


def test_an_answer_in_hand_is_given_before_it_ends(served):
    process, address, _ = served
    scope = llmscope.connect(address, token=TOKEN)
    parts = scope.elsewhere.parts(
        {"do": "generate", "of": [{"text": TEXT}], "seed": 1}
        | {"settings": {"max_new_tokens": 30, "do_sample": True}}
    )
    next(parts)
    process.send_signal(signal.SIGINT)
    *_, whole = parts
    assert whole["lengths"] == [30] and not whole["interrupted"]
    assert process.wait(120) == 0


def test_the_port_is_taken():
    with socket.socket() as one:
        one.bind(("127.0.0.1", free_port()))
        one.listen()
        command = [sys.executable, "-m", "llmscope", "serve", "--port", str(one.getsockname()[1])]
        done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.strip().endswith("choose another port.")
