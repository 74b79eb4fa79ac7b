"""The tables of reports.toml, each a frozen model that says no to what is not allowed.

A field's description is what a sentence about a mistake says is allowed, where its type does not say so itself (`keys`).
"""

import re
from collections.abc import Iterable
from datetime import date, datetime, time
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    field_validator,
    model_validator,
)

from .mistakes import quoted
from .recipients import RECIPIENTS, Recipient, by_mail

SourceKind = Literal["demo", "bitrix24", "files"]
# What a report can be about: filters, header, address, file names, slices and cuts follow this list.
Dimension = Literal["pipeline", "department", "manager", "source", "stage", "loss_reason"]
Attachment = Literal["html", "xlsx", "pdf"]

LOOPBACK = ("127.0.0.1", "localhost", "::1")
PEOPLE = ("manager", "department")  # these keep some people only, who may be shown the page and mailed to


def _encoding(name: str) -> str:
    """The name of an encoding of texts, or nothing."""
    try:
        " ".encode(name or "utf-8")
    except (LookupError, UnicodeError):
        raise ValueError from None
    return name


def _plain(value: object) -> object:
    """The value as papermill can write it: a TOML date becomes its text."""
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return value.isoformat() if isinstance(value, date | datetime | time) else value


def plain_parameters(parameters: dict[str, object]) -> dict[str, object]:
    plain = {name: _plain(value) for name, value in parameters.items()}
    for name, value in plain.items():
        parts = value if isinstance(value, list) else [value]
        if not all(isinstance(part, str | bool | int | float) for part in parts):
            raise ValueError(
                f"{name} is {quoted(value)}; allowed: a text, number, date, true, false, or a list of them"
            )
    return plain


def _each_once(names: tuple[str, ...]) -> tuple[str, ...]:
    if double := doubled(name.strip().casefold() for name in names):
        raise ValueError(f"{', '.join(map(repr, double))} comes more than once; once is enough")
    return names


def _or_own(name: object, check: ValidatorFunctionWrapHandler, info: ValidationInfo) -> object:
    """A dimension of ours, or of the company's own; whoever reads no file has looked at its name already."""
    is_own = isinstance(name, str) and (info.context is None or name in info.context["own"])
    return name if is_own else check(name)


def doubled(names: Iterable[str]) -> list[str]:
    """The names that come more than once, sorted."""
    names = list(names)
    return sorted({name for name in names if names.count(name) > 1})


Text = Annotated[str, Field(strict=True, min_length=1)]
Flag = Annotated[bool, Field(strict=True)]
Once = AfterValidator(_each_once)
Cutting = Annotated[Dimension, WrapValidator(_or_own)]
FROZEN = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Demo(BaseModel):
    """The invented company: how many deals, from which seed, over how many months, up to which today."""

    model_config = FROZEN
    deals: int = Field(3000, strict=True, ge=1, le=10_000_000)
    seed: int = Field(1, strict=True, ge=0)
    months: int = Field(26, strict=True, ge=1, le=240)
    today: date | None = Field(None, description="a date such as 2025-06-30")


class Source(BaseModel):
    """Where the data come from; of files also how they are written, where nothing in them tells."""

    model_config = FROZEN
    kind: SourceKind = "demo"
    folder: Path | None = Field(None, description="the folder that docs/files.md describes, as a text")
    encoding: Annotated[str, AfterValidator(_encoding)] = Field(
        "",
        strict=True,
        description="the encoding of the CSV files such as 'latin-1' or 'cp1251', or nothing to work it out",
    )
    decimal: Literal["", ".", ","] = Field("", description="'.' or ',', or nothing where the files tell it themselves")
    dates: Literal["", "day first", "month first"] = Field(
        "", description="'day first' or 'month first', or nothing where the files tell it themselves"
    )
    demo: Demo = Demo()

    @model_validator(mode="after")
    def _files_need_a_folder(self) -> Self:
        if self.kind == "files" and self.folder is None:
            raise ValueError("kind 'files' came without a folder; add folder = \"DIR\"")
        return self


