# Everything a newcomer needs: `make run` and `make test`. The rest is for whoever changes the code.
PYTHON ?= python3
VENV ?= .venv
PIP = $(VENV)/bin/pip --disable-pip-version-check --quiet

.PHONY: run test lint types contracts check lock clean

run: $(VENV)/ready-to-run
	@exec $(VENV)/bin/python -m playground $(ARGS)

test: $(VENV)/ready-to-test
	$(VENV)/bin/python -m pytest $(ARGS)

lint: $(VENV)/ready-to-test
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check

types: $(VENV)/ready-to-test
	$(VENV)/bin/mypy

contracts: $(VENV)/ready-to-test
	$(VENV)/bin/lint-imports

check: lint types contracts test

# Pins for deployment and for the tests; run after changing a range in pyproject.toml.
lock: $(VENV)/ready-to-test
	$(PIP) install uv
	$(VENV)/bin/uv pip compile pyproject.toml --universal --no-header --output-file requirements.txt
	$(VENV)/bin/uv pip compile pyproject.toml --group dev --universal --no-header --constraint requirements.txt --output-file requirements-dev.txt

clean:
	rm -rf $(VENV) .playground .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "This needs Python 3.11 or newer; name one like this: make run PYTHON=python3.12"; exit 1; }
	@echo "Making the virtual environment $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/ready-to-run: requirements.txt | $(VENV)/bin/python
	@echo "Installing what the bot needs"
	@$(PIP) install -r requirements.txt
	@touch $@

$(VENV)/ready-to-test: requirements-dev.txt | $(VENV)/bin/python
	@echo "Installing what the tests need"
	@$(PIP) install -r requirements-dev.txt
	@touch $@
