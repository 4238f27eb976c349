# Everything starts here: `make help` lists the targets. A fresh machine needs Python 3.11 or newer, make and git.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip --quiet --disable-pip-version-check --no-input install --root-user-action=ignore
# setuptools warns at length about editable installations; what it says matters only when it fails.
INSTALL_OURSELVES = said=$$($(PIP_INSTALL) --no-deps --no-build-isolation --editable . 2>&1) || { echo "$$said" >&2; exit 1; }

# Set PYTHON to choose the interpreter that .venv is made with, and ARGS to hand arguments on:
# make demo ARGS="--no-serve", make test ARGS="-k outbox -x".
PYTHON ?=
PYTHONS := $(if $(PYTHON),$(PYTHON),python3.11 python3.12 python3.13 python3)
ARGS ?=

# A .venv that lost its interpreter, or was copied along with the folder and so still leads to the old one, is made anew.
VENV_STATE := $(shell \
  if ! $(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo missing; \
  elif [ -e $(VENV)/.made-for ] && [ "$$(cat $(VENV)/.made-for)" != "$(CURDIR)" ]; then echo moved; \
  else echo usable; fi)

# What `make demo` waits for: the development environment holds everything it needs, so where that is there it will do.
READY := $(if $(and $(filter usable,$(VENV_STATE)),$(wildcard $(VENV)/.ready-dev)),$(VENV)/.ready-dev,$(VENV)/.ready)
READY_DEV := $(VENV)/.ready-dev

.PHONY: help
help: ## list the targets
	@echo "Cadencia: make TARGET [ARGS=\"...\"]"
	@sed -nE 's/^([a-z-]+):.*## (.*)$$/\1|\2/p' $(firstword $(MAKEFILE_LIST)) | \
	  while IFS='|' read -r name text; do printf '  %-14s %s\n' "$$name" "$$text"; done

.PHONY: demo
demo: $(READY) ## a sample company: sync, review, digest, then the site (ARGS="--no-serve" ends after the digest)
	@$(BIN)/cadencia demo $(ARGS)

.PHONY: test
test: $(READY_DEV) ## every test, on SQLite and PostgreSQL (ARGS="-k words" for some)
	@$(BIN)/python -m pytest -n 2 $(ARGS)

.PHONY: crash
crash: $(READY_DEV) ## the crash tests in their long form: 200 kills, 100 times SIGTERM, 60 backups; about half an hour
	@TEST_KILLS=200 TEST_TERMS=100 TEST_BACKUPS=60 $(BIN)/python -m pytest tests/crash -o faulthandler_timeout=0 $(ARGS)

.PHONY: lint
lint: $(READY_DEV) ## style and common mistakes (ruff)
	@$(BIN)/ruff check . $(ARGS)
	@$(BIN)/ruff format --check . $(ARGS)

.PHONY: format
format: $(READY_DEV) ## put the code into its form and mend what ruff can mend
	@$(BIN)/ruff check --fix-only --quiet . $(ARGS)
	@$(BIN)/ruff format . $(ARGS)

.PHONY: types
types: $(READY_DEV) ## mypy --strict
	@$(BIN)/mypy $(ARGS)

.PHONY: imports
imports: $(READY_DEV) ## who may import whom (import-linter)
	@$(BIN)/lint-imports --no-cache $(ARGS)

.PHONY: check
check: lint types imports test ## all of the above, as CI does

.PHONY: bench
bench: $(READY_DEV) ## every script tests/benchmarks/bench_*.py, with its figures; fails where one misses its mark
	@status=0; for script in $(wildcard tests/benchmarks/bench_*.py); do \
	  echo "== $$script =="; PYTHONPATH=. $(BIN)/python "$$script" $(ARGS) || status=1; \
	done; exit $$status

UV_COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --no-emit-find-links --no-header --custom-compile-command "make lock" $(ARGS)

.PHONY: lock
lock: $(READY_DEV) ## write requirements*.txt from pyproject.toml (ARGS=--upgrade for newer versions)
	@$(UV_COMPILE) pyproject.toml --extra build -o requirements.txt
	@$(UV_COMPILE) pyproject.toml --extra build --extra dev --constraints requirements.txt -o requirements-dev.txt
	@echo "Locked. Look at: git diff --stat requirements.txt requirements-dev.txt"

CATALOGUE := tracker/translations
POT := build/messages.pot

.PHONY: translations
translations: $(READY_DEV) ## collect the texts, update the Spanish catalogue and compile it
	@mkdir -p $(dir $(POT))
	@$(BIN)/pybabel -q extract --mapping-file=pyproject.toml --keyword=_l --keyword=lazy_gettext \
	  --add-location=file --sort-by-file --project=cadencia --copyright-holder="the Cadencia contributors" \
	  --output-file=$(POT) tracker integrations web
	@if [ -e $(CATALOGUE)/es/LC_MESSAGES/messages.po ]; then \
	  $(BIN)/pybabel -q update --input-file=$(POT) --output-dir=$(CATALOGUE) --locale=es \
	    --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date; \
	else $(BIN)/pybabel -q init --input-file=$(POT) --output-dir=$(CATALOGUE) --locale=es; fi
	@$(BIN)/pybabel compile --directory=$(CATALOGUE) --statistics

.PHONY: clean
clean: ## remove .venv and what the tools leave behind
	@rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# --- the environment; a stamp file for each step, so that a second run does nothing ---

ifneq ($(VENV_STATE),usable)
.PHONY: $(VENV)/.made-for
endif

$(VENV)/.made-for:
	@if [ "$(VENV_STATE)" != usable ]; then \
	  found=; for python in $(PYTHONS); do \
	    if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found="$$python"; break; fi; \
	  done; \
	  if [ -z "$$found" ]; then \
	    echo "Cadencia needs Python 3.11 or newer; tried: $(PYTHONS)." >&2; \
	    echo "Install it (Debian 12, Ubuntu 24.04: apt install python3 python3-venv; macOS: brew install python@3.11)," >&2; \
	    echo "or say where it is: make PYTHON=/path/to/python3.11 ..." >&2; exit 2; \
	  fi; \
	  echo "Setting up $(VENV) with $$("$$found" --version) (once, about a minute) ..." >&2; \
	  "$$found" -m venv --clear $(VENV) || { \
	    echo "Making $(VENV) failed. On Debian and Ubuntu the module is a package of its own: apt install python3-venv" >&2; exit 2; }; \
	fi
	@printf '%s' "$(CURDIR)" > $@

$(VENV)/.locked: requirements.txt $(VENV)/.made-for
	@echo "Installing what requirements.txt names ..." >&2
	@$(PIP_INSTALL) --require-hashes -r requirements.txt
	@touch $@

$(VENV)/.ready: pyproject.toml $(VENV)/.locked
	@$(INSTALL_OURSELVES)
	@touch $@

$(VENV)/.locked-dev: requirements-dev.txt requirements.txt $(VENV)/.made-for
	@echo "Installing what requirements-dev.txt names ..." >&2
	@$(PIP_INSTALL) --require-hashes -r requirements-dev.txt
	@touch $(VENV)/.locked $@

$(VENV)/.ready-dev: pyproject.toml $(VENV)/.locked-dev
	@$(INSTALL_OURSELVES)
	@touch $(VENV)/.ready $@
