"""reports.toml and the environment, read into one frozen `Settings`.

The webhook is a secret: it comes from CRM_REPORTS_WEBHOOK or a .env beside reports.toml; no text made here holds it.
"""

import os
import re
import tomllib
from collections.abc import Iterable
from datetime import date, datetime, time
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from .errors import SettingsError, all_at_once, near

SourceKind = Literal["demo", "bitrix24", "files"]
ActionKind = Literal["call", "meeting", "email", "crm_activity", "comment", "stage_move"]
Report = Literal["overview", "sales_dynamics", "manager_effectiveness", "forgotten_deals"]

REPORTS: tuple[Report, ...] = ("overview", "sales_dynamics", "manager_effectiveness", "forgotten_deals")
WEIGHTS: dict[ActionKind, float] = {
    "call": 2, "meeting": 5, "email": 1, "crm_activity": 1, "comment": 0.5, "stage_move": 0.5,
}  # fmt: skip

FILE = "reports.toml"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
WEBHOOK = "an address such as https://HOST/rest/USER/CODE/ (https only, unless HOST is this machine)"

# Every key that reports.toml may hold, and what is allowed there: the second half of every sentence about a mistake.
ALLOWED = {
    "time_zone": "an IANA name such as 'Europe/Moscow'",
    "base_currency": "a code of three letters such as 'RUB', or nothing for the CRM's own",
    "language": "'en' or 'ru'",
    "source": "a table with kind and what belongs to it, or a text: 'demo', 'bitrix24' or 'files:DIR'",
    "source.kind": "'demo', 'bitrix24' or 'files'",
    "source.folder": "the folder that docs/files.md describes, as a text",
    "source.demo": "a table with deals, seed, months, today",
    "source.demo.deals": "a whole number from 1 to 10000000",
    "source.demo.seed": "a whole number from 0",
    "source.demo.months": "a whole number from 1 to 240",
    "source.demo.today": "a date such as 2025-06-30",
    "weights": f"a table of {', '.join(WEIGHTS)}",
    **{f"weights.{kind}": "a number from 0" for kind in WEIGHTS},
    "presets": "a list: each preset begins with [[presets]]",
    "presets.name": "a text that is not empty",
    "presets.report": ", ".join(REPORTS),
    "presets.parameters": 'a table of the report\'s parameters, such as { period = "last_month" }',
}
CHOICES: dict[str, Iterable[str]] = {"presets.report": REPORTS, "source.kind": ("demo", "bitrix24", "files")}


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # "Europe" is a folder of zones, "../x" a ValueError
        raise ValueError from None
    return name


def _currency_code(code: str) -> str:
    code = code.strip().upper()
    if code and not re.fullmatch("[A-Z]{3}", code):
        raise ValueError
    return code


def _with_default_weights(weights: dict[ActionKind, float]) -> dict[ActionKind, float]:
    return WEIGHTS | weights


def _plain(held: object) -> object:
    """The value as papermill can write it: a TOML date becomes its text."""
    if isinstance(held, list):
        return [_plain(each) for each in held]
    return held.isoformat() if isinstance(held, date | datetime | time) else held


def _plain_parameters(parameters: dict[str, object]) -> dict[str, object]:
    plain = {name: _plain(held) for name, held in parameters.items()}
    for name, held in plain.items():
        if not all(isinstance(each, str | bool | int | float) for each in (held if isinstance(held, list) else [held])):
            raise ValueError(f"{name} is {_shown(held)}; allowed: a text, number, date, true, false, or a list of them")
    return plain


Text = Annotated[str, Field(strict=True, min_length=1)]
Whole = Annotated[int, Field(strict=True, ge=0)]
Weight = Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)]
_FROZEN = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Demo(BaseModel):
    """The invented company: how many deals, from which seed, over how many months, up to which today."""

    model_config = _FROZEN
    deals: Annotated[Whole, Field(ge=1, le=10_000_000)] = 3000
    seed: Whole = 1
    months: Annotated[Whole, Field(ge=1, le=240)] = 26
    today: date | None = None


class Source(BaseModel):
    """Where the data come from."""

    model_config = _FROZEN
    kind: SourceKind = "demo"
    folder: Path | None = None
    demo: Demo = Demo()

    @model_validator(mode="after")
    def _files_need_a_folder(self) -> Self:
        if self.kind == "files" and self.folder is None:
            raise ValueError("kind 'files' came without a folder; add folder = \"DIR\"")
        return self


