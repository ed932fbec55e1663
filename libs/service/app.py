"""Makes a service's ASGI app: FastAPI with the habits that every service shares (DESIGN.md section 8)."""

from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.middleware.cors import CORSMiddleware
from fastapi.routing import APIRoute
from pydantic import BaseModel

from libs.events import strict_json
from libs.events.problems import Problem
from libs.events.strict_json import NotJson, UnsafeJson
from libs.service import docs, errors, health
from libs.service.bodies import read_body
from libs.service.errors import HttpRefusal
from libs.service.logs import configure
from libs.service.openapi import describe
from libs.service.runtime import Service
from libs.service.settings import Settings
from libs.service.shell import App, Shell

EXPOSED_HEADERS = ("ETag", "Link", "Location", "Retry-After", "Rapport-Position")


class StrictRequest(Request):
    """Reads JSON bodies as strictly as the edge reads events."""

    async def body(self) -> bytes:
        """Raises 413 beyond the limit."""
        if not hasattr(self, "_body"):
            self._body = await read_body(self.receive, dict(self.scope["headers"]))
        return self._body

    async def json(self) -> Any:
        """Raises 400 for bytes that are no JSON, 422 for JSON that cannot be stored."""
        try:
            return strict_json.loads(await self.body())
        except NotJson as reason:
            raise HttpRefusal(400, "not_json", f"the body is not JSON: {reason}") from None
        except UnsafeJson as reason:
            raise HttpRefusal(422, "invalid_body", "the body holds what cannot be stored", reason.problems) from None


class StrictRoute(APIRoute):
    """A route whose JSON body is labelled as JSON and read strictly."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        takes_body = self.body_field is not None
        known = _query_names(self.dependant)

        async def strictly(request: Request) -> Response:
            _require_known(request, known)
            strict = StrictRequest(request.scope, request.receive)
            if takes_body and not _is_json(request.headers.get("content-type", "")):
                raise HttpRefusal(415, "unsupported_media_type", "send the body as application/json")
            if takes_body and not await strict.body():
                raise HttpRefusal(400, "not_json", "the body is empty")
            return await handle(strict)

        return strictly


def new_router() -> APIRouter:
    """A router of a service's routes."""
    return APIRouter(prefix="/v1", route_class=StrictRoute)


def create_app(
    service: Service,
    routers: Sequence[APIRouter],
    *,
    title: str,
    description: str,
    hot: Mapping[tuple[str, str], App] | None = None,
) -> Shell:
    """The app of one service; settings are read when it starts, so that a process can be forked from its parent."""
    settings = Settings()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        current = Settings()
        configure(service.name, current.log_level, current.log_format)
        async with service.running(current):
            yield

    app = FastAPI(
        title=title,
        description=description,
        version="1",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    errors.install(app)
    shell = Shell(app, service, {place: _for_browsers(handler, settings) for place, handler in (hot or {}).items()})
    app.include_router(health.router(service, shell.answered))
    app.include_router(docs.router(title))
    for router in routers:
        app.include_router(router)
    app.add_middleware(_for_browsers, settings=settings)
    describe(app)
    return shell


def _for_browsers(app: App, settings: Settings) -> App:
    """The app as browsers of the origins that are set may call it."""
    if not settings.cors_origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=settings.cors_origins,
        allow_methods=["*"],
        allow_headers=["*"],
        expose_headers=EXPOSED_HEADERS,
    )


def _query_names(dependant: Dependant) -> frozenset[str]:
    """What a route knows; a parameter that is a model stands for its fields."""
    names: set[str] = set()
    for parameter in dependant.query_params:
        kind = parameter.field_info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            names |= {field.alias or name for name, field in kind.model_fields.items()}
        else:
            names.add(parameter.alias)
    return frozenset(names)


def _require_known(request: Request, known: frozenset[str]) -> None:
    """A misspelt parameter is refused, since its effect would be missed."""
    if unknown := sorted(request.query_params.keys() - known):
        problems = [Problem(name, "unknown_parameter", "this route has no such parameter") for name in unknown]
        raise HttpRefusal(400, "bad_parameter", "this route does not have all of these parameters", problems)


def _is_json(content_type: str) -> bool:
    media = content_type.partition(";")[0].strip().lower()
    return media == "application/json" or (media.startswith("application/") and media.endswith("+json"))
