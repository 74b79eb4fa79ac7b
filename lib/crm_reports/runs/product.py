"""What the product brings beside its library, its notebooks and a reports.toml: in a checkout there, else where pip put it."""

import sysconfig
from pathlib import Path

CHECKOUT = Path(__file__).parents[3]
INSTALLED = Path(sysconfig.get_path("data")) / "share" / "crm_reports"


def folder() -> Path:
    """The folder that holds them."""
    return CHECKOUT if (CHECKOUT / "notebooks").is_dir() and (CHECKOUT / "pyproject.toml").is_file() else INSTALLED
