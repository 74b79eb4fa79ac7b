"""A page that was made → the same page, made again: every output says what it was made of."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import RunError
from ..look import choices, publish
from ..settings import Settings
from ..words.texts import _, speaking
from . import execution, preparation, run
from .run import RunRecord


@dataclass(frozen=True)
class Again:
    """The second run, and a sentence for everything that is not as it was at the first."""

    run: RunRecord
    differences: tuple[str, ...]


def rerun(page: Path, *, settings: Settings, out: Path | None = None) -> Again:
    """The page's four files again, under their names, where they were or in `out`. RunError: not a page of ours."""
    with speaking(settings.language):
        made_of = reproduction(page)
        report = Path(made_of["notebook"]).stem
        parameters = dict(made_of["parameters"]) | _of_notebook(report, made_of["filters"], settings)
        plan = replace(
            preparation.prepare(report, parameters, settings=settings), slug=page.stem.removeprefix(f"{report}--")
        )
        look = _look(page) if out is None else {}
        record = run.complete(
            execution.execute(plan, settings=settings), settings=settings, out=out or page.parent, **look
        )
        return Again(record, tuple(_differences(made_of, plan.reproduction)))


def _of_notebook(report: str, filters: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """The filters as they were resolved, as far as the notebook takes them: the same days, whatever today is."""
    parameters = preparation.parameters_of(report, settings)
    return {name: value for name, value in filters.items() if name in parameters}


def reproduction(page: Path) -> dict[str, Any]:
    """What the page says it was made of."""
    try:
        text = page.read_text(encoding="utf-8")
        content = {".html": _in_html, ".json": _in_json, ".ipynb": _in_notebook}[page.suffix](text)
        return content | {
            "parameters": content["parameters"],
            "filters": content["filters"],
            "notebook": content["notebook"],
        }
    except OSError as error:
        raise RunError(_("{page!r} can't be read: {why}", page=page.name, why=error.strerror)) from None
    except (KeyError, TypeError, ValueError, AttributeError):
        sentence = _(
            "{page!r} does not say what it was made of; give the .html, .json or .ipynb of a report", page=page.name
        )
        raise RunError(sentence) from None


def _in_html(text: str) -> dict[str, Any]:
    return _script_data(text, "page")["made_of"]


def _script_data(html: str, id: str) -> Any:
    """What a page's script is given under that id to work with."""
    return json.loads(re.search(rf'<script type="application/json" id="{id}">(.*?)</script>', html, re.DOTALL)[1])


def _in_json(text: str) -> dict[str, Any]:
    return json.loads(text)["made_of"]


def _in_notebook(text: str) -> dict[str, Any]:
    return json.loads(text)["metadata"]["crm_reports"]


def _look(page: Path) -> dict[str, Any]:
    """The links, controls and scripts of the page that is replaced, which lead where they led."""
    if not (html := page.with_suffix(".html")).is_file():
        return {}
    text = html.read_text("utf-8")
    content = _script_data(text, "page")
    links = [publish.Link(**link) for link in content["others"]]
    links += [publish.Link(*link) for link in content["links"].items()]
    folder = next((url.rpartition("/")[0] for url in content["assets"].values()), "")
    return {"links": links, "controls": choices.whole(_script_data(text, "controls"), page.parent)} | (
        {"assets": folder, "rows": run.BESIDE} if folder else {}
    )


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    sentences = {
        "notebook_sha256": _("the notebook has been changed since"),
        "code_sha256": _("the library has been changed since"),
        "synced_at": _(
            "the data have been synced since: rows as of the same instant, as far as their versions are kept"
        ),
    }
    yield from (text for name, text in sentences.items() if before.get(name) != now.get(name))
