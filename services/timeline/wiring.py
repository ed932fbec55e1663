"""Puts the timeline together; `services.timeline.wiring:app` is an ASGI app."""

from libs.service.app import create_app
from libs.service.runtime import Service
from services.timeline import page, routes
from services.timeline.projection import PROJECTION

PORT = 8005

service = Service(PROJECTION)
app = create_app(
    service,
    [routes.router()],
    title="Rapport timeline",
    description="The whole story of every customer, folded from the log.",
    hot={("GET", page.PREFIX): page.Page(service)},
)
