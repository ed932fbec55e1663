"""`/docs`: the OpenAPI document to read and to try, from files that come along; nothing is loaded from elsewhere."""

from pathlib import Path

from fastapi import APIRouter
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse
from starlette.exceptions import HTTPException

FOLDER = Path(__file__).parent / "static" / "swagger"
FILES = {
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
    "favicon-32x32.png": "image/png",
}
_CACHED = {"Cache-Control": "public, max-age=86400"}
# A browser refuses whatever a document might make the page load or send elsewhere.
_ONLY_FROM_HERE = {
    "Content-Security-Policy": "default-src 'self'; script-src 'self' 'unsafe-inline'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}


def router(title: str) -> APIRouter:
    """The page and its three files."""
    routes = APIRouter(include_in_schema=False)
    page = get_swagger_ui_html(
        openapi_url="/openapi.json",
        title=title,
        oauth2_redirect_url=None,
        swagger_js_url="/docs/swagger-ui-bundle.js",
        swagger_css_url="/docs/swagger-ui.css",
        swagger_favicon_url="/docs/favicon-32x32.png",
        # The validator would be asked on the internet; a list of operations shows more than open models.
        swagger_ui_parameters={"validatorUrl": None, "defaultModelsExpandDepth": 0, "tryItOutEnabled": True},
    )

    @routes.get("/docs")
    async def docs() -> HTMLResponse:
        return HTMLResponse(bytes(page.body), headers=_ONLY_FROM_HERE)

    @routes.get("/docs/{name}")
    async def file(name: str) -> FileResponse:
        if name not in FILES:
            raise HTTPException(404)
        return FileResponse(FOLDER / name, media_type=FILES[name], headers=_CACHED)

    return routes
