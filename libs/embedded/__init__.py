"""One machine, nothing to install: a PostgreSQL from a wheel and a supervisor for the services."""
