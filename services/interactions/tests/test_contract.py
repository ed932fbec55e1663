"""The projection of interactions keeps what every projection keeps."""

from libs.events.tests.projection_contract import ProjectionContract
from services.interactions.projection import PROJECTION


class TestInteractions(ProjectionContract):
    projection = PROJECTION
