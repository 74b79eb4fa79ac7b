"""Numbers as people of many countries write them. What a comma and a point mean is told by the whole column."""

import pandas as pd

from .ways import Ways

# What may stand before or after a number, and the currencies that it can be of.
DOLLARS = ("USD", "AUD", "CAD", "NZD", "SGD", "HKD", "TWD", "MXN", "ARS", "CLP", "COP")
SIGNS: dict[str, tuple[str, ...]] = {
    "$": DOLLARS, "us$": ("USD",), "€": ("EUR",), "£": ("GBP",), "¥": ("JPY", "CNY"), "₽": ("RUB",), "руб": ("RUB",),
    "р": ("RUB",), "₴": ("UAH",), "грн": ("UAH",), "₸": ("KZT",), "тг": ("KZT",), "br": ("BYN",), "₺": ("TRY",),
    "₹": ("INR",), "₪": ("ILS",), "₩": ("KRW",), "zł": ("PLN",), "kč": ("CZK",), "kr": ("SEK", "NOK", "DKK", "ISK"),
    "₾": ("GEL",), "֏": ("AMD",), "₼": ("AZN",), "₫": ("VND",), "r$": ("BRL",), "ft": ("HUF",), "лв": ("BGN",),
}  # fmt: skip
PLAIN = r"[+-]?(?:\d|[.,]\d)[\d.,]*"
UNIT = r"[^\d\s.,'+()%-]{1,3}\.?|US\$"
WRITTEN = rf"^([+-]?) ?(?:({UNIT}) ?)?([+-]?)((?:\d|[.,]\d)[\d.,' ]*(?:[eE][+-]?\d{{1,2}})?) ?({UNIT})?$"


def unify(text: pd.Series) -> pd.Series:
    """All kinds of blanks, apostrophes and minus signs as one; (5) and 5- as -5."""
    plain = text.str.replace(r"[\s\u00a0\u2000-\u200a\u202f\u205f\u3000]+", " ", regex=True)
    plain = plain.str.replace(r"['’ʼ‘`´]", "'", regex=True).str.replace(r"[−–‒﹣－]", "-", regex=True)
    plain = plain.str.replace(r"^\( ?([^-+()]*[^-+() ]) ?\)$", r"-\1", regex=True)
    return plain.str.replace(r"^([^-+]*[^-+ ]) ?-$", r"-\1", regex=True)


def parts(text: pd.Series) -> pd.DataFrame:
    """Sign, digits and unit of what may be a number; missing where it is none."""
    is_plain = text.str.fullmatch(PLAIN).eq(True)
    plain = text[is_plain]
    is_signed = plain.str.slice(0, 1).isin(["+", "-"])
    digits = plain.str.lstrip("+-")
    sign = plain.str.slice(0, 1).where(is_signed, "")
    parts = [pd.DataFrame({"sign": sign, "digits": digits, "unit": ""}), _taken_apart(text[~is_plain].dropna())]
    return pd.concat(parts).reindex(text.index).astype("str")


def _taken_apart(text: pd.Series) -> pd.DataFrame:
    parts = unify(text).astype(object).str.extract(WRITTEN)
    sign = parts[0].fillna("") + parts[2].fillna("")
    unit = parts[1].fillna("") + parts[4].fillna("")
    is_one = parts[3].notna() & sign.str.len().le(1) & (unit.eq("") | unit.map(currencies).astype(bool))
    return pd.DataFrame({"sign": sign, "digits": parts[3].str.strip(), "unit": unit}).where(is_one)


def currencies(unit: str) -> tuple[str, ...]:
    """The codes of the currencies that a sign beside a number can mean; none for what is no such sign."""
    sign = unit.casefold().rstrip(".")
    is_code = len(sign) == 3 and sign.isascii() and sign.isalpha()
    return SIGNS.get(sign, (sign.upper(),) if is_code else ())


def read(text: pd.Series, *, parts_thousands: bool = True) -> Ways:
    """The numbers where a point is the decimal sign, and where a comma is.

    Without `parts_thousands` a lone comma or point never parts thousands.
    """
    digits = parts(text)
    with_point = _values(digits, ",", ".")
    with_comma = _values(digits, ".", ",")
    if parts_thousands:
        return Ways(with_point, with_comma)
    lone = digits["digits"].str.count(r"[.,]").eq(1) & with_point.notna() & with_comma.notna()
    is_point = digits["digits"].str.contains(".", regex=False).eq(True)
    return Ways(with_point.mask(lone & ~is_point, with_comma), with_comma.mask(lone & is_point, with_point))


def _values(parts: pd.DataFrame, group: str, decimal: str) -> pd.Series:
    mark = "\\" + decimal if decimal == "." else decimal
    by = "\\" + group if group == "." else group
    fraction = rf"(?:{mark}\d*)?"
    groups = "|".join(rf"[1-9]\d{{0,2}}(?:{sign}\d{{3}})+" for sign in (by, " ", "'"))
    indian = rf"[1-9]\d?(?:{by}\d{{2}})+{by}\d{{3}}"
    exponent = rf"(?:\d+{mark}?\d*|{mark}\d+)[eE][+-]?\d{{1,2}}"
    digits = parts["digits"]
    is_so = digits.str.fullmatch(rf"(?:\d+|{groups}|{indian}){fraction}|{mark}\d+|{exponent}").eq(True)
    plain = digits.str.replace(rf"[{by} ']", "", regex=True).str.replace(decimal, ".")
    return (parts["sign"] + plain).where(is_so).astype("float64")
