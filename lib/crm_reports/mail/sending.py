"""A night → mails: which page goes to whom, what was sent before, what comes with it, and what the operator is told."""

import json
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import date
from email.message import EmailMessage
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ..errors import MailError, all_at_once, near
from ..night import NightReport, Page, checks, damaged, nights
from ..runs.execution import logged
from ..runs.proof import Chromium, browser
from ..settings import MAIL, RECIPIENTS, Mail, Preset, Settings, is_recipient, way
from ..words.texts import LANGUAGES, _, many, speaking
from . import attachments, notice
from .channels import LEDGER, key_of, preview, record, send_all
from .content import Content, clean, read, short
from .delivery import Attachment, Envelope, MailReport, Message
from .ledger import Ledger, kept_where_possible
from .letter import Letter, write
from .messages import message
from .recipients import People, lacks_address, recipients
from .smtp import no_server


def night_of(settings: Settings, day: date | None, *, to: str = "", presets: Collection[str] = ()) -> NightReport:
    """The night of `day`, else the latest that made pages; MailError when there is none, or `to` or a preset means nothing."""
    problems = []
    if to and not is_recipient(to):
        problems.append(_("--to is {to!r}; allowed: a recipient such as {words}", to=to, words=RECIPIENTS))
    names = [preset.name for preset in settings.presets]
    for name in presets:
        if name not in names:
            close = ", ".join(near(name, names) or names) or "—"
            problems.append(_("there is no preset {name!r}; near: {close}", name=name, close=close))
    candidates = [night for night in nights(settings) if night.pages and day in (None, night.date)]
    if not candidates:
        problems.append(_("no night was kept whose pages could be mailed: run `crm-reports night` first"))
    elif day is None and (damaged_nights := [night for night in damaged(settings) if night > candidates[0].date]):
        name = str(max(damaged_nights))
        problems.append(_("the record of the night of {day} is damaged: run `crm-reports night` again", day=name))
    all_at_once(problems, MailError)
    return candidates[0]


def send(
    settings: Settings,
    report: NightReport,
    *,
    out: Path,
    dry_run: Path | None = None,
    to: str = "",
    presets: Collection[str] = (),
    tell: Callable[[str], object] = lambda line: None,
    wait: Callable[[float], object] = time.sleep,
) -> MailReport:
    """Send the night's finished pages, published under `out`, to their recipients, each by the channel it names.

    What was sent before is not sent again. `dry_run` gets the messages as files and nothing is sent; `to` gets all
    of them instead of the recipients, as often as it likes; `presets` names those that are meant, by default all.
    One that can't be delivered stops no other. MailError: nobody is named, or another process is mailing.
    """
    if not settings.sends and way(to).channel == MAIL:
        raise MailError(no_server())
    with speaking(settings.language):
        path = browser()
        with record(settings) as ledger, Chromium(path) if path else nullcontext() as chromium:
            run = _Run(settings, settings.mail or Mail(), report, out, to, tell, chromium)
            posts = list(run.posts(presets))
            if dry_run is not None:
                return run.write_files(posts, dry_run)
            if posts and not to and (reason := held(settings)):
                return MailReport(problems=(reason,))
            return run.send(posts if to else run.not_mailed(posts, ledger), ledger, wait)


def held(settings: Settings) -> str:
    """Why nothing is mailed: what a check of the data says that is an error; "" when mails may go."""
    errors = (
        checks.sentences(checks.standing(settings), "error") if (settings.mail or Mail()).hold_on_difference else []
    )
    if not errors:
        return ""
    return _(
        "the mails are held back: {errors}. `crm-reports checks` says what to do; `crm-reports checks --accept NAME` takes it "
        "for usual from now on; with hold_on_difference = false under [mail], `crm-reports mail` sends them",
        errors="; ".join(errors),
    )


