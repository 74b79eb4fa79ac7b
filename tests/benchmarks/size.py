"""What a report costs at size: load and every table of a notebook, sales dynamics' unless another is named, each in a process of its own.

The company is invented (size_store.py): a million deals, five million stage moves, ten million actions, and one of a
tenth of that, where a manager has as many deals. Beside it the plain way: pandas.read_parquet and groupby.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
NOTEBOOKS = HERE.parents[1] / "notebooks"
SLICES = {"whole company": {}, "one manager": {"manager": ["5"]}, "one source": {"source": ["S3"]}}
NUMBERS = ["created", "won", "won_money", "lost", "in_work", "average_check", "cycle_days", "conversion"]
YEAR = "2025-01..2025-12"


def main() -> None:
    """Print time and peak memory at both sizes, what ten times the data cost, and the ratio to plain pandas."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--deals", type=int, default=1_000_000, help="of the larger company")
    asked.add_argument("--report", default="sales_dynamics", help="whose notebook")
    asked.add_argument("--keep", type=Path, help="a folder for the stores, to be found again")
    asked = asked.parse_args()
    folder = asked.keep or Path(tempfile.mkdtemp(prefix="size-"))
    try:
        small, large = (
            _measured(folder / str(deals), deals, asked.report) for deals in (asked.deals // 10, asked.deals)
        )
    finally:
        if not asked.keep:
            shutil.rmtree(folder)
    print(f"\n{'':34}{'seconds':>9}{'of CPU':>9}{'peak MB':>9}   10x less:{'of CPU':>9}{'peak MB':>9}{'grew by':>9}")
    for name, now in large.items():
        less = small[name]
        growth = now["cpu"] / less["cpu"]
        print(f"{name:34}{now['seconds']:9.2f}{now['cpu']:9.2f}{now['peak']:9.0f}", end="")
        print(f"{less['cpu']:21.2f}{less['peak']:9.0f}{growth:8.1f}x")
    _print_parts(small["all parts, nothing kept yet"]["parts"], large["all parts, nothing kept yet"]["parts"])
    ours, plain = (large[f"numbers: {who}"]["cpu"] for who in ("ours, parts kept", "pandas"))
    print(f"\nThe same numbers per manager and month: pandas takes {plain / ours:.1f} times the CPU that we do.")


def _print_parts(small: dict[str, float], large: dict[str, float]) -> None:
    """Seconds of CPU that working out each part took, and how many times those of a tenth of the deals."""
    print(f"\n{'part, worked out once':34}{'of CPU':>9}{'10x less':>10}{'grew by':>9}")
    for name in sorted(large, key=large.get, reverse=True):
        print(f"{name:34}{large[name]:9.2f}{small[name]:10.2f}{large[name] / small[name]:8.1f}x")


def _measured(folder: Path, deals: int, report: str) -> dict[str, dict]:
    """Seconds, seconds of CPU and peak MB of each run; the first finds nothing kept beside the store."""
    from . import size_store

    if not (folder / "store.duckdb").is_file():
        started = time.monotonic()
        settings = size_store.make(folder, deals)
        print(f"{deals:,} deals made in {time.monotonic() - started:.0f} s: {size_store.counts(settings)}", flush=True)
    shutil.rmtree(folder / "cache", ignore_errors=True)
    runs = {"all parts, nothing kept yet": ("parts", {}), "whole company, nothing kept yet": (report, {})}
    runs |= {name: (report, chosen) for name, chosen in SLICES.items()}
    runs |= {"numbers: ours, parts kept": ("numbers", {}), "numbers: pandas": ("plain", {})}
    found = {name: _run(folder, *each) for name, each in runs.items()}
    totals = [found[f"numbers: {who}"]["totals"] for who in ("ours, parts kept", "pandas")]
    if any(abs(totals[0][name] - totals[1][name]) > 1e-6 * abs(totals[1][name]) for name in totals[1]):
        raise SystemExit(f"the numbers differ: {totals}")
    return found


def _run(folder: Path, kind: str, chosen: dict[str, list[str]]) -> dict:
    command = [sys.executable, "-m", f"{__package__}.size_run", kind, json.dumps(chosen)]
    ours = {"CRM_REPORTS_DATA": str(folder), "CRM_REPORTS_CONFIG": str(_config(folder))}
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | ours, cwd=HERE.parents[1])
    if done.returncode:
        raise SystemExit(done.stderr)
    found = json.loads(done.stdout.splitlines()[-1])
    print(
        f"  {folder.name:>9} {kind} {chosen or ''}: {found['seconds']:.2f} s, {found['cpu']:.2f} s of CPU, {found['peak']:.0f} MB",
        flush=True,
    )
    return found


def _config(folder: Path) -> Path:
    config = folder / "reports.toml"
    config.write_text('time_zone = "UTC"\n')
    return config


def peak() -> float:
    """The most memory that this process has held, in MB.

    Not `ru_maxrss`, which a process takes over from the one that began it: from this benchmark, which makes the stores.
    """
    said = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(said[1]) / 1024


if __name__ == "__main__":
    main()
