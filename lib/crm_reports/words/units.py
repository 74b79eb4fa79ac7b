"""How money, shares, days, counts, dates and instants are written; a missing one is "—", never 0.

The same number is written differently in a sentence ("text"), on a tile or in a chart ("tile": short), and in a table's
cell ("cell": the header has the unit). `use` says once per report which currency and time zone are meant.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cache, lru_cache
from typing import Literal

import pandas as pd
from babel import Locale
from babel.core import get_global
from babel.dates import format_date, format_timedelta, get_day_names
from babel.numbers import get_currency_symbol, get_decimal_symbol
from babel.units import format_unit, get_unit_name

from . import context
from .texts import _, language

Form = Literal["text", "tile", "axis", "cell"]

MISSING = "—"
SPACE = "\N{NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
SCALES = (1_000_000_000, 1_000_000, 1_000)
FEW = 20  # a rate of fewer is greyed and not ranked


def use(*, currency: str = "", zone: tzinfo = UTC, as_of: datetime | None = None) -> None:
    """From now on money is in `currency` and instants are told in `zone`, unless a call says otherwise; stocks are as of `as_of`."""
    context.use(currency=currency, zone=zone, as_of=as_of)


def stock_day() -> str:
    """The day that the stocks of the page are of: 28 Nov; "" where nobody said."""
    report = context.current()
    return "" if report.as_of is None else day_month(report.as_of.astimezone(report.zone).date())


def day_month(day: date) -> str:
    """The day as it stands beside a period, where the year is plain: 28 Nov."""
    return _day(day, "d MMM", language())


def is_missing(value: object) -> bool:
    """True for None, NaN, NaT and the infinities: nothing that may be written as a number."""
    if isinstance(value, float):
        return not math.isfinite(value)
    if isinstance(value, (str, int)):
        return False
    if isinstance(value, date):  # a datetime and a Timestamp are dates, too, and so is NaT
        return value is pd.NaT
    return value is None or (pd.api.types.is_scalar(value) and bool(pd.isna(value)))


def write(
    value: object, unit: str, *, currency: str | None = None, zone: tzinfo | None = None, form: Form = "text"
) -> str:
    """The value as a reader meets it: 8 712 500 ₽, 10.9 %, 17 days, 13 Mar 2025, 00:00."""
    if is_missing(value):
        return MISSING
    if unit in _WORDS:
        return _WORDS[unit](value, zone or context.current().zone, form)
    made = context.current()
    return _number(float(value), unit, made.currency if currency is None else currency, form, made.language)


@lru_cache(16_384)
def _number(value: float, unit: str, currency: str, form: Form, _language: str) -> str:
    """The number with its unit; one page writes most of its numbers several times."""
    number, word = parts(value, unit, currency=currency, short=form in ("tile", "axis"))
    if form == "cell" and unit == "share":  # in a column the decimals stand under each other
        number = _plain(100 * float(value), 1, idle=True)
    if form == "cell" or (form == "axis" and unit == "money"):
        word = word.removesuffix(currency_sign(currency)) if unit == "money" else ""
    return f"{number}{SPACE}{word.strip()}" if word.strip() else number


def count(number: object) -> str:
    """How many, in a sentence: 8 712."""
    return write(number, "count")


def share(value: object) -> str:
    """Which part of a whole, in a sentence: 10.9 %."""
    return write(value, "share")


def days(number: object) -> str:
    """How long, in a sentence: 17 days."""
    return write(number, "days")


def money(amount: object) -> str:
    """How much in the base currency, in short as a sentence has it: 8.7 M ₽."""
    return write(amount, "money", form="tile")


def parts(value: object, unit: str, *, currency: str | None = None, short: bool = True) -> tuple[str, str]:
    """The number and its unit apart, as a tile sets them in two sizes: ("8.7", "M ₽"); missing is ("—", "")."""
    if is_missing(value):
        return MISSING, ""
    number = float(value)
    if unit == "share":
        return _plain(100 * number, 1), "%"
    if unit == "days":
        return _days(number)
    if unit in ("money", "count") and short:
        digits, word = _short(number, from_=1_000 if unit == "money" else 1_000_000)
        return digits, _join(word, currency_sign(currency) if unit == "money" else "")
    if unit == "money":
        return _plain(number, 0 if abs(number) >= 100 else 2), currency_sign(currency)
    return _plain(number, _DECIMALS.get(unit, 2)), ""


_DECIMALS = {"count": 0, "index": 1, "number": 2}


def decimal_sign() -> str:
    """The sign before the decimals, in the reader's language."""
    return _decimal_sign(language())


