"""Puts scoring together; `services.scoring.wiring:app` is an ASGI app."""

from libs.service import outcomes
from libs.service.app import create_app, new_router
from libs.service.runtime import Service
from services.scoring import lists, page
from services.scoring.projection import PROJECTION
from services.scoring.reacting.announcing import Announcing
from services.scoring.reacting.publishing import Publishing
from services.scoring.reading import Reading
from services.scoring.routes import scores, statistics

PORT = 8004

service = Service(PROJECTION)
publishing = Publishing(service)
announcing = Announcing(service, publishing)
service.reactor = announcing
reading = Reading(service)
listing = lists.Lists(service, announcing)
app = create_app(
    service,
    [
        scores.router(reading, listing),
        statistics.router(reading, publishing),
        outcomes.router(new_router(), service),
    ],
    title="Rapport scoring",
    description="What every customer's story comes to, in numbers that can be computed again from their receipts.",
    hot={("GET", lists.PATH): page.Page(service, listing, announcing)},
)
