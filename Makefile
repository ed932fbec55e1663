# Two commands on a fresh machine: `make run` and `make test`. Everything is installed into .venv/ from the lock files.

SHELL := /bin/sh
PYTHON ?= python3
BIN := .venv/bin
# Used where it is found, since it is faster; pip does the same work.
UV := $(shell command -v uv 2>/dev/null)
COMPILE := $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet

# The dev set holds the runtime set in the same versions, so it makes both stamps.
RUN_STAMP := .venv/run.stamp
DEV_STAMP := .venv/dev.stamp

export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Else each of the many processes that tests start compiles all modules anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup run kafka run-kafka check test faults bench docs lock format clean

help: ## Say what can be done here
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(DEV_STAMP) ## Install everything that running, testing and checking need into .venv/

run: $(RUN_STAMP) ## Start Rapport with a PostgreSQL of its own; Ctrl-C stops it (data in $RAPPORT_DATA or .rapport/)
	@exec $(BIN)/rapport up

kafka: $(RUN_STAMP) ## Start one Apache Kafka broker on this machine, with Java 17 and Maven; Ctrl-C stops it
	@exec $(BIN)/rapport kafka

run-kafka: $(RUN_STAMP) ## Start Rapport with its log on that broker, or on the one that $KAFKA_BOOTSTRAP_SERVERS names
	@KAFKA_BOOTSTRAP_SERVERS=$${KAFKA_BOOTSTRAP_SERVERS:-127.0.0.1:9092} RAPPORT_SINGLE_BROKER=1 exec $(BIN)/rapport up

check: $(DEV_STAMP) ## Lint, format, types, import contracts, shape of the code, drift of generated documents
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/pytest -q tests/architecture
	$(BIN)/python -m libs.events.catalog.document --check

# Two processes, each with a PostgreSQL and a system of its own, and one of them with a broker (tests/sharing.py).
test: $(DEV_STAMP) ## Run the whole test suite but the slow faults (ARGS="-k timeline" for some of it)
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

faults: $(DEV_STAMP) ## Inject every fault, print what was survived as a table
	$(BIN)/python -m tests.faults $(ARGS)

bench: $(DEV_STAMP) ## Measure every figure and print it beside its goal
	$(BIN)/python -m benchmarks $(or $(ARGS),--all)

docs: $(DEV_STAMP) ## Write the generated documents again
	$(BIN)/python -m libs.events.catalog.document

lock: $(DEV_STAMP) ## Compile both lock files again (ARGS=--upgrade takes newer versions)
	$(COMPILE) --group build $(ARGS) --output-file requirements.lock
	$(COMPILE) --group dev $(ARGS) --constraint requirements.lock --output-file requirements-dev.lock

format: $(DEV_STAMP) ## Mend what the linter can mend and lay out the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## Remove .venv/ and the caches; never the data
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .schemathesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(RUN_STAMP): requirements.lock pyproject.toml
	$(call install,requirements.lock)
	@touch $@

$(DEV_STAMP): requirements-dev.lock requirements.lock pyproject.toml
	$(call install,requirements-dev.lock)
	@touch $(RUN_STAMP) $@

# uv does not read pip's configuration: where it cannot reach an index, pip still may.
define install
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	echo "Rapport needs Python 3.11 or later, and $(PYTHON) is $$($(PYTHON) --version 2>/dev/null || echo missing). Try: make $(MAKECMDGOALS) PYTHON=python3.11" >&2; exit 1; }
@$(BIN)/python -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || $(PYTHON) -m venv --clear .venv || { \
	echo "$(PYTHON) could not make .venv/: on Debian and Ubuntu, install python3-venv" >&2; exit 1; }
@echo "Installing $(1) into .venv/"
@$(if $(UV),$(UV) pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r $(1) ||) \
	$(BIN)/python -m pip install --quiet --require-hashes -r $(1)
@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
endef