@cache
def _decimal_sign(language: str) -> str:
    return get_decimal_symbol(language)


def _plain(number: float, decimals: int, *, idle: bool = False) -> str:
    """Digits in threes with a space that does not break, the language's decimal sign, idle zeros only when asked."""
    digits_text = f"{abs(number):,.{decimals}f}"
    whole, _point, decimals_text = digits_text.partition(".")
    decimals_text = decimals_text if idle else decimals_text.rstrip("0")
    digits = whole.replace(",", SPACE) + (decimal_sign() + decimals_text if decimals_text else "")
    return MINUS + digits if number < 0 and digits.strip("0,. ") else digits


def _short(number: float, *, from_: int) -> tuple[str, str]:
    # 999 950 is "1 M" and not "1 000 k", hence the margin.
    scale = next((step for step in SCALES if step >= from_ and abs(number) >= 0.9995 * step), 1)
    quotient = number / scale
    return _plain(quotient, 1 if scale > 1 and abs(quotient) < 99.95 else 0), _scale_word(scale)


@cache
def _scale_words(language: str) -> dict[int, str]:
    patterns = Locale.parse(language).compact_decimal_formats["short"]["other"]
    words = {scale: patterns[str(scale)].suffix[0].replace("'", "").strip(f" {SPACE}") for scale in SCALES}
    return {scale: "k" if word == "K" else word for scale, word in words.items()}


def _scale_word(scale: float) -> str:
    return _scale_words(language()).get(int(scale), "")


def _days(number: float) -> tuple[str, str]:
    rounded = round(number) if abs(number) >= 10 else round(number, 1)
    return _plain(rounded, 1), _days_word(min(abs(rounded), 1_000_000), language())


def _days_word(number: float, language: str) -> str:
    """The word's plural depends on the number: "1 день", "2 дня", "2,5 дня", "17 дней"."""
    form = (_locale(language).plural_form(number), language)
    if form not in _words_of_days:
        _words_of_days[form] = format_unit(number, "duration-day", length="long", locale=language).split()[-1]
    return _words_of_days[form]


_words_of_days: dict[tuple[str, str], str] = {}


@cache
def _locale(language: str) -> Locale:
    return Locale.parse(language)


def _join(*words: str) -> str:
    return SPACE.join(word for word in words if word)


def _write_text(value: object, zone: tzinfo, form: Form) -> str:
    return str(value)


def _write_flag(value: object, zone: tzinfo, form: Form) -> str:
    return _("yes") if value else _("no")


def _write_date(value: object, zone: tzinfo, form: Form) -> str:
    return _day(as_date(value), "d MMM y", language())


@lru_cache(4096)
def _day(day: date, pattern: str, language: str) -> str:
    return format_date(day, pattern, locale=language)


def _write_instant(value: object, zone: tzinfo, form: Form) -> str:
    local = as_instant(value).astimezone(zone)
    day = _day(local.date(), "d MMM y", language())
    return day if form == "cell" else f"{day}, {local:%H:%M}"


_WORDS = {"text": _write_text, "flag": _write_flag, "date": _write_date, "instant": _write_instant}


def as_date(value: object) -> date:
    """The day in a date, a timestamp or an ISO text."""
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else pd.Timestamp(value).date()


def as_instant(value: object) -> datetime:
    """The instant in a timestamp or an ISO text; one without an offset is UTC."""
    instant = pd.Timestamp(value)
    return (instant.tz_localize(UTC) if instant.tzinfo is None else instant).to_pydatetime(warn=False)


