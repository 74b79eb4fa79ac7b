"""Saved views: presets in views.toml beside reports.toml, so that they come back every night under their name."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from ..errors import SettingsError
from ..night.planning import presets
from ..settings import VIEWS, Preset, Settings
from ..store.disk import write_whole
from ..words.texts import _

MOST, MOST_LETTERS = 200, 100


def saved(settings: Settings) -> list[Preset]:
    """The views that readers saved, as they stand in the file now."""
    return [Preset.model_validate(view) for view in _document(settings).get("presets", tomlkit.aot()).unwrap()]


def save(settings: Settings, name: str, report: str, parameters: Mapping[str, Any], audience: str = "") -> None:
    """Keep the view under its name, in the place of one of that name; comments in the file stay.

    SettingsError: the name says nothing, is too long or a preset's of reports.toml, or there are too many views.
    """
    name, document = " ".join(name.split()), _document(settings)
    views = document.setdefault("presets", tomlkit.aot())
    _check(settings, name, len(views))
    _drop(views, name)
    view = tomlkit.table()
    view.update({"name": name, "report": report, "parameters": tomlkit.item(dict(parameters), _parent=view)})
    if audience:
        view["audience"] = audience
    views.append(view)
    write_whole(_path(settings), tomlkit.dumps(document), is_private=False)


def delete(settings: Settings, name: str) -> None:
    """Forget the view. SettingsError: there is none of that name."""
    document = _document(settings)
    if not _drop(document.get("presets", []), name):
        raise SettingsError(_("there is no saved view {name!r}", name=name))
    write_whole(_path(settings), tomlkit.dumps(document), is_private=False)


def _check(settings: Settings, name: str, count: int) -> None:
    if not name or len(name) > MOST_LETTERS or not name.isprintable():
        raise SettingsError(_("give the view a name of 1 to {n} letters", n=MOST_LETTERS))
    own = {preset.name.casefold() for preset in presets(settings.model_copy(update={"views": ()}))}
    if name.casefold() in own:
        raise SettingsError(_("{name!r} is the name of a preset in reports.toml: take another one", name=name))
    if count >= MOST:
        raise SettingsError(_("there are {n} saved views already: delete one first", n=MOST))


def _drop(views: Any, name: str) -> bool:
    places = [place for place, view in enumerate(views) if str(view.get("name", "")).casefold() == name.casefold()]
    for place in reversed(places):
        views.pop(place)
    return bool(places)


def _path(settings: Settings) -> Path:
    return settings.home / VIEWS


def _document(settings: Settings) -> tomlkit.TOMLDocument:
    path = _path(settings)
    try:
        return tomlkit.parse(path.read_text(encoding="utf-8-sig")) if path.is_file() else tomlkit.document()
    except (TOMLKitError, UnicodeDecodeError) as error:
        raise SettingsError(_("{name} can't be read: {why}", name=VIEWS, why=" ".join(str(error).split()))) from None
