"""The scripts that pages bring: their own, plotly.js and DataTables, inside a page or once per site as files beside it."""

import gzip
import hashlib
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from .. import charts
from ..store.disk import write_whole
from . import bundle
from .templates import read

PAGE, PLOTLY, WHOLE_PLOTLY, TABLES = "page", "plotly", "plotly_whole", "tables"
PARTS = (
    "start",
    "controls",
    "cuts",
    "contents",
    "charts",
    "drill",
    "tables",
    "panes",
    "exports",
    "managers",
    "behind",
    "tips",
)
# All that a page brings itself where its own script lies beside it: its policy trusts this one, and what this one loads.
# What its header offers comes first, and where that is not there the page's own script says so.
LOADER = """\
"use strict";
const held = id => JSON.parse(document.getElementById(id).textContent);
for (const src of [held("controls")?.beside, held("page").assets.page].filter(Boolean)) {
  const script = document.createElement("script");
  script.async = false;
  script.src = src;
  document.body.append(script);
}
"""


def assets(folder: Path) -> None:
    """Write the scripts that the pages of a site share; their names change with their content."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in (PAGE, PLOTLY, WHOLE_PLOTLY, TABLES):
        path = folder / file_of(name)
        if not path.exists():
            write_whole(path, script(name))


@cache
def script(name: str) -> str:
    if name == PAGE:
        return _page()
    if name == TABLES:
        return datatables()
    return (name == PLOTLY and bundle.script()) or charts.script()


def plotly_for(figures: Iterable[Mapping[str, Any]]) -> str:
    """Which plotly.js draws all of these: the small one where it is at hand and knows their kinds."""
    kinds = {str(trace.get("type", "scatter")) for figure in figures for trace in figure["data"]}
    return PLOTLY if bundle.draws(kinds) else WHOLE_PLOTLY


def _page() -> str:
    """What the page does, part by part, without the lines that explain it."""
    parts = (re.sub(r"^\s*//.*\n", "", read(f"page/{name}.js"), flags=re.MULTILINE) for name in PARTS)
    return '"use strict";\n(() => {\n' + "\n".join(parts) + "})();\n"


@cache
def file_of(name: str) -> str:
    return f"{name.partition('_')[0]}-{hashlib.sha256(script(name).encode()).hexdigest()[:10]}.js"


@cache
def packed(name: str) -> str:
    return b64encode(gzip.compress(script(name).encode(), 9, mtime=0)).decode()


def datatables() -> str:
    """DataTables as the installed itables package ships it, as `window.DataTable`."""
    import itables  # takes a second, which the notebooks need not spend

    # A classic script: a page opened from a disk may not import modules.
    path = Path(itables.__file__).parent / "html" / "dt_bundle.js"
    module = path.read_text(encoding="utf-8")
    exports = re.search(r"\bexport\s*\{([^{}]*)\}\s*;?", module)
    if not exports:
        raise RuntimeError(f"{path.name} of itables {itables.__version__} exports nothing; itables<3 is what is known")
    names = dict(reversed(name.split(" as ")) for name in map(str.strip, exports[1].split(",")))
    table = names["default"].strip()
    return f"(()=>{{{module[: exports.start()]};window.DataTable={table};{module[exports.end() :]}}})();"
