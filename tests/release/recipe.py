"""Read conda's recipe with rattler-build's own parser, and hold it to pyproject.toml."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
RECIPE = ROOT / ".conda" / "recipe.yaml"
ELSEWHERE = {"matplotlib-base": "matplotlib", "pytorch": "torch"}  # conda's names, and PyPI's


def needed() -> set[str]:
    """Return what the recipe needs to run, by PyPI's names."""
    text = RECIPE.read_text("utf-8").split("  run:\n")[1].split("\ntests:")[0]
    lines = re.findall(r"- (\S+) (\S+)", text)
    return {f"{ELSEWHERE.get(name, name)}{version}" for name, version in lines}


def main() -> None:
    """Parse and render the recipe."""
    from rattler_build import Stage0Recipe, VariantConfig

    (package,) = Stage0Recipe.from_file(RECIPE).render(VariantConfig())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = {*project["dependencies"], f"python{project['requires-python']}"}
    assert needed() == wanted, needed() ^ wanted
    print(package)


if __name__ == "__main__":
    main()
