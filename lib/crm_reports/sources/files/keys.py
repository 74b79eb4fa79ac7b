"""One rule for keys in all files: text without blanks around it. What a spreadsheet made 1.0 of 1 is 1 again."""

from collections.abc import Callable, Iterable, Iterator, Mapping

import pandas as pd

from ...words.texts import N_, _, many
from .layout import FILES, names_what
from .problems import Problems, quoted

FLOAT = r"-?(?:0|[1-9]\d*)[.,]0+"
Consequence = Callable[[int, str], str]  # what becomes of so many rows, with these examples
MOST = 5  # examples in a sentence
ALIKE = {
    "pipeline": N_("Pipelines whose names differ in case or blanks only are counted apart: {names}."),
    "stage": N_("Stages whose names differ in case or blanks only are counted apart: {names}."),
    "lead stage": N_("Stages of leads whose names differ in case or blanks only are counted apart: {names}."),
    "manager": N_("People whose names differ in case or blanks only are counted apart: {names}."),
    "department": N_("Departments whose names differ in case or blanks only are counted apart: {names}."),
    "source": N_("Sources whose names differ in case or blanks only are counted apart: {names}."),
    "company": N_("Companies whose names differ in case or blanks only are counted apart: {names}."),
    "loss reason": N_("Loss reasons that differ in case or blanks only are counted apart: {names}."),
    "contact": N_("Contacts whose names differ in case or blanks only are counted apart: {names}."),
}

Frames = Mapping[str, pd.DataFrame]


def without_fractions(frames: Frames) -> dict[str, pd.DataFrame]:
    """The frames with `1.0` as `1` in each column whose every key is written so.

    Where another column of the same things has such a key among others, `1.0` is a name like any other.
    """
    frames = {name: frame.copy() for name, frame in frames.items()}
    for columns in _columns(frames).values():
        floats = [place for place in columns if _all_floats(frames[place[0]][place[1]])]
        rest = [place for place in columns if place not in floats]
        if not any(frames[file][column].str.fullmatch(FLOAT).eq(True).any() for file, column in rest):
            for file, column in floats:
                frames[file][column] = frames[file][column].str.replace(r"[.,]0+$", "", regex=True)
    return frames


def _columns(frames: Frames) -> dict[str, list[tuple[str, str]]]:
    """File and column of each kind of key."""
    places: dict[str, list[tuple[str, str]]] = {}
    for file in frames:
        for column in FILES[file]:
            if kind := names_what(file, column.name):
                places.setdefault(kind, []).append((file, column.name))
    return places


def _all_floats(cells: pd.Series) -> bool:
    texts = cells.dropna()
    return len(texts) > 0 and bool(texts.str.fullmatch(FLOAT).all())


def remark(frames: Frames, problems: Problems) -> None:
    """Rows that belong to nothing, and names that only case or blanks tell apart."""
    for file, (code, consequence) in FOREIGN.items():
        if file in frames:
            _remark_foreign(file, frames, code, consequence, problems)
    _remark_unlisted(frames, problems)
    places = _columns(frames)
    for kind in ALIKE:
        _remark_alike(kind, [frames[file][column] for file, column in places.get(kind, [])], problems)


def _remark_foreign(file: str, frames: Frames, code: str, consequence: Consequence, problems: Problems) -> None:
    keys = frames[file]["deal_id"].dropna()
    foreign = keys[~keys.isin(frames["deals"]["id"])]
    if len(foreign):
        problems.remark(file, code, consequence(len(foreign), _examples(foreign)))


def _left_out(n: int, keys: str) -> str:
    return many(
        "{n} stage entry is of a deal that the files do not have ({keys}); it is left out.",
        "{n} stage entries are of deals that the files do not have ({keys}); they are left out.",
        n,
        keys=keys,
    )


def _on_no_deal(n: int, keys: str) -> str:
    return many(
        "{n} activity is of a deal that the files do not have ({keys}); it counts for its author, on no deal.",
        "{n} activities are of deals that the files do not have ({keys}); they count for their authors, on no deal.",
        n,
        keys=keys,
    )


def _sold_by_nobody(n: int, keys: str) -> str:
    return many(
        "{n} product row is of a deal that the files do not have ({keys}); it is left out.",
        "{n} product rows are of deals that the files do not have ({keys}); they are left out.",
        n,
        keys=keys,
    )


# Of rows whose deal the files do not have: the code, and what becomes of them.
FOREIGN: dict[str, tuple[str, Consequence]] = {
    "stage_history": ("foreign_history", _left_out),
    "activities": ("foreign_activities", _on_no_deal),
    "product_rows": ("foreign_product_rows", _sold_by_nobody),
}


def _remark_unlisted(frames: Frames, problems: Problems) -> None:
    """Stages of deals and history that the stages' file does not have: they are no step of the funnel."""
    stages = frames.get("stages")
    if stages is None or stages.empty:
        return
    names = pd.concat([frames[file]["stage"] for file in ("deals", "stage_history") if file in frames]).dropna()
    strangers = names[~names.isin(stages["stage"])].drop_duplicates()
    if len(strangers):
        text = many(
            "{n} stage of deals or history is not in the file of stages ({names}): it is no step of the funnel.",
            "{n} stages of deals or history are not in the file of stages ({names}): they are no steps of the funnel.",
            len(strangers),
            names=_examples(strangers),
        )
        problems.remark("stages", "unlisted_stages", text)


def _remark_alike(kind: str, columns: Iterable[pd.Series], problems: Problems) -> None:
    names = pd.concat([pd.Series(dtype="str"), *columns]).dropna().drop_duplicates().reset_index(drop=True)
    alike = list(_alike(names))
    if alike:
        pairs = "; ".join(" = ".join(map(quoted, group)) for group in alike[:MOST]) + (
            " …" if len(alike) > MOST else ""
        )
        text = _(ALIKE[kind], names=pairs)
        problems.remark("deals", f"alike_{kind.replace(' ', '_')}", text)


def _alike(names: pd.Series) -> Iterator[list[str]]:
    spellings = names.str.casefold().str.split().str.join(" ")
    for _name, group in names[spellings.duplicated(keep=False)].groupby(spellings, sort=False):
        yield group.tolist()


def _examples(keys: pd.Series) -> str:
    once = keys.drop_duplicates()
    return ", ".join(map(quoted, once.head(MOST))) + (" …" if len(once) > MOST else "")
