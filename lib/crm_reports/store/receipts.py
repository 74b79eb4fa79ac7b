"""A sync's receipt, as the store keeps it: which counts were compared with the source's own, and which were not equal."""

import json
from dataclasses import asdict, dataclass
from typing import Literal

from ..words.texts import _, many


@dataclass(frozen=True)
class Difference:
    """A count that is not the source's: how many are here, how many there, why, and whether that explains it."""

    words: str
    here: int
    there: int
    reason: str
    is_explained: bool


@dataclass(frozen=True)
class Receipt:
    """How many counts were asked for at that instant, how many the portal or the files answered and were equal, and the others."""

    at: str
    asked: int
    answered: int
    equal: int
    differences: tuple[Difference, ...] = ()
    problem: str = ""
    source: Literal["portal", "files"] = "portal"

    def words(self) -> str:
        """What was compared, in a sentence."""
        if self.source == "files" and self.problem:
            return _("The files were not counted a second time: {why}", why=self.problem)
        if self.source == "files":
            return _("{equal} of {answered} counts equal the files' own", equal=self.equal, answered=self.answered)
        if self.problem:
            return _("The CRM's own counters could not be asked: {why}", why=self.problem)
        return _("{equal} of {answered} counts equal the CRM's own", equal=self.equal, answered=self.answered)

    def in_short(self) -> str:
        """The same for the header of a page, which has one line for it."""
        if self.problem and self.source == "files":
            return _("the files were not counted again")
        if self.problem:
            return _("the CRM's counters were not asked")
        return _("{equal} of {answered} counts agree", equal=self.equal, answered=self.answered)

    def warning(self) -> str:
        """What nobody explains, in a sentence; "" when all is explained."""
        n = len(self.unexplained)
        if not n:
            return ""
        first = self.unexplained[0]
        words = {"words": first.words, "here": first.here, "there": first.there, "reason": first.reason}
        if self.source == "files":
            return many(
                "{n} count is not the files' own: {words}: {here} here, {there} there ({reason})",
                "{n} counts are not the files' own, such as {words}: {here} here, {there} there ({reason})",
                n,
                **words,
            )
        return many(
            "{n} count is not the CRM's own: {words}: {here} here, {there} there ({reason})",
            "{n} counts are not the CRM's own, such as {words}: {here} here, {there} there ({reason})",
            n,
            **words,
        )

    @property
    def unexplained(self) -> list[Difference]:
        return [difference for difference in self.differences if not difference.is_explained]

    def as_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def read(cls, text: str | None) -> "Receipt | None":
        """What `as_json` wrote; None where no receipt was made."""
        if not text:
            return None
        content = json.loads(text)
        return cls(**content | {"differences": tuple(Difference(**each) for each in content["differences"])})
