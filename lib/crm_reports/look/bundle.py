"""The small plotly.js, with bars, lines and heat maps alone: a third of the whole one that comes with plotly.

`python -m crm_reports.look.bundle` brings it from npm's registry, as `make` does once per environment. What it brings is
what LOCKED says or nothing; where it can't be had, or an analyst's chart is of another kind, pages bring the whole one.
"""

import hashlib
import io
import logging
import sys
import tarfile
from base64 import b64encode
from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import NamedTuple
from urllib.request import urlopen

from .. import charts
from ..store.disk import write_whole

log = logging.getLogger(__name__)


class Locked(NamedTuple):
    """A package of npm: the hash is that of its archive, as npm's own lock files write it, and that of the script in it."""

    name: str
    version: str
    integrity: str
    file: str
    sha256: str

    @property
    def url(self) -> str:
        return f"https://registry.npmjs.org/{self.name}/-/{self.name}-{self.version}.tgz"


LOCKED = Locked(
    "plotly.js-cartesian-dist-min",
    "4.1.1",
    "sha512-o8GrFeusncwBIxbBynRJpY4pkgVB6caM+JLpwrLYbbsO7dZ8FJ+SVN2Fr+L7kiG/Z6w4P5O0Jus/Qr5EefHVeg==",
    "package/plotly-cartesian.min.js",
    "79542150855a52c567260e3137095dbe2b744e6d702a5cabe67da246942fba7a",
)
# What its README says it can draw.
DRAWN = frozenset((
    "bar", "box", "contour", "heatmap", "histogram", "histogram2d", "histogram2dcontour", "image", "pie", "scatter",
    "scatterternary", "violin",
))  # fmt: skip
MOST_BYTES = 5_000_000
SECONDS = 20


def kept() -> Path:
    """Where this environment keeps it: beside its locked packages, and gone with them."""
    return Path(sys.prefix) / "share" / "crm-reports" / f"{LOCKED.name}-{LOCKED.version}.js"


def draws(kinds: Collection[str]) -> bool:
    """Whether it is there and can draw traces of these kinds."""
    return bool(script()) and DRAWN.issuperset(kinds)


@cache
def script() -> str:
    """The small plotly.js; "" where it is not at hand, which is logged, or is not of the version that plotly draws for."""
    if charts.script_version() != LOCKED.version:
        return ""
    try:
        content = kept().read_bytes()
    except OSError:
        log.info("pages bring the whole plotly.js: the small one is not at hand (python -m crm_reports.look.bundle)")
        return ""
    return content.decode() if hashlib.sha256(content).hexdigest() == LOCKED.sha256 else ""


def fetch() -> None:
    """Bring it from the registry; a ValueError when that gives something else than what is locked."""
    with urlopen(LOCKED.url, timeout=SECONDS) as answer:
        archive = answer.read(MOST_BYTES)
    if f"sha512-{b64encode(hashlib.sha512(archive).digest()).decode()}" != LOCKED.integrity:
        raise ValueError(f"{LOCKED.url} is not what is locked")
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        content = tar.extractfile(LOCKED.file).read()
    kept().parent.mkdir(parents=True, exist_ok=True)
    write_whole(kept(), content.decode())


def main() -> None:
    """Bring it unless it is there; without a network say so in one line, for pages do without."""
    if script():
        return
    try:
        fetch()
    except (OSError, ValueError) as error:
        print(f"The small plotly.js could not be had, so pages are larger: {error}", file=sys.stderr)


if __name__ == "__main__":
    main()
