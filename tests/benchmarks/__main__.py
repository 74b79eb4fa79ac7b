"""Runs every benchmark beside this file, or those named: `python -m tests.benchmarks loader --deals 5000`."""

import ast
import sys
import time
from importlib import import_module
from itertools import takewhile
from pathlib import Path

HERE = Path(__file__).parent


def benchmarks() -> list[str]:
    """The modules here that have a `main`, which reads what else is on the command line; NAME_run is a part of NAME."""
    paths = (path for path in sorted(HERE.glob("[!_]*.py")) if not path.stem.endswith("_run"))
    return [path.stem for path in paths if _has_main(path)]


def _has_main(path: Path) -> bool:
    return any(isinstance(node, ast.FunctionDef) and node.name == "main" for node in ast.parse(path.read_text()).body)


def main() -> None:
    known, (program, *words) = benchmarks(), sys.argv
    named = list(takewhile(lambda word: not word.startswith("-"), words))
    if unknown := set(named) - set(known):
        sys.exit(f"there is no benchmark {min(unknown)!r}: give one of {', '.join(known)}, or none for all")
    for name in named or known:
        print(f"\n== {name}", flush=True)
        sys.argv = [f"{program} {name}", *words[len(named) :]]
        started = time.monotonic()
        import_module(f"{__package__}.{name}").main()
        print(f"== {name}: {time.monotonic() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
