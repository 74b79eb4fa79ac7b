"""A notebook and its parameters → the executed notebook, the page, the workbook and the JSON."""

from .. import look  # noqa: F401  before papermill and nbclient, which import nbformat too
