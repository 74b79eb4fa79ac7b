"""The alerts of reports.toml: what has to happen before somebody is told, and who that is."""

from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, Field, ValidationInfo, field_validator

from .parts import FROZEN, PEOPLE, Flag, Once, Text, plain_parameters
from .recipients import RECIPIENTS, Recipient, by_mail

Value = TypeVar("Value")


class Alert(BaseModel):
    """A number, or one of the night's checks, and what must be true of it before anybody is told.

    With `by` every value of that dimension is looked at on its own. `changed` is a share of what the number was, and
    more than chance. `to` are told of all of it, with `mail_slices` each manager of their own row, a department's head of
    that department's.
    """

    model_config = FROZEN
    name: Text = Field(description="a text that is not empty")
    metric: str = Field("", strict=True, description="the name of a metric such as 'won_money'")
    check: str = Field(
        "", strict=True, validate_default=True, description="the name of one of the night's checks such as 'freshness'"
    )
    by: str = Field("", strict=True, description="a dimension such as 'manager' or 'source', or nothing")
    period: str = Field("this_month", strict=True, description="a period such as 'this_month' or 'last_30_days'")
    comparison: Literal["previous", "year_ago", "none"] = "previous"
    below: float | None = Field(None, strict=True, allow_inf_nan=False, description="a number")
    above: float | None = Field(None, strict=True, allow_inf_nan=False, description="a number")
    changed: float | None = Field(
        None, strict=True, gt=0, allow_inf_nan=False, validate_default=True,
        description="a share above 0 such as 0.2, by which the number rose or fell",
    )  # fmt: skip
    filters: Annotated[dict[str, object], AfterValidator(plain_parameters)] = Field(
        {}, description='a table of a report\'s parameters, such as { pipeline = ["Sales"] }'
    )
    to: Annotated[tuple[Recipient, ...], Once] = Field(
        (), description=f"a list of recipients such as {RECIPIENTS}, each once"
    )
    mail_slices: Flag = False

    @field_validator("check")
    @classmethod
    def _one_thing_is_looked_at(cls, check: str, info: ValidationInfo) -> str:
        if "metric" in info.data and bool(info.data["metric"]) == bool(check):
            raise ValueError("an alert looks at one thing; give either metric or check")
        return check

    @field_validator("by", "below", "above", "changed", "filters")
    @classmethod
    def _a_check_has_its_own_limits(cls, value: Value, info: ValidationInfo) -> Value:
        if info.data.get("check") and value:
            raise ValueError("a check has its limits under [checks], and looks at everything; take this away")
        return value

    @field_validator("above")
    @classmethod
    def _some_numbers_are_well(cls, above: float | None, info: ValidationInfo) -> float | None:
        below = info.data.get("below")
        if above is not None and below is not None and below > above:
            raise ValueError(f"every number is below {below:g} or above {above:g}; give below the smaller one")
        return above

    @field_validator("changed")
    @classmethod
    def _something_makes_it_speak(cls, changed: float | None, info: ValidationInfo) -> float | None:
        limits = [info.data.get(name, 0) for name in ("below", "above")]  # one that is wrong was meant
        if info.data.get("metric") and changed is None and limits == [None, None]:
            raise ValueError("nothing says when to tell; give below, above or changed")
        if changed is not None and info.data.get("comparison") == "none":
            raise ValueError('there is nothing to compare with; give comparison = "previous" or "year_ago"')
        return changed

    @field_validator("mail_slices")
    @classmethod
    def _slices_have_somebody(cls, mail_slices: bool, info: ValidationInfo) -> bool:
        if mail_slices and info.data.get("by", PEOPLE[0]) not in PEOPLE:
            raise ValueError('only managers and departments have somebody to tell; add by = "manager"')
        return mail_slices

    @property
    def is_sent(self) -> bool:
        return bool(self.to or self.mail_slices)

    @property
    def needs_server(self) -> bool:
        return by_mail(self.to)
