"""A small whole export of another CRM, for tests that take parts of it away."""

import csv
from collections.abc import Mapping
from pathlib import Path

Sheet = list[dict[str, str]]
MUST = {"deals": ("id", "outcome"), "stages": ("stage",), "stage_history": ("deal_id", "stage", "at"), "activities": ("kind",),
        "leads": ("id", "outcome"), "managers": ("name",), "departments": ("name",), "currencies": ("currency", "rate")}  # fmt: skip


def _rows(columns: str, *rows: str) -> Sheet:
    names = columns.split(",")
    return [dict(zip(names, row.split(","), strict=True)) for row in rows]


WHOLE: dict[str, Sheet] = {
    "deals": _rows(
        "id,title,pipeline,stage,manager,department,source,company,contact,outcome,amount,currency,created_at,closed_at,loss_reason",
        "1,First,Sales,Paid,Anna,North,Web,Acme,Ann,won,100,EUR,2025-01-10 09:00,2025-03-05 10:00,",
        "2,Second,Sales,Request,Boris,South,Call,,Bob,open,250.50,USD,2025-02-10 09:00,,",
        "3,Third,Sales,Dear,Anna,North,Web,Acme,,lost,75,EUR,2025-03-01 09:00,2025-03-20 10:00,Price",
        "4,Fourth,Service,Asked,Vera,South,Call,Vector,,open,,EUR,2025-03-02 09:00,,",
        "5,Fifth,Sales,Paid,Boris,South,Web,Vector,Ann,won,-20,,2025-03-03 09:00,2025-03-25 10:00,",
    ),
    "stages": _rows(
        "pipeline,stage,position,outcome",
        "Sales,Request,1,open", "Sales,Offer,2,open", "Sales,Paid,3,won", "Sales,Dear,4,lost", "Service,Asked,1,open",
    ),
    "stage_history": _rows(
        "deal_id,stage,pipeline,at",
        "1,Request,Sales,2025-01-10 09:00", "1,Offer,Sales,2025-02-01 09:00", "1,Paid,Sales,2025-03-05 10:00",
        "2,Request,Sales,2025-02-10 09:00", "3,Request,Sales,2025-03-01 09:00", "3,Dear,Sales,2025-03-20 10:00",
        "4,Asked,Service,2025-03-02 09:00", "5,Request,Sales,2025-03-03 09:00", "5,Paid,Sales,2025-03-25 10:00",
    ),
    "activities": _rows(
        "id,deal_id,author,kind,at,completed,created_at,deadline,direction",
        "a,1,Anna,call,2025-03-01 12:00,1,2025-02-28 12:00,2025-03-02 12:00,out",
        "b,2,Boris,meeting,2025-03-12 12:00,1,2025-03-10 12:00,,",
        "c,2,Boris,email,,0,2025-03-13 12:00,2025-03-20 12:00,out",
        "d,4,Vera,email,2025-03-14 12:00,1,,,in",
        "e,,Vera,comment,2025-03-14 12:00,1,,,",
    ),
    "leads": _rows(
        "id,title,stage,manager,source,company,contact,outcome,created_at,closed_at",
        "L1,Asks,New,Anna,Web,,Ann,open,2025-03-04 09:00,",
        "L2,Asked,Converted,Boris,Call,Acme,,won,2025-03-04 09:00,2025-03-08 09:00",
    ),
    "managers": _rows(
        "name,job_title,email,department,active",
        "Anna,Seller,anna@acme.example,North,1", "Boris,,boris@acme.example,South,1", "Vera,Seller,,South,0",
    ),
    "departments": _rows("name,parent,head", "Company,,", "North,Company,Anna", "South,Company,Boris"),
    "currencies": _rows("currency,rate", "EUR,1", "USD,0.9"),
}  # fmt: skip


def write_export(folder: Path, sheets: Mapping[str, Sheet], columns: Mapping[str, list[str]]) -> Path:
    """A folder with a CSV file for each sheet that has `columns`; what a row has besides is left out."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, kept in columns.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            rows = csv.DictWriter(file, kept, extrasaction="ignore")
            rows.writeheader()
            rows.writerows(sheets.get(name, []))
    return folder