class Preset(BaseModel):
    """A saved report: it comes back every night under its name."""

    model_config = _FROZEN
    name: Text
    report: Report
    parameters: Annotated[dict[str, object], AfterValidator(_plain_parameters)] = {}


def _each_name_once(presets: tuple[Preset, ...]) -> tuple[Preset, ...]:
    names = [preset.name.strip().casefold() for preset in presets]
    double = {preset.name for preset in presets if names.count(preset.name.strip().casefold()) > 1}
    if double:
        raise ValueError(f"more than one is called {', '.join(map(repr, sorted(double)))}; give each a name of its own")
    return presets


class Settings(BaseModel):
    """All that reports.toml (`config`, absent when there is none) and the environment decide; `home` is its folder."""

    model_config = _FROZEN
    time_zone: Annotated[str, AfterValidator(_known_zone)] = "Europe/Moscow"
    base_currency: Annotated[str, AfterValidator(_currency_code)] = ""
    language: Literal["en", "ru"] = "en"
    source: Source = Source()
    weights: Annotated[dict[ActionKind, Weight], AfterValidator(_with_default_weights)] = WEIGHTS
    presets: Annotated[tuple[Preset, ...], AfterValidator(_each_name_once)] = ()
    home: Path
    data: Path
    config: Path | None = None
    webhook: SecretStr | None = None

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def store_path(self) -> Path:
        return self.data / "store.duckdb"

    @classmethod
    def read(cls, config: Path | None = None, data: Path | None = None, source: str | None = None) -> Self:
        """The settings of `config`, else of CRM_REPORTS_CONFIG, else of the nearest reports.toml, else the defaults.

        `source` replaces what the file says: demo, bitrix24 or files:DIR.
        """
        config = _config(config)
        home = config.parent if config else Path.cwd()
        environment = _environment(home / ".env")
        written = _written(config) if config else {}
        all_at_once(_wrong_override(source), SettingsError)
        content = {key: held for key, held in written.items() if key not in MISPLACED}
        content["source"] = _source(content.get("source", {}), home, source)
        content |= {"config": config, "home": home, "data": Path(data or environment.data or home / "data").absolute()}
        problems = _misplaced(written)
        if isinstance(content["source"], dict) and content["source"].get("kind") == "bitrix24":
            problems += _wrong_webhook(environment.webhook)
            content["webhook"] = environment.webhook and _with_slash(environment.webhook)
        return cls._checked(content, problems)

    @classmethod
    def _checked(cls, content: dict[str, Any], problems: list[str]) -> Self:
        try:
            settings = cls.model_validate(content)
        except ValidationError as error:
            problems = [*problems, *_sentences(error)]
            settings = None
        all_at_once(problems, SettingsError)  # outside the except: pydantic's own text must not hang on as the cause
        return settings


MISPLACED = {
    "webhook": "it is a secret: put it into the environment as CRM_REPORTS_WEBHOOK, or into .env beside this file",
    "data": "say it with --data DIR or CRM_REPORTS_DATA",
    "home": "it is the folder of this file",
    "config": "it is this file",
}


class Environment(BaseSettings):
    """What the environment, or else the .env beside reports.toml, holds."""

    model_config = SettingsConfigDict(
        env_prefix="CRM_REPORTS_", env_ignore_empty=True, extra="ignore", hide_input_in_errors=True, frozen=True
    )
    webhook: SecretStr | None = None
    data: Path | None = None


def _environment(env_file: Path) -> Environment:
    try:
        return Environment(_env_file=env_file, _env_file_encoding="utf-8-sig")
    except (UnicodeDecodeError, OSError):  # their texts may hold the secret
        raise SettingsError(f"{env_file} can't be read; it must be a text file in UTF-8") from None


def _config(given: Path | None) -> Path | None:
    """The file to read; one that was asked for must be there, the usual one need not."""
    asked = given or os.environ.get("CRM_REPORTS_CONFIG")
    if not asked:
        here = Path.cwd()
        return next((folder / FILE for folder in (here, *here.parents) if (folder / FILE).is_file()), None)
    path = Path(asked).absolute()
    if not path.is_file():
        said = "--config" if given else "CRM_REPORTS_CONFIG"
        raise SettingsError(f"{said} is {str(asked)!r}, and no such file is there; give the path of a {FILE}")
    return path


