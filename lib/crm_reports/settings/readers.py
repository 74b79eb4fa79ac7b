"""The tables of reports.toml about the people who read: how they are written to, and who may ask `crm-reports serve`."""

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, Field, ValidationInfo, field_validator, model_validator

from .parts import FROZEN, LOOPBACK, Flag, Once, Text
from .recipients import RECIPIENTS, AddressOrNothing, NamedAddress, Recipient, RecipientOrNothing

Security = Literal["starttls", "tls", "none"]
PORTS: dict[Security, int] = {"starttls": 587, "tls": 465, "none": 25}
Names = Annotated[tuple[Text, ...], Once]


def _web_folder(text: str) -> str:
    """The address with a slash at its end, so that names can be put after it."""
    if not text:
        return text
    try:
        address = urlsplit(text)
        _port = address.port
    except ValueError:
        raise ValueError from None
    wrong = address.query or address.fragment or address.username or address.password or re.search(r"\s", text)
    if address.scheme not in ("http", "https") or not address.hostname or wrong:
        raise ValueError
    return text.rstrip("/") + "/"


class Mail(BaseModel):
    """Which server mails go through, in whose name, and who is told when a night fails (`operator`).

    Without `host` there are channels alone. `base_url` is where output/ is served, ending in a slash, or nothing.
    `timeout` is in seconds. `addresses` go before those of the CRM: by a manager's or department's name or id.
    `people`: managers and heads hear of their own pages by mail, or as users of Bitrix24, whose numbers the CRM has.
    `hold_on_difference`: nothing is mailed while a check of the data is an error.
    `telegram_api` is where Telegram's bots are spoken to, a company's own server or Telegram's.
    """

    model_config = FROZEN
    host: str = Field(
        "",
        strict=True,
        pattern=r"^([A-Za-z0-9][A-Za-z0-9.-]*|[0-9A-Fa-f:]*:[0-9A-Fa-f:]*)?$",
        description="the name of the mail server, such as 'smtp.acme.example'",
    )
    security: Security = "starttls"
    port: int = Field(0, strict=True, ge=1, le=65_535, description="a whole number from 1 to 65535, or left out")
    sender: NamedAddress = Field(
        "",
        validate_default=True,
        description="an address such as 'reports@acme.example' or 'Sales reports <reports@acme.example>'",
    )
    reply_to: AddressOrNothing = Field("", description="an address such as 'boss@acme.example', or nothing")
    operator: RecipientOrNothing = Field("", description=f"a recipient such as {RECIPIENTS}, or nothing")
    base_url: Annotated[str, AfterValidator(_web_folder)] = Field(
        "",
        strict=True,
        description="where output/ is served, such as 'https://reports.acme.example/', or nothing",
    )
    timeout: float = Field(30, strict=True, gt=0, le=600, description="a number of seconds above 0, up to 600")
    hold_on_difference: Flag = True
    people: Literal["mail", "bitrix24"] = "mail"
    telegram_api: Annotated[str, AfterValidator(_web_folder)] = Field(
        "https://api.telegram.org/",
        strict=True,
        min_length=1,
        description="the address of a server of Telegram's Bot API, such as 'https://api.telegram.org'",
    )
    addresses: dict[Text, Recipient] = Field(
        {},
        description="a table of a manager's or department's name or id and a recipient: "
        '"Anna Petrova" = "anna@acme.example" or "bitrix24:17"',
    )

    @field_validator("sender")
    @classmethod
    def _server_and_sender(cls, sender: str, info: ValidationInfo) -> str:
        """A server is nothing without somebody in whose name it sends, nor the other way round."""
        host = info.data.get("host", sender)  # a wrong one has its own sentence
        if host and not sender:
            raise ValueError("host came without it; add an address such as 'reports@acme.example'")
        if sender and not host:
            raise ValueError("it came without host; add the name of the mail server, such as 'smtp.acme.example'")
        return sender

    @field_validator("telegram_api")
    @classmethod
    def _token_stays_hidden(cls, address: str) -> str:
        """The token is a part of each address there."""
        if address.startswith("http://") and urlsplit(address).hostname not in LOOPBACK:
            raise ValueError
        return address

    @model_validator(mode="before")
    @classmethod
    def _usual_port(cls, table: object) -> object:
        """The port that goes with the security, where none is said."""
        if not isinstance(table, dict) or "port" in table:
            return table
        security = table.get("security", "starttls")
        return table | {"port": PORTS.get(security, 587) if isinstance(security, str) else 587}


class Access(BaseModel):
    """What one reader of `crm-reports serve` may see: these managers or departments, by name or id; all, where none is named."""

    model_config = FROZEN
    manager: Names = Field((), description="a list of managers' names or ids")
    department: Names = Field((), description="a list of departments' names or ids")


class Serve(BaseModel):
    """Who may ask `crm-reports serve`, and under which names of hosts it answers besides this machine's own.

    `trusted` are the addresses of the proxies whose `user_header` names the reader. With `access` only those whom it
    names are answered. `framed_by` alone may show the pages in a frame of its own.
    """

    model_config = FROZEN
    hosts: Names = Field((), description="a list of names such as 'reports.acme.example'")
    user_header: str = Field(
        "",
        strict=True,
        pattern=r"^[A-Za-z0-9-]*$",
        description="the name of a header such as 'X-Forwarded-User', or nothing",
    )
    trusted: Names = Field((), description="a list of addresses of proxies such as '127.0.0.1'")
    framed_by: str = Field(
        "",
        strict=True,
        pattern=r"^(https://[A-Za-z0-9.-]+(:[0-9]{1,5})?)?$",
        description="the portal's address without a path such as 'https://acme.bitrix24.com', or nothing",
    )
    access: dict[Text, Access] = Field(
        {}, description='a table of readers: anna = { manager = ["Anna Petrova"] }, boss = {} for everything'
    )
