"""Who asks, and what they may see.

Without `[serve.access]` in reports.toml whoever reaches the server sees everything, and only this machine reaches it.
With it a reader has a name, by a trusted proxy or by a password, and sees what stands under that name.
"""

import json
import secrets
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import anyio.to_thread
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from starlette.requests import Request

from ..errors import ReportError, SettingsError
from ..settings import Settings
from ..store.disk import write_whole
from ..words.texts import _

LEAST_LETTERS = 8
HASHER = PasswordHasher()


class Unknown(ReportError):
    """Nobody said who asks."""


class NotYours(ReportError):
    """This reader may not see this."""


@dataclass(frozen=True)
class Reader:
    """Whoever asks. `only` says by dimension which managers or departments they may see; empty means everything."""

    name: str = ""
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class Door:
    """Tells who asks. Reads the passwords anew when their file has changed; remembers whom it let in."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._path = settings, passwords(settings)
        self._salt, self._let_in, self._one_by_one = secrets.token_bytes(16), set(), anyio.CapacityLimiter(1)
        self._read: tuple[int, dict[str, str]] = (0, {})

    async def reader(self, request: Request) -> Reader:
        """Unknown: nobody the server knows. NotYours: known, and named nowhere under [serve.access]."""
        rules = self._settings.serve
        if not rules.access:
            return Reader()
        name = self._named_by_proxy(request) or await self._name_by_password(request)
        if not name:
            raise Unknown(_("say who you are: this server knows its readers by name"))
        if name not in rules.access:
            raise NotYours(
                _("nothing is shown to {name!r} yet: the operator can add a line under [serve.access]", name=name)
            )
        return Reader(name, {key: ids for key, ids in rules.access[name].model_dump().items() if ids})

    def _named_by_proxy(self, request: Request) -> str:
        rules = self._settings.serve
        is_trusted = request.client is not None and request.client.host in rules.trusted
        return request.headers.get(rules.user_header, "") if rules.user_header and is_trusted else ""

    async def _name_by_password(self, request: Request) -> str:
        kind, _space, credentials = request.headers.get("authorization", "").partition(" ")
        try:
            name, _colon, password = b64decode(credentials, validate=True).decode().partition(":")
        except ValueError:
            return ""
        return name if kind.lower() == "basic" and await self._is_right(name, password) else ""

    async def _is_right(self, name: str, password: str) -> bool:
        """Whether it is that reader's password; argon2 is slow on purpose, so what was right is remembered, salted.

        One at a time in a thread: whoever tries passwords keeps nobody waiting who is known already.
        """
        hashed = self._hashes().get(name, "")
        mark = sha256(self._salt + f"{name}\0{password}\0{hashed}".encode()).digest()
        if mark not in self._let_in:
            try:
                await anyio.to_thread.run_sync(HASHER.verify, hashed or NOBODY, password, limiter=self._one_by_one)
            except (Argon2Error, InvalidHashError):
                return False
            self._let_in.add(mark)
        return bool(hashed)

    def _hashes(self) -> dict[str, str]:
        stamp = self._path.stat().st_mtime_ns if self._path.is_file() else 0
        if stamp != self._read[0]:
            self._read = stamp, _hashes_in(self._path)
        return self._read[1]


NOBODY = HASHER.hash(secrets.token_hex())  # verified for a name nobody has, so that both take as long


def passwords(settings: Settings) -> Path:
    """The file of the readers' hashed passwords, for its owner's eyes only."""
    return settings.data / "passwords.json"


def add(settings: Settings, name: str, password: str) -> None:
    """Give that reader this password, whatever it was before. SettingsError: it is too short."""
    if len(password) < LEAST_LETTERS:
        raise SettingsError(_("the password is too short: take {n} letters or more", n=LEAST_LETTERS))
    path = passwords(settings)
    hashes = _hashes_in(path) | {name: HASHER.hash(password)}
    write_whole(path, json.dumps(hashes, ensure_ascii=False, indent=1), is_private=True)


def remove(settings: Settings, name: str) -> None:
    """Take that reader's password away. SettingsError: there is none."""
    path = passwords(settings)
    hashes = _hashes_in(path)
    if hashes.pop(name, None) is None:
        raise SettingsError(_("{name!r} has no password; those who have: {names}", name=name, names=", ".join(hashes)))
    write_whole(path, json.dumps(hashes, ensure_ascii=False, indent=1), is_private=True)


def _hashes_in(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise SettingsError(_("{name} is damaged: remove it and add the readers again", name=repr(path.name)))
    return {str(name): str(hashed) for name, hashed in content.items()}
