"""A report's notebook run in this process: what its cells show, without a kernel, a page or a file."""

from pathlib import Path
from typing import Any

import nbformat
import pytest

from crm_reports.look import page
from crm_reports.measures import load
from crm_reports.settings import Settings

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


def shown(report: str, settings: Settings, **parameters: object) -> list[dict[str, Any]]:
    """Every display of the notebook, as mime bundles, in order."""
    bundles: list[dict[str, Any]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(page, "display", lambda bundle, raw: bundles.append(bundle))
        patch.setattr(load.Settings, "read", classmethod(lambda cls, *_given: settings))
        names: dict[str, object] = {}
        for cell in nbformat.read(NOTEBOOKS / f"{report}.ipynb", as_version=4).cells:
            if cell.cell_type == "code":
                exec(compile(cell.source, report, "exec"), names)
            if "parameters" in cell.metadata.get("tags", []):
                names |= parameters
    return bundles


def elements(bundles: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The elements by their ids."""
    return {bundle[page.ELEMENT]["id"]: bundle[page.ELEMENT] for bundle in bundles if page.ELEMENT in bundle}
