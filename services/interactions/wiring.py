"""Puts interactions together; `services.interactions.wiring:app` is an ASGI app."""

from libs.service.app import create_app
from libs.service.runtime import Service
from services.interactions import ingest, routes
from services.interactions.projection import PROJECTION

PORT = 8002

service = Service(PROJECTION)
app = create_app(
    service,
    [routes.router(service)],
    title="Rapport interactions",
    description="Post what happened with customers, and record conversations with them.",
    hot={("POST", ingest.PATH): ingest.Ingest(service)},
)
