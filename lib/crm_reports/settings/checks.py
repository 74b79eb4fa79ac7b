"""[checks] in reports.toml: how grave each check of a night's data is, and from where on."""

from typing import Literal

from pydantic import BaseModel, Field

from .parts import FROZEN

CheckName = Literal[
    "receipt", "freshness", "volume", "surge", "vanished", "growth", "doubled", "empty", "orphans", "dates", "negative",
    "unknown", "columns", "pipelines", "mix", "currency", "rates", "amounts", "jump", "hours", "zone",
]  # fmt: skip
Level = Literal["error", "warn", "off"]


class CheckLimit(BaseModel):
    """Whether a check beyond its limit holds the mails (`error`), is said (`warn`) or is not made (`off`); else its own."""

    model_config = FROZEN
    level: Level | None = Field(None, description="'error', 'warn' or 'off'")
    limit: float | None = Field(
        None, strict=True, ge=0, allow_inf_nan=False, description="a number from 0, in the check's own unit"
    )
