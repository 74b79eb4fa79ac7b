"""A night's finished pages → messages through any SMTP server; docs/mail.md tells how to switch it on."""

from .delivery import reach
from .sending import MailReport, night_of, send, send_and_tell, tell_operator

__all__ = ["MailReport", "night_of", "reach", "send", "send_and_tell", "tell_operator"]
