"""reports.toml and the environment, read into one frozen `Settings`.

The webhook, the mail server's password and what opens the channels are secrets: they come from the environment or a
.env beside reports.toml; no text made here holds them.
"""

import os
import re
import tomllib
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self, TypeVar
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from ..errors import SettingsError, all_at_once
from . import keyring, mistakes
from .alerts import Alert
from .calendar import NOWHERE, Calendar, countries
from .checks import CheckLimit, CheckName
from .keyring import Keyring
from .keys import keys
from .mistakes import FILE, Lines, quoted
from .parts import (
    FROZEN,
    LOOPBACK,
    Act,
    Demo,
    Engine,
    Files,
    History,
    Limits,
    Night,
    Own,
    OwnField,
    PlanItems,
    Preset,
    Products,
    Source,
    doubled,
)
from .readers import Mail, Serve
from .recipients import MAIL, RECIPIENTS, Way, is_address, is_recipient, way

__all__ = [
    "LOOPBACK",
    "MAIL",
    "RECIPIENTS",
    "VIEWS",
    "WEIGHTS",
    "Act",
    "Alert",
    "Calendar",
    "CheckLimit",
    "CheckName",
    "Demo",
    "Engine",
    "Files",
    "History",
    "Keyring",
    "Limits",
    "Login",
    "Mail",
    "Night",
    "OwnField",
    "PlanItems",
    "Preset",
    "Products",
    "Serve",
    "Settings",
    "Source",
    "Way",
    "is_address",
    "is_recipient",
    "way",
]

ActionKind = Literal["call", "meeting", "email", "crm_activity", "comment", "stage_move"]
WEIGHTS: dict[ActionKind, float] = {
    "call": 2, "meeting": 5, "email": 1, "crm_activity": 1, "comment": 0.5, "stage_move": 0.5,
}  # fmt: skip

VIEWS = "views.toml"  # beside reports.toml: what readers of `crm-reports serve` saved


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


def _country(code: str) -> str:
    code = code.strip()
    if code.casefold() in ("", NOWHERE):
        return code.casefold()
    if code.upper() not in countries():
        raise ValueError
    return code.upper()


Named = TypeVar("Named", Preset, Alert)


def _each_name_once(entries: tuple[Named, ...]) -> tuple[Named, ...]:
    double = doubled(entry.name.strip().casefold() for entry in entries)
    names = sorted({entry.name for entry in entries if entry.name.strip().casefold() in double})
    if names:
        raise ValueError(f"more than one is called {', '.join(map(repr, names))}; give each a name of its own")
    return entries


def _named_fields(fields: dict[str, OwnField]) -> dict[str, OwnField]:
    """Names that a command line, an address and a metric can say."""
    wrong = [name for name in fields if not re.fullmatch("[a-z][a-z0-9_]{0,39}", name) or name.endswith("_id")]
    if wrong:
        raise ValueError(
            f"{', '.join(map(repr, wrong))}: name a field in small Latin letters, digits and _, without _id at its end"
        )
    return fields


class Login(NamedTuple):
    """Who logs into the mail server."""

    user: SecretStr
    password: SecretStr


Weight = Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)]


