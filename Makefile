# `make run` and `make test` need Python >= 3.11, make and a package index; everything else goes into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RESULTS ?= results
REPORT ?= report
SITE ?= build/site

.PHONY: run test lint types docs package bench clean help
.DEFAULT_GOAL := help

run: $(VENV)/.run ## benchmark every law on all data within reach; says where the report is
	$(BIN)/lawbench run --out $(RESULTS) --report-to $(REPORT)

test: $(VENV)/.test ## run the tests
	$(BIN)/pytest -n 2 -m "not packaging" --benchmark-disable $(PYTEST)

lint: $(VENV)/.dev ## check style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev ## check types
	$(BIN)/mypy

docs: $(VENV)/.docs ## build the documentation and check it; says where it is
	$(BIN)/python docs/site/build.py $(SITE)

package: $(VENV)/.dev ## build and install the package in fresh environments
	$(BIN)/pytest -m packaging $(PYTEST)

bench: $(VENV)/.test ## measure speed against the reference protocols
	$(BIN)/pytest benchmarks --benchmark-only $(PYTEST)

clean: ## remove what these targets made, results and report included
	rm -rf $(VENV) $(RESULTS) $(REPORT) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-14s %s\n", $$1, $$2 }'

# Each stamp says that its dependencies are installed; an edit of pyproject.toml makes it old.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and f"lawbench needs Python >= 3.11; {sys.executable} is {sys.version.split()[0]}: set PYTHON=")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet -e .
	@touch $@

$(VENV)/.test: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet -e '.[test]'
	@touch $@ $(VENV)/.run

$(VENV)/.docs: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet -e '.[docs]'
	@touch $@ $(VENV)/.run

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet -e '.[dev]'
	@touch $@ $(VENV)/.test $(VENV)/.docs $(VENV)/.run
