"""What the headers of a report's pages offer to choose, once in a file beside them: every page of a folder has the same.

It is a classic script, for a page opened from a disk may read no other file. Its name changes with its content.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .lists import as_script
from .outputs import without_controls

SHARED = ("fields", "published")  # the rest of a header is its page's own
ASSIGNED = "window.crmChoices="
NAMED = re.compile(r'"beside":"(choices-\w+\.js)"')


def apart(controls: Mapping[str, Any], folder: str = "") -> tuple[dict[str, Any], dict[str, str]]:
    """The page's own part of what its header offers, which names the file in `folder` with the rest; that file's text by its name."""
    shared = as_script({key: controls[key] for key in SHARED if key in controls})
    text = f"{ASSIGNED}{without_controls(shared)};\n"
    name = f"choices-{hashlib.sha256(text.encode()).hexdigest()[:20]}.js"
    own = {key: value for key, value in controls.items() if key not in SHARED}
    return own | {"beside": f"{folder}{name}"}, {name: text}


def whole(own: Mapping[str, Any] | None, folder: Path) -> Mapping[str, Any] | None:
    """What `apart` took apart, put together from the file in `folder`; None where that is not there."""
    if not own or "beside" not in own:
        return own
    path = folder / Path(own["beside"]).name
    if not path.is_file():
        return None
    text = path.read_text(encoding="utf-8").strip().removeprefix(ASSIGNED).removesuffix(";")
    return {key: value for key, value in own.items() if key != "beside"} | json.loads(text)


def beside(page: str) -> tuple[str, ...]:
    """The files of choices that a page names: one, or none."""
    return tuple(NAMED.findall(page))
