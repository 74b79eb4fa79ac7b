"""A panel in JupyterLab and VS Code: choose what the report is about, run the cells below about it, make its page as a night would."""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from IPython import get_ipython
from IPython.display import Javascript, display

from ..errors import ReportError
from ..measures.load import load
from ..settings import Settings
from ..words.texts import _, speaking
from . import alone, controls, preparation, run
from .surroundings import SESSION

# JupyterLab that `make lab` has started runs the cells itself; elsewhere there is no such name, and nothing happens.
RUN_BELOW = 'window.jupyterapp?.commands.execute("notebook:run-all-below")'
OUT = Path("output") / "mine"
DEEPER = "\u2003"  # before a department's name, for each above it


def panel(report: str = "") -> None:
    """Show what this notebook's report can be asked for: "Show" runs the cells below about it, "Publish this" makes its page.

    Its cell stands below the parameters. Where nobody can press a button (a night, papermill, nbconvert) nothing is shown.
    """
    shell = get_ipython()
    name = report or _notebook_of(shell)
    if not name or getattr(shell, "kernel", None) is None:
        return
    settings = Settings.read()
    with speaking(settings.language):
        display(Panel(name, shell.user_ns, settings).view())


def _notebook_of(shell: Any) -> str:
    """The name of the notebook that is open, as Jupyter's server or VS Code says it; "" where there is none."""
    names = getattr(shell, "user_ns", {})
    return Path(os.environ.get(SESSION) or names.get("__vsc_ipynb_file__", "")).stem


_last: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}  # by report: what its cell had set, what was chosen then


@dataclass
class Panel:
    """What is chosen of the report, whose parameters are among the `names` of its notebook."""

    report: str
    names: dict[str, Any] = field(repr=False)
    settings: Settings = field(repr=False)

    def __post_init__(self) -> None:
        import ipywidgets  # with JupyterLab: no night needs it

        self.fields = {entry["name"]: _widget(entry) for entry in self._offered()}
        self.buttons = [ipywidgets.Button(description=text) for text in (_("Show"), _("Publish this"))]
        self.message, self.output = ipywidgets.HTML(), ipywidgets.Output()
        for button, deed in zip(self.buttons, (self.show, self.publish), strict=True):
            button.on_click(lambda _button, deed=deed: self._try(deed))
        self._try(self._take_up)

    def view(self) -> Any:
        """The panel as it is shown."""
        from ipywidgets import HBox, Layout, VBox

        rows = HBox(list(self.fields.values()), layout=Layout(flex_flow="row wrap"))
        return VBox([rows, HBox(self.buttons), self.message, self.output])

    def _offered(self) -> list[dict[str, Any]]:
        """The report's period, and whatever else is chosen from names, as a page's header offers them."""
        known = load(period="all", settings=self.settings).names.choices
        offered = controls.fields(self._plan({}), known, self.settings)
        return [entry for entry in offered if entry["name"] == "period" or entry["name"] in known.dimensions]

    def _take_up(self) -> None:
        """Show what the notebook has set; what was chosen here goes on until its parameters are changed there."""
        there = {name: self.names[name] for name in self.fields if name in self.names}
        before, chosen = _last.get(self.report, (there, there))
        if there not in (before, chosen):
            before, chosen = there, there
        _last[self.report] = before, chosen
        self.names.update(chosen)
        filters = self._plan(self._given()).by_ids().parameters
        for name, widget in self.fields.items():
            widget.value = filters[name] if name == "period" else tuple(filters.get(name) or ())

    def chosen(self) -> dict[str, Any]:
        """The parameters that are chosen here, everybody by his id."""
        return {
            name: widget.value.strip() if name == "period" else list(widget.value)
            for name, widget in self.fields.items()
        }

    def show(self) -> None:
        """Give the notebook what was chosen, and run the cells below where the editor lets itself be told to."""
        about, chosen = self._plan(self._given() | self.chosen()).about, self.chosen()
        _last[self.report] = _last[self.report][0], chosen
        self.names.update(chosen)
        self._say(
            _("{about}. If the cells below do not run by themselves: Run, Run Selected Cell and All Below", about=about)
        )
        self.output.clear_output()
        with self.output:
            display(Javascript(RUN_BELOW))

    def publish(self) -> None:
        """Make the page of what is chosen, with the notebook as it was saved last."""
        given = self._given() | self.chosen()
        self._plan(given)
        self._say(_("The page is being made …"))
        make = alone.run if hasattr(os, "fork") else run.run
        made = make(self.report, _meant(given, self._defaults()), settings=self.settings, out=self.settings.home / OUT)
        self._say(
            made.error or _("Made of the notebook as it was saved last:"), [str(OUT / path.name) for path in made.files]
        )

    def _given(self) -> dict[str, Any]:
        """What the notebook's parameters are now, as far as it has them."""
        return {name: self.names[name] for name in self._defaults() if name in self.names}

    def _defaults(self) -> Mapping[str, Any]:
        return {name: each.default for name, each in preparation.parameters_of(self.report, self.settings).items()}

    def _plan(self, given: Mapping[str, Any]) -> preparation.Plan:
        """The run that this would be; FilterError: a sentence for all that can't be meant."""
        return preparation.prepare(self.report, _meant(given, self._defaults()), settings=self.settings)

    def _try(self, deed: Callable[[], None]) -> None:
        """Do it; what can't be done is a sentence in the panel."""
        try:
            with speaking(self.settings.language):
                deed()
        except ReportError as error:
            self._say(*error.problems[:1], error.problems[1:])

    def _say(self, text: str, lines: Iterable[str] = ()) -> None:
        self.message.value = "<br>".join(escape(line) for line in (text, *lines))


def _meant(given: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that say more than the report's own defaults."""
    return {name: value for name, value in given.items() if value != defaults[name]}


def _widget(entry: Mapping[str, Any]) -> Any:
    """What a parameter is chosen with: a text with the usual periods, or a list of which several can be taken."""
    import ipywidgets

    look = {"description": entry["label"], "style": {"description_width": "7em"}, "layout": {"width": "22em"}}
    if entry["name"] == "period":
        usual = [choice["id"] for choice in entry["choices"]]
        return ipywidgets.Combobox(options=usual, continuous_update=False, **look)
    options = [(_label(choice, entry["choices"]), choice["id"]) for choice in entry["choices"]]
    return ipywidgets.SelectMultiple(options=options, rows=6, tooltip=_("None chosen: all"), **look)


def _label(choice: Mapping[str, str], choices: Iterable[Mapping[str, str]]) -> str:
    """The name as it stands in the list: below whom, and which of several of that name."""
    above = {other["id"]: other.get("above", "") for other in choices}
    depth, id = 0, above.get(choice["id"], "")
    while id in above and depth < len(above):
        depth, id = depth + 1, above[id]
    hint = f" · {choice['group']}" if choice.get("group") else ""
    return f"{DEEPER * depth}{choice['name']}{hint}"
