"""Columns of the company's own in the files of deals and leads, named by [fields] in reports.toml, as a portal's own fields are kept."""

from collections.abc import Iterator, Mapping

import pandas as pd

from ...errors import near
from ...settings import OwnField, Settings
from ...words.texts import N_, _
from .cells import Reader
from .delimited import spelling
from .layout import Column, Kind
from .problems import Problems, quoted
from .sheets import FILE_OF, Sheet

KINDS: dict[str, Kind] = {"flag": "flag", "number": "number", "money": "number", "date": "instant"}  # all others: text
TYPES = {"flag": "boolean", "number": "double", "money": "money", "date": "date"}  # by the names that a portal has
CODE = "own_field"


def tables(
    sheets: Mapping[str, Sheet], files: Mapping[str, pd.DataFrame], reader: Reader, settings: Settings
) -> dict[str, pd.DataFrame]:
    """own_fields and own_values, as far as the files have what reports.toml names; no tables where it names nothing."""
    found = {
        name: place for name, field in settings.fields.items() if (place := _place(field, sheets, reader.problems))
    }
    if not settings.fields:
        return {}
    fields = [_row(settings.fields[name], sheets[file].others.column_names[at]) for name, (file, at) in found.items()]
    values = [
        _values(settings.fields[name], sheets[file], at, files[file], reader) for name, (file, at) in found.items()
    ]
    return {"own_fields": pd.DataFrame(fields), "own_values": pd.concat(values) if values else pd.DataFrame()}


def _place(field: OwnField, sheets: Mapping[str, Sheet], problems: Problems) -> tuple[str, int] | None:
    """The file, and the place of the column in it; what is not there is told."""
    file = FILE_OF.get(field.of, "")
    if not file:
        words = N_("[fields] in reports.toml names {field} of {of}: files have columns of deals and leads only.")
        problems.remark("own_values", CODE, _(words, field=quoted(field.source), of=field.of), is_general=True)
        return None
    headers = sheets[file].others.column_names if file in sheets else []
    for place, header in enumerate(headers):
        if spelling(header) == spelling(field.source):
            return file, place
    names = ", ".join(near(field.source, headers) or [header for header in headers if header.strip()]) or _("none")
    words = N_("{file} has no column {field}, which [fields] in reports.toml names; it has: {names}.")
    problems.remark("own_values", CODE, _(words, file=file, field=quoted(field.source), names=names), is_general=True)
    return None


def _row(field: OwnField, header: str) -> dict[str, object]:
    kind = TYPES.get(field.kind, "string")
    return {"entity": field.of, "field": field.source, "label": header.strip(), "type": kind, "is_multiple": False}


def _values(field: OwnField, sheet: Sheet, place: int, file: pd.DataFrame, reader: Reader) -> pd.DataFrame:
    column = Column(sheet.others.column_names[place], KINDS.get(field.kind, "text"))
    cells = reader.cells(sheet.of_column(place), column)
    currency = file["currency"] if "currency" in file else pd.Series([None] * len(file))
    values = [*_texts(field.kind, cells, currency, reader)]
    return pd.DataFrame({"entity": field.of, "entity_id": file["id"], "field": field.source, "value": values})


def _texts(kind: str, cells: pd.Series, currency: pd.Series, reader: Reader) -> Iterator[str | None]:
    """The cells as a portal's values are kept; money is in the currency of its deal."""
    for cell, code in zip(cells.tolist(), currency.tolist(), strict=True):
        if pd.isna(cell):
            yield None
        elif kind == "flag":
            yield str(int(cell))
        elif kind == "date":
            yield str(cell.astimezone(reader.settings.zone).date())
        elif kind == "money":
            yield f"{cell:.15g}|{reader.settings.base_currency or 'RUB' if pd.isna(code) else code}"
        else:
            yield f"{cell:.15g}" if kind == "number" else " ".join(cell.split()) or None
