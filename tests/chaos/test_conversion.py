"""Killed at any moment, or on a disk that fills up, a conversion leaves no copy that is half."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

import llmscope
from llmscope.loading import LoadError, default
from tests.checkpoints import silent

POINTS = ["before the weights", "half of the weights", "before the manifest", "before the rename"]
LONGEST = 300.0  # seconds that a real conversion may take to get somewhere

# Converts a file to a copy of 1 MB, and waits at one point to be killed.
CHILD = """
import signal, sys
from contextlib import nullcontext
from pathlib import Path
import numpy as np
from safetensors.numpy import save
from llmscope.loading import default

def reached(point):
    if point == sys.argv[2]:
        print(point, flush=True)
        signal.pause()

def save_in_two(gguf, folder):
    reached("before the weights")
    content = save({"w": np.zeros(2**18, "float32")})
    with (folder / "model.safetensors").open("wb") as file:
        file.write(content[:2**19])
        file.flush()
        reached("half of the weights")
        file.write(content[2**19:])
    reached("before the manifest")

def rename(self, target, rename=Path.rename):
    reached("before the rename")
    return rename(self, target)

default.COPY_BYTES = 2**20
default._save = save_in_two
default.reporting = lambda progress: nullcontext()
Path.rename = rename
default.converted(Path(sys.argv[1]), lambda *_: None)
"""


@pytest.fixture
def gguf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file to convert, and a conversion to a copy of 1 MB."""
    kept = tmp_path / "kept"
    kept.mkdir()
    monkeypatch.setenv("LLMSCOPE_CACHE", str(kept))
    monkeypatch.setattr(default, "COPY_BYTES", 2**10)

    def save(gguf: Path, folder: Path) -> None:
        save_file({"w": np.zeros(2**18, "float32")}, folder / "model.safetensors")

    monkeypatch.setattr(default, "_save", save)
    file = tmp_path / "small.gguf"
    file.write_bytes(b"GGUF" + bytes(100))
    return file


def leftovers(folder: Path) -> list[str]:
    return [file.name for file in folder.parent.iterdir() if file.name != f"{folder.name}.lock"]


@pytest.mark.parametrize("point", POINTS)
def test_a_conversion_that_is_killed_is_made_again(
    gguf: Path, point: str, counts: Counter[str]
) -> None:
    folder = default.copy_folder(gguf)
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(gguf), point], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline().strip() == point
        child.kill()
    assert child.returncode == -signal.SIGKILL
    assert not default.is_intact(folder)
    assert leftovers(folder) == [f"{folder.name}.partial"]
    assert default.is_intact(default.converted(gguf, silent))
    assert leftovers(folder) == [folder.name]
    counts["conversions that were killed"] += 1


@pytest.fixture
def small_disk(gguf: Path, tmp_path: Path) -> Iterator[Path]:
    """A cache folder on a disk of its own of half a megabyte."""
    kept = tmp_path / "kept"
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(kept)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a small disk takes root, on Linux")
    yield kept
    subprocess.run(["umount", str(kept)], check=True)


def test_a_disk_that_fills_up_is_called_full_and_is_left_empty(
    gguf: Path, small_disk: Path, counts: Counter[str]
) -> None:
    free = shutil.disk_usage(small_disk).free
    for _ in range(3):
        with pytest.raises(LoadError, match="the disk is full") as caught:
            default.converted(gguf, silent)
        assert caught.value.kind == "disk"
        assert leftovers(default.copy_folder(gguf)) == []
        assert shutil.disk_usage(small_disk).free >= free - 2**14
        counts["conversions on a full disk"] += 1
    subprocess.run(["mount", "-o", "remount,size=4m", str(small_disk)], check=True)
    assert default.is_intact(default.converted(gguf, silent))


@pytest.mark.whole
@pytest.mark.model
@pytest.mark.parametrize("appears", ["", "model.safetensors"])
def test_the_default_model_is_converted_anew_after_a_kill(
    appears: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, counts: Counter[str]
) -> None:
    file = default.find_gguf()
    assert file is not None
    monkeypatch.setenv("LLMSCOPE_CACHE", str(tmp_path))
    folder = default.copy_folder(file)
    half = folder.with_name(f"{folder.name}.partial") / appears
    convert = "import llmscope; llmscope.load()"
    with subprocess.Popen([sys.executable, "-c", convert], env=os.environ) as child:
        end = time.monotonic() + LONGEST
        while not half.exists():
            assert child.poll() is None
            assert time.monotonic() < end
            time.sleep(0.01)
        child.kill()
    assert child.returncode == -signal.SIGKILL
    assert not default.is_intact(folder)
    assert llmscope.load(device="cpu").facts.layers == 30
    assert leftovers(folder) == [folder.name]
    counts["conversions that were killed"] += 1
