"""Small notebooks of our own making, for tests of what becomes of a notebook."""

from pathlib import Path

import nbformat

PARAMETERS = """\
period: str = "2025-03"  # the period to report
manager: list = []  # empty for every manager
as_of: str = "2025-04-01"  # as known then
forgotten_after: int = 14  # days of silence
"""
LOAD = "import crm_reports as crm\nds = crm.load(period=period, manager=manager, as_of=as_of)"
WHOLE = (
    "# How is it going?",
    "crm.header(ds, report='overview')",
    "## Who brings the money?",
    "crm.show(crm.measure(ds, ['won', 'won_money'], by='manager', total=True), 'managers', finding='Anna brings it')",
)


def write(path: Path, *cells: str, parameters: str = PARAMETERS) -> Path:
    """A notebook whose cells are these after the parameters and the load; a cell that begins with # is prose."""
    head = [nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]}), nbformat.v4.new_code_cell(LOAD)]
    made = [nbformat.v4.new_markdown_cell(c) if c.startswith("#") else nbformat.v4.new_code_cell(c) for c in cells]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(cells=head + made, metadata={"kernelspec": kernel})
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
    return path
