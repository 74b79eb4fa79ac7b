"""The templates and styles of everything that is read in a browser or a mail, in template/."""

from functools import cache
from importlib.resources import files

from jinja2 import Environment, FileSystemLoader, select_autoescape
from markupsafe import Markup

from ..words import units
from ..words.texts import _, many

FOLDER = files("crm_reports.look") / "template"


@cache
def read(name: str) -> str:
    """A file of the folder as it is."""
    return (FOLDER / name).read_text(encoding="utf-8")


def fragment(name: str, **values: object) -> Markup:
    """The template of that name filled in, as HTML that another may hold."""
    return Markup(render(f"{name}.html.j2", **values))


def render(name: str, **values: object) -> str:
    """The template with its values in their places, in the reader's language; whatever is HTML has them escaped."""
    return _environment().get_template(name).render(**values)


def compile_all() -> None:
    """Read every template now, not when a page first needs it."""
    for name in _environment().list_templates(extensions=["j2"]):
        _environment().get_template(name)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(str(FOLDER)),
        autoescape=select_autoescape(enabled_extensions=["html.j2"], disabled_extensions=["txt.j2"], default=True),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(_=_, many=many, write=units.write)
    return environment
