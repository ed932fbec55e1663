"""Puts feedback together; `services.feedback.wiring:app` is an ASGI app."""

from libs.service import outcomes
from libs.service.app import create_app, new_router
from libs.service.runtime import Service
from services.feedback import page
from services.feedback.handling import Handling
from services.feedback.loop import Loop
from services.feedback.projection import PROJECTION
from services.feedback.routes import boards, changes, comments, ideas, loop, votes

PORT = 8003

service = Service(PROJECTION)
handling = Handling(service)
following = Loop(handling)
app = create_app(
    service,
    [
        boards.router(handling),
        ideas.router(handling),
        votes.router(handling),
        comments.router(following),
        changes.router(following),
        loop.router(handling),
        outcomes.router(new_router(), service),
    ],
    title="Rapport feedback",
    description="Boards on which customers say what should change and vote on it, and what came of it.",
    hot={("GET", page.PATH): page.Page(service)},
)