class Files(BaseModel):
    """How an export calls what docs/files.md calls otherwise, beside the exports that are known anyway.

    `names`: file → ours; `columns`: our file → its header → our column; `words`: our column → its word → ours.
    """

    model_config = FROZEN
    names: dict[Text, Text] = Field(
        {}, description='a table of a file\'s name and what it is here: "all-deals.csv" = "deals"'
    )
    columns: dict[Text, dict[Text, Text]] = Field(
        {}, description='tables such as [files.columns.deals] of a header and our column: "Record ID" = "id"'
    )
    words: dict[Text, dict[Text, Text]] = Field(
        {}, description='tables such as [files.words.outcome] of a word and ours: "Signed" = "won"'
    )


class Preset(BaseModel):
    """A saved report: it comes back under its name, as often as its schedule says, and goes to its recipients.

    `report` is the name of a notebook, an analyst's own too. `recipients` get the whole page; with `mail_slices` a
    manager's page goes to that manager, a department's to its head. `personal`: a manager's page is in a folder of
    its own, else beside the whole one. The order of the fields is that of the checks.
    """

    model_config = FROZEN
    name: Text = Field(description="a text that is not empty")
    report: str = Field(
        strict=True,
        pattern=r"^\w[\w \-]*$",
        description="the name of a notebook in notebooks/, such as 'overview', without .ipynb",
    )
    parameters: Annotated[dict[str, object], AfterValidator(plain_parameters)] = Field(
        {}, description='a table of the report\'s parameters, such as { period = "last_month" }'
    )
    each: Annotated[tuple[Cutting, ...], Once] = ()
    whole: Flag = True
    schedule: Literal["nightly", "weekly", "monthly"] = "nightly"
    personal: Flag = True
    audience: str = Field(
        "",
        strict=True,
        pattern=r"^([a-z0-9][a-z0-9_-]{0,59})?$",
        description="a name of small Latin letters, digits, - and _, or nothing",
    )
    recipients: Annotated[tuple[Recipient, ...], Once] = Field(
        (), description=f"a list of recipients such as {RECIPIENTS}, each once"
    )
    mail_slices: Flag = False
    attach: Annotated[tuple[Attachment, ...], Once] = ()
    pictures: Flag = False

    @field_validator("whole")
    @classmethod
    def _something_is_left(cls, whole: bool, info: ValidationInfo) -> bool:
        if not whole and info.data.get("each") == ():
            raise ValueError('without the whole and without slices there is no page; add each = ["manager"]')
        return whole

    @field_validator("recipients")
    @classmethod
    def _recipients_get_the_whole(cls, recipients: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if recipients and info.data.get("whole") is False:
            raise ValueError("recipients get the whole page, and whole = false leaves none; take one of them away")
        return recipients

    @field_validator("mail_slices")
    @classmethod
    def _slices_have_somebody(cls, mail_slices: bool, info: ValidationInfo) -> bool:
        if mail_slices and not set(PEOPLE) & set(info.data.get("each", PEOPLE)):
            raise ValueError("only managers' and departments' pages have somebody to go to; add each = [\"manager\"]")
        return mail_slices

    @property
    def is_sent(self) -> bool:
        return bool(self.recipients or self.mail_slices)

    @property
    def needs_server(self) -> bool:
        """Whether somebody whom it names gets mail."""
        return by_mail(self.recipients)


class History(BaseModel):
    """How long nights are kept, in days: their whole pages, and the slices of those."""

    model_config = FROZEN
    keep_days: int = Field(30, strict=True, ge=1, le=36_500, description="a whole number of days from 1")
    keep_slices_days: int = Field(7, strict=True, ge=1, le=36_500, description="a whole number of days from 1")


class Night(BaseModel):
    """What a night without presets makes beside whole reports: of what it cuts slices, and of which periods besides each report's own."""

    model_config = FROZEN
    slices: Annotated[tuple[Cutting, ...], Once] = ("department", "manager", "source")
    slices_also_of: Annotated[tuple[Literal["last_month", "this_month", "last_12_months"], ...], Once] = ()


class Act(BaseModel):
    """How many to-dos `crm-reports act` makes of forgotten deals in a night, for all and for one person, and until when."""

    model_config = FROZEN
    per_night: int = Field(30, strict=True, ge=0, le=1_000, description="a whole number from 0 to 1000")
    per_person: int = Field(5, strict=True, ge=0, le=100, description="a whole number from 0 to 100")
    working_days: int = Field(1, strict=True, ge=1, le=60, description="a whole number of working days from 1 to 60")


class Own(BaseModel):
    """Metrics of the company's own that the product's reports show beside theirs: as tiles, as columns of the managers."""

    model_config = FROZEN
    tiles: tuple[str, ...] = Field((), description='a list of metrics such as ["big_wins"]')
    managers: tuple[str, ...] = Field((), description='a list of metrics such as ["big_wins"]')


class OwnField(BaseModel):
    """A field that the company has added to its CRM, under the name that it has in reports.

    `from`: what the CRM calls it (UF_CRM_…), of files the header of its column. `column`: lists of deals show it.
    """

    model_config = FROZEN
    source: Text = Field(
        alias="from", description="the field's name in the CRM such as 'UF_CRM_123', or a column's header"
    )
    kind: Literal["dimension", "flag", "number", "money", "date", "text"] = Field("dimension", alias="as")
    of: Literal["deal", "company", "contact", "lead"] = "deal"
    column: Flag = False

    @property
    def is_dimension(self) -> bool:
        """Whether reports can be cut by it."""
        return self.kind in ("dimension", "flag")


class Products(BaseModel):
    """Whether the product rows of deals are read: what is sold, by product and by section of the catalogue."""

    model_config = FROZEN
    read: Flag = Field(False, description="true or false")


class PlanItems(BaseModel):
    """A smart process of the portal whose items are the plan: which of their fields is which column of a plan.csv."""

    model_config = FROZEN
    smart_process: int = Field(
        strict=True, ge=128, le=10_000, description="the entityTypeId of a smart process such as 1038"
    )
    fields: dict[Literal["period", "metric", "manager", "department", "pipeline", "value", "currency"], Text] = Field(
        description='a table with period and value at least: { period = "ufCrm44Period", value = "opportunity" }'
    )

    @field_validator("fields")
    @classmethod
    def _a_plan_needs_both(cls, fields: dict[str, str]) -> dict[str, str]:
        if missing := [name for name in ("period", "value") if name not in fields]:
            raise ValueError(f"{' and '.join(missing)} not named; a plan says of which period, and how much")
        return fields


class Engine(BaseModel):
    """What the store's engine may take in each process: memory (then a folder in data/ serves), threads (0: all cores)."""

    model_config = FROZEN
    memory: str = Field("1GB", strict=True, pattern=r"^[1-9]\d*(MB|GB)$", description="a text such as '500MB' or '2GB'")
    threads: int = Field(0, ge=0, le=1024, description="a whole number from 1 to 1024, or 0 for all cores")


def _in_bytes(text: object) -> object:
    """500MB and 4GB as numbers of bytes; those pass as they are."""
    if not isinstance(text, str):
        return text
    match = re.fullmatch(r"([1-9]\d{0,8})(MB|GB)", text)
    if not match:
        raise ValueError
    return int(match[1]) * {"MB": 1 << 20, "GB": 1 << 30}[match[2]]


Bytes = Annotated[
    int, Field(strict=True, ge=1, description="a text such as '500MB' or '4GB'"), BeforeValidator(_in_bytes)
]
Seconds = Annotated[float, Field(gt=0, le=86_400, description="a number of seconds above 0, up to 86400")]


class Limits(BaseModel):
    """What a notebook may take while its page is made, and what a portal may answer to one request."""

    model_config = FROZEN
    page_memory: Bytes = 4 << 30
    page_output: Bytes = 50 << 20
    page_seconds: Seconds = 600
    answer_size: Bytes = 64 << 20
    answer_seconds: Seconds = 120
    answer_depth: int = Field(50, strict=True, ge=5, le=500)
