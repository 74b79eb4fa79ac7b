"""Mails → an SMTP server: encryption as asked or not at all, patience with what passes, no patience with what stays.

No text made here holds the password, not even where a server repeats it.
"""

import smtplib
import ssl
from base64 import b64encode
from email.message import EmailMessage

from ..errors import MailError
from ..settings import Login, Mail, Settings
from ..settings.recipients import name_and_address
from ..words.texts import _
from .content import clean
from .delivery import Envelope, Later, Never, NoUse, Unsent
from .messages import plain_mail

REACH = 10  # seconds


def reach(settings: Settings) -> str:
    """The name that the mail server gives itself; nobody logs in and nothing is sent. MailError when it can't be had."""
    if settings.mail is None or not settings.mail.host:
        raise MailError(no_server())
    mail = settings.mail.model_copy(update={"timeout": min(settings.mail.timeout, REACH)})
    try:
        with _connect(mail, None) as server:
            greeting = (server.ehlo_resp or server.helo_resp or b"").decode("utf-8", "replace")
    except (NoUse, OSError) as error:
        why = _why(error, mail, None)
    else:
        return clean(greeting.partition("\n")[0], 100)
    raise MailError(why)


class Smtp:
    """Carries mails, over one connection as long as it holds."""

    def __init__(self, mail: Mail, login: Login | None, language: str) -> None:
        self.mail, self.login, self.language = mail, login, language
        self.server: smtplib.SMTP | None = None

    def send(self, envelope: Envelope) -> None:
        if not self.mail.host:
            raise NoUse(no_server())
        try:
            self._send(envelope)
        except OSError as error:  # smtplib's own errors are OSErrors
            refusal = self._refusal(error)
        else:
            return
        raise refusal

    def _send(self, envelope: Envelope) -> None:
        if self.server is None:
            self.server = _connect(self.mail, self.login)
        message = envelope.make()
        mail = message if isinstance(message, EmailMessage) else plain_mail(message, self.mail, self.language)
        self.server.send_message(mail, name_and_address(self.mail.sender)[1], [envelope.to])

    def _refusal(self, error: OSError) -> Unsent:
        """What follows from what the server said; it is hung up on where it has nothing more to say."""
        code, is_welcome = _code(error), not isinstance(error, smtplib.SMTPConnectError)
        is_over = not 400 <= code < 600 or code == 421 or not is_welcome
        if is_over:
            self.close()
        words = _why(error, self.mail, self.login)
        return Never(words) if 500 <= code < 600 and is_welcome else Later(words, is_broken=is_over)

    def close(self) -> None:
        server, self.server = self.server, None
        if server is not None:
            try:
                server.quit()
            except OSError:  # it is gone already
                server.close()


def no_server() -> str:
    return _("no mail server is named; add [mail] with host and sender to reports.toml")


# ── The connection ───────────────────────────────────────────────────────────────────────────────────────────────────


def _connect(mail: Mail, login: Login | None) -> smtplib.SMTP:
    """A server that listens, encrypted as the settings say, logged in where there is a login."""
    server = _open(mail)
    try:
        if mail.security == "starttls":
            server.starttls(context=ssl.create_default_context())
        server.ehlo_or_helo_if_needed()
        if login:
            server.login(login.user.get_secret_value(), login.password.get_secret_value())
    except BaseException as error:
        server.close()
        if (words := _no_use(error, mail)) is None:
            raise
    else:
        return server
    raise NoUse(words)


def _open(mail: Mail) -> smtplib.SMTP:
    if mail.security != "tls":
        return smtplib.SMTP(mail.host, mail.port, timeout=mail.timeout)
    try:
        return smtplib.SMTP_SSL(mail.host, mail.port, timeout=mail.timeout, context=ssl.create_default_context())
    except ssl.SSLError as error:
        words = _no_use(error, mail)
    raise NoUse(words)


def _place(mail: Mail) -> str:
    return _("the mail server {host}:{port}", host=mail.host, port=mail.port)


def _no_use(error: BaseException, mail: Mail) -> str | None:
    """The sentence about a mistake that waiting does not mend; None for anything else."""
    server = _place(mail)
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return _(
            "{server} does not accept the login ({code}): look at CRM_REPORTS_SMTP_USER and CRM_REPORTS_SMTP_PASSWORD; "
            "many providers want an app password, see docs/mail.md",
            server=server,
            code=error.smtp_code,
        )
    if isinstance(error, ssl.SSLCertVerificationError):
        return _(
            "{server} shows a certificate that is not trusted ({why}): use the name that it is made out to, or let "
            "SSL_CERT_FILE name the company's own authority",
            server=server,
            why=error.verify_message,
        )
    if isinstance(error, ssl.SSLError):
        return _(
            "{server} does not speak TLS ({why}): look at security in reports.toml, 'starttls' or 'tls'",
            server=server,
            why=error.reason,
        )
    if isinstance(error, smtplib.SMTPNotSupportedError) or type(error) is smtplib.SMTPException:  # no way to log in
        return _(
            "{server} offers no {what}, so nothing was sent: look at security and port in reports.toml",
            server=server,
            what="STARTTLS" if "STARTTLS" in str(error) else "AUTH",
        )
    if isinstance(error, UnicodeEncodeError):  # its own text holds the password
        return _("CRM_REPORTS_SMTP_USER or CRM_REPORTS_SMTP_PASSWORD has a letter that SMTP can't carry: use ASCII")
    return None


# ── What was said ────────────────────────────────────────────────────────────────────────────────────────────────────


def _code(error: OSError) -> int:
    """The server's reply code; 0 when there was no reply."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return next(iter(error.recipients.values()))[0]
    return getattr(error, "smtp_code", 0)


def _why(error: Exception, mail: Mail, login: Login | None) -> str:
    server = _place(mail)
    if isinstance(error, NoUse):
        return str(error)
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, words = next(iter(error.recipients.values()))
        return _("{server} refuses the address: {said}", server=server, said=f"{code} {_heard(words, login)}")
    if isinstance(error, smtplib.SMTPResponseException):
        words = f"{error.smtp_code} {_heard(error.smtp_error, login)}"
        return _("{server} refuses: {said}", server=server, said=words)
    if isinstance(error, TimeoutError) or isinstance(
        error.__context__, TimeoutError
    ):  # smtplib wraps one within a reply
        return _("{server} did not answer within {seconds} s", server=server, seconds=f"{mail.timeout:g}")
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return _("{server} hung up", server=server)
    return _(
        "{server} can't be reached: {why}", server=server, why=getattr(error, "strerror", "") or type(error).__name__
    )


def _heard(words: bytes | str, login: Login | None) -> str:
    """The server's own words on one line, without the login if it repeats that."""
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    for secret in (secret_.get_secret_value() for secret_ in login or ()):
        for form in (secret, b64encode(secret.encode()).decode()):
            text = text.replace(form, "…")
    return clean(text, 200)
