"""The pages over HTTP: an address is a report and what it is about; the answer is that very page, or a sentence."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import anyio.to_thread
from markupsafe import Markup
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..errors import FilterError, ReportError, SettingsError
from ..look import choices, lists, templates
from ..look import page as look
from ..runs.execution import in_words
from ..runs.run import elements_of
from ..runs.warm import TookTooLong
from ..settings import Settings
from ..words.texts import N_, _, speaking
from . import state, views
from .access import Door, NotYours, Reader, Unknown
from .controls import Offered, audience, controls, links, state_of
from .desk import Asked, Desk
from .pages import Busy, Pages

log = logging.getLogger(__name__)

FRONT = "overview"
TYPES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "pdf": "application/pdf",
    "json": "application/json", "ipynb": "application/x-ipynb+json",
}  # fmt: skip
ROWS = "js"  # a page's own script loads the rows behind its numbers so
STATUS = {Unknown: 401, NotYours: 403, FilterError: 400, SettingsError: 400, Busy: 503, TookTooLong: 504}
REFUSALS = {
    404: N_("there is nothing at this address: open a report and choose there"),
    405: N_("nothing can be sent to this address: open a report and choose there"),
}  # fmt: skip
NO_CONTROLS = '<script type="application/json" id="controls">null</script>'  # as the page's template has it
NO_FORMS, FORMS = (
    "form-action &#39;none&#39;",
    "form-action &#39;self&#39;",
)  # in the page's own policy: views are saved
HEADERS = {
    "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin", "Cache-Control": "private, no-cache",
    "Content-Security-Policy": "frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
}  # fmt: skip
MOST_BYTES = 20_000  # of what a browser sends; a view's name and its address


class Server:
    """The routes, and what they answer with."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.door, self.desk, self.pages = Door(settings), Desk(settings), Pages(settings)
        self.offered = Offered()

    def app(self, hosts: list[str]) -> Starlette:
        """The application; it answers under these names of hosts only, or any page elsewhere could ask it too."""
        routes = [
            Route("/", lambda request: RedirectResponse(f"/{FRONT}")),
            Route("/favicon.ico", lambda request: Response(status_code=204)),  # browsers ask for it unasked
            Route("/views", self.answered(self.change_views), methods=["POST"]),
            Mount("/assets", StaticFiles(directory=self.pages.assets)),
            Route("/choices/{name}", self.answered(self.show_choices)),
            Route("/{report}", self.answered(self.show)),
        ]
        hosts_only = Middleware(KnownHosts, hosts=hosts, refuse=self.refuse_host)
        return Starlette(routes=routes, middleware=[hosts_only], lifespan=self._life, max_body_size=MOST_BYTES,
                         exception_handlers={HTTPException: self.refuse})  # fmt: skip

    @asynccontextmanager
    async def _life(self, _app: Starlette) -> AsyncIterator[None]:
        warming = asyncio.create_task(self.desk.asked(FRONT, {}, Reader()))  # the first reader need not wait for it
        yield
        warming.cancel()
        self.desk.close()
        self.pages.close()

    def answered(self, answer: Callable[[Request, Reader], Awaitable[Response]]) -> Callable[[Request], Any]:
        """The answer with its headers; whatever goes wrong is a page with its sentences."""

        async def endpoint(request: Request) -> Response:
            try:
                response = await answer(request, await self.door.reader(request))
            except Exception as error:
                response = self._problem(error)
            return self._guarded(response)

        return endpoint

    def _guarded(self, response: Response) -> Response:
        """The answer with what a browser is told of it, as far as it does not say so itself."""
        told = headers(self.settings.serve.framed_by)
        response.headers.update({name: value for name, value in told.items() if name not in response.headers})
        return response

    async def refuse(self, _request: Request, error: HTTPException) -> Response:
        """What is no address of ours, or is asked in another way than by looking, as a sentence."""
        with speaking(self.settings.language):
            sentence = _(REFUSALS[error.status_code]) if error.status_code in REFUSALS else error.detail
            return self._guarded(self._page([sentence], error.status_code, error.headers))

    async def refuse_host(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The answer to a name that this server is not known by."""
        with speaking(self.settings.language):
            sentence = _(
                "nothing is answered under this name: the operator can add it to hosts under [serve] in reports.toml"
            )
            answer = self._guarded(self._page([sentence], 400))
        await answer(scope, receive, send)

    async def show(self, request: Request, reader: Reader) -> Response:
        """The page, or the file of the same view that the address ends in: .xlsx, .pdf, .json, .ipynb."""
        report, _dot, kind = request.path_params["report"].partition(".")
        if kind == ROWS:
            _refuse_scripts_elsewhere(request)
        elif kind and kind not in TYPES:
            raise FilterError(_("there is no .{kind}; there are: {kinds}", kind=kind, kinds=", ".join(TYPES)))
        asked = await self.desk.asked(report, state.given(request.url.query), reader)
        page = await self.pages.files(asked, lambda: links(asked, self.settings), request.is_disconnected)
        await anyio.to_thread.run_sync(_refuse_others_rows, page["ipynb"], asked)
        if kind == ROWS:
            return FileResponse(await self.pages.file(kind, asked, page), media_type="text/javascript")
        if kind:
            return FileResponse(
                await self.pages.file(kind, asked, page), media_type=TYPES[kind], filename=f"{asked.plan.name}.{kind}"
            )
        chosen, offered = await anyio.to_thread.run_sync(self._controls, asked)
        self.offered.keep(audience(reader), offered)
        mark = f'"{sha256(f"{asked.key} {chosen}".encode()).hexdigest()[:32]}"'
        if request.headers.get("if-none-match") == mark:
            return Response(status_code=304, headers={"ETag": mark})
        text = page["html"].read_text(encoding="utf-8").replace(NO_FORMS, FORMS, 1)
        return HTMLResponse(text.replace(NO_CONTROLS, NO_CONTROLS.replace("null", chosen), 1), headers={"ETag": mark})

    def _controls(self, asked: Asked) -> tuple[str, dict[str, str]]:
        """The page's own part of its header, and the file with the rest."""
        with speaking(asked.plan.language):
            own, offered = choices.apart(controls(asked, self.settings), "/choices/")
        return lists.as_script(own), offered

    async def show_choices(self, request: Request, reader: Reader) -> Response:
        """What the header of a page offers that this reader's audience was just shown."""
        _refuse_scripts_elsewhere(request)
        text = self.offered.text(audience(reader), request.path_params["name"])
        if text is None:
            return await self.refuse(request, HTTPException(404))
        return Response(
            text, media_type="text/javascript", headers={"Cache-Control": "private, max-age=31536000, immutable"}
        )

    async def change_views(self, request: Request, reader: Reader) -> Response:
        """Save the view that the form's `address` is under its `name`, or delete the one of that name."""
        _refuse_other_sites(request)
        form = {name: values[-1] for name, values in parse_qs((await request.body()).decode(errors="replace")).items()}
        name, there = form.get("name", ""), urlsplit(form.get("address", f"/{FRONT}"))
        asked = await self.desk.asked(there.path.removeprefix("/"), state.given(there.query), reader)
        with speaking(self.settings.language):
            _refuse_others_views(self.settings, name, reader)
            if form.get("do") == "delete":
                views.delete(self.settings, name)
            else:
                kept = dict(asked.plan.given) if reader.only else state_of(asked)
                views.save(self.settings, name, asked.plan.report, kept, audience(reader))
        return RedirectResponse(state.address(asked.plan.report, state_of(asked)), status_code=303)

    def _problem(self, error: Exception) -> Response:
        status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 500)
        if not isinstance(error, ReportError):
            log.error("%s", in_words(error), exc_info=error)
        sentences = error.problems if isinstance(error, ReportError) else [in_words(error)]
        asks = {"WWW-Authenticate": 'Basic realm="crm-reports", charset="UTF-8"'} if status == 401 else {}
        return self._page(sentences, status, asks | ({"Retry-After": "5"} if status == 503 else {}))

    def _page(self, sentences: list[str], status: int, headers: Mapping[str, str] | None = None) -> Response:
        """A page that says these sentences and nothing else."""
        with speaking(self.settings.language):
            text = templates.render(
                "problem.html.j2", sentences=sentences, css=Markup(look.css()), front=f"/{FRONT}",
                language=self.settings.language,
            )  # fmt: skip
        return HTMLResponse(text, status_code=status, headers=headers)


