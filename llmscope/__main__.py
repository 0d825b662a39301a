"""`python -m llmscope`: one parser, and a table of commands."""

from __future__ import annotations

import shutil
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import llmscope
from llmscope.evaluation import command as evaluate
from llmscope.remote import command as serve

_PACKAGE = Path(__file__).parent
_QUICKSTART = "llmscope-quickstart.ipynb"


@dataclass(frozen=True)
class Command:
    """One row of the table.

    Attributes
    ----------
    help
        One line for ``--help``.
    arguments
        Adds the command's arguments to its parser.
    run
        Does the work with the parsed arguments, and returns the exit status.
    passes_on
        Whether `run` takes unknown arguments, for another program, as ``args.others``.
    """

    help: str
    arguments: Callable[[ArgumentParser], object]
    run: Callable[[Namespace], int]
    passes_on: bool = False


def _lab_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "notebook", nargs="?", type=Path, help="a notebook; by default the quick start"
    )
    parser.epilog = "Other arguments go to JupyterLab, such as --no-browser."


def _lab(args: Namespace) -> int:
    if find_spec("jupyterlab") is None or find_spec("ipykernel") is None:
        print("JupyterLab isn't installed here: pip install jupyterlab ipykernel", file=sys.stderr)
        return 1
    notebook = args.notebook or _quickstart()
    if not notebook.is_file():
        print(f"There is no notebook {notebook}.", file=sys.stderr)
        return 1
    command = [sys.executable, "-m", "jupyterlab", str(notebook), *args.others]
    return subprocess.run(command, check=False).returncode


def _quickstart() -> Path:
    """Return the quick start of a clone, or a copy in this folder of the installed one."""
    in_clone = _PACKAGE.parent / "notebooks" / "quickstart.ipynb"
    if in_clone.is_file():
        return in_clone
    copy = Path(_QUICKSTART)
    if not copy.exists():
        shutil.copyfile(_PACKAGE / "quickstart.ipynb", copy)
    return copy


def _export_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("model", help="a Hub id, a folder or a GGUF file; or: default")
    parser.add_argument("text", help="the text to trace")
    parser.add_argument("--html", required=True, type=Path, metavar="FILE", help="the page")


def _export(args: Namespace) -> int:
    try:
        scope = llmscope.load(None if args.model == "default" else args.model)
        print(scope.explore(args.text).to_html(args.html))
    except (llmscope.LoadError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


COMMANDS = {
    "lab": Command("open JupyterLab on the quick start", _lab_arguments, _lab, passes_on=True),
    "export": Command(
        "write a page of all panels that is live without a kernel", _export_arguments, _export
    ),
    "evaluate": Command(
        "measure models and compare them on texts", evaluate.arguments, evaluate.run
    ),
    "serve": Command("serve models to many notebooks", serve.arguments, serve.run),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    argv
        The arguments; by default those of this process.

    Returns
    -------
    int
        The exit status.
    """
    parser = ArgumentParser(prog="python -m llmscope", description="Look inside language models.")
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    commands = parser.add_subparsers(dest="command", metavar="command", title="commands")
    for name, command in COMMANDS.items():
        command.arguments(commands.add_parser(name, help=command.help, description=command.help))
    args, others = parser.parse_known_args(argv)
    if args.version:
        print(llmscope.__version__)
        return 0
    if args.command is None:
        parser.print_help()
        return 0
    chosen = COMMANDS[args.command]
    if others and not chosen.passes_on:
        parser.error(f"unrecognized arguments: {' '.join(others)}")
    args.others = others
    return chosen.run(args)


if __name__ == "__main__":
    sys.exit(main())
