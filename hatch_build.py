"""The build hooks: a front end built from its sources, and a README whose links lead somewhere."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

NODE = 20
REPOSITORY = "LLMSCOPE_REPOSITORY"  # the environment variable that names where this is published
_RELATIVE = re.compile(r"(!?\[[^\]]*\]\()(?![a-z]+:|#)")  # a link, or a picture, up to its address


class FrontendBuildHook(BuildHookInterface[Any]):
    """Build ``llmscope/static`` from ``llmscope/frontend``.

    It is built anew each time: esbuild takes a tenth of a second, and what is always built is never
    stale. Only an unpacked sdist, which holds the built files, is taken as it is, so that it needs
    no Node; whoever changes its sources removes ``llmscope/static``.
    """

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the front end before hatchling collects the files."""
        root = Path(self.root)
        if self.target_name == "wheel" and version == "standard":  # an editable one has the clone's
            quickstart = root / "notebooks" / "quickstart.ipynb"
            build_data["force_include"][str(quickstart)] = "llmscope/quickstart.ipynb"
        unpacked_sdist = (root / "PKG-INFO").is_file()
        if unpacked_sdist and (root / "llmscope" / "static" / "parts.json").is_file():
            return
        frontend = root / "llmscope" / "frontend"
        npm = self._npm()
        installed = frontend / "node_modules" / ".package-lock.json"
        if _outdated(installed, frontend / "package-lock.json"):
            self._run(frontend, npm, "ci", "--no-audit", "--no-fund")
        self._run(frontend, npm, "run", "--silent", "build")

    def _npm(self) -> str:
        node, npm = shutil.which("node"), shutil.which("npm")
        needed = f"llmscope: Node >= {NODE} with npm builds the front end"
        if node is None or npm is None:
            self.app.abort(
                f"{needed}, and none was found on PATH: install it from https://nodejs.org"
            )
            raise SystemExit(1)
        found = subprocess.run([node, "--version"], capture_output=True, text=True).stdout.strip()
        major = re.match(r"v(\d+)", found)
        if major is None or int(major[1]) < NODE:
            self.app.abort(f"{needed}, and {node} is {found or 'broken'}: see https://nodejs.org")
        return npm

    def _run(self, frontend: Path, *command: str) -> None:
        done = subprocess.run(
            command, cwd=frontend, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        if done.returncode != 0:
            name = " ".join(["npm", *command[1:]])
            self.app.abort(f"{done.stdout}{done.stderr}\nllmscope: `{name}` failed in {frontend}")
        self.app.display_info(done.stdout.strip())


class AddressesHook(MetadataHookInterface):
    """Make the README's relative links absolute, and name the project's addresses.

    Where it is published is said by whoever releases it: ``make release REPOSITORY=https://…``.
    Without that the README stays as it is in the repository.
    """

    PLUGIN_NAME = "custom"

    def update(self, metadata: dict[str, Any]) -> None:
        """Set the readme and the addresses."""
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        repository = os.environ.get(REPOSITORY, "").rstrip("/")
        if repository:
            at = f"v{metadata['version']}"
            text = _RELATIVE.sub(
                lambda link: (
                    f"{link[1]}{repository}/{'raw' if link[1][0] == '!' else 'blob'}/{at}/"
                ),
                text,
            )
            metadata["urls"] = {
                "Source": repository,
                "Issues": f"{repository}/issues",
                "Changelog": f"{repository}/blob/{at}/CHANGELOG.md",
                "Security": f"{repository}/blob/{at}/SECURITY.md",
            }
        metadata["readme"] = {"content-type": "text/markdown", "text": text}


def _outdated(output: Path, source: Path) -> bool:
    return not output.is_file() or output.stat().st_mtime < source.stat().st_mtime
