"""What leaves a CRM, and what stays behind: deletions and the bin, lost rights, mergers.

No method of a portal tells of any of it. What pointed to a row that is gone, or merged into another, is pointed
elsewhere by one SQL update that leaves DATE_MODIFY as it was.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from .quirks import Quirks
from .schema import OWNER_TYPES, Row
from .tables import Table

OwnerType = Literal["lead", "deal", "contact", "company"]
CustomerType = Literal["contact", "company"]


@dataclass(frozen=True)
class Withdrawn:
    """A deal or lead that was taken out of sight, with what hung on it."""

    row: Row
    history: list[Row]
    comments: list[Row]
    activities: list[Row]


class Removals:
    """The part of a company's life that takes rows away; `Company` has the tables and the clock."""

    users: Table
    statuses: Table
    deals: Table
    leads: Table
    history: Table
    lead_history: Table
    activities: Table
    comments: Table
    companies: Table
    contacts: Table
    pipelines: dict[int, Row]
    quirks: Quirks
    _now: datetime

    def __init__(self) -> None:
        self.bin: dict[int, Row] = {}
        self.lead_bin: dict[int, Row] = {}
        self.hidden_deals: dict[int, Withdrawn] = {}
        self._of: dict[tuple[str, str | int, int], list[int]] = {}

    # What hangs on what: ids of `what` by their owner

    def _hang(self, kind: str, owner_type: str | int, owner: int, row_id: int) -> None:
        self._of.setdefault((kind, owner_type, owner), []).append(row_id)

    def _hanging(self, kind: str, owner_type: str | int, owner: int) -> list[int]:
        return self._of.get((kind, owner_type, owner), [])

    def _unhang(self, kind: str, owner_type: str | int, owner: int, row_id: int) -> None:
        self._of[kind, owner_type, owner].remove(row_id)

    def _unhang_all(self, kind: str, owner_type: str | int, owner: int) -> list[int]:
        return self._of.pop((kind, owner_type, owner), [])

    def _take(self, table: Table, kind: str, owner_type: str | int, owner: int) -> list[Row]:
        return [table.remove(row_id) for row_id in self._unhang_all(kind, owner_type, owner)]

    def _put_back(self, table: Table, kind: str, owner_type: str | int, owner: int, rows: list[Row]) -> None:
        for row in rows:
            self._hang(kind, owner_type, owner, table.add(row))

    # Deals

    def delete_deal(self, deal: int) -> None:
        """Into the bin; no method tells of it."""
        self.bin[deal] = self._withdraw_deal(deal).row

    def restore_deal(self, deal: int) -> int:
        """The new id of a deal from the bin: it keeps DATE_CREATE and DATE_MODIFY, its history starts anew."""
        id = self.deals.add(self.bin.pop(deal) | {"ID": None})
        self._join_client(id)
        self._note_stage(id, 1, self._now)
        return id

    def hide_deal(self, deal: int) -> None:
        """The webhook's owner may no longer see the deal: absent from lists, "Access denied." when asked for."""
        self.hidden_deals[deal] = self._withdraw_deal(deal)

    def show_deal(self, deal: int) -> None:
        """The right is granted again: the deal and all that hangs on it are back as they were, under their old ids."""
        hidden = self.hidden_deals.pop(deal)
        self.deals.add(hidden.row)
        self._join_client(deal)
        self._put_back(self.history, "history", "deal", deal, hidden.history)
        self._put_back(self.comments, "comment", "deal", deal, hidden.comments)
        self._put_back(self.activities, "activity", OWNER_TYPES["deal"], deal, hidden.activities)

    def _withdraw_deal(self, deal: int) -> Withdrawn:
        self._leave_client(deal)
        return self._withdraw("deal", self.deals, self.history, deal)

    def _withdraw(self, owner_type: OwnerType, table: Table, history: Table, row_id: int) -> Withdrawn:
        return Withdrawn(
            table.remove(row_id),
            self._take(history, "history", owner_type, row_id),
            self._take(self.comments, "comment", owner_type, row_id),
            self._take(self.activities, "activity", OWNER_TYPES[owner_type], row_id),
        )

    def merge_deals(self, deal: int, into: int) -> None:
        """`deal` is gone for good and its activities and comments are the other's; only that one's DATE_MODIFY tells."""
        self._rehang("deal", deal, into)
        self._withdraw_deal(deal)
        self.deals[into]["DATE_MODIFY"] = self._now

    # Leads

    def delete_lead(self, lead: int) -> None:
        """Into the bin; deals forget that they came of it."""
        self.lead_bin[lead] = self._withdraw("lead", self.leads, self.lead_history, lead).row
        self._repoint("LEAD_ID", lead, None)

    def restore_lead(self, lead: int) -> int:
        """The new id of a lead from the bin, with its old dates."""
        id = self.leads.add(self.lead_bin.pop(lead) | {"ID": None})
        self._note_lead_stage(id, 1, self._now)
        return id

    # Customers

    def delete_company(self, company: int) -> None:
        """Deals, leads and contacts have no company any more; its own activities and comments are gone."""
        self._delete_customer("company", company)

    def delete_contact(self, contact: int) -> None:
        """Deals and leads have no contact any more; its own activities and comments are gone."""
        self._delete_customer("contact", contact)

    def _delete_customer(self, kind: CustomerType, customer: int) -> None:
        self._customers(kind).remove(customer)
        self._take(self.comments, "comment", kind, customer)
        self._take(self.activities, "activity", OWNER_TYPES[kind], customer)
        self._repoint(f"{kind.upper()}_ID", customer, None)

    def merge_companies(self, company: int, into: int) -> None:
        """`company` is gone; what was its, deals included, is the other's, whose DATE_MODIFY alone tells."""
        self._merge_customers("company", company, into)

    def merge_contacts(self, contact: int, into: int) -> None:
        """`contact` is gone; what was its, deals included, is the other's, whose DATE_MODIFY alone tells."""
        self._merge_customers("contact", contact, into)

    def _merge_customers(self, kind: CustomerType, customer: int, into: int) -> None:
        self._rehang(kind, customer, into)
        self._repoint(f"{kind.upper()}_ID", customer, into)
        self._customers(kind).remove(customer)
        self._customers(kind)[into]["DATE_MODIFY"] = self._now

    def _customers(self, kind: CustomerType) -> Table:
        return self.companies if kind == "company" else self.contacts

    def _repoint(self, field: str, old: int, new: int | None) -> None:
        """Deals, leads and contacts whose `field` was `old`."""
        for deal in self._holding(self.deals, field, old):
            self._leave_client(deal["ID"])
            deal[field] = new
            self._join_client(deal["ID"])
            if self.quirks.merging_stamps_deals:
                deal["DATE_MODIFY"] = self._now
        for table in (self.leads, self.contacts):
            for row in self._holding(table, field, old):
                row[field] = new

    @staticmethod
    def _holding(table: Table, field: str, value: int) -> Iterator[Row]:
        # By its id: a row that is merely read may have been made for the reader.
        return (table[row["ID"]] for row in table if row.get(field) == value)

    def _rehang(self, owner_type: OwnerType, old: int, new: int) -> None:
        number = OWNER_TYPES[owner_type]
        for activity in self._unhang_all("activity", number, old):
            self.activities[activity]["OWNER_ID"] = new
            self._hang("activity", number, new, activity)
        for comment in self._unhang_all("comment", owner_type, old):
            self.comments[comment]["ENTITY_ID"] = new
            self._hang("comment", owner_type, new, comment)

    # Small things

    def delete_activity(self, activity: int) -> None:
        """Nothing tells of it."""
        row = self.activities.remove(activity)
        self._unhang("activity", row["OWNER_TYPE_ID"], row["OWNER_ID"], activity)

    def delete_comment(self, comment: int) -> None:
        """Nothing tells of it, its element's LAST_ACTIVITY_TIME neither."""
        row = self.comments.remove(comment)
        self._unhang("comment", row["ENTITY_TYPE"], row["ENTITY_ID"], comment)

    def delete_user(self, user: int) -> None:
        """The account is gone from lists; whatever carries its id carries it on."""
        self.users.remove(user)

    def delete_stage(self, stage_id: str) -> None:
        """The dictionary forgets the stage; stage history does not."""
        self.statuses.remove(self._stage_row(stage_id)["ID"])

    def delete_pipeline(self, pipeline: int) -> None:
        """The pipeline and its stages are forgotten, by stage history not; a pipeline with deals is refused."""
        if pipeline == 0 or any(self._holding(self.deals, "CATEGORY_ID", pipeline)):
            raise ValueError(f"pipeline {pipeline} is the default one or has deals: Bitrix24 deletes neither")
        del self.pipelines[pipeline]
        for row in list(self._holding(self.statuses, "ENTITY_ID", f"DEAL_STAGE_{pipeline}")):
            self.statuses.remove(row["ID"])