def tell_operator(
    settings: Settings,
    report: NightReport,
    *,
    problems: Sequence[str] = (),
    wait: Callable[[float], object] = time.sleep,
) -> MailReport:
    """One message to [mail] operator about what failed in this night; none when all is well or it was told before.

    `problems` are what else went wrong, such as a MailReport's.
    """
    with speaking(settings.language):
        wrong = notice.wrongs(report, problems)
        if settings.mail is None or not settings.mail.operator or not wrong:
            return MailReport()
        operator, key = settings.mail.operator, key_of("failure", report.date, settings.mail.operator, *sorted(wrong))
        message = notice.message(report, wrong, to=operator, key=key, link=settings.mail.base_url)
        with kept_where_possible(settings.data / LEDGER) as ledger:
            if ledger.has(key):
                return MailReport(already=1)
            return send_all([Envelope(operator, _("failures"), key, lambda: message)], settings, ledger, wait=wait)


# ── Pages ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Post:
    """One page's mail to one address."""

    page: Page
    preset: Preset
    to: str
    key: str
    made_at: str
    part: str = ""  # a file that goes after the message, where a channel takes one at a time


@dataclass(frozen=True)
class MailedPage:
    """A finished page, what a mail says about it, and what comes with it; each is made once for all its recipients."""

    page: Page
    preset: Preset
    mail: Mail
    out: Path
    usual_language: str
    browser: Chromium | None

    @cached_property
    def page_json(self) -> dict[str, Any]:
        return json.loads((self.out / self.page.file("json")).read_text(encoding="utf-8"))

    @property
    def language(self) -> str:
        language = self.page_json["parameters"].get("language")
        return language if language in LANGUAGES else self.usual_language

    @cached_property
    def content(self) -> Content:
        return read(self.page_json, name=self.page.name)

    @cached_property
    def extras(self) -> attachments.Extras:
        return attachments.extras(
            self.page, self.preset, self.page_json, self.out, language=self.language, browser=self.browser
        )

    @cached_property
    def letter(self) -> Letter:
        footer = [_why(self.page, self.preset), *self.extras.lacking]
        content = self.content.apart_from([picture.title for picture in self.extras.pictures])
        return write(content, link=self._link, footer=footer, pictures=self.extras.pictures)

    @property
    def _link(self) -> str:
        file = self.page.file("html")
        return self.mail.base_url + quote(file) if self.mail.base_url and file else ""

    @property
    def subject(self) -> str:
        return f"{self.content.name}: {' · '.join(filter(None, [self.content.headline, self.content.period]))}"

    def mail_to(self, to: str, id: str) -> EmailMessage:
        with speaking(self.language):
            return message(
                self.letter,
                mail=self.mail,
                to=to,
                subject=self.subject,
                id=id,
                thread=key_of(self.page.key, to),
                language=self.language,
                attachments=self.extras.attachments,
            )

    def message(self, to: str, id: str, part: str) -> Message:
        """The same in short, for a chat; with `part`, that file alone."""
        with speaking(self.language):
            return Message(
                to, id, self.subject, short(self.content), self._link, language=self.language,
                picture=next((picture.png for picture in self.extras.pictures), b""), document=self._file(part),
            )  # fmt: skip

    def _file(self, kind: str) -> Attachment | None:
        files = (file for file in self.extras.attachments if file.name.endswith(f".{kind}"))
        if not kind:
            return None
        if (file := next(files, None)) is None:
            raise MailError(" ".join(self.extras.lacking))
        return file


def _why(page: Page, preset: Preset) -> str:
    """Why this mail comes to whoever reads it."""
    name = clean(preset.name, 80)
    if page.slice is None:
        return _("You get this because you are a recipient of “{name}”.", name=name)
    if page.slice["dimension"] == "manager":
        return _("You get this because it is your own page of “{name}”.", name=name)
    return _("You get this because you lead this department; it is its page of “{name}”.", name=name)


