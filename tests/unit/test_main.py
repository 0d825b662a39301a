"""`python -m llmscope`: its commands, and what they say when they can't."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from llmscope import __main__ as command_line
from llmscope.__main__ import main
from llmscope.evaluation import run
from llmscope.evaluation.one import measure_named
from tests.tiny import MODELS, byte_level


@pytest.fixture
def started(monkeypatch):
    """The command lines that would be started."""
    found = []

    def run(command, **kwargs):
        found.append(command)
        return subprocess.CompletedProcess(command, 3)

    monkeypatch.setattr(subprocess, "run", run)
    return found


def test_the_version_and_the_commands(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == version("jupyter-llmscope")
    assert main([]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in command_line.COMMANDS)


def test_it_runs_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "llmscope", "export", "--help"], capture_output=True, text=True
    )
    assert done.returncode == 0 and "--html FILE" in done.stdout


def test_lab_opens_the_quick_start_or_a_notebook(started, tmp_path):
    assert main(["lab"]) == 3
    (command,) = started
    assert command[:3] == [sys.executable, "-m", "jupyterlab"]
    assert Path(command[3]).name == "quickstart.ipynb" and Path(command[3]).is_file()
    own = tmp_path / "own.ipynb"
    own.touch()
    assert main(["lab", str(own), "--no-browser", "--ip=127.0.0.1"]) == 3
    assert started[1][3:] == [str(own), "--no-browser", "--ip=127.0.0.1"]


def test_lab_copies_the_installed_quick_start_once(started, tmp_path, monkeypatch):
    package, here = tmp_path / "site" / "llmscope", tmp_path / "here"
    package.mkdir(parents=True)
    here.mkdir()
    (package / "quickstart.ipynb").write_text("installed")
    monkeypatch.setattr(command_line, "_PACKAGE", package)
    monkeypatch.chdir(here)
    main(["lab"])
    copy = here / started[0][3]
    assert copy.read_text() == "installed"
    copy.write_text("edited")
    main(["lab"])
    assert copy.read_text() == "edited"


def test_lab_says_what_is_missing(started, capsys, monkeypatch):
    assert main(["lab", "none.ipynb"]) == 1
    assert capsys.readouterr().err == "There is no notebook none.ipynb.\n"
    monkeypatch.setattr(command_line, "find_spec", lambda name: None)
    assert main(["lab"]) == 1
    assert "pip install jupyterlab ipykernel" in capsys.readouterr().err
    assert not started


def test_export_writes_a_live_page(tokenizer, tmp_path, capsys):
    folder, page = tmp_path / "tiny", tmp_path / "page.html"
    MODELS["llama"]().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    assert main(["export", str(folder), "the cat sat", "--html", str(page)]) == 0
    assert str(page) in capsys.readouterr().out
    assert page.read_text("ascii").startswith("<!doctype html>")


def test_export_says_why_it_can_not(tmp_path, capsys):
    page = tmp_path / "page.html"
    assert main(["export", str(tmp_path / "none"), "a text", "--html", str(page)]) == 1
    assert "There is no file or folder" in capsys.readouterr().err
    assert not page.exists()


@pytest.mark.parametrize("arguments", [["nonsense"], ["export", "gpt2"], ["export", "--wrong"]])
def test_a_wrong_call_is_explained(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: python -m llmscope" in capsys.readouterr().err


def test_models_are_evaluated_and_a_page_and_a_table_written(tmp_path, capsys, monkeypatch):
    tokenizer = byte_level()
    MODELS["gpt2"]().save_pretrained(tmp_path / "tiny")
    tokenizer.save_pretrained(tmp_path / "tiny")
    monkeypatch.setattr(run, "measure_in_process", measure_named)
    texts = tmp_path / "texts.txt"
    texts.write_text("A tiny model\nreads this.\n")
    page, table = tmp_path / "report.html", tmp_path / "report.csv"
    command = ["evaluate", str(tmp_path / "tiny"), "--texts", str(texts), "--window", "16"]
    assert main([*command, "--html", str(page), "--csv", str(table)]) == 0
    assert "tiny: done." in capsys.readouterr().out
    assert "<!doctype html>" in page.read_text().lower()
    assert "bits_per_byte" in table.read_text()
    assert main(["evaluate", str(tmp_path / "gone"), "--texts", str(texts)]) == 1
    assert "There is no file or folder" in capsys.readouterr().out
    assert main(["evaluate", "default", "--texts", str(tmp_path / "gone.txt")]) == 1
    assert "There is no file" in capsys.readouterr().err