class KnownHosts:
    """Lets in whoever asks under one of these names; to anybody else `refuse` answers."""

    def __init__(self, app: ASGIApp, hosts: list[str], refuse: ASGIApp) -> None:
        self._app, self._hosts, self._refuse = app, hosts, refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answers = [self._refuse]

        async def let_in(*_asked: object) -> None:
            answers.append(self._app)

        async def unsent(_message: Message) -> None:
            """Its own refusal, a line of plain text."""

        await TrustedHostMiddleware(let_in, self._hosts, www_redirect=False)(scope, receive, unsent)
        await answers[-1](scope, receive, send)


def headers(framed_by: str) -> dict[str, str]:
    """What a browser is told of every answer; only `framed_by` may show it in a frame, nobody where it is empty."""
    if not framed_by:
        return HEADERS
    policy = HEADERS["Content-Security-Policy"].replace("'none'", framed_by, 1)  # which X-Frame-Options can't say
    return {name: value for name, value in HEADERS.items() if name != "X-Frame-Options"} | {
        "Content-Security-Policy": policy
    }


def _refuse_others_rows(made: Path, asked: Asked) -> None:
    """NotYours: the notebook did not pass on to `crm.load` whom the page may be about."""
    filters = _filters_of(made) if asked.reader.only else {}
    for dimension in asked.reader.only:
        if {each["id"] for each in filters[dimension]} != {choice.id for choice in asked.plan.filters.of(dimension)}:
            raise NotYours(_("report {report!r} can't be cut to what is yours", report=asked.plan.report))


@lru_cache(256)
def _filters_of(notebook: Path) -> dict[str, Any]:
    """What an executed notebook says that it is about."""
    elements = elements_of(json.loads(notebook.read_text(encoding="utf-8")))
    return next(element["filters"] for element in elements if element["kind"] == "header")


def _refuse_other_sites(request: Request) -> None:
    """NotYours: a page of another site made the browser send this. Browsers say from where; who says nothing is none."""
    site, origin = request.headers.get("sec-fetch-site"), urlsplit(request.headers.get("origin", "")).netloc
    is_ours = site == "same-origin" if site else origin == request.headers.get("host")
    if not is_ours:
        raise NotYours(_("this was sent by another site: open the report and save the view there"))


def _refuse_scripts_elsewhere(request: Request) -> None:
    """NotYours: a page of another site would run these rows as its own script. A browser that does not say from where obeys the header."""
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise NotYours(_("the rows of a page are for that page alone: open the report"))


def _refuse_others_views(settings: Settings, name: str, reader: Reader) -> None:
    there = [view for view in views.saved(settings) if view.name.casefold() == name.casefold()]
    if reader.only and any(view.audience != audience(reader) for view in there):
        raise NotYours(_("{name!r} is somebody else's view: take another name", name=name))
