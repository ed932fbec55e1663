"""What holds for every test of the project."""

import os

from hypothesis import HealthCheck, settings

# A developer's own settings must not reach the tests: they use folders, ports and databases of their own.
for name in [name for name in os.environ if name.startswith(("RAPPORT_", "KAFKA_", "DATABASE_URL"))]:
    del os.environ[name]

# No deadline: two busy cores make any single example slow now and then, and that is no fault of the code.
settings.register_profile("local", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# In CI the same examples every time: a red run can be run again.
settings.register_profile("ci", parent=settings.get_profile("local"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")
