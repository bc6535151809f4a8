# The front door. `make demo` and `make test` do all the set-up they need, once.
#
#   requirements.lock ──> .venv/.packages ──> .venv/.complete <── pyproject.toml
#
PYTHON ?= python3
UV ?= uv
ARGS ?=
ENTRIES ?= 2000
# Of the tests: one more than there are processors, for they wait for the database now and then.
PROCESSES ?= $$(( $$(getconf _NPROCESSORS_ONLN) + 1 ))
BIN := .venv/bin
DATABASE_TESTS := $(addprefix lsats_pipeline_tests/,warehouse hub/bronze hub/enrichment hub/silver)
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet --no-input

.DEFAULT_GOAL := help
.PHONY: help setup demo ui test test-16 test-directories lint format types defs check shell lock clean

help:  ## what can be made
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: .venv/.complete  ## the virtual environment, exactly as locked

demo: setup  ## a simulated campus through the whole hub (ARGS="--people 500 --days 2")
	$(BIN)/lsats demo $(ARGS)

ui: setup  ## Dagster's web interface on what is configured
	$(BIN)/lsats ui $(ARGS)

test: setup  ## the tests (ARGS="-k embedded")
	$(BIN)/python -m pytest --numprocesses $(PROCESSES) --dist loadfile $(ARGS)

test-16: setup  ## the tests of database and hub on PostgreSQL 16, the oldest that will do
	LSATS_TEST_POSTGRES=16 $(BIN)/python -m pytest --numprocesses $(PROCESSES) --dist loadfile $(DATABASE_TESTS) $(ARGS)

test-directories: setup  ## the tests of directories, on a Samba domain controller too (ENTRIES=2000 people)
	LSATS_TEST_SAMBA=$(ENTRIES) $(BIN)/python -m pytest lsats_pipeline_tests/hub/directories $(ARGS)

lint: setup  ## ruff: rules and format; who imports whom
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports

format: setup  ## let ruff format and fix what it can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

types: setup  ## mypy, strict
	$(BIN)/mypy

defs: setup  ## Dagster's own check of all definitions
	$(BIN)/dg check defs

check: lint types defs test  ## all that has to pass

shell: setup  ## a shell in which `lsats`, `dagster` and `dg` are found
	@PATH="$(CURDIR)/$(BIN):$$PATH" VIRTUAL_ENV="$(CURDIR)/.venv" $${SHELL:-/bin/sh}

lock:  ## resolve the newest allowed packages into requirements.lock (needs uv)
	@command -v $(UV) >/dev/null || { echo "make lock needs uv: https://docs.astral.sh/uv/" >&2; exit 1; }
	$(UV) pip compile pyproject.toml --upgrade --all-extras --universal --python-version 3.11 \
	  --generate-hashes --no-strip-extras --no-emit-index-url --custom-compile-command "make lock" --quiet \
	  --output-file requirements.lock

clean:  ## remove the virtual environment and caches (not the data in .lsats)
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis build *.egg-info

# Packages and project apart: a change of pyproject.toml alone does not fetch packages again.
.venv/.packages: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or later is needed, and $(PYTHON) is older: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@echo "Setting up .venv from requirements.lock: a minute or two, this once."
	@$(PYTHON) -m venv --clear .venv
	@$(PIP) install --require-hashes --no-deps --requirement requirements.lock
	@touch $@

.venv/.complete: .venv/.packages pyproject.toml
	@$(PIP) install --no-deps --no-build-isolation --no-index --editable .
	@touch $@
