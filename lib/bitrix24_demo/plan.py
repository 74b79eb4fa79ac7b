"""The sales plan of the invented company, as a table that somebody keeps beside the CRM: Bitrix24 itself knows none."""

from collections import defaultdict
from datetime import date

from .company import Company

BACK, AHEAD = 12, 2  # months of the plan before and after the running one
SHORT = {1: 0.7, 5: 0.8}  # January and May have the longest holidays
MARGIN = 1.05  # by which the head of sales was asked for more than the managers were


def plan(company: Company) -> str:
    """The plan as plan.csv has it: a line for each manager and month, and one for the company.

    The newest manager has none yet; who has left had one as long as anything was won.
    """
    brought = _brought(company)
    months = [_month(company.local_date(company.now), number) for number in range(-BACK, AHEAD + 1)]
    newest = max(brought, default=0)
    lines = ["period,metric,manager,value"]
    for month in months:
        values = {
            user: _round(sum(won.values()) / (BACK + 1) * SHORT.get(month.month, 1.0), 10_000)
            for user, won in sorted(brought.items())
            if user != newest and (company.users[user]["ACTIVE"] or max(won) >= month)
        }
        lines += [f"{month:%Y-%m},won_money,{user},{value}" for user, value in values.items() if value]
        if total := sum(values.values()):
            lines.append(f"{month:%Y-%m},won_money,,{_round(total * MARGIN, 100_000)}")
    return "\n".join([*lines, ""])


def _brought(company: Company) -> dict[int, dict[date, float]]:
    """What each manager has won in the base currency, month by month of the last year."""
    first = _month(company.local_date(company.now), -BACK)
    brought: dict[int, dict[date, float]] = defaultdict(lambda: defaultdict(float))
    for deal in company.deals:
        if deal["STAGE_SEMANTIC_ID"] == "S" and deal["CURRENCY_ID"] == company.base_currency:
            month = company.local_date(deal["MOVED_TIME"]).replace(day=1)
            if month >= first and (deal["OPPORTUNITY"] or 0) > 0:
                brought[deal["ASSIGNED_BY_ID"]][month] += deal["OPPORTUNITY"]
    return brought


def _month(day: date, shift: int) -> date:
    """The first day of the month that comes `shift` months after the day's own."""
    months = day.year * 12 + day.month - 1 + shift
    return date(months // 12, months % 12 + 1, 1)


def _round(value: float, to: int) -> int:
    return round(value / to) * to