def alike(values: pd.Series, unit: str) -> pd.Series:
    """For each value something that only those have which a cell writes as it writes this one."""
    if unit == "instant" and isinstance(values.dtype, pd.DatetimeTZDtype):
        return values.dt.tz_convert(context.current().zone).dt.tz_localize(None).dt.floor("D")
    if unit == "days" and values.dtype == float:
        return values.where(values.abs() < 10, values.round())
    return values


def k_of_n(k: object, n: object) -> str:
    """What stands under every rate: "5 of 48"; nothing when either is missing."""
    if is_missing(k) or is_missing(n):
        return ""
    return _("{k} of {n}", k=write(k, "count"), n=write(n, "count"))


def span(seconds: float) -> str:
    """How long, in its largest fitting unit: 40 seconds, 5 hours, 3 days."""
    return format_timedelta(timedelta(seconds=abs(seconds)), threshold=1.5, locale=language())


def size(count: int) -> str:
    """So many bytes, as a folder shows them: 12 MB, 3.4 GB."""
    scale, name = next(((unit, name) for unit, name in _BYTES if count >= unit), _BYTES[-1])
    quotient = count / scale
    number = _plain(quotient, 1 if quotient < 10 else 0)
    word = format_unit(1, f"digital-{name}", length="short", locale=language()).split()[-1]
    return f"{number}{SPACE}{word}"


_BYTES = ((10**9, "gigabyte"), (10**6, "megabyte"), (10**3, "kilobyte"))


def between(low: object, high: object) -> str:
    """The ends of a share's interval in whole per cent, "51–70"; nothing when either is missing."""
    if is_missing(low) or is_missing(high):
        return ""
    return f"{100 * float(low):.0f}–{100 * float(high):.0f}"


def is_few(n: object) -> bool:
    """Too few to rank: the rate is shown in grey."""
    return not is_missing(n) and float(n) < FEW


def change(value: object) -> str:
    """A change with its sign, "▲ 18 %"; nothing when there is nothing to compare with."""
    if is_missing(value):
        return ""
    percent = _plain(abs(100 * float(value)), 0)
    if percent == "0":
        return f"={SPACE}0{SPACE}%"
    return f"{'▲' if float(value) > 0 else '▼'}{SPACE}{percent}{SPACE}%"


def points(value: object) -> str:
    """A change of a share with its sign, in points: "▲ 3.9 pp"; nothing when there is nothing to compare with."""
    if is_missing(value):
        return ""
    number = _plain(abs(100 * float(value)), 1)
    sign = "=" if float(number.replace(decimal_sign(), ".")) == 0 else "▲" if float(value) > 0 else "▼"
    return f"{sign}{SPACE}{number}{SPACE}{_('pp')}"


def signed(value: object, unit: str) -> str:
    """A difference with its sign: "−320 000 ₽", "+4.1 pp" of a share."""
    if is_missing(value):
        return MISSING
    number = abs(float(value))
    text = f"{_plain(100 * number, 1)}{SPACE}{_('pp')}" if unit == "share" else write(number, unit)
    return f"{'+' if float(value) >= 0 else '−'}{text}"


def period(size: str, start: object, *, form: Form = "text") -> str:
    """What a period of that size is called: Mar 2025, Q1 2025, the week of 10 Mar 2025, 2025."""
    day = as_date(start)
    if size == "week":
        words = _day(day, "d MMM" if form == "axis" else "d MMM y", language())
        return words if form == "axis" else _("week of {day}", day=words)
    patterns = {"month": "LLL", "quarter": "QQQ", "year": "y"} if form == "axis" else {"month": "LLL y", "year": "y"}
    return _day(day, patterns.get(size, "QQQ y"), language())


