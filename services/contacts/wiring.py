"""Puts contacts together; `services.contacts.wiring:app` is an ASGI app."""

from libs.service import outcomes
from libs.service.app import create_app, new_router
from libs.service.runtime import Service
from services.contacts.handling import Handling
from services.contacts.projection import PROJECTION
from services.contacts.routes import edges, people

PORT = 8001

service = Service(PROJECTION)
handling = Handling(service)
app = create_app(
    service,
    [edges.router(handling), people.router(handling), outcomes.router(new_router(), service)],
    title="Rapport contacts",
    description="Register and find contacts, change what is known of them, link, merge and unmerge their names.",
)
