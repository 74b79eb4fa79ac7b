"""Copies of the product's notebooks in a workspace: begun, compared with what they were copied from, merged with a new version.

What a notebook was copied from lies in notebooks/.base/: so a merge knows who changed what.
"""

from argparse import Namespace
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat

from ..errors import FilterError, ReportError, all_at_once, near
from ..settings import Settings
from ..store.disk import write_whole
from ..words.texts import N_, _
from . import product

if TYPE_CHECKING:
    from nbformat import NotebookNode

BASE = ".base"
CONFLICT = "<<<<<<<"  # which nbdime, as git, begins both sides of a conflict with
INLINE = Namespace(
    merge_strategy="inline", input_strategy=None, output_strategy=None, ignore_transients=True, log_level="INFO"
)


@dataclass(frozen=True)
class Copy:
    """A workspace's own notebook under the name of one of the product's: it, what it was copied from, the product's of today."""

    name: str
    own: Path
    base: Path
    product: Path

    @property
    def before(self) -> Path:
        """The copy as it was before the last merge."""
        return self.base.with_name(f"{self.name}.before.ipynb")

    @property
    def is_known(self) -> bool:
        """Whether it is known what it was copied from."""
        return self.base.is_file()

    @property
    def is_current(self) -> bool:
        """Whether the product's notebook is still what it was copied from."""
        return self.is_known and _same(self.base, self.product)


def begin(name: str, settings: Settings) -> Path:
    """The workspace's own copy of a notebook of the product, which goes before it from now on."""
    copy = _copy(name, _folder(settings))
    if not copy.product.is_file():
        raise FilterError(_unknown(name, (path.stem for path in copy.product.parent.glob("*.ipynb"))))
    if copy.own.exists():
        text = _(
            "notebooks/{name}.ipynb is there already and was left as it is; `crm-reports notebooks update` merges it",
            name=name,
        )
        raise ReportError(text)
    copy.base.parent.mkdir(parents=True, exist_ok=True)
    for path in (copy.own, copy.base):
        write_whole(path, copy.product.read_text(encoding="utf-8"))
    return copy.own


def copies(names: Iterable[str], settings: Settings) -> list[Copy]:
    """These copies, or all of the workspace; FilterError: a name that none of them has."""
    folder = _folder(settings)
    present = [
        copy for copy in (_copy(path.stem, folder) for path in sorted(folder.glob("*.ipynb"))) if copy.product.is_file()
    ]
    known = [copy.name for copy in present]
    all_at_once((_unknown(name, known) for name in names if name not in known), FilterError)
    return [copy for copy in present if not names or copy.name in names]


def _folder(settings: Settings) -> Path:
    """The workspace's notebooks; ReportError where they are the product's own."""
    folder = settings.home / "notebooks"
    if folder.resolve() == (product.folder() / "notebooks").resolve():
        raise ReportError(
            _(
                "the notebooks here are the product's own, and git merges them; copies are made in a workspace (`crm-reports init DIR`)"
            )
        )
    return folder


def _copy(name: str, folder: Path) -> Copy:
    return Copy(
        name,
        folder / f"{name}.ipynb",
        folder / BASE / f"{name}.ipynb",
        product.folder() / "notebooks" / f"{name}.ipynb",
    )


def _unknown(name: str, known: Iterable[str]) -> str:
    known = sorted(known)
    close = ", ".join(near(name, known) or known) or _("none, the folder is empty")
    return _("there is no report {report!r}; near: {near}", report=name, near=close)


# ── What differs ─────────────────────────────────────────────────────────────────────────────────────────────────────


def differences(copy: Copy) -> Iterator[tuple[str, str]]:
    """What changed and how, as a heading and nbdime's text: in the copy, and in the product since it was copied."""
    if not copy.is_known:
        text = N_("{name}: beside the product's of today (which version it was copied from is not known)")
        yield _(text, name=copy.name), _difference(copy.product, copy.own)
        return
    yield _("{name}: what you changed", name=copy.name), _difference(copy.base, copy.own)
    yield (
        _("{name}: what the product changed since you copied it", name=copy.name),
        _difference(copy.base, copy.product),
    )


def _difference(before: Path, after: Path) -> str:
    """How the second notebook differs from the first; "" where it does not."""
    diffing, printing = _nbdime("diffing.notebooks"), _nbdime("prettyprint")
    one, other = _cells(before), _cells(after)
    difference = diffing.diff_notebooks(one, other)
    text = StringIO()
    look = printing.PrettyPrintConfig(out=text, use_color=False, color_words=False, use_git=False, use_diff=False)
    printing.pretty_print_diff(one, difference, "", look)
    return text.getvalue()


def _cells(path: Path) -> "NotebookNode":
    """The notebook without what a run and its place in time leave in it, which nobody wrote."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.update(outputs=[], execution_count=None)
    notebook.metadata = nbformat.from_dict({"kernelspec": notebook.metadata.get("kernelspec", {})})
    return notebook


def _same(one: Path, other: Path) -> bool:
    return _cells(one) == _cells(other)


# ── The merge ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Merge:
    """What became of a copy: a sentence, and one for each place where both had changed the same."""

    sentence: str
    conflicts: tuple[str, ...] = ()


def update(copy: Copy) -> Merge:
    """Bring into the copy what the product changed since; where both changed the same, both stand there, marked."""
    if copy.is_current:
        return Merge(_("{name}: nothing new in the product since you copied it", name=copy.name))
    if not copy.is_known:
        _remember(copy)
        text = N_(
            "{name}: left as it is, for which version it was copied from was not known; from now on the product's of today counts as that"
        )
        return Merge(_(text, name=copy.name))
    sides = [nbformat.read(path, as_version=4) for path in (copy.base, copy.own, copy.product)]
    merged, decisions = _nbdime("merging.notebooks").merge_notebooks(*sides, INLINE)
    write_whole(copy.before, copy.own.read_text(encoding="utf-8"))
    write_whole(copy.own, nbformat.writes(merged) + "\n")
    _remember(copy)
    conflicts = tuple(_conflicts(copy, merged)) if any(decision.conflict for decision in decisions) else ()
    words = {"name": copy.name, "before": f"{BASE}/{copy.before.name}"}
    return Merge(_("{name}: merged with the product's; as it was before: notebooks/{before}", **words), conflicts)


def _remember(copy: Copy) -> None:
    copy.base.parent.mkdir(parents=True, exist_ok=True)
    write_whole(copy.base, copy.product.read_text(encoding="utf-8"))


def _conflicts(copy: Copy, merged: "NotebookNode") -> Iterator[str]:
    """A sentence for each cell that has both sides in it; one for what is no cell's text."""
    text = N_(
        "{name}, cell {n}: you and the product changed the same lines; both stand there between {mark} and >>>>>>>, keep one"
    )
    marked = [number for number, cell in enumerate(merged.cells, 1) if CONFLICT in cell.source]
    yield from (_(text, name=copy.name, n=number, mark=CONFLICT) for number in marked)
    if not marked:
        yield _(
            "{name}: you and the product changed the same beside the cells' texts; look at it with `crm-reports notebooks diff`",
            name=copy.name,
        )


def _nbdime(module: str):
    """That module of nbdime; ReportError where it is not installed, which a night does not need."""
    from importlib import import_module

    try:
        return import_module(f"nbdime.{module}")
    except ImportError:
        raise ReportError(_("notebooks are compared and merged by nbdime: pip install 'crm-reports[lab]'")) from None