def date_span(start: date, last: date) -> str:
    """Days as people say them: March 2025, Q1 2025, 2025, 13 Mar 2025, 1 Dec 2024 – 13 Mar 2025."""
    whole = {"month": "LLLL y", "quarter": "QQQ y", "year": "y"}
    for size, pattern in whole.items():
        full = pd.Timestamp(start).to_period(size[0].upper())
        if (full.start_time.date(), full.end_time.date()) == (start, last):
            return format_date(start, pattern, locale=language())
    if start == last:
        return write(start, "date")
    same = start.year == last.year
    return f"{format_date(start, 'd MMM' if same else 'd MMM y', locale=language())} – {write(last, 'date')}"


def weekday(day: int) -> str:
    """The short name of a day of the week; 0 is Monday."""
    return get_day_names("abbreviated", "stand-alone", language())[day]


@cache
def territory(time_zone: str) -> str:
    """The country whose time it is, as two letters; "" for a time that is no country's."""
    countries, aliases = get_global("zone_territories"), get_global("zone_aliases")
    code = countries.get(time_zone) or countries.get(aliases.get(time_zone, ""), "")
    return code if code != "ZZ" else ""


@cache
def currency_sign_of(code: str) -> str:
    """The usual sign of a currency, ₽ $ €; its code when it has none."""
    signs = (get_currency_symbol(code, locale) for locale in ("en", "ru", "kk", "be"))
    return next((sign for sign in signs if sign != code), code)


def currency_sign(currency: str | None = None) -> str:
    """The sign of `currency`, or of the report's own."""
    code = context.current().currency if currency is None else currency
    return currency_sign_of(code) if code else ""


def unit_word(unit: str, *, currency: str | None = None, scale: int = 1) -> str:
    """The unit as a header names it: ₽, k ₽, %, days; nothing for a count or a text."""
    if unit == "days":
        return _day_name(language())
    return {"money": _join(_scale_word(scale), currency_sign(currency)), "share": "%"}.get(unit, "")


@cache
def _day_name(language: str) -> str:
    return get_unit_name("duration-day", "long", language) or ""


def column_scale(values: Iterable[object]) -> int:
    """What all money of a column is divided by, for its header to say once: 1, a thousand, or what its least has of it."""
    sizes = [abs(float(value)) for value in values if not is_missing(value) and float(value)]
    least, most = min(sizes, default=0), max(sizes, default=0)
    return next((scale for scale in SCALES if scale > 1_000 and least >= scale), 1_000 if most >= 100_000 else 1)


def scaled(value: float, scale: int) -> str:
    """Money in a column that is divided by `scale`: whole thousands, tenths of a million; what is not 0 is not written so."""
    decimals = 0 if scale <= 1_000 else 1
    if scale > 1 and 0 < abs(value) < scale / 2:
        return f"<{SPACE}1" if value > 0 else f">{SPACE}{MINUS}1"
    return _plain(value / scale, decimals, idle=True)


@dataclass(frozen=True)
class Axis:
    """How a chart's axis is written: values are divided by `scale`, `title` names what is left, "M ₽"."""

    scale: float
    title: str
    tickformat: str


def axis(unit: str, values: Iterable[object], *, currency: str | None = None) -> Axis:
    """The axis that fits the values: 3 of "M ₽" rather than 3 000 000, 45 of "%" rather than 0.45."""
    if unit == "share":
        return Axis(0.01, "%", ",~f")
    largest = max((abs(float(value)) for value in values if not is_missing(value)), default=0.0)
    steps = SCALES if unit in ("money", "count") else ()
    scale = next((step for step in steps if largest >= (step if unit == "money" else 100 * step)), 1)
    return Axis(scale, _join(_scale_word(scale), unit_word(unit, currency=currency)), ",~f")


def excel_format(unit: str, currency: str | None = None) -> str:
    """The number format of a workbook's cell."""
    sign = currency_sign(currency).replace('"', "")
    money = f'#,##0\\ "{sign}"' if sign else "#,##0"
    formats = {"money": money, "share": "0.0%", "days": "0.0", "count": "#,##0", "index": "0.0", "number": "#,##0.##"}
    return (formats | {"date": "d mmm yyyy", "instant": "d mmm yyyy hh:mm"}).get(unit, "General")
