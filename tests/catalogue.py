"""Everything that a reader may be told, collected from where it is said: what locale/ru.po must translate."""

import ast
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from babel.messages.extract import extract_from_dir

from crm_reports.metrics import METRICS

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "lib" / "crm_reports"
NOTEBOOKS = ROOT / "notebooks"

KEYWORDS = {"_": None, "N_": None, "many": (1, 2)}
METHODS = [("**.py", "python"), ("**.j2", "jinja2.ext:babel_extract")]
