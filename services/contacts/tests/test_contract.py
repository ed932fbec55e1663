"""The projection of contacts keeps what every projection keeps."""

from libs.events.tests.projection_contract import ProjectionContract
from services.contacts.projection import PROJECTION


class TestContacts(ProjectionContract):
    projection = PROJECTION
