"""`python -m llmscope evaluate MODEL… --texts FILE --html report.html`."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

import llmscope
from llmscope.loading import LoadError


def arguments(parser: ArgumentParser) -> None:
    """Add what can be given to the command's parser."""
    parser.add_argument(
        "models", nargs="+", metavar="MODEL", help="a Hub id, a folder or a GGUF file; or: default"
    )
    parser.add_argument(
        "--texts", required=True, type=Path, help="a text on each line, or .jsonl with a text each"
    )
    parser.add_argument(
        "--tasks", nargs="+", default=(), metavar="TASK", help="task files of lm-eval; or: everyday"
    )
    parser.add_argument("--window", type=int, metavar="TOKENS", help="the most read at once")
    parser.add_argument("--dtype", help="the precision, such as bfloat16")
    parser.add_argument("--device", help="where the models go, such as cpu")
    parser.add_argument("--html", type=Path, metavar="FILE", help="a page that is live by itself")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="the table")


def run(args: Namespace) -> int:
    """Measure the models, write what is asked for, and return the exit status."""
    models = [None if name == "default" else name for name in args.models]
    options = {"window": args.window, "dtype": args.dtype, "device": args.device}
    try:
        view = llmscope.evaluate(models, args.texts, args.tasks, **options)
        try:
            evaluation = view.evaluation
        except KeyboardInterrupt:
            view.stop()
            evaluation = view.evaluation
        for model in evaluation.models:
            print(f"{model.name}: {model.state}. {model.error}".removesuffix(" "))
            for note in model.notes:
                print(f"  {note}")
        if args.csv is not None:
            evaluation.to_pandas().to_csv(args.csv, index=False)
            print(args.csv)
        if args.html is not None:
            print(view.to_html(args.html))
        if args.csv is None and args.html is None:
            print(evaluation.to_pandas().set_index("model").T.to_string())
    except (LoadError, OSError, ValueError, TypeError, ModuleNotFoundError) as error:
        print(error, file=sys.stderr)
        return 1
    return int(any(model.state == "failed" for model in evaluation.models))
