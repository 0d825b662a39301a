"""The package: what the wheel holds, that it installs, and that importing it is light."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

import llmscope

ROOT = Path(__file__).parents[2]


def run(*command: str | Path, cwd: Path, **env: str) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": ""} | env,  # what is installed, and nothing beside it
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, its front end built by the hook."""
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, cwd=ROOT)
    (built,) = out.glob("jupyter_llmscope-*.whl")
    return built


def test_the_wheel_holds_what_is_built_and_no_sources(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert "llmscope/__init__.py" in names
    assert "llmscope/__init__.pyi" in names, "the list of public names"
    assert "llmscope/py.typed" in names
    assert "llmscope/quickstart.ipynb" in names, "python -m llmscope lab opens it"
    assert "llmscope/shared.json" in names
    assert "llmscope/corpus/sentences.json" in names
    assert "llmscope/static/llmscope.js" in names
    assert "llmscope/static/parts.json" in names
    assert "llmscope/static/bertviz.js" in names
    assert "llmscope/static/around.js" in names
    assert "llmscope/static/LICENSES.txt" in names
    assert "llmscope/static/licences.json" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    shared = "jupyter_llmscope-0.1.0.data/data/share/jupyter/labextensions/jupyter-llmscope/"
    assert {f"{shared}package.json", f"{shared}install.json"} <= set(names), "JupyterLab's part"
    (entry,) = [name for name in names if name.startswith(f"{shared}static/remoteEntry.")]
    described = json.loads(zipfile.ZipFile(wheel).read(f"{shared}package.json"))
    assert entry == shared + described["jupyterlab"]["_build"]["load"]
    assert described["version"] == llmscope.__version__
    assert not [name for name in names if name.startswith("llmscope/labextensions")]
    assert not [name for name in names if "frontend" in name or "node_modules" in name]
    assert not [name for name in names if name.endswith((".ts", ".tsx"))]
    assert not [name for name in names if not name.startswith(("llmscope/", "jupyter_llmscope-"))]


def test_the_wheel_installs_and_imports(wheel, tmp_path):
    venv.create(tmp_path / "venv", with_pip=False)
    python = tmp_path / "venv" / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python)
    run(*pip, "install", "--no-deps", "--no-index", wheel, cwd=tmp_path)
    (site,) = (tmp_path / "venv").glob("lib/python*/site-packages")
    # A plain path, so that .pth files in it, the editable install's too, are not followed.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    script = (
        "import importlib.metadata, llmscope; print(llmscope.__file__);"
        "print(importlib.metadata.version('jupyter-llmscope'), llmscope.__version__)"
    )
    where, versions = run(python, "-c", script, cwd=tmp_path).splitlines()
    assert Path(where).parent == site / "llmscope"
    assert versions == "0.1.0 0.1.0"
    extension = tmp_path / "venv/share/jupyter/labextensions/jupyter-llmscope"
    assert (extension / "package.json").is_file()


def test_importing_is_light():
    script = "import sys, llmscope; print(*sys.modules)"
    modules = run(sys.executable, "-c", script, cwd=ROOT, PYTHONPATH=str(ROOT)).split()
    heavy = {"torch", "transformers", "matplotlib", "pandas", "bertviz", "gguf"}
    assert heavy.isdisjoint(modules)


def test_a_picker_opens_without_pytorch():
    script = "import sys, llmscope; llmscope.explore(); print(*sys.modules)"
    modules = run(sys.executable, "-c", script, cwd=ROOT, PYTHONPATH=str(ROOT)).split()
    assert {"torch", "transformers"}.isdisjoint(modules)
    assert "llmscope.views.explorer" in modules


def test_no_file_is_longer_than_400_lines():
    folders = ("llmscope", "tests", "docs")
    found = [
        path
        for folder in folders
        for path in (ROOT / folder).rglob("*.*")
        if path.suffix in {".py", ".ts", ".tsx", ".mjs", ".css"}
        and not {"node_modules", "static", "labextensions", "built", "_build"} & set(path.parts)
    ]
    assert len(found) > 300
    lengths = {str(path): len(path.read_text("utf-8").splitlines()) for path in found}
    assert {path: length for path, length in lengths.items() if length > 400} == {}
