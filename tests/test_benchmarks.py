"""The benchmarks run: a small one, for its lines and not for its numbers."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def bench(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.benchmarks", *words], cwd=ROOT, capture_output=True, text=True, timeout=300
    )


def test_the_loader_s_benchmark_counts_requests_of_a_night() -> None:
    done = bench("loader", "--parts", "night", "--night-deals", "60", "--changed", "8")
    assert done.returncode == 0, done.stderr
    counted = re.findall(r"^(.+?) +([\d,]+) requests .* s of CPU", done.stdout, re.MULTILINE)
    assert [name for name, _ in counted] == ["first time, no limits", "a night", "a night with its sweep"]
    assert all(int(requests) > 0 for _, requests in counted)


def test_an_unknown_benchmark_is_named_with_those_that_there_are() -> None:
    done = bench("speed")
    assert done.returncode == 1
    assert re.search(r"no benchmark 'speed'.*loader", done.stderr)
