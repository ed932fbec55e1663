"""The projection of feedback keeps what every projection keeps."""

from libs.events.tests.projection_contract import ProjectionContract
from services.feedback.projection import PROJECTION


class TestFeedback(ProjectionContract):
    projection = PROJECTION