def _written(config: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(config.read_bytes().decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise SettingsError(f"{config}: byte {error.start + 1} is not UTF-8; save the file as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{config} is not TOML: {error}; put texts in quotes, one key = value a line") from None
    except OSError as error:
        raise SettingsError(f"{config} can't be read: {error.strerror}") from None


def _misplaced(written: dict[str, Any]) -> list[str]:
    return [f"{FILE}: {key!r} does not belong here; {MISPLACED[key]}" for key in MISPLACED if key in written]


def _wrong_override(source: str | None) -> list[str]:
    if source is None or source in ("demo", "bitrix24", "files") or source.startswith("files:"):
        return []
    return [f"--source is {_shown(source)}; allowed: demo, bitrix24 or files:DIR"]


def _source(written: object, home: Path, override: str | None) -> object:
    """The source's table; a folder in the file is relative to the file, one on the command line to where we are."""
    if isinstance(written, str):
        written = _spelled(written, home)
    elif isinstance(written, dict) and isinstance(written.get("folder"), str):
        written = written | {"folder": home / Path(written["folder"]).expanduser()}
    if override is None or not isinstance(written, dict):
        return written
    return written | _spelled(override, Path.cwd())


def _spelled(source: str, base: Path) -> dict[str, Any]:
    kind, _, folder = source.partition(":")
    if kind != "files":
        return {"kind": source}
    return {"kind": kind} | ({"folder": base / Path(folder).expanduser()} if folder else {})


def _wrong_webhook(webhook: SecretStr | None) -> list[str]:
    if webhook is None:  # only a sync needs it, and says so; a report's kernel never gets it
        return []
    held = webhook.get_secret_value().strip()
    try:
        address = urlsplit(held)
        host, _ = address.hostname, address.port
    except ValueError:
        host = None
    if not host or not re.fullmatch(r"https?://[^/?#@\s]+/rest/[^/?#\s]+/[^/?#\s]+/?", held):
        return [f"CRM_REPORTS_WEBHOOK (hidden, {len(held)} characters) is no webhook; allowed: {WEBHOOK}"]
    if address.scheme == "http" and host not in LOOPBACK:
        return [f"CRM_REPORTS_WEBHOOK (hidden) begins with http://; allowed: {WEBHOOK}"]
    return []


def _with_slash(webhook: SecretStr) -> SecretStr:
    return SecretStr(webhook.get_secret_value().strip().rstrip("/") + "/")


def _sentences(error: ValidationError) -> list[str]:
    return [f"{FILE}: {_sentence(each)}" for each in error.errors(include_url=False)]


def _sentence(mistake: dict[str, Any]) -> str:
    at = mistake["loc"]
    if mistake["type"] == "extra_forbidden" or at[-1] == "[key]":
        return _unknown_key(tuple(part for part in at if part != "[key]"))
    key = _entry(at)
    if mistake["type"] == "missing":
        return f"{_place(at)} is missing; give {ALLOWED[key]}"
    if mistake["type"] == "value_error" and str(mistake["ctx"]["error"]):
        return f"{_place(at)}: {mistake['ctx']['error']}"
    return f"{_place(at)} is {_shown(mistake['input'])}; allowed: {ALLOWED[key]}{_near(key, mistake['input'])}"


def _entry(at: tuple[str | int, ...]) -> str:
    """The entry of ALLOWED that speaks about this place: its own, else that of what holds it."""
    names = [part for part in at if isinstance(part, str)]
    paths = (".".join(names[:length]) for length in range(len(names), 0, -1))
    return next(path for path in paths if path in ALLOWED)


def _place(at: tuple[str | int, ...]) -> str:
    """The key as its writer would call it: presets 2, report."""
    if at[0] == "presets" and len(at) > 1:
        return ", ".join(str(part) for part in (f"presets {at[1] + 1}", *at[2:3]))
    return _entry(at)


def _unknown_key(at: tuple[str | int, ...]) -> str:
    inside = "".join(f"{part}." for part in at[:-1] if isinstance(part, str))
    known = [key.removeprefix(inside) for key in ALLOWED if key.startswith(inside)]
    known = [key for key in known if "." not in key]
    name = str(at[-1])
    place = f"{_place(at[:-1])} has" if at[:-1] else "there is"
    return f"{place} no key {name!r}; near: {', '.join(near(name, known) or known)}"


def _near(key: str, held: object) -> str:
    if not isinstance(held, str):
        return ""
    found = near(held, available_timezones() if key == "time_zone" else CHOICES.get(key, ()))
    return f"; near: {', '.join(found)}" if found else ""


def _shown(held: object) -> str:
    """The value as written, short, and without the secret of a webhook that got into the wrong place."""
    text = re.sub(r"(/rest/)[^\s'\"]*", r"\1…", repr(held))
    return text if len(text) <= 100 else f"{text[:99]}…"
