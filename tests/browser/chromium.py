"""A page that a reader has open in Chromium, and everything that went wrong on it."""

import pytest

from crm_reports.runs import proof

CHROMIUM = proof.browser()
needed = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: apt-get install chromium")
FLAGS = [*proof.SILENT]


class Visit:
    """The page at `path`, all of it unfolded unless it `is_folded`, once its charts and tables are drawn.

    `wrong` is what console, scripts and dialogs said.
    """

    def __init__(self, browser, path, *, is_folded=False, **how):
        self.context = browser.new_context(**({"viewport": {"width": 1280, "height": 900}} | how))
        self.page = self.context.new_page()
        self.wrong, self.requests = [], []
        self.page.on(
            "console", lambda said: self.wrong.append(said.text) if said.type in ("error", "warning") else None
        )
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.wrong.append(f"dialog {dialog.message}"), dialog.dismiss()))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri())
        if not is_folded:
            self.unfold()
        shut = "each.closest('details:not([open])')"
        self.until(f"[...document.querySelectorAll('div.chart')].every(each => 'drawn' in each.dataset || {shut})")
        self.until(f"[...document.querySelectorAll('table.data')].every(each => each.dataset.drawn || {shut})")

    def unfold(self):
        self.page.evaluate("document.querySelectorAll('details.more').forEach(each => { each.open = true; })")

    def until(self, true):
        # The page forbids eval, which playwright's own wait_for_function needs.
        for _again in range(600):
            if self.page.evaluate(true):
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"never true: {true}; {self.wrong}")

    def count(self, selector):
        return self.page.locator(selector).count()

    def texts(self, selector):
        return [text.strip() for text in self.page.locator(selector).all_inner_texts()]

    def info(self, id):
        """What stands under a list of its rows; "" where they are all on one page."""
        found = self.page.locator(f"#{id} .dt-info")
        return found.inner_text() if found.count() else ""

    def close(self):
        self.context.close()
