"""The projection of the timeline keeps what every projection keeps."""

from libs.events.tests.projection_contract import ProjectionContract
from services.timeline.projection import PROJECTION


class TestTimeline(ProjectionContract):
    projection = PROJECTION
