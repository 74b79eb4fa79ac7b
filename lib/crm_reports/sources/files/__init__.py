"""The tables of `fields` from a folder of CSV or Parquet: another CRM's export, in the columns of docs/files.md.

Names serve as ids. What the files do not say is absent, never zero.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from ...settings import Settings
from ..fields import arrow_schema
from . import keys, own_fields
from .cells import Reader, order_of_dates
from .checks import check
from .holes import holes
from .layout import FILES
from .problems import Problems
from .sheets import sheets
from .tables import Export

__all__ = ["FILES", "Delivery", "SourceFile", "read"]


@dataclass(frozen=True)
class SourceFile:
    """Where a file of ours lies, and what it takes to read it again: our column → its headers; how many rows are left out."""

    path: Path
    encoding: str
    headers: dict[str, list[str]]
    deleted: int = 0


@dataclass(frozen=True)
class Delivery:
    """What a folder gives: tables as `fields` has them; `holes` are {table, code, text, is_general} of what is untold; the files."""

    tables: dict[str, pa.Table]
    holes: list[dict[str, Any]]
    files: dict[str, SourceFile] = field(default_factory=dict)


def read(settings: Settings) -> Delivery:
    """The tables that the files of `source.folder` fill; one FilesError tells everything that is wrong with them."""
    problems = Problems()
    base = settings.base_currency or "RUB"
    sheet_by_name = sheets(settings, problems)
    reader = Reader(settings, problems, order_of_dates(sheet_by_name.values(), settings))
    files = keys.without_fractions({name: reader.frame(sheet) for name, sheet in sheet_by_name.items()})
    for name, sheet in sheet_by_name.items():
        check(sheet, files[name], base, problems)
    own = own_fields.tables(sheet_by_name, files, reader, settings)
    problems.tell()
    keys.remark(files, problems)
    tables = {name: _table(name, frame) for name, frame in (Export(files, base).tables() | own).items()}
    lying = {
        name: SourceFile(sheet.path, sheet.encoding, sheet.headers, sheet.deleted)
        for name, sheet in sheet_by_name.items()
    }
    return Delivery(tables, [*holes(files), *problems.remarks], lying)


def _table(name: str, frame: pd.DataFrame) -> pa.Table:
    """The frame as `fields` has it: those columns, those types, nothing else."""
    schema = arrow_schema(name)
    columns = [
        pa.array(frame[field.name], field.type, from_pandas=True)
        if field.name in frame
        else pa.nulls(len(frame), field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)
