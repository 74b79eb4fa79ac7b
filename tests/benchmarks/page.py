"""What one page costs and weighs: sales_dynamics of the invented company's 3,000 deals, and of a hundred thousand.

Processor seconds of a process that has made a page before, as a night's have: the notebook's cells, then each of the four
files; `as served` are the cells and the page alone. In Chromium, where there is one: how high the page is, and when a reader first
sees a tile and a chart (on a busy machine several times as late). Beside it the same list of deals by pandas' own `to_html`, `to_excel` and `to_json`, and the same notebook by
nbconvert's own page.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
PARTS = ("cells", "html", "xlsx", "json", "whole", "plain pandas", "plain nbconvert")


def main() -> None:
    """Print seconds and bytes for the companies that are asked for."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--deals", type=int, nargs="*", default=[3_000, 100_000], help="of each company")
    asked.add_argument("--keep", type=Path, help="a folder for the stores, to be found again")
    asked = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="page-") as folder:
        costs = {deals: _measured((asked.keep or Path(folder)) / f"page-{deals}", deals) for deals in asked.deals}
    print(f"\n{'CPU seconds':18}" + "".join(f"{f'{deals:,} deals':>18}" for deals in costs))
    for name in PARTS:
        print(f"{name:18}" + "".join(f"{cost['cpu'][name]:18.2f}" for cost in costs.values()))
    served = [cost["cpu"]["cells"] + cost["cpu"]["html"] for cost in costs.values()]
    print(f"{'as served':18}" + "".join(f"{cpu:18.2f}" for cpu in served))
    ratios = [cost["cpu"]["plain nbconvert"] / cost["cpu"]["html"] for cost in costs.values()]
    print(f"{'nbconvert ÷ html':18}" + "".join(f"{ratio:18.1f}" for ratio in ratios))
    print(f"\n{'kB':18}")
    for name in next(iter(costs.values()))["bytes"]:
        print(f"{name:18}" + "".join(f"{cost['bytes'][name] / 1000:18,.0f}" for cost in costs.values()))
    for name, unit in (("height", "px at 1280"), ("tile", "ms to a tile"), ("chart", "ms to a chart")):
        for page in ("ours", "nbconvert"):
            found = (cost["seen"][page].get(name) for cost in costs.values())
            print(f"{f'{page}, {unit}':24}" + "".join(f"{'—' if number is None else number:>18}" for number in found))
    print(f"\n{'deals listed':18}" + "".join(f"{cost['listed']:18,}" for cost in costs.values()))


def _measured(folder: Path, deals: int) -> dict[str, dict[str, float]]:
    command = [sys.executable, "-m", f"{__package__}.page_run", str(folder), str(deals)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=HERE.parents[1])
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
