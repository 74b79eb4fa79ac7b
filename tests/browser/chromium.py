"""A page that a reader has open in Chromium, and everything that went wrong on it."""

from contextlib import contextmanager

import pytest

from crm_reports.runs import proof

CHROMIUM = proof.browser()
needed = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: apt-get install chromium")
FLAGS = [*proof.SILENT]
# All of a page that a reader or a test can change.
STATE = """(() => {
  const of = (query, what) => [...document.querySelectorAll(query)].map(what);
  const media = ["(prefers-color-scheme: dark)", "(prefers-reduced-motion)", "print"].map(each => matchMedia(each).matches);
  return JSON.stringify([location.href, document.title, document.body.innerHTML, of("select, input", each => [each.value, each.checked]),
    of(":popover-open", each => each.id), scrollX, scrollY, innerWidth, innerHeight, media]);
})()"""


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

    def look(self, scheme):
        """The page for a reader who has just set this colour scheme: what listens to that has run before a frame is drawn."""
        self.page.emulate_media(color_scheme=scheme)
        self.page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def remember(self):
        self.page.evaluate(f"window.remembered = {STATE}")

    def is_as_remembered(self):
        return self.wrong == [] and self.page.evaluate(f"window.remembered === {STATE}")

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


class Shared:
    """A page that tests hand on to each other: one that a test has left otherwise than it was is closed, and the next has a new one."""

    def __init__(self, opening):
        self._opening, self._visit = opening, None

    @contextmanager
    def lent(self):
        visit, self._visit = self._visit or self._opening(), None
        visit.remember()
        yield visit
        if visit.is_as_remembered():
            self._visit = visit
        else:
            visit.close()

    def close(self):
        if self._visit:
            self._visit.close()