class Settings(BaseModel):
    """All that reports.toml (`config`, absent when there is none) and the environment decide; `home` is its folder."""

    model_config = FROZEN
    time_zone: Annotated[str, AfterValidator(_known_zone)] = Field(
        "Europe/Moscow", description="an IANA name such as 'Europe/Moscow'"
    )
    base_currency: Annotated[str, AfterValidator(_currency_code)] = Field(
        "", description="a code of three letters such as 'RUB', or nothing for the CRM's own"
    )
    language: Literal["en", "ru"] = "en"
    country: Annotated[str, AfterValidator(_country)] = Field(
        "",
        description="a country's two letters such as 'RU', with its region where holidays differ such as 'DE-BY', "
        "'none' for Monday to Friday, or nothing for the country of time_zone",
    )
    days_off: tuple[date, ...] = Field((), description="a list of dates such as 2025-12-31")
    source: Source = Field(
        Source(),
        description="a table with kind and what belongs to it, or a text: 'demo', 'bitrix24' or 'files:DIR'",
    )
    files: Files = Files()
    weights: Annotated[dict[ActionKind, Weight], AfterValidator(lambda weights: WEIGHTS | weights)] = WEIGHTS
    engine: Engine = Engine()
    history: History = History()
    night: Night = Night()
    own: Own = Own()
    fields: Annotated[dict[str, OwnField], AfterValidator(_named_fields)] = Field(
        {}, description='tables such as region = { from = "UF_CRM_123", as = "dimension" }'
    )
    products: Products = Products()
    plan: PlanItems | None = None
    limits: Limits = Limits()
    checks: dict[CheckName, CheckLimit] = {}
    mail: Mail | None = Field(
        None, description="a table with host and sender, or without both where nothing goes by mail"
    )
    serve: Serve = Serve()
    act: Act = Act()
    presets: Annotated[tuple[Preset, ...], AfterValidator(_each_name_once)] = Field(
        (), description="a list: each preset begins with [[presets]]"
    )
    views: tuple[Preset, ...] = ()
    alerts: Annotated[tuple[Alert, ...], AfterValidator(_each_name_once)] = Field(
        (), description="a list: each alert begins with [[alerts]]"
    )
    home: Path
    data: Path
    config: Path | None = None
    webhook: SecretStr | None = None
    login: Login | None = None
    keyring: Keyring = Keyring()

    @field_validator("presets", "alerts")
    @classmethod
    def _mail_needs_a_server(cls, entries: tuple[Named, ...], info: ValidationInfo) -> tuple[Named, ...]:
        mail = info.data.get("mail", "wrong")  # a wrong one has sentences of its own
        by_mail = getattr(mail, "people", "mail") == "mail"
        names = [repr(entry.name) for entry in entries if entry.needs_server or (entry.mail_slices and by_mail)]
        if names and (mail is None or (isinstance(mail, Mail) and not mail.host)):
            raise ValueError(
                f"{', '.join(names)} should be mailed, and no server is named; add [mail] with host and sender"
            )
        return entries

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def calendar(self) -> Calendar:
        """The days on which the company works."""
        return Calendar.of(self.country, self.time_zone, self.days_off)

    @property
    def store_path(self) -> Path:
        return self.data / "store.duckdb"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no text may show, in plain: the webhook's code, the mail server's password, what opens the channels."""
        code = [self.webhook.get_secret_value().rstrip("/").rpartition("/")[2]] if self.webhook else []
        password = [self.login.password.get_secret_value()] if self.login else []
        return (*code, *password, *self.keyring.secrets)

    @property
    def sends(self) -> bool:
        """Whether anything of a night goes to anybody."""
        return self.mail is not None or any(entry.is_sent for entry in (*self.presets, *self.alerts))

    def __getstate__(self) -> dict[Any, Any]:
        """Pickled without the secrets: what goes to another process or machine is settings for reports, not for a sync."""
        state = super().__getstate__()
        return state | {"__dict__": state["__dict__"] | {"webhook": None, "login": None, "keyring": Keyring()}}

    @classmethod
    def read(cls, config: Path | None = None, data: Path | None = None, source: str | None = None) -> Self:
        """The settings of `config`, else of CRM_REPORTS_CONFIG, else of the nearest reports.toml, else the defaults.

        `source` replaces what the file says: demo, bitrix24 or files:DIR.
        """
        config = _config(config)
        home = config.parent if config else Path.cwd()
        environment = _environment(home / ".env")
        text = _text(config) if config else ""
        toml = _parse(text, config)
        all_at_once(_wrong_override(source), SettingsError)
        content = mistakes.without_misplaced(toml)
        content["source"] = _source(content.get("source", {}), home, source)
        content |= {"config": config, "home": home, "data": Path(data or environment.data or home / "data").absolute()}
        saved = home / VIEWS
        content["views"] = _parse(_text(saved), saved).get("presets", ()) if saved.is_file() else ()
        content["engine"] = _engine(content.get("engine", {}), environment)
        problems = mistakes.misplaced_keys(toml, Lines(text))
        channels = keyring.variables(home / ".env")
        problems += keyring.mistakes(channels, environment.webhook)
        content["keyring"] = Keyring() if problems else keyring.keyring(channels)
        if isinstance(content.get("mail"), dict):
            problems += _wrong_login(environment, content["mail"])
            content["login"] = _login(environment)
        if isinstance(content["source"], dict) and content["source"].get("kind") == "bitrix24":
            problems += _wrong_webhook(environment.webhook)
            content["webhook"] = environment.webhook and _with_slash(environment.webhook)
        return cls._check(content, problems, text)

    @classmethod
    def _check(cls, content: dict[str, Any], problems: list[str], text: str) -> Self:
        try:
            settings = cls.model_validate(content, context={"own": _own_dimensions(content.get("fields"))})
        except ValidationError as error:
            problems = [*problems, *mistakes.sentences(error, Lines(text), keys(cls))]
            settings = None
        all_at_once(problems, SettingsError)  # outside the except: pydantic's own text must not hang on as the cause
        return settings


def _own_dimensions(fields: object) -> tuple[str, ...]:
    """The names of the company's own fields by which reports can be cut; the others' mistakes are told elsewhere."""
    tables = fields.items() if isinstance(fields, dict) else ()
    kinds = {name: table.get("as", "dimension") for name, table in tables if isinstance(table, dict)}
    return tuple(name for name, kind in kinds.items() if kind in ("dimension", "flag"))


EmptyIsNone = BeforeValidator(lambda value: None if value == "" else value)
Secret = Annotated[SecretStr | None, EmptyIsNone]


class Environment(BaseSettings):
    """What the environment, or else the .env beside reports.toml, holds; an empty variable is nothing, in .env too."""

    model_config = SettingsConfigDict(env_prefix="CRM_REPORTS_", extra="ignore", hide_input_in_errors=True, frozen=True)
    webhook: Secret = None
    data: Annotated[Path | None, EmptyIsNone] = None
    memory: Annotated[str | None, EmptyIsNone] = None
    threads: Annotated[str | None, EmptyIsNone] = None
    smtp_user: Secret = None
    smtp_password: Secret = None


def _environment(env_file: Path) -> Environment:
    try:
        return Environment(_env_file=env_file, _env_file_encoding="utf-8-sig")
    except (UnicodeDecodeError, OSError):  # their texts may hold the secret
        raise SettingsError(f"{env_file} can't be read; it must be a text file in UTF-8") from None


def _engine(table: object, environment: Environment) -> object:
    """What the file says of the engine; CRM_REPORTS_MEMORY and CRM_REPORTS_THREADS go before it."""
    if not isinstance(table, dict):
        return table
    variables = {"memory": environment.memory, "threads": environment.threads}
    return table | {key: value for key, value in variables.items() if value}


def _login(environment: Environment) -> Login | None:
    if environment.smtp_user is None or environment.smtp_password is None:
        return None
    return Login(environment.smtp_user, environment.smtp_password)


def _wrong_login(environment: Environment, mail: dict[str, Any]) -> list[str]:
    names = {"CRM_REPORTS_SMTP_USER": environment.smtp_user, "CRM_REPORTS_SMTP_PASSWORD": environment.smtp_password}
    missing = [name for name, value in names.items() if value is None]
    if len(missing) == 1:
        (name,) = names.keys() - set(missing)
        return [f"{name} is set and {missing[0]} is not; set both, or neither for a server that asks for none"]
    if not missing and mail.get("security") == "none" and mail.get("host") not in LOOPBACK:
        return [
            "mail.security is 'none' and CRM_REPORTS_SMTP_PASSWORD is set: it would cross the network for "
            'everybody to read; use security = "starttls" or "tls"'
        ]
    return []


def _config(option: Path | None) -> Path | None:
    """The file to read; one that was asked for must be there, the usual one need not."""
    path_text = option or os.environ.get("CRM_REPORTS_CONFIG")
    if not path_text:
        start = Path.cwd()
        return next((folder / FILE for folder in (start, *start.parents) if (folder / FILE).is_file()), None)
    path = Path(path_text).absolute()
    if not path.is_file():
        name = "--config" if option else "CRM_REPORTS_CONFIG"
        raise SettingsError(f"{name} is {str(path_text)!r}, and no such file is there; give the path of a {FILE}")
    return path


def _text(config: Path) -> str:
    try:
        return config.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SettingsError(f"{config}: byte {error.start + 1} is not UTF-8; save the file as UTF-8") from None
    except OSError as error:
        raise SettingsError(f"{config} can't be read: {error.strerror}") from None


def _parse(text: str, config: Path | None) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{config} is not TOML: {error}; put texts in quotes, one key = value a line") from None


def _wrong_override(source: str | None) -> list[str]:
    if source is None or source in ("demo", "bitrix24", "files") or source.startswith("files:"):
        return []
    return [f"--source is {quoted(source)}; allowed: demo, bitrix24 or files:DIR"]


def _source(table: object, home: Path, override: str | None) -> object:
    """The source's table; a folder in the file is relative to the file, one on the command line to where we are."""
    if isinstance(table, str):
        table = _table(table, home)
    elif isinstance(table, dict) and isinstance(table.get("folder"), str):
        table = table | {"folder": home / Path(table["folder"]).expanduser()}
    if override is None or not isinstance(table, dict):
        return table
    return table | _table(override, Path.cwd())


def _table(source: str, base: Path) -> dict[str, Any]:
    kind, _, folder = source.partition(":")
    if kind != "files":
        return {"kind": source}
    return {"kind": kind} | ({"folder": base / Path(folder).expanduser()} if folder else {})


def _wrong_webhook(webhook: SecretStr | None) -> list[str]:
    if webhook is None:  # only a sync needs it, and says so; a report's kernel never gets it
        return []
    sentence = keyring.wrong_webhook("CRM_REPORTS_WEBHOOK", webhook.get_secret_value().strip())
    return [sentence] if sentence else []


def _with_slash(webhook: SecretStr) -> SecretStr:
    return SecretStr(webhook.get_secret_value().strip().rstrip("/") + "/")
