"""`python -m crm_reports`: the commands, where the folder of scripts is not on the path."""

from .cli import app

app(prog_name="crm-reports")