@dataclass
class _Run:
    """One mailing of a night."""

    settings: Settings
    mail: Mail
    report: NightReport
    out: Path
    to: str
    tell: Callable[[str], object]
    browser: Chromium | None = None
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    all_posts: int = 0
    held_back: int = 0
    last_page: MailedPage | None = None

    def posts(self, names: Collection[str]) -> Iterator[Post]:
        """Every message that this night asks for, in the order of its pages."""
        presets = {preset.name: preset for preset in self.settings.presets}
        people = People(self.mail, self.settings.store_path)
        for page in self.report.pages:
            preset = presets.get(page.preset)
            if page.state == "failed" or preset is None or (names and page.preset not in names):
                continue
            try:
                yield from self._posts(page, preset, people)
            except Exception as error:
                self._problem(f"{page.name}: {logged(error)}")

    def _posts(self, page: Page, preset: Preset, people: People) -> Iterator[Post]:
        addresses = (self.to,) if self.to else recipients(page, preset, people)
        if not addresses and lacks_address(page, preset, people):
            self._note(_("{page}: no address is known; give one in [mail.addresses]", page=page.name))
        if addresses:
            content = self._open(page, preset).page_json
            for address in addresses:
                for part in ("", *(preset.attach if way(address).channel == "telegram" else ())):
                    self.all_posts += 1
                    key = key_of(page.key, content["as_of"], address.casefold(), *filter(None, [part]))
                    yield Post(page, preset, address, key, content.get("made_at", ""), part)

    def _open(self, page: Page, preset: Preset) -> MailedPage:
        """The page, opened; the one before it is let go, for a night has hundreds."""
        if self.last_page is None or self.last_page.page is not page:
            self.last_page = MailedPage(page, preset, self.mail, self.out, self.settings.language, self.browser)
        return self.last_page

    def not_mailed(self, posts: Sequence[Post], ledger: Ledger) -> list[Post]:
        """Those that were not mailed before, as far as that is known; one that may have been is told and left out."""
        if ledger.damage:
            self._problem(ledger.damage)
        new = [post for post in posts if not ledger.has(post.key)]
        sure = [post for post in new if not ledger.may_have_forgotten(post.made_at)]
        self.held_back = len(new) - len(sure)
        if self.held_back:
            text = many(
                "{n} mail is held back: the record of what was mailed was damaged after its page was made; `crm-reports "
                "mail --to ADDRESS` sends it",
                "{n} mails are held back: the record of what was mailed was damaged after their pages were made; "
                "`crm-reports mail --to ADDRESS` sends them",
                self.held_back,
            )
            self._problem(text)
        return sure

    def send(self, posts: Sequence[Post], ledger: Ledger, wait: Callable[[float], object]) -> MailReport:
        outcome = send_all([self._envelope(letter) for letter in posts], self.settings, ledger, wait=wait)
        for line in outcome.problems:
            self._problem(line)
        already = self.all_posts - len(posts) - self.held_back
        return MailReport(outcome.sent, already, tuple(self.problems), tuple(self.notes))

    def write_files(self, posts: Sequence[Post], folder: Path) -> MailReport:
        """The messages as files: mails that any mail program opens, of the other channels what would go out."""
        folder.mkdir(parents=True, exist_ok=True)
        paths = []
        for number, envelope in enumerate(map(self._envelope, posts), 1):
            try:
                files = preview(envelope, self.mail, self.settings.language)
            except MailError as error:
                self._problem(f"{envelope.about} → {envelope.to}: {error}")
                continue
            stem = f"{number:03}-{attachments.plain(envelope.about)}-{attachments.plain(envelope.to)}"
            for kind, content in files.items():
                path = folder / f"{stem}.{kind}"
                path.write_bytes(content)
                paths.append(str(path))
        return MailReport(tuple(paths), 0, tuple(self.problems), tuple(self.notes))

    def _envelope(self, post: Post) -> Envelope:
        about = clean(post.page.name, 100) + (f" ({post.part})" if post.part else "")
        return Envelope(post.to, about, "" if self.to else post.key, lambda: self._message(post))

    def _message(self, post: Post) -> EmailMessage | Message:
        """What its channel takes, or a MailError about a page that can't be drawn; that is for us to mend, not for the others."""
        # A mail that somebody asked for once more must not look like the one that the mailbox has.
        id = key_of(post.key, time.time_ns()) if self.to else post.key
        try:
            page = self._open(post.page, post.preset)
            return page.mail_to(post.to, id) if way(post.to).channel == MAIL else page.message(post.to, id, post.part)
        except Exception as error:
            raise MailError(logged(error)) from None

    def _problem(self, line: str) -> None:
        self.problems.append(line)
        self.tell(line)

    def _note(self, line: str) -> None:
        self.notes.append(line)
        self.tell(line)
