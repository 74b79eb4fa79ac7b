"""Nights after nights of a small company, with pages that take no time."""

from datetime import date, datetime

from crm_reports.night import How, night, work
from crm_reports.runs.run import RunRecord
from crm_reports.settings import Settings
from notebooks import PARAMETERS, WHOLE, write
from stores import at, deal, make_store

SLICED = """
time_zone = "UTC"
[history]
keep_days = 3
[[presets]]
name = "Whole"
report = "overview"
[[presets]]
name = "Results"
report = "managers"
each = ["manager", "department"]
[[presets]]
name = "Board"
report = "overview"
audience = "board"
schedule = "weekly"
"""
PAGE = '<html><body class="crm"><nav><!--next--></nav><a href="{link}">x</a> {name} of {day}</body></html>'
MONDAY = date(2029, 12, 31)
SLUG = "--2025-03"
AS_OF = "--as-of-2025-04-01"


class Company:
    """A company of Anna, who won a deal in March, and Boris, who has one in work; Carl has nothing to show."""

    def __init__(self, folder, monkeypatch):
        self.folder, self.out, self.day, self.broken, self.ran, self.jobs = (
            folder,
            folder / "output",
            MONDAY,
            set(),
            [],
            {},
        )
        (folder / "reports.toml").write_text(SLICED)
        for name in ("overview", "managers"):
            write(folder / "notebooks" / f"{name}.ipynb", *WHOLE, parameters=PARAMETERS + "department: list = []\n")
        monkeypatch.setattr("crm_reports.night.made", self._made)
        for warming in ("begin", "hold"):  # no page is really made
            monkeypatch.setattr(f"crm_reports.night.{warming}", lambda *_: None)

    def add(self, text):
        """More of reports.toml, at its end."""
        with open(self.folder / "reports.toml", "a") as file:
            file.write(f"{text}\n")

    def settle(self, key, value):
        """Set a key under [history]."""
        path = self.folder / "reports.toml"
        path.write_text(path.read_text().replace("[history]", f"[history]\n{key} = {value}"))

    def night(self, day, *, proved=False, **how):
        self.day, self.ran = day, []
        won = {"stage_id": "WON", "outcome": "won", "closed_at": at("2025-03-20 10:00")}
        synced = at(f"{day} 02:00")
        make_store(
            self.folder / "data", deals=[deal(1, "2025-03-02 10:00", **won), deal(2, "2025-03-02 10:00", manager_id="2")],
            managers=[{"manager_id": id, "name": name, "is_active": True} for id, name in
                      (("1", "Anna Petrova"), ("2", "Борис"), ("3", "Carl"))],
            syncs=[{"synced_at": synced, "finished_at": synced, "source": "bitrix24", "holes": "[]",
                    "portal_url": "https://portal.example", "present": "deals,managers,departments,pipelines,stages"}],
        )  # fmt: skip
        settings = Settings.read(self.folder / "reports.toml", self.folder / "data")
        return night(settings, out=self.out, sync=lambda: None, how=How(jobs=1, proved=proved), **how)

    def _made(self, job):
        self.ran.append(job.key)
        self.jobs[job.key] = job
        if job.key in self.broken:
            return work.failed(job.plan, "Boris has no amounts")
        job.out.mkdir(parents=True, exist_ok=True)
        files = tuple(job.out / f"{job.plan.name}.{suffix}" for suffix in ("ipynb", "html", "xlsx", "json"))
        for path in files:
            link = next((link.url for link in job.links if link.key == "manager:1"), "")
            path.write_text(PAGE.format(link=link, name=job.key, day=self.day))
        now = datetime.now().astimezone()
        return RunRecord(job.plan.report, {}, job.plan.slug, "complete", now, now, files, "", "March", "Anna brings it")
