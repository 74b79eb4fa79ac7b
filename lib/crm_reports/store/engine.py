"""DuckDB as it is run here: without drawing a progress bar into a report, a log or cron's mail."""

from contextlib import suppress

import duckdb

SCHEMA = "crm"  # of the store's tables


def silence(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """The same connection, which prints nothing, however long a statement takes."""
    # In a kernel without ipywidgets there is no bar, and DuckDB 1.5.6 refuses to be told so.
    with suppress(duckdb.InvalidInputException):
        connection.execute("set enable_progress_bar = false")
    return connection


def quote(value: object) -> str:
    """The text, or path, as SQL writes it."""
    return "'" + str(value).replace("'", "''") + "'"
