"""The machine: folders, disk, locks, kernels, a browser, fonts."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

from ...runs import proof
from ...settings import Settings
from ...words.texts import _
from ...words.units import size
from .check import Check, safely

# The store, its copy that a sync works on, and the rows that wait to go into it.
ROOM = 3
KERNELS = ("jupyter_client", "ipykernel", "papermill", "nbconvert")


def checks(settings: Settings, out: Path) -> Iterator[Check]:
    yield from safely(_data, settings, name=_("Data folder"))
    yield from safely(_output, settings, out, name=_("Output folder"))
    yield from safely(_locks, settings, name=_("Locks"))
    yield from safely(_kernels, name=_("Kernels"))
    yield from safely(_browser, name=_("Browser"))
    yield from safely(_letters, name=_("Letters"))


def _data(settings: Settings) -> Iterator[Check]:
    yield from _folder(_("Data folder"), settings.data)
    store = settings.store_path
    size_of_store = store.stat().st_size if store.is_file() else 0
    free = shutil.disk_usage(_nearest(settings.data)).free
    words = {"free": size(free), "held": size(size_of_store)}
    sentence = _("{free} are free, the store takes {held}", **words)
    if free >= ROOM * size_of_store:
        yield Check(_("Disk"), "ok", sentence)
    else:
        remedy = _("A sync works on a copy: {room} should be free.", room=size(ROOM * size_of_store))
        yield Check(_("Disk"), "look" if free > size_of_store else "broken", sentence, remedy)


def _output(settings: Settings, out: Path) -> Iterator[Check]:
    yield from _folder(_("Output folder"), out)
    if settings.data.resolve().is_relative_to(out.resolve()):
        sentence = _("the data folder {data} is inside it, and it is what people open", data=settings.data)
        yield Check(
            _("Output folder"), "broken", sentence, _("Keep the data elsewhere: --data DIR or CRM_REPORTS_DATA.")
        )


def _folder(name: str, folder: Path) -> Iterator[Check]:
    place = _nearest(folder)
    if not place.is_dir():
        yield Check(name, "broken", _("{path} is no folder", path=place), _("Name another, or move that file away."))
    elif not os.access(place, os.W_OK | os.X_OK):
        sentence = _("nothing can be written into {path}", path=place)
        yield Check(name, "broken", sentence, _("Give the user that runs crm-reports the right to write there."))
    elif place == folder:
        yield Check(name, "ok", str(folder))
    else:
        yield Check(name, "ok", _("{path} is not there yet and will be made", path=folder))


def _nearest(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    return next(parent for parent in (folder, *folder.parents) if parent.exists())


def _locks(settings: Settings) -> Iterator[Check]:
    """Who is at work on the data folder, as Linux tells without the locks being touched."""
    try:
        lines = Path("/proc/locks").read_text(encoding="ascii").splitlines()
    except OSError:
        yield Check(_("Locks"), "ok", _("this system does not tell who holds a lock"))
        return
    holders = {path.name: _holders(path, lines) for path in sorted(settings.data.glob("*.lock"))}
    for name, pids in holders.items():
        if pids:
            sentence = _("{lock} is held by {who}", lock=name, who=", ".join(map(_process, pids)))
            yield Check(_("Locks"), "look", sentence, _("Somebody is at work; another sync or night waits or says so."))
    if not any(holders.values()):
        yield Check(_("Locks"), "ok", _("nobody is at work"))


def _holders(path: Path, lines: Iterable[str]) -> list[int]:
    """The processes that hold a lock on the file: "1: FLOCK ADVISORY WRITE 4711 08:01:123456 0 EOF"."""
    # By the inode alone: some file systems are told here under another device than to stat.
    inode = str(path.stat().st_ino)
    entries = (line.split() for line in lines if " FLOCK " in line and "->" not in line)
    return [int(part[4]) for part in entries if part[5].rpartition(":")[2] == inode]


def _process(pid: int) -> str:
    try:
        name = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    except OSError:  # in another container
        name = "?"
    return _("process {pid} ({name})", pid=pid, name=name)


def _kernels() -> Iterator[Check]:
    broken = {name: kind for name in KERNELS if (kind := _unimportable(name))}
    for name, kind in broken.items():
        sentence = _("{name} can't be imported: {kind}", name=name, kind=kind)
        yield Check(_("Kernels"), "broken", sentence, _("Make the environment anew: make clean, then make reports."))
    if not broken:
        yield Check(_("Kernels"), "ok", ", ".join(f"{name} {version(name)}" for name in KERNELS))


def _unimportable(name: str) -> str:
    try:
        import_module(name)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def _browser() -> Iterator[Check]:
    if path := proof.browser():
        yield Check(_("Browser"), "ok", str(path))
        return
    remedy = _("Without it pages are not proved in a browser, and mails carry no pictures of charts. Install Chromium.")
    yield Check(_("Browser"), "look", _("there is no Chromium"), remedy)


def _letters() -> Iterator[Check]:
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    if encoding != "utf8":
        sentence = _("what is printed here is written in {encoding}", encoding=encoding or "?")
        yield Check(_("Letters"), "look", sentence, _("Names may come out as ???: set PYTHONUTF8=1, or LANG=C.UTF-8."))
    if not _has_cyrillic_font():
        sentence = _("no font on this machine has Cyrillic")
        remedy = _(
            "Pictures and PDF made here show boxes for letters; pages are drawn by their reader's machine. "
            "Install fonts-dejavu-core."
        )
        yield Check(_("Letters"), "look", sentence, remedy)
    elif encoding == "utf8":
        yield Check(_("Letters"), "ok", _("UTF-8, and fonts with Cyrillic"))


def _has_cyrillic_font() -> bool:
    """Whether there is one, as far as this machine tells."""
    if not (tool := shutil.which("fc-list")):
        return True
    fonts = subprocess.run([tool, ":lang=ru", "family"], capture_output=True, text=True, timeout=20, check=False)
    return bool(fonts.stdout.strip())
