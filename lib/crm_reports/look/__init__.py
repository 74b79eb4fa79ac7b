"""How elements look: tables, the page, the workbook, the wiki, and their templates."""

import sys
from importlib import import_module

# jsonschema, which nbformat imports, compiles 38 grammars for a format that no notebook has: two seconds of every start.
# It does without them where they are not installed. So they are hidden from it, and from nobody else.
sys.modules.setdefault("rfc3987_syntax", None)
import_module("nbformat")
if sys.modules["rfc3987_syntax"] is None:
    del sys.modules["rfc3987_syntax"]
