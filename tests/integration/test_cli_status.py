from tests.integration.conftest import System


def test_a_running_system_is_ready(system: System) -> None:
    assert "Rapport is ready" in system.log.read_text()
