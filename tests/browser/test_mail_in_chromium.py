"""Mails as a reader with Chromium sees them, and the pictures and PDF that it takes of the invented page."""

import shutil

import invented
import pytest
from chromium import CHROMIUM, needed

from crm_reports import charts, mail
from crm_reports.look import publish, scripts
from crm_reports.mail import camera, content, letter
from crm_reports.runs import proof
from crm_reports.words import units
from crm_reports.words.texts import speaking
from mails import DEAL, Inbox, deals, held, managers, night, page, served, settings, tiles

pytestmark = needed
PRESET = """
[[presets]]
name = "Sales"
report = "sales_dynamics"
recipients = ["boss@acme.example"]
attach = ["pdf"]
pictures = true
"""


@pytest.fixture(scope="module", params=["en", "ru"])
def file(request, tmp_path_factory):
    """A mail with all that a mail can have, long names included."""
    long = "Общество с ограниченной ответственностью «Каменная облицовка и ступени»"
    elements = {
        "tiles": tiles(*tiles()["rows"] * 5),
        "managers": managers(long, "Anna", "Boris", "Clara"),
        "deals": deals(*[DEAL | {"title": long, "customer": "W" * 300}] * 5),
    }
    words = [{"label": "Pipeline", "text": "B2B", "narrows": True}]
    whole = held("forgotten_deals", elements=elements, words=words, quality=[{"text": "x" * 300}])
    with speaking(request.param):
        said = letter.write(content.read(whole, name="Silent for three weeks"), link="https://reports.acme.example/")
    path = tmp_path_factory.mktemp("mail") / "mail.html"
    path.write_text(said.html, encoding="utf-8")
    return path


@pytest.mark.parametrize("width", [320, 375, 700])
def test_the_mail_fits_its_screen_and_asks_for_nothing(browser, file, width):
    context = browser.new_context(viewport={"width": width, "height": 800}, java_script_enabled=False)
    shown = context.new_page()
    asked = []
    shown.on("request", lambda request: asked.append(request.url))
    shown.goto(file.as_uri())
    assert shown.evaluate("document.documentElement.scrollWidth") == width
    assert asked == [file.as_uri()]
    context.close()


CONTRAST = """
() => {
  const light = text => {
    const [r, g, b] = text.match(/[0-9.]+/g).map(each => each / 255).map(
      each => each <= 0.03928 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = node => {
    const colour = getComputedStyle(node).backgroundColor;
    return colour === "rgba(0, 0, 0, 0)" && node.parentElement ? ground(node.parentElement) : colour;
  };
  const texts = [...document.querySelectorAll("td, span, a, b")].filter(
    node => node.offsetParent && [...node.childNodes].some(each => each.nodeType === 3 && each.data.trim()));
  return texts.map(node => {
    const [a, b] = [light(getComputedStyle(node).color), light(ground(node))].sort((x, y) => y - x);
    return [(a + 0.05) / (b + 0.05), node.textContent.trim().slice(0, 40)];
  }).filter(each => each[0] < 4.5);
}
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read_in_light_and_dark(browser, file, scheme):
    context = browser.new_context(color_scheme=scheme)
    shown = context.new_page()
    shown.goto(file.as_uri())
    assert shown.evaluate(CONTRAST) == []
    assert shown.evaluate("getComputedStyle(document.body).backgroundColor") == {
        "light": "rgb(250, 250, 248)", "dark": "rgb(20, 23, 26)",
    }[scheme]  # fmt: skip
    context.close()


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """The invented page as a night publishes it, its scripts beside it."""
    folder = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        notebook = invented.notebook(patch)
        scripts.assets(folder / "assets")
        (folder / "page.html").write_text(publish.html(notebook, assets="assets"), encoding="utf-8")
    yield folder
    units.use()
    charts.use_managers([])


def test_charts_are_taken_from_the_page_itself(published):
    with proof.Chromium(CHROMIUM) as chromium:
        taken = camera.charts(chromium, published / "page.html")
    assert 2 <= len(taken) <= camera.MOST
    for each in taken:
        assert each["png"].startswith(b"\x89PNG")
        assert int.from_bytes(each["png"][16:20], "big") == 2 * camera.WIDTH
        assert each["title"]


def test_a_page_without_charts_has_no_pictures(tmp_path):
    (tmp_path / "plain.html").write_text("<!doctype html><p>nothing to draw</p>")
    with proof.Chromium(CHROMIUM) as chromium:
        assert camera.charts(chromium, tmp_path / "plain.html") == []


def test_pictures_and_pdf_come_with_the_mail(tmp_path, published):
    out, inbox = tmp_path / "output", Inbox()
    mailed = page(out)
    shutil.copytree(published / "assets", out / "2025-04-01" / "assets")
    shutil.copy(published / "page.html", out / mailed.file("html"))
    with served(inbox) as port:
        report = mail.send(settings(tmp_path, port=port, presets=PRESET), night(mailed), out=out)
    assert report.is_whole
    message = inbox.of("boss@acme.example")
    (attached,) = message.iter_attachments()
    assert (attached.get_filename(), attached.get_content()[:5]) == ("Sales-2025-04-01.pdf", b"%PDF-")
    html = message.get_body(("html",)).get_content()
    pictures = [part for part in message.walk() if part.get_content_type() == "image/png"]
    assert pictures
    for each in pictures:
        assert f'src="cid:{each["Content-ID"].strip("<>")}"' in html
