"""Somebody who reads the live page in Chromium."""

import re


class Reader:
    """A reader with a window; `wrong` is what the console said, and nothing may be when the reader leaves."""

    def __init__(self, browser, address, **window):
        self.context = browser.new_context(**({"viewport": {"width": 1280, "height": 800}} | window))
        self.context.set_default_timeout(300_000)  # the first page waits until the parent is warm
        self.page, self.wrong = self.context.new_page(), []
        self.page.on(
            "console", lambda said: self.wrong.append(said.text) if said.type in ("error", "warning") else None
        )
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.goto(address)
        self.page.wait_for_selector(".controls")

    def __enter__(self):
        return self

    def __exit__(self, kind, *_what):
        self.context.close()
        assert kind or self.wrong == []

    def field(self, name):
        return self.page.locator(f"button[popovertarget=field-{name}]")

    def comes_to(self, query):
        self.page.wait_for_url(re.compile(re.escape(query) + "$"))
        self.page.wait_for_selector(".controls")

    def chart(self, id):
        """The chart of an element, drawn and in the window."""
        self.page.evaluate(f"document.getElementById('{id}').closest('details.more')?.setAttribute('open', '')")
        chart = self.page.locator(f"#{id} .chart[data-drawn]")
        chart.wait_for()
        chart.scroll_into_view_if_needed()
        return chart

    def tile(self, metric):
        return self.page.locator(f"a.tile[data-metric={metric}] .num").inner_text()
