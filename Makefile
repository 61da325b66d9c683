# Everything a newcomer, a developer and CI do. `make help` lists it.
# Every target installs what it needs into .venv, from the lock files, and only when they changed.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
PY := $(VENV)/bin/python
WORKERS ?= logical
ARGS ?=

# What Python has compiled once serves every later process, also where the environment says to keep nothing.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run test newest check format lock bench soak clean env-run env-test env-bench env-newest

help: ## Show this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: env-run ## Install, migrate, load demo data the first time, and serve on http://127.0.0.1:5000
	@exec $(PY) -m tools.serve

test: env-test ## Run every test on SQLite, PostgreSQL and in Chromium; pass more with ARGS="-k merge"
	@$(PY) -m pytest -n $(WORKERS) --dist worksteal $(ARGS)
	$(if $(ARGS),,@$(MAKE) --no-print-directory newest)

newest: env-test env-newest ## Run the tests of what is stored once more, on the newest Babel, tzdata and phonenumbers
	@DATA_RELEASE=newest PYTHONPATH=$(VENV)/newest $(PY) -m pytest -q -n 0 -m data_release tests/models

check: env-test ## Check format, lint, types, imports, templates, locks, migrations and triggers
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(PY) -m tools.check_templates
	$(PY) -m tools.locks --check
	@scratch=$$(mktemp -d) && trap 'rm -rf "$$scratch"' EXIT && export DATABASE_URL=sqlite:///$$scratch/check.db && \
	$(PY) -m flask --app app up && $(PY) -m flask --app app check-schema

format: env-test ## Format the code and apply the linter's safe fixes
	$(VENV)/bin/ruff check --fix-only .
	$(VENV)/bin/ruff format .

lock: env-test ## Write locks/ again from pyproject.toml; newest versions with ARGS=--upgrade
	$(PY) -m tools.locks $(ARGS)

bench: env-bench ## Measure Clientele and its stock peers side by side
	@$(PY) -m bench $(ARGS)

soak: env-test ## Run at full size what tests sample, and each case on the other database
	@$(PY) -m bench.soak $(ARGS)

clean: ## Remove .venv and every cache; instance/ (your data) stays
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

env-run env-test env-bench env-newest: env-%:
	@$(PYTHON) tools/environment.py $(VENV) $*
