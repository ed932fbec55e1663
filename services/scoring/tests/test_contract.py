"""The projection of scoring keeps what every projection keeps."""

from libs.events.tests.projection_contract import ProjectionContract
from services.scoring.projection import PROJECTION


class TestScoring(ProjectionContract):
    projection = PROJECTION
