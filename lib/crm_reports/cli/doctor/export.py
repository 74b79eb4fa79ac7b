"""A folder of files from another CRM: which tables it holds, and everything that is wrong with it at once."""

from collections.abc import Iterator

from ...errors import FilesError
from ...settings import Settings
from ...sources import files
from ...words.texts import _
from ...words.units import write
from .check import Check


def checks(settings: Settings) -> Iterator[Check]:
    folder = settings.source.folder
    try:
        delivery = files.read(settings)
    except FilesError as error:
        yield Check(_("Files"), "broken", str(error), _("Correct the files; docs/files.md says what each may hold."))
        return
    rows = " · ".join(
        f"{name} {write(table.num_rows, 'count')}" for name, table in delivery.tables.items() if table.num_rows
    )
    yield Check(_("Files"), "ok", _("{folder} holds {rows}", folder=folder, rows=rows or _("nothing")))
    for hole in delivery.holes:
        yield Check(_("Files"), "look", hole["text"])
