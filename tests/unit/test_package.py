"""The package: what the wheel holds, that it installs, and that importing it is light."""

import json
import os
import re
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path
from typing import Any

import pytest

import llmscope
from hatch_build import REPOSITORY, AddressesHook
from llmscope.loading.demos import DEMOS
from tests.release.stated import stated

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
    assert "llmscope/lessons/texts/sampling.zh.md" in names
    assert {f"llmscope/demos/{name}/model.safetensors" for name in DEMOS} <= set(names)
    assert "llmscope/static/llmscope.js" in names
    assert "llmscope/static/parts.json" in names
    assert "llmscope/static/bertviz.js" in names
    assert "llmscope/static/around.js" in names
    assert "llmscope/static/unpack.js" in names
    assert "llmscope/static/LICENSES.txt" in names
    assert "llmscope/static/licences.json" in names
    licences = {name.split(".dist-info/licenses/")[1] for name in names if "/licenses/" in name}
    assert licences == {"LICENSE", "llmscope/static/LICENSES.txt"}
    shared = "jupyter_llmscope-0.2.0.data/data/share/jupyter/labextensions/jupyter-llmscope/"
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
    assert versions == "0.2.0 0.2.0"
    extension = tmp_path / "venv/share/jupyter/labextensions/jupyter-llmscope"
    assert (extension / "package.json").is_file()


def test_the_version_is_the_same_wherever_it_stands():
    found = stated()
    assert len(found) == 3
    assert set(found.values()) == {llmscope.__version__}


def _links(text: str) -> list[tuple[str, str]]:
    return re.findall(r"(!?)\[[^\]]*\]\(([^)]+)\)", text)


def test_links_of_the_readme_lead_to_where_it_is_published(monkeypatch):
    hook = AddressesHook(str(ROOT), {})
    plain: dict[str, Any] = {"version": "1.2.3"}
    monkeypatch.delenv(REPOSITORY, raising=False)
    hook.update(plain)
    text = (ROOT / "README.md").read_text("utf-8")
    assert plain["readme"]["text"] == text
    assert "urls" not in plain
    metadata: dict[str, Any] = {"version": "1.2.3"}
    monkeypatch.setenv(REPOSITORY, "https://example.org/llmscope/")
    hook.update(metadata)
    links = _links(metadata["readme"]["text"])
    assert len(links) == len(re.findall(r"\]\(", text))
    at = "https://example.org/llmscope/{}/v1.2.3/"
    relative = [place for _, place in _links(text) if ":" not in place]
    assert len(relative) > 10
    for place in relative:
        assert (ROOT / place.split("#")[0]).is_file(), place
    assert {place for is_picture, place in links if is_picture} == {
        at.format("raw") + place for place in relative if place.endswith(".png")
    }
    assert all(place.startswith("https://") for _, place in links)
    assert metadata["urls"]["Changelog"] == at.format("blob") + "CHANGELOG.md"


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
